// What keeps one payment from buying twice.
import { tabKey } from "../binding.js";
import { TabError } from "../types.js";
import type { VoucherPayload } from "../types.js";

export const REPLAYED = "invalid_batch_settlement_tab_already_accepted";
export const REPLAYED_MESSAGE = "This payment was used before. Sign a new one for each request.";

/**
 * One voucher a tab or channel at a time. On a tab from before its verify until it is charged or given up: two copies of
 * one voucher would otherwise both pass their verify, and the ledger, where a charge is idempotent, would answer both
 * alike. On a channel from its reservation on: the ledger refuses a second one, here that costs it nothing.
 */
export class VoucherLocks {
  /** Keys, and until when they are taken at most: a request may never be finished. Milliseconds since 1970. */
  readonly #until = new Map<string, number>();

  /** True if it was free; it is taken now. */
  take(key: string, seconds: number): boolean {
    const now = Date.now();
    if (this.isTaken(key)) return false;
    if (this.#until.size >= 1000) {
      for (const [other, until] of this.#until) if (until <= now) this.#until.delete(other);
    }
    this.#until.set(key, now + seconds * 1000);
    return true;
  }

  isTaken(key: string): boolean {
    return (this.#until.get(key) ?? 0) > Date.now();
  }

  free(key: string): void {
    this.#until.delete(key);
  }
}

/** The tab that a payload pays on; undefined for a commitment, and for a voucher that tabd will call malformed. */
export function tabOf(payload: unknown): string | undefined {
  const { type, voucher } = payload as Partial<VoucherPayload>;
  if (type !== "voucher" || voucher === undefined) return undefined;
  try {
    return tabKey(voucher);
  } catch (error) {
    if (error instanceof TabError) return undefined;
    throw error;
  }
}
