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
  /** Keys, whose they are, and until when at most: a request may never be finished. Milliseconds since 1970. */
  readonly #taken = new Map<string, { owner: object; until: number }>();

  /** True if it was free; from now on it is `owner`'s. */
  take(key: string, owner: object, seconds: number): boolean {
    const now = Date.now();
    if (this.isTaken(key)) return false;
    if (this.#taken.size >= 1000) {
      for (const [other, { until }] of this.#taken) if (until <= now) this.#taken.delete(other);
    }
    this.#taken.set(key, { owner, until: now + seconds * 1000 });
    return true;
  }

  isTaken(key: string): boolean {
    return (this.#taken.get(key)?.until ?? 0) > Date.now();
  }

  /** False once the time was over and somebody else took it. */
  isOwner(key: string, owner: object): boolean {
    return this.#taken.get(key)?.owner === owner;
  }

  /** Does nothing if it is not `owner`'s. */
  free(key: string, owner: object): void {
    if (this.isOwner(key, owner)) this.#taken.delete(key);
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
