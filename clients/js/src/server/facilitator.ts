import type { FacilitatorClient } from "@x402/core/server";
import type {
  PaymentPayload,
  PaymentRequirements,
  SettleResponse,
  SupportedResponse,
  VerifyResponse,
} from "@x402/core/types";

import { isTabPayload } from "../binding.js";
import { TAB_SCHEME } from "../types.js";
import type { VoucherPayload } from "../types.js";
import { Batcher, unavailable } from "./batcher.js";
import type { Result } from "./batcher.js";
import { BUSY_PAUSES_MS, CHANNEL_BUSY, CHANNEL_BUSY_MESSAGE, channelPayment, reservedSeconds } from "./channels.js";
import type { ChannelPayment } from "./channels.js";
import { TabdRequestError, TabdTimeoutError, TabdUnavailableError } from "./errors.js";
import {
  channelHold,
  chargeJson,
  depositOnlyResponse,
  itemJson,
  json,
  queuedResponse,
  refused,
  tabHold,
} from "./holds.js";
import type { Hold } from "./holds.js";
import { unreadable } from "./readable.js";
import { REPLAYED, REPLAYED_MESSAGE, tabOf, VoucherLocks } from "./replays.js";
import { ConnectionError, errorBody, parseAnswer, Transport } from "./transport.js";
import type { Answer } from "./transport.js";

/** A queued settle that the ledger refused for good. */
export interface LostSettle {
  /** On a channel the number of its reservation. */
  commitmentId: string;
  /** The channel's id, if it was one. */
  channelId?: string;
  payer: string;
  /** Ledger units, or the channel's token's smallest units, that were not charged. */
  amount: string;
  reason: string;
  message: string;
}

export interface TabdFacilitatorOptions {
  /** Where the daemon's x402 listener is: `https://tabd.example`. */
  url: string;
  /** Made by `tabctl apikey`. */
  apiKey?: string;
  /**
   * `queue` (default): answer as soon as the charge is in this process's queue, and send it within `flushMs`.
   * `await`: answer after the ledger has it. See the README for what each one guarantees.
   */
  settle?: "queue" | "await";
  /** The longest that a paid request waits for its verify, all tries together. Default 5 000. */
  verifyTimeoutMs?: number;
  /** The same for an awaited settle. Default 30 000. */
  settleTimeoutMs?: number;
  /** How long a queued settle waits for others. Default 5. */
  flushMs?: number;
  /** Items in one request: 1 to 256, the default. */
  batchMax?: number;
  /** Requests to the daemon at once. Default 2: while they are under way, others gather. */
  requestsMax?: number;
  /** Settles that may be queued, and verifies that may wait. Beyond, new requests are refused. Default 10 000. */
  queueMax?: number;
  /** Who signed the daemon's certificate (PEM), if it is not a public authority. */
  ca?: string;
  /** A queued settle was refused for good: that money is not earned. Default: console.error. */
  onSettleLost?: (lost: LostSettle) => void;
  /** A request to the daemon failed and is repeated. Default: nothing. */
  onTrouble?: (error: Error) => void;
}

export interface TabdFacilitatorStats {
  /** Settles that the ledger has not acknowledged yet. */
  queued: number;
  /** Verifies and awaited settles without an answer. */
  waiting: number;
  /** Requests sent to /v1/batch. */
  batches: number;
  /** Queued settles that the ledger took. */
  settled: number;
  /** Queued settles that the ledger refused for good. */
  lost: number;
}

const TAB_BUSY = "invalid_batch_settlement_tab_in_use";
const TAB_BUSY_MESSAGE = "Another payment on this tab is under way. Pay one after the other, or on several tabs.";
const TAB_LATE_MESSAGE = "The answer took longer than the payment was valid, and the tab is in use for another one.";
const CHAIN_REQUESTS_MAX = 16;
// A queued charge has to arrive before the hold ends; with less than this left it is awaited.
const QUEUE_MARGIN_MS = 2_000;

function checked(name: string, value: number | undefined, fallback: number, least: number, most: number): number {
  const number = value ?? fallback;
  if (!Number.isInteger(number) || number < least || number > most) {
    throw new RangeError(`${name} must be a whole number from ${least} to ${most}, not ${number}`);
  }
  return number;
}

