// Gathers calls to the daemon into requests to /v1/batch.
//
// Two kinds of items. Urgent ones have somebody waiting and a deadline: they leave as soon as a request may be under way,
// so at low load each has a request of its own and under load they share. Background ones (queued settles) ride along, or
// leave by themselves a few milliseconds later, and are repeated until the daemon has acknowledged them. Everything that
// is sent is idempotent, so that an item whose answer was lost is sent again.
import { TabdRequestError, TabdTimeoutError, TabdUnavailableError } from "./errors.js";
import { ConnectionError, errorBody, parseAnswer } from "./transport.js";
import type { Answer, ErrorBody, Transport } from "./transport.js";

export interface BatcherOptions {
  transport: Pick<Transport, "send">;
  /** Items in one request; the daemon takes 256. */
  itemsMax: number;
  /** Requests under way at once. */
  requestsMax: number;
  /** How long a background item waits for company. */
  flushMs: number;
  /** For one request, from its first byte to the answer's last. */
  requestTimeoutMs: number;
  /** Whether an item is asked again when the chain is away. */
  awaitChain: boolean;
  /** A request failed as a whole and its items are sent again: for logs. */
  onTrouble: (error: Error) => void;
}

export type Operation = "verify" | "settle" | "reserve" | "capture";

/** `repeated`: an earlier try may have reached the daemon, so its answer may be about what this caller itself did. */
export interface Result {
  value: Record<string, unknown>;
  repeated: boolean;
}

interface Item {
  operation: Operation;
  json: string;
  /** Of its channel, if it is about one. */
  key: string | undefined;
  urgent: boolean;
  repeated: boolean;
  /** Requests under way that it is in. */
  flying: number;
  done: boolean;
  timer: NodeJS.Timeout | undefined;
  resolve: (result: Result) => void;
  reject: (error: Error) => void;
}

const BATCH_CHARACTERS_MAX = 512 * 1024; // well below the daemon's limit for a body
const BACKOFF_MS_MIN = 25;
const BACKOFF_MS_MAX = 1000; // a daemon that is back is noticed within a second
const LATER = new Set(["overloaded", "shutting_down", "unavailable", "quota_exceeded"]);
const CHAIN_AWAY = "chain_unavailable";

/** An item that the daemon could not decide now: it is sent again. */
function isForLater(value: Record<string, unknown>, error: ErrorBody | undefined): boolean {
  if (error !== undefined) return LATER.has(error.code);
  const reason =
    value["isValid"] === false ? value["invalidReason"] : value["success"] === false ? value["errorReason"] : "";
  return typeof reason === "string" && LATER.has(reason.replace(/^invalid_batch_settlement_(tab|evm)_/, ""));
}

export class Batcher {
  readonly #options: BatcherOptions;
  #urgent: Item[] = [];
  #background: Item[] = [];
  /** Keys of the background items under way, and how many. */
  readonly #flying = new Map<string, number>();
  #requests = 0;
  #sending = 0;
  #failures = 0;
  #resumeAt = 0;
  #lastTrouble = "it never answered";
  #pumpScheduled = false;
  #flushDue = false;
  #flushTimer: NodeJS.Timeout | undefined;
  #resumeTimer: NodeJS.Timeout | undefined;
  #idleWaiters: (() => void)[] = [];
  #closed = false;
  /** Requests sent since the beginning. */
  batches = 0;

  constructor(options: BatcherOptions) {
    this.#options = options;
  }

  /** Urgent items that have no answer yet. */
  get waiting(): number {
    return this.#urgent.length;
  }

  /** Background items that are not acknowledged yet. */
  get queued(): number {
    return this.#background.length + this.#sending;
  }

