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

import { checkNetwork, decimal, fixedBytes, resourceHash, ZERO_RESOURCE } from "../binding.js";
import { assetOfMoney } from "../money.js";
import { TAB_SCHEME, TAB_VERSION, TabError } from "../types.js";
import type { Hex, TabAsset } from "../types.js";
import type { TabdFacilitator } from "./facilitator.js";
import { REPLAYED, REPLAYED_MESSAGE } from "./replays.js";

export interface TabServerOptions {
  /** The asset of prices such as "$0.001", by its text or symbol, when the operator has more than one that fits. */
  asset?: string;
  /** Take cumulative vouchers besides single-use commitments. Default false; the README says what they cost. */
  vouchers?: boolean;
}

/** Why a payment was refused, for the 402 that follows. */
interface Refused {
  reason: string | undefined;
  message: string | undefined;
  tabState: unknown;
}

/**
 * Takes payments on a network `<operator>:tab`:
 * `new x402ResourceServer(facilitator).register("acme:tab", new TabServerScheme(facilitator))`.
 * Works with HTTPFacilitatorClient too (leave the argument out), with commitments only and two awaited round trips; a
 * failed handler's hold then waits for its end.
 */
export class TabServerScheme implements SchemeNetworkServer {
  readonly scheme = TAB_SCHEME;
  readonly defaultAssetTransferMethod = "default";
  readonly paymentFlows = { default: { supported: ["authorization"], default: "authorization" } } as const;
  readonly dynamicExtraFields = ["tabState", "refusal"];
  readonly schemeHooks: SchemeServerHooks;
  readonly #facilitator: Pick<TabdFacilitator, "release"> | undefined;
  readonly #options: TabServerOptions;
  readonly #assets = new Map<string, readonly TabAsset[]>();
  readonly #refused = new WeakMap<object, Refused>();
  /** What each request under way asks for, by its transport context. */
  readonly #resources = new WeakMap<object, string>();

  constructor(facilitator?: Pick<TabdFacilitator, "release">, options: TabServerOptions = {}) {
    if (options.vouchers === true && facilitator === undefined) {
      throw new TabError(
        "invalid_argument",
        "vouchers need a TabdFacilitator: it keeps one at a time under way on a tab",
      );
    }
    this.#facilitator = facilitator;
    this.#options = options;
    this.schemeHooks = {
      onBeforeVerify: ({ paymentPayload, transportContext }) => {
        const { resource } = paymentPayload;
        const payload = paymentPayload.payload as Record<string, unknown> | null; // as the client sent it
        const message = this.#wrongPayload(payload, resource?.url, transportContext);
        if (message === undefined) return Promise.resolve();
        const reason = "invalid_payload";
        this.#refused.set(paymentPayload, { reason, message, tabState: undefined });
        return Promise.resolve({ abort: true, reason, message });
      },
      onAfterVerify: ({ paymentPayload, result }) => {
        const { invalidReason: reason, invalidMessage: message, extra } = result;
        if (!result.isValid) {
          this.#refused.set(paymentPayload, { reason, message, tabState: extra?.["tabState"] });
        } else if (extra?.["repeated"] === true) {
          // TabdFacilitator has dealt with this; HTTPFacilitatorClient knows nothing of it.
          this.#refused.set(paymentPayload, { reason: REPLAYED, message: REPLAYED_MESSAGE, tabState: undefined });
          return Promise.resolve({ abort: true, reason: REPLAYED, message: REPLAYED_MESSAGE });
        }
        return Promise.resolve();
      },
      onVerifiedPaymentCanceled: ({ paymentPayload, requirements }) => {
        this.#facilitator?.release(paymentPayload as PaymentPayload, requirements as PaymentRequirements);
        return Promise.resolve();
      },
    };
  }

  /** Called once at the start, with what the daemon's /supported says. */
  validateFacilitatorSupport(network: Network, kind: SupportedKind): string | undefined {
    const { binding, version, assets } = kind.extra ?? {};
    if (binding !== "tab" || version !== TAB_VERSION) {
      return `this package speaks binding tab version ${TAB_VERSION}, the facilitator ${String(binding)} version ${String(version)}`;
    }
    this.#assets.set(network, readAssets(assets));
    return undefined;
  }