/**
 * Drop-in for HTTPFacilitatorClient that speaks to tabd. On tabs, and on channels of a TabdChannelScheme, a paid request
 * costs one awaited round trip, its verify, which makes a durable hold; the charge is queued and shares requests with
 * others. Everything else that the daemon supports is passed through. Call `close()` before the process ends.
 */
export class TabdFacilitator implements FacilitatorClient {
  readonly url: string;
  readonly #transport: Transport;
  readonly #batcher: Batcher;
  /** For what waits for the chain: each in a request of its own, so that nothing else waits with it. */
  readonly #slow: Batcher;
  readonly #queue: boolean;
  readonly #verifyTimeoutMs: number;
  readonly #settleTimeoutMs: number;
  readonly #queueMax: number;
  readonly #onSettleLost: (lost: LostSettle) => void;
  readonly #holds = new WeakMap<object, Hold>();
  readonly #kept = new WeakSet();
  readonly #locks = new VoucherLocks();
  /** Vouchers on tabs that were verified here, each under its lock. */
  readonly #vouchers = new WeakSet();
  /** The last charge of each channel that is not acknowledged yet. */
  readonly #charges = new Map<string, Promise<void>>();
  #closing = false;
  #settled = 0;
  #lost = 0;

  constructor(options: TabdFacilitatorOptions) {
    this.url = options.url.replace(/\/+$/, "");
    if (options.apiKey !== undefined && !/^[\x21-\x7e]+$/.test(options.apiKey)) {
      throw new TypeError("apiKey has characters that no API key of tabd has; was a line break copied with it?");
    }
    const timeoutMax = 2 ** 31 - 1;
    const requestsMax = checked("requestsMax", options.requestsMax, 2, 1, 64);
    this.#queue = options.settle !== "await";
    this.#verifyTimeoutMs = checked("verifyTimeoutMs", options.verifyTimeoutMs, 5_000, 1, timeoutMax);
    this.#settleTimeoutMs = checked("settleTimeoutMs", options.settleTimeoutMs, 30_000, 1, timeoutMax);
    this.#queueMax = checked("queueMax", options.queueMax, 10_000, 1, 1_000_000);
    this.#onSettleLost = harmless("onSettleLost", options.onSettleLost ?? reportLost);
    this.#transport = new Transport({
      url: this.url,
      apiKey: options.apiKey,
      ca: options.ca,
      connections: requestsMax + 2 * CHAIN_REQUESTS_MAX, // the batches', and those that pass through
    });
    const onTrouble = harmless("onTrouble", options.onTrouble ?? ((): void => undefined));
    this.#batcher = new Batcher({
      transport: this.#transport,
      itemsMax: checked("batchMax", options.batchMax, 256, 1, 256),
      requestsMax,
      flushMs: checked("flushMs", options.flushMs, 5, 0, 60_000),
      requestTimeoutMs: this.#verifyTimeoutMs,
      awaitChain: false,
      onTrouble,
    });
    this.#slow = new Batcher({
      transport: this.#transport,
      itemsMax: 1,
      requestsMax: CHAIN_REQUESTS_MAX,
      flushMs: 0,
      requestTimeoutMs: this.#settleTimeoutMs,
      awaitChain: true,
      onTrouble,
    });
  }

  get stats(): TabdFacilitatorStats {
    const [fast, slow] = [this.#batcher, this.#slow];
    const waiting = fast.waiting + slow.waiting;
    const batches = fast.batches + slow.batches;
    return { queued: this.#queued(), waiting, batches, settled: this.#settled, lost: this.#lost };
  }

  async verify(payload: PaymentPayload, requirements: PaymentRequirements): Promise<VerifyResponse> {
    this.#checkOpen();
    const channel = this.#kept.has(payload) ? channelPayment(payload.payload) : undefined;
    if (channel === undefined && !isTab(payload, requirements)) {
      return checkVerify(await this.#single("verify", payload, requirements, this.#settleTimeoutMs));
    }
    if (this.#queued() >= this.#queueMax || this.stats.waiting >= this.#queueMax) {
      throw new TabdUnavailableError(
        "queue_full",
        `${this.#queueMax} requests wait for tabd; no more are taken for now`,
      );
    }
    const problem = unreadable(payload);
    if (problem !== undefined) return { isValid: false, invalidReason: "invalid_payload", invalidMessage: problem };
    if (channel !== undefined) return this.#reservePatiently(channel, payload, requirements);
    const tab = tabOf(payload.payload);
    if (tab !== undefined && !this.#locks.take(tab, payload, requirements.maxTimeoutSeconds)) {
      return { isValid: false, invalidReason: TAB_BUSY, invalidMessage: TAB_BUSY_MESSAGE };
    }
    let response: VerifyResponse | undefined;
    try {
      response = await this.#verifyTab(payload, requirements);
      return response;
    } finally {
      if (tab !== undefined && response?.isValid === true) this.#vouchers.add(payload);
      else if (tab !== undefined) this.#locks.free(tab, payload);
    }
  }

  /**
   * Makes tabd the store of this payment's channel: its verify reserves what it may cost, its settle captures what it
   * did cost. `TabdChannelScheme` calls it before the verify.
   */
  keep(payload: PaymentPayload): void {
    this.#kept.add(payload);
  }

  /** Whether a verify here left a hold on money for this payment. */
  holds(payload: PaymentPayload): boolean {
    return this.#holds.has(payload);
  }

  async #verifyTab(payload: PaymentPayload, requirements: PaymentRequirements): Promise<VerifyResponse> {
    const payloadJson = json(payload);
    const item = itemJson("verify", payloadJson, requirements);
    const result = await this.#batcher.ask("verify", item, this.#verifyTimeoutMs);
    const response = checkVerify(result.value);
    if (!response.isValid) return response;
    if (isReplay(result)) {
      return { ...response, isValid: false, invalidReason: REPLAYED, invalidMessage: REPLAYED_MESSAGE };
    }
    if (response.extra !== undefined) delete response.extra["repeated"]; // by this server itself: nobody else's concern
    const hold = tabHold(payload, requirements, payloadJson, response);
    if (hold !== undefined) this.#holds.set(payload, hold);
    return response;
  }

  /** A busy channel is asked again some times: what makes it busy usually takes milliseconds. */
  async #reservePatiently(
    channel: ChannelPayment,
    payload: PaymentPayload,
    requirements: PaymentRequirements,
  ): Promise<VerifyResponse> {
    const payloadJson = json(payload);
    for (const pauseMs of BUSY_PAUSES_MS) {
      const response = await this.#reserveOnce(channel, payload, payloadJson, requirements);
      if (response.invalidReason !== CHANNEL_BUSY) return response;
      await new Promise((resolve) => setTimeout(resolve, pauseMs));
    }
    return this.#reserveOnce(channel, payload, payloadJson, requirements);
  }

  async #reserveOnce(
    channel: ChannelPayment,
    payload: PaymentPayload,
    payloadJson: string,
    requirements: PaymentRequirements,
  ): Promise<VerifyResponse> {
    if (this.#locks.isTaken(channel.key)) {
      return { isValid: false, invalidReason: CHANNEL_BUSY, invalidMessage: CHANNEL_BUSY_MESSAGE };
    }
    const response = await this.#reserve(channel, payloadJson, requirements);
    if (!response.isValid) return response;
    const hold = channelHold(channel.type, channel.key, requirements, payloadJson, response);
    if (hold === undefined) throw new TabdUnavailableError("bad_answer", "tabd answered a reserve without reservation");
    this.#holds.set(payload, hold);
    // Only now: whoever has not signed for the channel cannot keep it from others.
    this.#locks.take(channel.key, hold, reservedSeconds(requirements.maxTimeoutSeconds));
    return response;
  }

  async #reserve(
    { type, key, requestId }: ChannelPayment,
    payloadJson: string,
    requirements: PaymentRequirements,
  ): Promise<VerifyResponse> {
    const item = itemJson("reserve", payloadJson, requirements, `"requestId":"${requestId}",`);
    const batcher = type === "voucher" ? this.#batcher : this.#slow;
    if (batcher === this.#slow) await this.#charged(key);
    try {
      return checkVerify((await batcher.ask("reserve", item, this.#verifyTimeoutMs, key)).value);
    } catch (error) {
      if (error instanceof TabdTimeoutError && error.sent && type !== "refund") {
        // It may have been made all the same, and would keep the channel busy. The same again tells its number.
        batcher
          .deliver("reserve", item, key)
          .then(({ value }) => {
            const response = checkVerify(value);
            const hold = response.isValid ? channelHold(type, key, requirements, payloadJson, response) : undefined;
            if (hold !== undefined) this.#deliver(hold, { ...requirements, amount: "0" });
          })
          .catch(() => undefined); // then it ends by itself
      }
      throw error;
    }
  }

  /** What goes by the other batcher has no order with the charges before it: it waits for them, as for its own answer. */
  async #charged(key: string): Promise<void> {
    const charge = this.#charges.get(key);
    if (charge === undefined) return;
    void this.#batcher.flush();
    let timer: NodeJS.Timeout | undefined;
    const timeout = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, this.#verifyTimeoutMs);
    });
    await Promise.race([charge, timeout]);
    clearTimeout(timer);
  }

  async settle(payload: PaymentPayload, requirements: PaymentRequirements): Promise<SettleResponse> {
    if (!isTab(payload, requirements) && !this.#holds.has(payload)) {
      return checkSettle(await this.#single("settle", payload, requirements, this.#settleTimeoutMs));
    }
    const hold = this.#holds.get(payload);
    if (hold === undefined) {
      const tab = tabOf(payload.payload);
      if (tab !== undefined && this.#vouchers.has(payload) && !this.#locks.isOwner(tab, payload)) {
        return tooLate(payload, requirements);
      }
      return this.#settleNow(this.#batcher, itemJson("settle", json(payload), requirements)).finally(() => {
        if (tab !== undefined) this.#locks.free(tab, payload);
      });
    }
    if (hold.channel !== undefined) return this.#settleChannel(hold, hold.channel.key, payload, requirements);
    hold.settled ??= this.#settleHold(hold, requirements);
    return hold.settled;
  }

  /**
   * Gives back the hold of a payment that was verified here and will not be charged. Queued; it never fails: at worst
   * the hold ends by itself. `TabServerScheme` and `TabdChannelScheme` call it when a handler or a settle failed.
   */
  release(payload: PaymentPayload, requirements: PaymentRequirements): void {
    const tab = tabOf(payload.payload);
    if (tab !== undefined) this.#locks.free(tab, payload);
    const hold = this.#holds.get(payload);
    if (hold === undefined || hold.settled !== undefined) return;
    const nothing = { ...requirements, amount: "0" };
    hold.settled = Promise.resolve(queuedResponse(hold, nothing));
    if (hold.channel !== undefined) this.#locks.free(hold.channel.key, hold);
    this.#deliver(hold, nothing);
  }

  async getSupported(): Promise<SupportedResponse> {
    const answer = await this.#call("GET", "/supported", undefined, this.#verifyTimeoutMs, "supported");
    if (answer.status !== 200) throw unavailable(answer);
    const { kinds, extensions, signers } = parseAnswer(answer) as Partial<SupportedResponse>;
    if (!Array.isArray(kinds)) throw new TabdUnavailableError("bad_answer", "tabd answered /supported without kinds");
    return { kinds: kinds, extensions: extensions ?? [], signers: signers ?? {} };
  }

  /** Sends what is queued now, and resolves when the ledger has all of it. */
  async flush(): Promise<void> {
    while (this.#queued() > 0) await Promise.all([this.#batcher.flush(), this.#slow.flush()]);
  }

  /**
   * Takes no more payments, sends what is queued and waits for the ledger to have it, at most `timeoutMs`. Returns how
   * many settles are still without acknowledgement: 0 when all is well.
   */
  async close(timeoutMs = 10_000): Promise<{ unsettled: number }> {
    this.#closing = true;
    let timer: NodeJS.Timeout | undefined;
    const timeout = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, timeoutMs);
    });
    await Promise.race([this.flush(), timeout]);
    clearTimeout(timer);
    const unsettled = this.#queued();
    this.#batcher.close();
    this.#slow.close();
    this.#transport.close();
    return { unsettled };
  }

  #checkOpen(): void {
    if (this.#closing) throw new TabdUnavailableError("closing", "this server is shutting down");
  }

  #queued(): number {
    return this.#batcher.queued + this.#slow.queued;
  }

  async #settleChannel(
    hold: Hold,
    key: string,
    payload: PaymentPayload,
    requirements: PaymentRequirements,
  ): Promise<SettleResponse> {
    const onChain = hold.channel?.type !== "voucher";
    hold.settled ??= onChain ? this.#settleOnChain(hold, payload, requirements) : this.#settleHold(hold, requirements);
    let failed = true; // then it may be asked again, or given back
    try {
      const response = await hold.settled;
      failed = !response.success;
      return response;
    } finally {
      if (failed) hold.settled = undefined;
      this.#locks.free(key, hold);
    }
  }

  /** A deposit or a refund: answered when the chain has it. */
  async #settleOnChain(
    hold: Hold,
    payload: PaymentPayload,
    requirements: PaymentRequirements,
  ): Promise<SettleResponse> {
    const isDeposit = hold.channel?.type === "deposit";
    if (isDeposit && isAbove(requirements.amount, hold.maximum)) return refused(hold, requirements);
    if (isDeposit && requirements.amount === "0") {
      this.#deliver(hold, requirements); // gives back what was reserved; the deposit itself is relayed
      const deposited = await this.#single("settle", payload, requirements, this.#settleTimeoutMs);
      return depositOnlyResponse(hold, checkSettle(deposited));
    }
    return this.#settleNow(this.#slow, chargeJson(hold, requirements), hold.channel?.key);
  }

  async #settleHold(hold: Hold, requirements: PaymentRequirements): Promise<SettleResponse> {
    if (isAbove(requirements.amount, hold.maximum)) {
      if (hold.channel === undefined) this.#deliver(hold, { ...requirements, amount: "0" }); // else `release` follows
      return refused(hold, requirements);
    }
    const timeLeft = hold.endsAt - Date.now();
    if (this.#queue && this.#batcher.queued < this.#queueMax && timeLeft > QUEUE_MARGIN_MS) {
      this.#deliver(hold, requirements);
      return queuedResponse(hold, requirements);
    }
    try {
      return await this.#settleNow(this.#batcher, chargeJson(hold, requirements), hold.channel?.key);
    } catch (error) {
      // The payer will not get the answer: do not charge. If the charge is in the ledger already, this changes nothing.
      if (error instanceof TabdTimeoutError) this.#deliver(hold, { ...requirements, amount: "0" });
      throw error;
    }
  }

  async #settleNow(batcher: Batcher, item: string, key?: string): Promise<SettleResponse> {
    const operation = key === undefined ? "settle" : "capture";
    return checkSettle((await batcher.ask(operation, item, this.#settleTimeoutMs, key)).value);
  }

  #deliver(hold: Hold, requirements: PaymentRequirements): void {
    const { amount } = requirements;
    const lost = (reason: string, message: string): void => {
      if (amount === "0") return; // a hold that is gone needs no release
      ++this.#lost;
      if (hold.channel !== undefined) this.#deliver(hold, { ...requirements, amount: "0" }); // it may be reserved still
      const channel = hold.channel === undefined ? {} : { channelId: hold.channel.key };
      this.#onSettleLost({ commitmentId: hold.id, ...channel, payer: hold.payer, amount, reason, message });
    };
    const key = hold.channel?.key;
    const charge = this.#batcher.deliver(hold.operation, chargeJson(hold, requirements), key).then(
      ({ value }) => {
        if (value["success"] === true) ++this.#settled;
        else lost(textOr(value["errorReason"], "unknown"), textOr(value["errorMessage"], ""));
      },
      (error: unknown) => {
        const code =
          error instanceof TabdRequestError || error instanceof TabdUnavailableError ? error.code : "unknown";
        lost(code, error instanceof Error ? error.message : String(error));
      },
    );
    if (key === undefined) return;
    this.#charges.set(key, charge);
    void charge.finally(() => {
      if (this.#charges.get(key) === charge) this.#charges.delete(key);
    });
  }

  async #single(
    operation: "verify" | "settle",
    payload: PaymentPayload,
    requirements: PaymentRequirements,
    timeoutMs: number,
  ): Promise<Record<string, unknown>> {
    const { x402Version } = payload;
    const body = json({ x402Version, paymentPayload: payload, paymentRequirements: requirements });
    const answer = await this.#call("POST", `/${operation}`, body, timeoutMs, operation);
    if (answer.status === 200) return parseAnswer(answer) as Record<string, unknown>;
    if (answer.status !== 400) throw unavailable(answer);
    const error = errorBody(parseAnswer(answer));
    throw new TabdRequestError(error?.code ?? "http_400", error?.message ?? "tabd refused the request.", error?.hint);
  }

  async #call(
    method: "GET" | "POST",
    path: string,
    body: string | undefined,
    timeoutMs: number,
    operation: string,
  ): Promise<Answer> {
    try {
      return await this.#transport.send(method, path, body, timeoutMs);
    } catch (error) {
      if (!(error instanceof ConnectionError)) throw error;
      if (error.code === "timeout") throw new TabdTimeoutError(operation, timeoutMs, "it never answered");
      throw new TabdUnavailableError(error.code, `tabd at ${this.url} cannot be reached: ${error.message}`);
    }
  }
}