  /** Asks and waits. Rejects with a Tabd...Error. */
  ask(operation: Operation, json: string, timeoutMs: number, key?: string): Promise<Result> {
    if (this.#closed) return Promise.reject(closedError());
    return new Promise((resolve, reject) => {
      const item: Item = { ...this.#item(operation, json, key, true), resolve, reject };
      item.timer = setTimeout(() => {
        this.#urgent = this.#urgent.filter((other) => other !== item);
        item.done = true;
        reject(new TabdTimeoutError(operation, timeoutMs, this.#lastTrouble, item.repeated || item.flying > 0));
      }, timeoutMs);
      this.#urgent.push(item);
      this.#schedule();
    });
  }

  /** Sends until acknowledged. Resolves with the daemon's answer; rejects if the daemon will never take it. */
  deliver(operation: Operation, json: string, key?: string): Promise<Result> {
    if (this.#closed) return Promise.reject(closedError());
    return new Promise((resolve, reject) => {
      this.#background.push({ ...this.#item(operation, json, key, false), resolve, reject });
      this.#armFlush();
      if (this.#background.length >= this.#options.itemsMax) this.#schedule();
    });
  }

  /** Resolves when no background item is left. They leave at once. */
  flush(): Promise<void> {
    if (this.queued === 0) return Promise.resolve();
    this.#flushDue = true;
    this.#schedule();
    return new Promise((resolve) => this.#idleWaiters.push(resolve));
  }

  /** Stops for good: what is left is rejected. */
  close(): void {
    this.#closed = true;
    clearTimeout(this.#flushTimer);
    clearTimeout(this.#resumeTimer);
    for (const item of [...this.#urgent.splice(0), ...this.#background.splice(0)]) this.#reject(item, closedError());
    for (const wake of this.#idleWaiters.splice(0)) wake();
  }

  #item(
    operation: Operation,
    json: string,
    key: string | undefined,
    urgent: boolean,
  ): Omit<Item, "resolve" | "reject"> {
    return { operation, json, key, urgent, repeated: false, flying: 0, done: false, timer: undefined };
  }

  #armFlush(): void {
    this.#flushTimer ??= setTimeout(() => {
      this.#flushTimer = undefined;
      this.#flushDue = true;
      this.#pump();
    }, this.#options.flushMs);
  }

  /** After the current turn, so that calls made together leave together. */
  #schedule(): void {
    if (this.#pumpScheduled) return;
    this.#pumpScheduled = true;
    setImmediate(() => {
      this.#pumpScheduled = false;
      this.#pump();
    });
  }

  #pump(): void {
    const due = (): boolean =>
      this.#urgent.length > 0 ||
      (this.#background.length > 0 && (this.#flushDue || this.#background.length >= this.#options.itemsMax));
    while (!this.#closed && this.#requests < (this.#failures > 0 ? 1 : this.#options.requestsMax) && due()) {
      const pauseMs = this.#resumeAt - performance.now();
      if (pauseMs > 0) {
        this.#resumeTimer ??= setTimeout(() => {
          this.#resumeTimer = undefined;
          this.#pump();
        }, pauseMs);
        return;
      }
      const batch = this.#take();
      if (batch.length === 0) return; // all wait for items of their channels that are under way
      void this.#send(batch);
    }
  }

  #take(): Item[] {
    const taken = new Set<Item>();
    let characters = 0;
    const take = (items: Item[]): boolean => {
      const size = items.reduce((sum, { json }) => sum + json.length, 0);
      if (taken.size > 0 && taken.size + items.length > this.#options.itemsMax) return false;
      if (taken.size > 0 && characters + size > BATCH_CHARACTERS_MAX) return false;
      for (const item of items) taken.add(item);
      characters += size;
      return true;
    };
    const isFree = ({ key }: Item): boolean => key === undefined || !this.#flying.has(key);
    const earlier = this.#urgent.some(({ key }) => key !== undefined) ? groupByKey(this.#background) : NONE;
    for (const item of this.#urgent) {
      if (!isFree(item)) continue;
      const before = (item.key === undefined ? undefined : earlier.get(item.key)) ?? [];
      const group = [...before.filter((other) => !taken.has(other)), item];
      if (!take(group.slice(0, this.#options.itemsMax))) break;
    }
    for (const item of this.#background) {
      if (!taken.has(item) && isFree(item) && !take([item])) break;
    }
    const isLeft = (item: Item): boolean => !taken.has(item);
    this.#urgent = this.#urgent.filter(isLeft);
    this.#background = this.#background.filter(isLeft);
    if (this.#background.length === 0) this.#flushDue = false;
    return [...taken];
  }

  async #send(batch: Item[]): Promise<void> {
    ++this.#requests;
    ++this.batches;
    const background = batch.filter((item) => !item.urgent).length;
    this.#sending += background;
    this.#count(batch, 1);
    try {
      const body = `{"items":[${batch.map((item) => item.json).join(",")}]}`;
      const answer = await this.#options.transport.send("POST", "/v1/batch", body, this.#options.requestTimeoutMs);
      this.#answered(batch, answer);
    } catch (error) {
      const sent = !(error instanceof ConnectionError) || error.sent;
      for (const item of batch) item.repeated ||= sent;
      this.#again(batch, error instanceof Error ? error : new Error(String(error)), 0);
    } finally {
      --this.#requests;
      this.#sending -= background;
      this.#count(batch, -1);
      if (this.queued === 0) for (const wake of this.#idleWaiters.splice(0)) wake();
      this.#pump();
    }
  }

  #count(batch: Item[], change: 1 | -1): void {
    for (const item of batch) {
      item.flying += change;
      if (item.key === undefined || item.urgent) continue; // nothing waits for what nobody has admitted yet
      const count = (this.#flying.get(item.key) ?? 0) + change;
      if (count === 0) this.#flying.delete(item.key);
      else this.#flying.set(item.key, count);
    }
  }

  #answered(batch: Item[], answer: Answer): void {
    if (answer.status === 200) {
      this.#results(batch, answer);
    } else if (answer.status === 400 || answer.status === 413) {
      this.#badRequest(batch, answer);
    } else if (answer.status >= 400 && answer.status < 500 && answer.status !== 408 && answer.status !== 429) {
      this.#forbidden(batch, answer);
    } else {
      for (const item of batch) item.repeated = true;
      this.#again(batch, unavailable(answer), answer.retryAfterMs);
    }
  }

  #results(batch: Item[], answer: Answer): void {
    const { results } = parseAnswer(answer) as { results?: unknown };
    if (!Array.isArray(results) || results.length !== batch.length) {
      throw new TabdUnavailableError("bad_answer", `tabd answered /v1/batch without ${batch.length} results`);
    }
    this.#failures = 0;
    const later: Item[] = [];
    batch.forEach((item, index) => {
      const value = results[index] as Record<string, unknown>;
      const error = errorBody(value);
      const noChain = error?.code === CHAIN_AWAY;
      if (isForLater(value, error) || (noChain && (this.#options.awaitChain || !item.urgent))) {
        later.push(item);
      } else if (error !== undefined) {
        const { code, message, hint } = error;
        this.#reject(
          item,
          noChain ? new TabdUnavailableError(code, message) : new TabdRequestError(code, message, hint),
        );
      } else {
        this.#resolve(item, value);
      }
    });
    if (later.length > 0) this.#again(later, new TabdUnavailableError("overloaded", "tabd cannot decide it now"), 0);
  }

  /** One item is wrong for the request as a whole: it is found by halving. */
  #badRequest(batch: Item[], answer: Answer): void {
    const [item] = batch;
    if (item !== undefined && batch.length === 1) {
      const error = errorOf(answer);
      this.#reject(item, new TabdRequestError(error.code, error.message, error.hint));
      return;
    }
    const half = Math.ceil(batch.length / 2);
    void this.#send(batch.slice(0, half));
    void this.#send(batch.slice(half));
  }

  /** This server's key or address is wrong: nobody waits for that, but what was queued is kept for when it is mended. */
  #forbidden(batch: Item[], answer: Answer): void {
    const error = unavailable(answer);
    for (const item of batch.filter((other) => other.urgent)) this.#reject(item, error);
    this.#again(
      batch.filter((item) => !item.urgent),
      error,
      BACKOFF_MS_MAX,
    );
  }

  /** Puts the items back in front, and waits a little. */
  #again(batch: Item[], error: Error, retryAfterMs: number): void {
    this.#lastTrouble = error.message;
    if (this.#closed) {
      for (const item of batch) this.#reject(item, error);
      return;
    }
    this.#urgent.unshift(...batch.filter((item) => item.urgent && !item.done));
    const background = batch.filter((item) => !item.urgent);
    if (background.length > 0) {
      this.#background.unshift(...background);
      this.#flushDue = true;
    }
    ++this.#failures;
    const backoffMs = Math.min(BACKOFF_MS_MAX, BACKOFF_MS_MIN * 2 ** Math.min(this.#failures - 1, 10));
    this.#resumeAt = performance.now() + Math.max(backoffMs, Math.min(retryAfterMs, 30_000));
    this.#options.onTrouble(error);
  }

  #resolve(item: Item, value: Record<string, unknown>): void {
    if (item.done) return;
    item.done = true;
    clearTimeout(item.timer);
    item.resolve({ value, repeated: item.repeated });
  }

  #reject(item: Item, error: Error): void {
    if (item.done) return;
    item.done = true;
    clearTimeout(item.timer);
    item.reject(error);
  }
}

const NONE: ReadonlyMap<string, Item[]> = new Map();

function groupByKey(items: Item[]): ReadonlyMap<string, Item[]> {
  const groups = new Map<string, Item[]>();
  for (const item of items) {
    if (item.key === undefined) continue;
    const group = groups.get(item.key);
    if (group === undefined) groups.set(item.key, [item]);
    else group.push(item);
  }
  return groups;
}

function closedError(): TabdUnavailableError {
  return new TabdUnavailableError("closed", "the facilitator was closed");
}

function errorOf(answer: Answer): ErrorBody {
  let value: unknown;
  try {
    value = JSON.parse(answer.body);
  } catch {
    value = undefined; // a proxy's page: the status says what there is to say
  }
  return (
    errorBody(value) ?? {
      code: `http_${answer.status}`,
      message: `tabd answered HTTP ${answer.status}.`,
      hint: undefined,
    }
  );
}

export function unavailable(answer: Answer): TabdUnavailableError {
  const { code, message, hint } = errorOf(answer);
  return new TabdUnavailableError(code, `tabd: ${message}${hint === undefined ? "" : ` ${hint}`} (${code})`);
}