  parsePrice(price: Price, network: Network): Promise<AssetAmount> {
    return Promise.resolve().then(() => {
      checkNetwork(network);
      if (typeof price === "object") {
        decimal("amount", price.amount);
        return {
          asset: price.asset,
          amount: price.amount,
          ...(price.extra === undefined ? {} : { extra: price.extra }),
        };
      }
      const { asset, amount } = assetOfMoney("price", price, this.#assetsOf(network), this.#options.asset);
      return { asset: asset.asset, amount: amount.toString() };
    });
  }

  getAssetDecimals(asset: string, network: Network): number | undefined {
    return this.#assets.get(network)?.find((known) => known.asset === asset)?.decimals;
  }

  enhancePaymentRequirements(
    requirements: PaymentRequirements,
    kind: SupportedKind,
    _extensions: string[],
  ): Promise<PaymentRequirements> {
    return Promise.resolve().then(() => {
      fixedBytes("payTo", requirements.payTo, 20);
      const known = readAssets(kind.extra?.["assets"]).find(({ asset }) => asset === requirements.asset);
      if (known === undefined) {
        throw new TabError(
          "asset_unknown",
          `${requirements.network} has no asset ${requirements.asset}; compare /supported`,
        );
      }
      const own = { binding: "tab", version: TAB_VERSION, types: this.#types(), scale: known.decimals };
      return { ...requirements, extra: { ...requirements.extra, ...own } };
    });
  }

  /** Puts into the 402 why the payment was refused and, for vouchers, how far the tab is. */
  enrichPaymentRequiredResponse = (
    context: SchemePaymentRequiredContext,
  ): Promise<PaymentRequirements[] | undefined> => {
    const { paymentPayload, requirements, transportContext, resourceInfo } = context;
    if (typeof transportContext === "object" && transportContext !== null) {
      this.#resources.set(transportContext, resourceInfo.url);
    }
    const refused = paymentPayload && this.#refused.get(paymentPayload);
    if (paymentPayload === undefined || refused === undefined) return Promise.resolve(undefined);
    const { accepted } = paymentPayload;
    const { reason, message, tabState } = refused;
    return Promise.resolve(
      requirements.map((option) => {
        const same = (["scheme", "network", "asset", "payTo"] as const).every((key) => option[key] === accepted[key]);
        if (!same || option.extra["refusal"] !== undefined) return option;
        const extra = {
          ...option.extra,
          refusal: { reason, message },
          ...(tabState === undefined ? {} : { tabState }),
        };
        return { ...option, extra };
      }),
    );
  };

  /** What no facilitator can know: what this server takes, and what it is about to serve. */
  #wrongPayload(
    payload: Record<string, unknown> | null,
    named: string | undefined,
    transportContext: unknown,
  ): string | undefined {
    const type = payload?.["type"];
    if (typeof type !== "string" || !this.#types().includes(type)) {
      const given = typeof type === "string" ? type.slice(0, 40) : typeof type;
      return `This server takes ${this.#types().join(" and ")} payments, not ${given}.`;
    }
    if (typeof transportContext !== "object" || transportContext === null) return undefined;
    const asked = this.#resources.get(transportContext);
    if (asked === undefined || asked === named) return undefined;
    if (named !== undefined) return `The payment is for ${named}, the request for ${asked}.`;
    // Nothing is named: then what was signed counts, and zero is any resource.
    const commitment = payload?.["commitment"] as { resource?: unknown } | null | undefined;
    const bound = commitment?.resource;
    if (typeof bound !== "string" || [ZERO_RESOURCE, resourceHash(asked)].includes(bound.toLowerCase() as Hex)) {
      return undefined;
    }
    return `The payment is for another resource than ${asked}.`;
  }

  #types(): string[] {
    return this.#options.vouchers === true ? ["commitment", "voucher"] : ["commitment"];
  }

  #assetsOf(network: Network): readonly TabAsset[] {
    const assets = this.#assets.get(network);
    if (assets !== undefined) return assets;
    throw new TabError(
      "asset_unknown",
      `the assets of ${network} are not known: register this scheme for exactly that network (no pattern), or give prices ` +
        `as { asset, amount }`,
    );
  }
}

function readAssets(value: unknown): TabAsset[] {
  if (!Array.isArray(value)) return [];
  const assets: TabAsset[] = [];
  for (const item of value as unknown[]) {
    const { asset, decimals, symbol } = (item ?? {}) as Record<string, unknown>;
    if (typeof asset !== "string" || typeof decimals !== "number") continue;
    assets.push({ asset, decimals, ...(typeof symbol === "string" ? { symbol } : {}) });
  }
  return assets;
}
