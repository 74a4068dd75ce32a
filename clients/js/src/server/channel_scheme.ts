import type {
  AssetAmount,
  Network,
  PaymentPayload,
  PaymentRequirements,
  Price,
  SchemeNetworkServer,
  SchemePaymentRequiredContext,
  SchemeServerHooks,
  SupportedKind,
} from "@x402/core/types";

import { TAB_SCHEME, TabError } from "../types.js";
import { channelPaymentType } from "./channels.js";
import { TabdRequestError } from "./errors.js";
import type { TabdFacilitator } from "./facilitator.js";

/** What is used of the official server scheme, `BatchSettlementEvmScheme` of `@x402/evm/batch-settlement/server`. */
export interface OfficialChannelScheme extends SchemeNetworkServer {
  getReceiverAuthorizerSigner(): { readonly address: string } | undefined;
  getEnforceMinDeposit(): boolean;
  resolveMinDepositHint(requirements: PaymentRequirements): Promise<string>;
}

/** Why a payment was refused, for the 402 that follows. */
interface Refused {
  reason: string | undefined;
  message: string | undefined;
  /** channelState and voucherState: what the client needs to go on. */
  state: Record<string, unknown>;
}

const PREFIX = "invalid_batch_settlement_evm_";

/**
 * Sells through payment channels (`batch-settlement` on `eip155:*`) with tabd as their store and manager:
 * `.register("eip155:8453", new TabdChannelScheme(facilitator, new BatchSettlementEvmScheme(payTo)))`.
 * Prices and terms are the official scheme's; its storage and its channel manager are not used.
 */
export class TabdChannelScheme implements SchemeNetworkServer {
  readonly scheme = TAB_SCHEME;
  readonly defaultAssetTransferMethod: SchemeNetworkServer["defaultAssetTransferMethod"];
  readonly paymentFlows: SchemeNetworkServer["paymentFlows"];
  readonly dynamicExtraFields = ["channelState", "voucherState", "refusal"];
  readonly schemeHooks: SchemeServerHooks;
  readonly #official: OfficialChannelScheme;
  readonly #facilitator: TabdFacilitator;
  readonly #refused = new WeakMap<object, Refused>();

