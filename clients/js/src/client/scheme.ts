import { randomBytes } from "@noble/hashes/utils";
import type {
  DefaultAsset,
  Network,
  PaymentPayloadContext,
  PaymentPayloadResult,
  PaymentRequirements,
  SchemeClientHooks,
  SchemeNetworkClient,
} from "@x402/core/types";
import type { PaymentResponseContext } from "@x402/core/client";

import {
  checkNetwork,
  decimal,
  fixedBytes,
  isTabPayload,
  resourceHash,
  show,
  tabKey,
  toHex,
  ZERO_RESOURCE,
} from "../binding.js";
import { assetOfMoney, symbolOf, toDecimal } from "../money.js";
import { signCommitment, signVoucher } from "../signing.js";
import { TAB_SCHEME, TAB_VERSION, TabError } from "../types.js";
import type { Address, Hex, TabAsset, TabPayload, TabSigner, TabState } from "../types.js";
import { MemoryTabStore, TabBook } from "./tabs.js";
import type { Lease, TabStore } from "./tabs.js";

/** An asset that this client is willing to pay in. */
export interface PayableAsset extends TabAsset {
  /** The most that one request may cost, as a decimal of the asset: `"0.05"`. */
  maxPerRequest?: string;
}

export interface VoucherOptions {
  /** The first tab's salt. Random if left out: each run starts new tabs, and nothing needs to be remembered. */
  salt?: Hex;
  /** Keeps the tabs of a fixed `salt` between runs. Memory if left out. */
  store?: TabStore;
  /** How many payments to one payee may be under way at once. Default 8. */
  tabs?: number;
  /** The most that this client signs for on one tab, as a decimal of the asset. No limit but the mandate's if left out. */
  maxPerTab?: string;
  /** How long a payment that never got an answer keeps its tab, in milliseconds. Default 30 000. */
  leaseMs?: number;
}

export interface TabClientOptions {
  /** What may be paid in. Anything else is refused. */
  assets: readonly PayableAsset[];
  /** The payer, when the signer is an agent that has a mandate. */
  payer?: Address;
  /** Pay by cumulative vouchers, where the server takes them; otherwise, and by default, by single-use commitments. */
  vouchers?: boolean | VoucherOptions;
  /** The longest validity that is signed, in seconds, however long the server would like it. Default 3 600. */
  maxValiditySeconds?: number;
  /** Sign for the resource that the server named, so that nothing else can be charged with it. Default true. */
  bindResource?: boolean;
  /** Milliseconds since 1970. For tests. */
  now?: () => number;
}

interface Limits {
  asset: PayableAsset;
  perRequest: bigint | undefined;
  perTab: bigint | undefined;
}

function randomHex(bytes: number): Hex {
  return toHex(randomBytes(bytes));
}

/**
 * Pays on networks `<operator>:tab`: `x402Client.register("acme:tab", new TabClientScheme(signer, options))`.
 * The signer is the payer's own key, or an agent's key with `options.payer` and a mandate at the operator.
 */
export class TabClientScheme implements SchemeNetworkClient {
  readonly scheme = TAB_SCHEME;
  readonly schemeHooks: SchemeClientHooks;
  readonly #signer: TabSigner;
  readonly #payer: Address;
  readonly #limits = new Map<string, Limits>();
  readonly #options: TabClientOptions;
  readonly #now: () => number;
  readonly #book: TabBook | undefined;
  /** What `resource.url` said, by requirements: the scheme is not told the resource otherwise. */
  readonly #resources = new WeakMap<object, unknown>();

