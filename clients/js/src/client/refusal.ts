/** Why a paid request was refused. */
export interface Refusal {
  /** The code: one of the protocol's, or `invalid_batch_settlement_tab_...`. */
  reason: string;
  /** A sentence for people, if the server passed one on. */
  message?: string;
}

function decode(header: string | null): Record<string, unknown> | undefined {
  if (header === null) return undefined;
  try {
    const bytes = Uint8Array.from(atob(header), (letter) => letter.charCodeAt(0));
    const value: unknown = JSON.parse(new TextDecoder().decode(bytes));
    return typeof value === "object" && value !== null ? (value as Record<string, unknown>) : undefined;
  } catch {
    return undefined;
  }
}

function text(value: unknown): string | undefined {
  return typeof value === "string" && value !== "" ? value : undefined;
}

function refusal(reason: string, message: string | undefined): Refusal {
  return message === undefined ? { reason } : { reason, message };
}

/** Reads it from what a server says when a payment is missing or refused; `settled`: its receipt, if it sent one. */
export function refusalIn(required: Record<string, unknown>, settled?: object): Refusal {
  const { errorReason, errorMessage } = (settled ?? {}) as { errorReason?: unknown; errorMessage?: unknown };
  const failed = text(errorReason);
  if (failed !== undefined) return refusal(failed, text(errorMessage));
  const accepts: unknown[] = Array.isArray(required["accepts"]) ? required["accepts"] : [];
  const details = accepts
    .map((option) => (option as { extra?: { refusal?: { message?: unknown } | null } | null } | null)?.extra?.refusal)
    .find((value) => typeof value === "object" && value !== null);
  return refusal(text(required["error"]) ?? "unknown", text(details?.message));
}

/** Reads from a 402 answer why the payment was refused; undefined for any other answer. */
export function refusalOf(response: {
  status: number;
  headers: { get(name: string): string | null };
}): Refusal | undefined {
  if (response.status !== 402) return undefined;
  const settled = decode(response.headers.get("PAYMENT-RESPONSE"));
  if (settled !== undefined) {
    return refusal(text(settled["errorReason"]) ?? "unknown", text(settled["errorMessage"]));
  }
  const required = decode(response.headers.get("PAYMENT-REQUIRED"));
  return required && refusalIn(required);
}