/** The user's own function: if it throws, that is said, and the queue goes on. */
function harmless<T>(name: string, call: (value: T) => void): (value: T) => void {
  return (value) => {
    try {
      call(value);
    } catch (error) {
      console.error(`[tabd] ${name} threw:`, error);
    }
  };
}

function reportLost(lost: LostSettle): void {
  console.error(
    `[tabd] not charged: ${lost.amount} to ${lost.payer}, ` +
      (lost.channelId === undefined ? "commitment" : `channel ${lost.channelId}, reservation`) +
      ` ${lost.commitmentId}: ${lost.reason} ${lost.message}`,
  );
}

function isTab(payload: PaymentPayload, requirements: PaymentRequirements): boolean {
  const tab = requirements.scheme === TAB_SCHEME && requirements.network.endsWith(":tab");
  return tab && isTabPayload(payload.payload);
}

/** Its time was over, and the tab went on without it: the same charge may have been served meanwhile. */
function tooLate({ payload }: PaymentPayload, { network }: PaymentRequirements): SettleResponse {
  const { payer } = (payload as unknown as VoucherPayload).voucher;
  const late = { errorReason: TAB_BUSY, errorMessage: TAB_LATE_MESSAGE };
  return { success: false, ...late, transaction: "", network, payer };
}