  constructor(signer: TabSigner, options: TabClientOptions) {
    this.#signer = signer;
    this.#options = options;
    this.#now = options.now ?? Date.now;
    this.#payer = (options.payer ?? signer.address).toLowerCase() as Address;
    fixedBytes("payer", this.#payer, 20);
    fixedBytes("the signer's address", signer.address, 20);
    const vouchers = options.vouchers === true ? {} : options.vouchers === false ? undefined : options.vouchers;
    for (const asset of options.assets) this.#addAsset(asset, vouchers?.maxPerTab);
    if (vouchers !== undefined) this.#book = this.#makeBook(vouchers);
    this.schemeHooks = {
      onBeforePaymentCreation: (context) => {
        const { resource } = context.paymentRequired as { resource?: { url?: unknown } | null };
        this.#resources.set(context.selectedRequirements, resource?.url ?? null);
        return Promise.resolve();
      },
      onPaymentResponse: (context) => this.#onPaymentResponse(context),
    };
  }

  /** Tells x402Client's spend controls which assets are known here, and with how many decimals. */
  findDefaultAsset(asset: string, _network: Network): DefaultAsset | undefined {
    const known = this.#limits.get(asset)?.asset;
    return known && { asset, decimals: known.decimals, symbol: symbolOf(known) };
  }

  async createPaymentPayload(
    x402Version: number,
    requirements: PaymentRequirements,
    context?: PaymentPayloadContext,
  ): Promise<PaymentPayloadResult> {
    if (x402Version !== 2) {
      throw new TabError("wrong_requirements", `x402 version ${x402Version} is not supported on tabs; version 2 is`);
    }
    const amount = this.#check(requirements, context);
    const payload = this.#takesVouchers(requirements)
      ? await this.#payByVoucher(requirements, amount)
      : await this.#payByCommitment(requirements, amount);
    return { x402Version, payload: { ...payload } };
  }

  #addAsset(asset: PayableAsset, maxPerTab: string | undefined): void {
    if (!Number.isInteger(asset.decimals) || asset.decimals < 0 || asset.decimals > 30) {
      throw new TabError("invalid_argument", `decimals of ${asset.asset} must be a whole number from 0 to 30`);
    }
    const limit = (what: string, text: string | undefined): bigint | undefined =>
      text === undefined ? undefined : assetOfMoney(what, text, [asset], asset.asset).amount;
    this.#limits.set(asset.asset, {
      asset,
      perRequest: limit("maxPerRequest", asset.maxPerRequest),
      perTab: limit("maxPerTab", maxPerTab),
    });
  }

  #makeBook(options: VoucherOptions): TabBook {
    if (options.store !== undefined && options.salt === undefined) {
      throw new TabError(
        "invalid_argument",
        "a store of tabs needs a fixed salt: a random one begins new tabs each time",
      );
    }
    const tabs = options.tabs ?? 8;
    if (!Number.isInteger(tabs) || tabs < 1) throw new TabError("invalid_argument", "tabs must be at least 1");
    return new TabBook({
      payer: this.#payer,
      salt: options.salt ?? randomHex(32),
      tabs,
      store: options.store ?? new MemoryTabStore(),
      leaseMs: options.leaseMs ?? 30_000,
      now: this.#now,
    });
  }

  /** The amount to sign for, after every check that needs no signature. */
  #check(requirements: PaymentRequirements, context: PaymentPayloadContext | undefined): bigint {
    const { network, asset, payTo, maxTimeoutSeconds } = requirements;
    const extra = extraOf(requirements);
    checkNetwork(network);
    const [binding, version] = [extra["binding"] ?? "tab", extra["version"] ?? TAB_VERSION];
    if (binding !== "tab" || version !== TAB_VERSION) {
      throw new TabError(
        "wrong_requirements",
        `the server wants binding ${show(binding)} version ${show(version)}; this is tab version "1"`,
      );
    }
    fixedBytes("payTo", payTo, 20);
    const amount = decimal("amount", requirements.amount);
    if (!Number.isInteger(maxTimeoutSeconds) || maxTimeoutSeconds < 1) {
      throw new TabError(
        "wrong_requirements",
        `maxTimeoutSeconds must be a positive whole number, not ${show(maxTimeoutSeconds)}`,
      );
    }
    const limits = this.#limits.get(asset);
    if (limits === undefined) {
      const known = [...this.#limits.keys()].join(", ") || "none";
      throw new TabError("asset_unknown", `the server wants ${asset}; this client pays in: ${known}`);
    }
    const cap = context?.maxAmountPerPayment === undefined ? undefined : BigInt(context.maxAmountPerPayment);
    for (const limit of [limits.perRequest, cap]) {
      if (limit !== undefined && amount > limit) {
        throw new TabError(
          "over_limit",
          `the request costs up to ${this.#text(limits, amount)}, more than the limit of ` +
            `${this.#text(limits, limit)} per request; nothing was signed`,
        );
      }
    }
    return amount;
  }

  #text({ asset }: Limits, amount: bigint): string {
    return `${toDecimal(amount, asset.decimals)} ${symbolOf(asset)}`;
  }

  #takesVouchers(requirements: PaymentRequirements): boolean {
    const types = extraOf(requirements)["types"];
    const takes = (type: string): boolean => !Array.isArray(types) || types.includes(type);
    if (this.#book !== undefined && takes("voucher")) return true;
    if (!takes("commitment")) {
      throw new TabError("wrong_requirements", "the server takes vouchers only; make the client with `vouchers: true`");
    }
    return false;
  }

  #validBefore(requirements: PaymentRequirements): bigint {
    const seconds = Math.min(requirements.maxTimeoutSeconds, this.#options.maxValiditySeconds ?? 3600);
    return BigInt(Math.floor(this.#now() / 1000) + seconds);
  }

  async #payByCommitment(requirements: PaymentRequirements, amount: bigint): Promise<TabPayload> {
    const url = this.#options.bindResource === false ? undefined : this.#resources.get(requirements);
    if (url !== undefined && (typeof url !== "string" || url === "")) {
      throw new TabError(
        "wrong_requirements",
        `the server named no resource.url to bind the promise to, but ${show(url)}; nothing was signed`,
      );
    }
    return signCommitment(this.#signer, requirements.network, {
      payer: this.#payer,
      payee: requirements.payTo.toLowerCase() as Address,
      asset: requirements.asset,
      maximum: amount,
      resource: url === undefined ? ZERO_RESOURCE : resourceHash(url),
      nonce: BigInt(randomHex(16)),
      validAfter: 0n,
      validBefore: this.#validBefore(requirements),
    });
  }

  async #payByVoucher(requirements: PaymentRequirements, amount: bigint): Promise<TabPayload> {
    const book = this.#book as TabBook; // #takesVouchers said so
    const payee = requirements.payTo.toLowerCase() as Address;
    const lease = await book.take(payee, requirements.asset);
    try {
      const maximum = BigInt(lease.record.charged) + amount;
      const limits = this.#limits.get(requirements.asset) as Limits; // #check said so
      if (limits.perTab !== undefined && maximum > limits.perTab) {
        throw new TabError(
          "over_limit",
          `with this request the tab would reach ${this.#text(limits, maximum)}, more than ` +
            `the limit of ${this.#text(limits, limits.perTab)} per tab; nothing was signed`,
        );
      }
      await book.signing(lease, maximum);
      return await signVoucher(
        this.#signer,
        requirements.network,
        {
          payer: this.#payer,
          payee,
          asset: requirements.asset,
          salt: lease.salt,
          maximum,
          validBefore: this.#validBefore(requirements),
        },
        BigInt(lease.record.charges),
      );
    } catch (error) {
      book.release(lease);
      throw error;
    }
  }

  /** A paid request came back: the tab moves on, or learns from the server's correction and asks for one more try. */
  async #onPaymentResponse(context: PaymentResponseContext): Promise<void | { recovered: true }> {
    const { payload } = context.paymentPayload;
    if (this.#book === undefined || !isTabPayload(payload) || payload.type !== "voucher") return;
    const lease = this.#book.lease(tabKey(payload.voucher));
    if (lease === undefined || lease.record.charges !== payload.index) return;
    try {
      if (context.settleResponse !== undefined) {
        await this.#settled(this.#book, lease, context.settleResponse);
      } else if (context.paymentRequired !== undefined) {
        const state = tabStateIn(context.paymentRequired.accepts, context.requirements);
        if (state !== undefined && (state.charges !== lease.record.charges || state.charged !== lease.record.charged)) {
          await this.#book.adopt(lease, state);
          // Nothing was served: sign for the real state, once. But not if it was this payment that was charged: then the
          // request has cost what it may, and whether to pay again is for the caller to say.
          if (BigInt(state.charged) <= lease.signedBefore) return { recovered: true };
        }
      }
    } finally {
      this.#book.release(lease);
    }
  }

  async #settled(
    book: TabBook,
    lease: Lease,
    settled: NonNullable<PaymentResponseContext["settleResponse"]>,
  ): Promise<void> {
    const state = readTabState(settled.extra?.["tabState"]);
    try {
      if (state !== undefined) {
        await book.adopt(lease, state);
      } else if (settled.success) {
        await book.charged(lease, decimal("amount of the settle response", settled.amount));
      }
    } catch (error) {
      // The caller gets the answer that it paid for; the tab is retired, so that a false report has no further effect.
      if (!(error instanceof TabError)) throw error;
      book.retire(lease);
    }
  }
}

/** `extra` comes from outside, where it may be missing. */
function extraOf(requirements: PaymentRequirements): Record<string, unknown> {
  return (requirements.extra as Record<string, unknown> | null | undefined) ?? {};
}

function readTabState(value: unknown): TabState | undefined {
  if (typeof value !== "object" || value === null) return undefined;
  const { tab, charged, charges, maximum } = value as Record<string, unknown>;
  if (typeof tab !== "string" || typeof charged !== "string" || typeof charges !== "string") return undefined;
  return { tab: tab as Hex, charged, charges, maximum: typeof maximum === "string" ? maximum : "0" };
}

/** The correction for the option that was chosen; the list comes from outside as well. */
function tabStateIn(accepts: unknown, chosen: PaymentRequirements): TabState | undefined {
  if (!Array.isArray(accepts)) return undefined;
  const same = (accepts as (PaymentRequirements | null)[]).find(
    (option) =>
      option !== null &&
      option.scheme === chosen.scheme &&
      option.network === chosen.network &&
      option.asset === chosen.asset &&
      option.payTo === chosen.payTo &&
      extraOf(option)["tabState"] !== undefined,
  );
  return same ? readTabState(extraOf(same)["tabState"]) : undefined;
}
