// Payments on channels, as this package looks at them: no more than it needs to send them on.
import { createHash, randomBytes } from "node:crypto";

import type { ChannelPaymentType } from "./holds.js";

export const CHANNEL_BUSY = "invalid_batch_settlement_evm_channel_busy";
export const CHANNEL_BUSY_MESSAGE =
  "Another payment on this channel is under way. Pay one after the other, or open a second channel (another salt).";
// The charge of the request before may be on its way from another process, or a quick handler about to end.
export const BUSY_PAUSES_MS: readonly number[] = [10, 30, 90];

export interface ChannelPayment {
  type: ChannelPaymentType;
  /** The channel's id in lower case; empty if there is none, which tabd will refuse. */
  key: string;
  /** 32 hexadecimal digits: the same again is the same reservation. */
  requestId: string;
}

/** Undefined for what a payer may not send, such as a claim. */
export function channelPaymentType(payload: unknown): ChannelPaymentType | undefined {
  const { type } = (payload ?? {}) as { type?: unknown };
  return type === "voucher" || type === "deposit" || type === "refund" ? type : undefined;
}

export function channelPayment(payload: unknown): ChannelPayment | undefined {
  const type = channelPaymentType(payload);
  if (type === undefined) return undefined;
  const { voucher, amount } = payload as { voucher?: Record<string, unknown>; amount?: unknown };
  const id = voucher?.["channelId"];
  const key = typeof id === "string" ? id.toLowerCase() : "";
  if (type !== "refund") return { type, key, requestId: randomBytes(16).toString("hex") };
  // A refund's reservation does not end by time. The payer that asks again after this process crashed gets the same one.
  const same = JSON.stringify([key, voucher?.["maxClaimableAmount"], voucher?.["signature"], amount]);
  return { type, key, requestId: createHash("sha256").update(same).digest("hex").slice(0, 32) };
}

/** How long a channel is kept for one request, as the daemon's reservation. */
export function reservedSeconds(maxTimeoutSeconds: number): number {
  return Math.min(600, Math.max(5, maxTimeoutSeconds));
}