/** No amount at all counts as above. */
function isAbove(amount: string, maximum: bigint): boolean {
  return !/^(0|[1-9][0-9]{0,38})$/.test(amount) || BigInt(amount) > maximum;
}

/** The ledger had it already, and not because this call was sent again. */
function isReplay({ value, repeated }: Result): boolean {
  const extra = value["extra"] as { repeated?: unknown } | null | undefined;
  return extra?.repeated === true && !repeated;
}

function textOr(value: unknown, fallback: string): string {
  return typeof value === "string" ? value : fallback;
}

/** Members that are null count as missing: the middlewares know no null. */
function withoutNulls(value: Record<string, unknown>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(value).filter(([, member]) => member !== null));
}

function checkVerify(value: Record<string, unknown>): VerifyResponse {
  if (typeof value["isValid"] !== "boolean") {
    throw new TabdUnavailableError("bad_answer", "tabd answered a verify without isValid");
  }
  return withoutNulls(value) as unknown as VerifyResponse;
}

function checkSettle(value: Record<string, unknown>): SettleResponse {
  if (typeof value["success"] !== "boolean" || typeof value["transaction"] !== "string") {
    throw new TabdUnavailableError("bad_answer", "tabd answered a settle without success and transaction");
  }
  return withoutNulls(value) as unknown as SettleResponse;
}