  constructor(facilitator: TabdFacilitator, official: OfficialChannelScheme) {
    if (official.scheme !== TAB_SCHEME) {
      throw new TabError("invalid_argument", `wrap the official ${TAB_SCHEME} scheme, not ${official.scheme}`);
    }
    this.#official = official;
    this.#facilitator = facilitator;
    this.defaultAssetTransferMethod = official.defaultAssetTransferMethod;
    this.paymentFlows = official.paymentFlows;
    this.schemeHooks = {
      onBeforeVerify: async ({ paymentPayload, requirements }) => {
        const refused = await this.#refusal(paymentPayload as PaymentPayload, requirements as PaymentRequirements);
        if (refused !== undefined) return { abort: true, ...refused };
        this.#facilitator.keep(paymentPayload as PaymentPayload);
        return undefined;
      },
      onAfterVerify: ({ paymentPayload, result }) => Promise.resolve(this.#verified(paymentPayload, result)),
      onSettleFailure: ({ paymentPayload, requirements, error }) => {
        if (channelPaymentType(paymentPayload.payload) !== "refund" || isFinal(error)) {
          this.#facilitator.release(paymentPayload as PaymentPayload, requirements as PaymentRequirements);
        }
        return Promise.resolve();
      },
      onVerifiedPaymentCanceled: ({ paymentPayload, requirements }) => {
        this.#facilitator.release(paymentPayload as PaymentPayload, requirements as PaymentRequirements);
        return Promise.resolve();
      },
    };
  }

  /** Called once at the start, with what the daemon's /supported says. */
  validateFacilitatorSupport(network: Network, kind: SupportedKind, extensions: string[]): string | undefined {
    const announced = kind.extra?.["receiverAuthorizer"];
    const own = this.#official.getReceiverAuthorizerSigner()?.address;
    if (own !== undefined && String(announced).toLowerCase() !== own.toLowerCase()) {
      return (
        `tabd signs claims and refunds with its own key (${String(announced)}); leave receiverAuthorizerSigner out of ` +
        `the official scheme. Channels that name ${own} stay with the server that has that key`
      );
    }
    return this.#official.validateFacilitatorSupport?.(network, kind, extensions) ?? undefined;
  }

  parsePrice(price: Price, network: Network): Promise<AssetAmount> {
    return this.#official.parsePrice(price, network);
  }

  getAssetDecimals(asset: string, network: Network): number | undefined {
    return this.#official.getAssetDecimals?.(asset, network);
  }

  enhancePaymentRequirements(
    requirements: PaymentRequirements,
    kind: SupportedKind,
    extensions: string[],
  ): Promise<PaymentRequirements> {
    return this.#official.enhancePaymentRequirements(requirements, kind, extensions);
  }

  /** Puts into the 402 why the payment was refused and, for a client that is out of step, how far the channel is. */
  enrichPaymentRequiredResponse = (
    context: SchemePaymentRequiredContext,
  ): Promise<PaymentRequirements[] | undefined> => {
    const { paymentPayload, requirements } = context;
    const refused = paymentPayload && this.#refused.get(paymentPayload);
    if (paymentPayload === undefined || refused === undefined) return Promise.resolve(undefined);
    const { accepted } = paymentPayload;
    const { reason, message, state } = refused;
    return Promise.resolve(
      requirements.map((option) => {
        const same = (["scheme", "network", "asset", "payTo"] as const).every((key) => option[key] === accepted[key]);
        if (!same || option.extra["refusal"] !== undefined) return option;
        return { ...option, extra: { ...option.extra, refusal: { reason, message }, ...state } };
      }),
    );
  };

  /** What is refused without asking tabd. */
  async #refusal(
    payment: PaymentPayload,
    requirements: PaymentRequirements,
  ): Promise<{ reason: string; message: string } | undefined> {
    const type = channelPaymentType(payment.payload);
    const refuse = (code: string, message: string): { reason: string; message: string } => {
      const reason = PREFIX + code;
      this.#refused.set(payment, { reason, message, state: {} });
      return { reason, message };
    };
    if (type === undefined) {
      return refuse("payload_type", "This server takes payments of type voucher and deposit, and refunds.");
    }
    if (type !== "deposit" || !this.#official.getEnforceMinDeposit()) return undefined;
    const { amount } = (payment.payload["deposit"] ?? {}) as { amount?: unknown };
    const least = await this.#official.resolveMinDepositHint(requirements);
    if (typeof amount === "string" && /^[0-9]{1,78}$/.test(amount) && BigInt(amount) >= BigInt(least)) return undefined;
    return refuse("deposit_below_min_deposit", `A deposit is at least ${least}.`);
  }

  #verified(
    payment: Parameters<NonNullable<SchemeServerHooks["onAfterVerify"]>>[0]["paymentPayload"],
    {
      isValid,
      invalidReason,
      invalidMessage,
      extra,
    }: Parameters<NonNullable<SchemeServerHooks["onAfterVerify"]>>[0]["result"],
  ): Awaited<ReturnType<NonNullable<SchemeServerHooks["onAfterVerify"]>>> {
    if (!isValid) {
      const state: Record<string, unknown> = {};
      for (const name of ["channelState", "voucherState"]) {
        if (extra?.[name] !== undefined) state[name] = extra[name];
      }
      this.#refused.set(payment, { reason: invalidReason, message: invalidMessage, state });
      return undefined;
    }
    if (!this.#facilitator.holds(payment as PaymentPayload)) {
      const message =
        "Another facilitator verified it: give the TabdFacilitator to x402ResourceServer, before any other.";
      return { abort: true, reason: `${PREFIX}verification_state_unavailable`, message };
    }
    if (channelPaymentType(payment.payload) !== "refund") return undefined;
    const body = { message: "Refund acknowledged", channelId: extra?.["channelId"] };
    return { skipHandler: true, response: { contentType: "application/json", body } };
  }
}

/** Whether tabd decided that it will not be: otherwise a transaction may be under way. */
function isFinal(error: unknown): boolean {
  if (error instanceof TabdRequestError) return true;
  const { errorReason } = error as { errorReason?: unknown };
  return typeof errorReason === "string" && errorReason !== "settlement_pending";
}
