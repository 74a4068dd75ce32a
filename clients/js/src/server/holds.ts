// What a successful verify left behind in the ledger, and how it is charged.
import type { PaymentPayload, PaymentRequirements, SettleResponse, VerifyResponse } from "@x402/core/types";

import { commitmentId } from "../binding.js";
import { TabError } from "../types.js";
import type { CommitmentPayload } from "../types.js";
import type { Operation } from "./batcher.js";

export interface Hold {
  /** What charges it: settle of a commitment, capture of a channel's reservation. */
  readonly operation: "settle" | "capture";
  /** What the ledger calls it: the commitment's number or digest, or the reservation's number. */
  readonly id: string;
  readonly payer: string;
  /** The most that may be charged. */
  readonly maximum: bigint;
  /** Milliseconds since 1970: from then on the money may be somebody else's. */
  readonly endsAt: number;
  readonly payloadJson: string;
  /** Of a channel. */
  readonly channel: ChannelHold | undefined;
  settled: Promise<SettleResponse> | undefined;
}

/** A deposit's and a refund's charge wait for the chain, so that they are never queued. */
export type ChannelPaymentType = "voucher" | "deposit" | "refund";

interface ChannelHold {
  readonly type: ChannelPaymentType;
  /** The channel's id in lower case. */
  readonly key: string;
  /** What was charged before, over the channel's life. */
  readonly charged: bigint;
  /** The channel as the chain has it, for the receipt. */
  readonly state: Record<string, unknown>;
}

export function json(value: unknown): string {
  try {
    return JSON.stringify(value);
  } catch (error) {
    if (!(error instanceof TypeError)) throw error;
    // A bigint somewhere: the official client turns it into a string, so this does too. Slower, and rare.
    return JSON.stringify(value, (_, member: unknown) => (typeof member === "bigint" ? member.toString() : member));
  }
}

/** An item of /v1/batch; `more` is between the operation and the payment. */
export function itemJson(
  operation: Operation,
  payloadJson: string,
  requirements: PaymentRequirements,
  more = "",
): string {
  return `{"op":"${operation}",${more}"paymentPayload":${payloadJson},"paymentRequirements":${json(requirements)}}`;
}

/** The item that charges `requirements.amount`; 0 gives the hold back. */
export function chargeJson(hold: Hold, requirements: PaymentRequirements): string {
  const more = hold.operation === "capture" ? `"reservation":"${hold.id}",` : "";
  return itemJson(hold.operation, hold.payloadJson, requirements, more);
}

/** Undefined for what holds nothing, such as a voucher on a tab. */
export function tabHold(
  payload: PaymentPayload,
  requirements: PaymentRequirements,
  payloadJson: string,
  response: VerifyResponse,
): Hold | undefined {
  const body = payload.payload as unknown as CommitmentPayload;
  if ((body.type as string) !== "commitment") return undefined; // a voucher's verify holds nothing
  const known = response.extra?.["commitmentId"]; // the ledger's number of the hold; else the commitment's digest
  try {
    return {
      operation: "settle",
      id: typeof known === "string" && known !== "" ? known : commitmentId(requirements.network, body),
      payer: response.payer ?? body.commitment.payer,
      maximum: BigInt(body.commitment.maximum),
      endsAt: Number(body.commitment.validBefore) * 1000,
      payloadJson,
      channel: undefined,
      settled: undefined,
    };
  } catch (error) {
    if (error instanceof TabError || error instanceof SyntaxError) return undefined; // then it is settled without a queue
    throw error;
  }
}

/** Of a reserve's answer; undefined if that is not how tabd answers. */
export function channelHold(
  type: ChannelPaymentType,
  key: string,
  requirements: PaymentRequirements,
  payloadJson: string,
  response: VerifyResponse,
): Hold | undefined {
  const { reservation, expiresAt, chargedCumulativeAmount: charged, ...more } = response.extra ?? {};
  const { channelId, balance, totalClaimed, withdrawRequestedAt, refundNonce } = more;
  const state = { channelId, balance, totalClaimed, withdrawRequestedAt, refundNonce };
  const isNumber = (value: unknown): value is string => typeof value === "string" && /^[0-9]{1,39}$/.test(value);
  if (!isNumber(reservation) || !isNumber(charged) || response.payer === undefined) return undefined;
  return {
    operation: "capture",
    id: reservation,
    payer: response.payer,
    maximum: BigInt(requirements.amount),
    endsAt: Number(expiresAt ?? 0) * 1000,
    payloadJson,
    channel: { type, key, charged: BigInt(charged), state },
    settled: undefined,
  };
}

/** The receipt of a charge that is queued. */
export function queuedResponse(hold: Hold, requirements: PaymentRequirements): SettleResponse {
  const { amount, network } = requirements;
  const { channel, id, payer } = hold;
  if (channel === undefined) {
    const extra = { commitmentId: id, chargedAmount: amount, queued: true };
    return { success: true, transaction: "", network, payer, amount, extra };
  }
  // `amount` is what moved on the chain.
  const extra = { channelState: stateAfter(channel, amount), chargedAmount: amount, queued: true };
  return { success: true, transaction: "", network, payer, amount: "", extra };
}

function stateAfter(channel: ChannelHold, amount: string): Record<string, unknown> {
  return { ...channel.state, chargedCumulativeAmount: (channel.charged + BigInt(amount)).toString() };
}

/** The receipt of a deposit with which nothing was charged, from that of the deposit alone. */
export function depositOnlyResponse(hold: Hold, deposited: SettleResponse): SettleResponse {
  if (!deposited.success || hold.channel === undefined) return deposited;
  const { extra = {} } = deposited;
  const channelState = { ...stateAfter(hold.channel, "0"), ...(extra["channelState"] as object | undefined) };
  return { ...deposited, extra: { ...extra, channelState, chargedAmount: "0" } };
}

/** The handler wanted more than was promised. */
export function refused(hold: Hold, requirements: PaymentRequirements): SettleResponse {
  const unit = hold.channel === undefined ? "ledger units" : "the token's smallest units";
  return {
    success: false,
    errorReason:
      hold.channel === undefined
        ? "invalid_batch_settlement_tab_charge_above_maximum"
        : "invalid_batch_settlement_evm_charge_exceeds_signed_cumulative",
    errorMessage:
      `The server wanted to charge ${requirements.amount}; at most ${hold.maximum} was signed. ` +
      `An override is a number of ${unit}, a percentage such as 50%, or dollars such as $0.01.`,
    transaction: "",
    network: requirements.network,
    payer: hold.payer,
    extra: hold.channel === undefined ? { commitmentId: hold.id } : {},
  };
}
