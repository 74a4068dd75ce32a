// x402's MCP transport: what stands where in a tool call and in its result (specs/transports-v2/mcp.md, tool results).
import type { PaymentRequired, SettleResponse } from "@x402/core/types";
import { isPaymentRequiredV2 } from "@x402/core/schemas";

import { refusalIn } from "../client/refusal.js";
import type { Refusal } from "../client/refusal.js";

/** `params._meta[PAYMENT_META]` of a tool call is the PaymentPayload. */
export const PAYMENT_META = "x402/payment";
/** `result._meta[PAYMENT_RESPONSE_META]` is the SettleResponse. */
export const PAYMENT_RESPONSE_META = "x402/payment-response";

/** What is read of a tool's result; the SDK's CallToolResult is one. */
export interface ToolResultLike {
  content?: unknown;
  structuredContent?: unknown;
  isError?: unknown;
  _meta?: unknown;
}

function textOf(content: unknown, index: number): string | undefined {
  const item: unknown = Array.isArray(content) ? content[index] : undefined;
  const { type, text } = (item ?? {}) as { type?: unknown; text?: unknown };
  return type === "text" && typeof text === "string" ? text : undefined;
}

function parsed(text: string | undefined): unknown {
  if (text === undefined || !text.startsWith("{")) return undefined;
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined; // an error message that happens to begin with a brace
  }
}

/** What a tool asks for, if this result says that it has to be paid; undefined for every other result. */
export function paymentRequiredOf(result: ToolResultLike): PaymentRequired | undefined {
  if (result.isError !== true) return undefined;
  for (const value of [result.structuredContent, parsed(textOf(result.content, 0))]) {
    if (isPaymentRequiredV2(value)) return value as PaymentRequired;
  }
  return undefined;
}

/** The receipt of a paid tool call; undefined if nothing was paid. */
export function paymentResponseOf(result: ToolResultLike): SettleResponse | undefined {
  const value = ((result._meta ?? {}) as Record<string, unknown>)[PAYMENT_RESPONSE_META];
  if (typeof value !== "object" || value === null) return undefined;
  const { success, network, transaction } = value as Partial<SettleResponse>;
  const complete = typeof success === "boolean" && typeof network === "string" && typeof transaction === "string";
  return complete ? (value as SettleResponse) : undefined;
}

/** Why a tool call was not served for want of a valid payment; undefined for every other result. */
export function toolRefusalOf(result: ToolResultLike): Refusal | undefined {
  const required = paymentRequiredOf(result);
  if (required === undefined) return undefined;
  const { reason, message } = refusalIn({ ...required }, paymentResponseOf(result));
  const sentence = message ?? textOf(result.content, 1);
  return sentence === undefined ? { reason } : { reason, message: sentence };
}
