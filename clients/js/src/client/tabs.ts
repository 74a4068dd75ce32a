// What a paying client knows about its tabs. One payment at a time uses a tab; concurrent payments use several tabs.
import { keccak_256 } from "@noble/hashes/sha3";
import { concatBytes } from "@noble/hashes/utils";

import { decimal, fixedBytes, tabKey, toHex } from "../binding.js";
import type { Address, Hex, TabState } from "../types.js";
import { TabError } from "../types.js";

/** What is kept of a tab. Decimal strings. */
export interface TabRecord {
  /** Charged, as far as this client knows. */
  charged: string;
  /** The next charge's index. */
  charges: string;
  /** The highest maximum that this client ever signed on the tab: no server can have charged more. */
  maximum: string;
}

/** Where records are kept between runs. `set` is awaited before a voucher leaves the client. */
export interface TabStore {
  get(tab: Hex): TabRecord | undefined | Promise<TabRecord | undefined>;
  set(tab: Hex, record: TabRecord): void | Promise<void>;
}

export class MemoryTabStore implements TabStore {
  readonly #records = new Map<Hex, TabRecord>();

  get(tab: Hex): TabRecord | undefined {
    return this.#records.get(tab);
  }

  set(tab: Hex, record: TabRecord): void {
    this.#records.set(tab, record);
  }
}

/** A tab that one payment has to itself until it is given back. */
export interface Lease {
  readonly tab: Hex;
  readonly salt: Hex;
  readonly record: TabRecord;
  readonly until: number;
  /** The highest maximum that was signed on the tab before this payment's. */
  signedBefore: bigint;
}

export interface TabBookOptions {
  payer: Address;
  /** The first tab's salt; the others' are derived from it. */
  salt: Hex;
  /** Tabs for each (payee, asset) that may be open at once. */
  tabs: number;
  store: TabStore;
  /** How long a payment whose outcome never came keeps its tab, in milliseconds. */
  leaseMs: number;
  now: () => number;
}

interface Group {
  salts: Hex[];
  /** How many salts were ever made; a retired tab is replaced by the next one. */
  made: number;
}

/** A server's claim about a tab that this client's own records contradict. */
function refused(problem: string): TabError {
  return new TabError(
    "tab_state_refused",
    `The server reports a state of the tab that cannot be: ${problem}. Nothing was signed for it, and this tab is not ` +
      `used again. If records of an earlier run were lost, use another salt.`,
  );
}

export class TabBook {
  readonly #options: TabBookOptions;
  readonly #groups = new Map<string, Group>();
  readonly #leases = new Map<Hex, Lease>();
  readonly #waiting: (() => void)[] = [];

  constructor(options: TabBookOptions) {
    this.#options = options;
  }

  /** Takes a free tab, or waits for one: at most until the oldest lease ends. */
  async take(payee: Address, asset: string): Promise<Lease> {
    const group = this.#group(payee, asset);
    const deadline = this.#options.now() + this.#options.leaseMs;
    for (;;) {
      const lease = await this.#try(group, payee, asset);
      if (lease !== undefined) return lease;
      const left = deadline - this.#options.now();
      if (left <= 0) {
        throw new TabError(
          "tabs_busy",
          `all ${this.#options.tabs} tabs with ${payee} wait for an answer; allow more tabs`,
        );
      }
      await this.#change(left);
    }
  }

  /** Writes down what is about to be signed. */
  async signing(lease: Lease, maximum: bigint): Promise<void> {
    const { record } = lease;
    lease.signedBefore = BigInt(record.maximum);
    if (maximum > lease.signedBefore) record.maximum = maximum.toString();
    await this.#options.store.set(lease.tab, record);
  }

  lease(tab: Hex): Lease | undefined {
    return this.#leases.get(tab);
  }

  /** The payment took `amount` from the tab. */
  async charged(lease: Lease, amount: bigint): Promise<void> {
    const charged = BigInt(lease.record.charged) + amount;
    await this.adopt(lease, {
      tab: lease.tab,
      charged: charged.toString(),
      charges: (BigInt(lease.record.charges) + 1n).toString(),
      maximum: lease.record.maximum,
    });
  }

  /** Takes over what a server reports, if it can be true; else retires the tab and throws a TabError. */
  async adopt(lease: Lease, state: TabState): Promise<void> {
    const { record } = lease;
    try {
      if (state.tab.toLowerCase() !== lease.tab) throw refused(`it is about another tab, ${state.tab}`);
      const charged = decimal("tabState.charged", state.charged);
      const charges = decimal("tabState.charges", state.charges, 1n << 64n);
      if (charged < BigInt(record.charged)) throw refused(`charged fell from ${record.charged} to ${charged}`);
      if (charges < BigInt(record.charges)) throw refused(`charges fell from ${record.charges} to ${charges}`);
      if (charged > BigInt(record.maximum)) {
        throw refused(`${charged} charged, but the most that this client signed is ${record.maximum}`);
      }
      record.charged = charged.toString();
      record.charges = charges.toString();
    } catch (error) {
      this.retire(lease);
      throw error;
    }
    await this.#options.store.set(lease.tab, record);
  }

  /** Gives the tab back. */
  release(lease: Lease): void {
    if (this.#leases.get(lease.tab) === lease) this.#leases.delete(lease.tab);
    for (const wake of this.#waiting.splice(0)) wake();
  }

  /** Never uses the tab again in this run. */
  retire(lease: Lease): void {
    for (const group of this.#groups.values()) {
      const at = group.salts.indexOf(lease.salt);
      if (at >= 0) group.salts[at] = this.#nextSalt(group);
    }
    this.release(lease);
  }

  #group(payee: Address, asset: string): Group {
    const key = `${payee} ${asset}`;
    let group = this.#groups.get(key);
    if (group === undefined) {
      group = { salts: [], made: 0 };
      for (let index = 0; index < this.#options.tabs; ++index) group.salts.push(this.#nextSalt(group));
      this.#groups.set(key, group);
    }
    return group;
  }

  #nextSalt(group: Group): Hex {
    const index = group.made++;
    if (index === 0) return this.#options.salt;
    const number = fixedBytes("index", `0x${index.toString(16).padStart(64, "0")}`, 32);
    return toHex(keccak_256(concatBytes(fixedBytes("salt", this.#options.salt, 32), number)));
  }

  async #try(group: Group, payee: Address, asset: string): Promise<Lease | undefined> {
    const now = this.#options.now();
    for (const salt of group.salts) {
      const tab = tabKey({ payer: this.#options.payer, payee, asset, salt });
      const held = this.#leases.get(tab);
      if (held !== undefined && held.until > now) continue;
      const record: TabRecord = { charged: "0", charges: "0", maximum: "0" };
      const lease: Lease = { tab, salt, record, until: now + this.#options.leaseMs, signedBefore: 0n };
      this.#leases.set(tab, lease); // before waiting, so that nobody else takes it
      try {
        Object.assign(record, await this.#options.store.get(tab));
      } catch (error) {
        this.release(lease);
        throw error;
      }
      return lease;
    }
    return undefined;
  }

  #change(waitMs: number): Promise<void> {
    const oldest = Math.min(...[...this.#leases.values()].map((lease) => lease.until));
    const untilFree = Math.max(1, oldest - this.#options.now());
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, Math.min(waitMs, untilFree));
      this.#waiting.push(() => {
        clearTimeout(timer);
        resolve();
      });
    });
  }
}
