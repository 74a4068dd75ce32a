// A daemon in memory that answers like tabd's x402 listener, and fails on request. It decides what the tests of this
// package need (signatures, limits, holds, tabs), not all that a ledger decides: the integration tests use the real one.
import { secp256k1 } from "@noble/curves/secp256k1";
import { keccak_256 } from "@noble/hashes/sha3";
import * as http from "node:http";
import type { AddressInfo } from "node:net";

import { digest, tabKey } from "../../src/index.js";
import type { Address, Hex, TabPayload, VoucherPayload } from "../../src/index.js";
import { CHANNEL_NETWORK, FakeChannels, RECEIVER_AUTHORIZER } from "./fake_channels.js";
import type { ChannelItem } from "./fake_channels.js";

export const API_KEY = "tabd_test_key";
export const NETWORK = "test:tab";

interface Item {
  op: "verify" | "settle" | "reserve" | "capture";
  paymentPayload: { payload: TabPayload };
  paymentRequirements: { scheme: string; network: string; amount: string; payTo: string; asset: string };
}

interface Hold {
  maximum: bigint;
  state: "open" | "captured" | "released";
  answer: unknown;
}

interface Tab {
  charged: bigint;
  charges: bigint;
  maximum: bigint;
  answers: Map<string, unknown>;
}

/** What the daemon does with one request instead of answering it. */
export type Fault =
  | { kind: "drop"; after: "reading" | "deciding" }
  | { kind: "status"; status: number; code: string; retryAfter?: number }
  | { kind: "text"; body: string };

export class FakeDaemon {
  readonly #holds = new Map<string, Hold>();
  readonly #tabs = new Map<string, Tab>();
  #server: http.Server;
  #port = 0;
  /** One is used up by each request to /v1/batch. */
  faults: Fault[] = [];
  /** The operations of each batch that was read. */
  batches: string[][] = [];
  requests: string[] = [];
  readonly channels = new FakeChannels();
  payers = new Set<string>();
  agents = new Map<string, string>();
  creditLimit = 1_000_000_000n;
  /** Each request to /v1/batch waits for this. */
  gate: Promise<void> = Promise.resolve();

  constructor() {
    this.#server = this.#make();
  }

  get url(): string {
    return `http://127.0.0.1:${this.#port}`;
  }

  async start(): Promise<this> {
    await new Promise<void>((resolve) => this.#server.listen(this.#port, "127.0.0.1", resolve));
    this.#port = (this.#server.address() as AddressInfo).port;
    return this;
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
    this.#server = this.#make();
  }

  charged(): bigint {
    let sum = 0n;
    for (const hold of this.#holds.values()) if (hold.state === "captured") sum += hold.maximum;
    for (const tab of this.#tabs.values()) sum += tab.charged;
    return sum;
  }

  /** Every hold ends. */
  forget(): void {
    this.#holds.clear();
  }

  openHolds(): number {
    return [...this.#holds.values()].filter(({ state }) => state === "open").length;
  }

  #make(): http.Server {
    return http.createServer((request, response) => {
      const chunks: Buffer[] = [];
      request.on("data", (chunk: Buffer) => chunks.push(chunk));
      request.on("end", () => {
        void this.#answer(request, response, Buffer.concat(chunks).toString());
      });
    });
  }

  async #answer(request: http.IncomingMessage, response: http.ServerResponse, body: string): Promise<void> {
    this.requests.push(`${request.method ?? ""} ${request.url ?? ""}`);
    const send = (status: number, value: unknown, headers: Record<string, string> = {}): void => {
      response.writeHead(status, { "Content-Type": "application/json", ...headers }).end(JSON.stringify(value));
    };
    const problem = (status: number, code: string, headers: Record<string, string> = {}): void => {
      send(status, { error: { code, message: `It was ${code}.`, hint: "Mend it." } }, headers);
    };
    if (request.url === "/supported") {
      const kind = { x402Version: 2, scheme: "batch-settlement" };
      const channels = { ...kind, network: CHANNEL_NETWORK, extra: { receiverAuthorizer: RECEIVER_AUTHORIZER } };
      send(200, { kinds: [{ ...kind, network: NETWORK, extra: SUPPORTED_EXTRA }, channels] });
      return;
    }
    if (request.headers.authorization !== `Bearer ${API_KEY}`) {
      problem(401, "unauthorized");
      return;
    }
    if (request.url === "/verify" || request.url === "/settle") {
      const item = JSON.parse(body) as Item;
      const decide = request.url === "/verify" ? this.#verify.bind(this) : this.#settle.bind(this);
      const other = { isValid: true, success: true, transaction: "0x12", network: "eip155:31337", payer: null };
      if (item.paymentRequirements.network === CHANNEL_NETWORK && item.paymentRequirements.scheme !== "exact") {
        send(200, this.channels.settle(item as unknown as ChannelItem));
        return;
      }
      send(200, item.paymentRequirements.scheme === "exact" ? other : decide(item));
      return;
    }
    if (request.url !== "/v1/batch") {
      problem(404, "not_found");
      return;
    }
    await this.gate;
    const { items } = JSON.parse(body) as { items: Item[] };
    this.batches.push(items.map(({ op }) => op));
    const fault = this.faults.shift();
    if (fault?.kind === "drop" && fault.after === "reading") {
      request.socket.destroy();
      return;
    }
    if (fault?.kind === "status") {
      const headers = fault.retryAfter === undefined ? {} : { "Retry-After": String(fault.retryAfter) };
      problem(fault.status, fault.code, headers as Record<string, string>);
      return;
    }
    if (fault?.kind === "text") {
      response.writeHead(200).end(fault.body);
      return;
    }
    const results = items.map((item) => this.#decide(item));
    if (fault?.kind === "drop") request.socket.destroy();
    else send(200, { results });
  }

  #decide(item: Item): unknown {
    if (item.op === "reserve" || item.op === "capture") return this.channels.run(item as unknown as ChannelItem);
    return item.op === "verify" ? this.#verify(item) : this.#settle(item);
  }

  #verify({ paymentPayload: { payload }, paymentRequirements }: Item): unknown {
    const refuse = (invalidReason: string, invalidMessage: string, extra: object = {}): unknown => ({
      isValid: false,
      invalidReason,
      invalidMessage,
      extra,
    });
    const body = payload.type === "voucher" ? payload.voucher : payload.commitment;
    const payer = body.payer;
    const signer = payload.signer ?? payer;
    if (recover(payload) !== signer) return refuse("invalid_signature", "The signature is not the signer's.");
    if (!this.payers.has(payer)) return refuse("invalid_payload", "No such payer.");
    if (payload.signer !== undefined && this.agents.get(payload.signer) !== payer) {
      return refuse("invalid_signature", "The agent has no mandate.");
    }
    if (payload.type === "voucher") return this.#verifyVoucher(payload, BigInt(paymentRequirements.amount));
    const id = `${payer} ${payload.commitment.nonce}`;
    const known = this.#holds.get(id);
    if (known !== undefined) {
      if (known.state === "open") return { isValid: true, payer, extra: { repeated: true } };
      return refuse(`invalid_batch_settlement_tab_hold_${known.state}`, `The hold is ${known.state}.`);
    }
    const maximum = BigInt(payload.commitment.maximum);
    if (this.charged() + maximum > this.creditLimit) {
      return refuse("insufficient_funds", `The payer's credit limit is ${this.creditLimit}.`, { status: 62 });
    }
    this.#holds.set(id, { maximum, state: "open", answer: undefined });
    return { isValid: true, payer };
  }

  #tab(payload: VoucherPayload): { key: Hex; tab: Tab } {
    const key = tabKey(payload.voucher);
    let tab = this.#tabs.get(key);
    if (tab === undefined) this.#tabs.set(key, (tab = { charged: 0n, charges: 0n, maximum: 0n, answers: new Map() }));
    return { key, tab };
  }

  #tabState(payload: VoucherPayload): Record<string, string> {
    const { key, tab } = this.#tab(payload);
    return { tab: key, charged: `${tab.charged}`, charges: `${tab.charges}`, maximum: `${tab.maximum}` };
  }

  #verifyVoucher(payload: VoucherPayload, amount: bigint): unknown {
    const { tab } = this.#tab(payload);
    const extra = { tabState: this.#tabState(payload) };
    if (payload.index !== tab.charges.toString()) {
      return { isValid: false, invalidReason: "invalid_payload", invalidMessage: "Another index.", extra };
    }
    if (BigInt(payload.voucher.maximum) < tab.charged + amount) {
      return { isValid: false, invalidReason: "invalid_payload", invalidMessage: "The maximum is too low.", extra };
    }
    return { isValid: true, payer: payload.voucher.payer, extra };
  }

  #settle({ paymentPayload: { payload }, paymentRequirements: { amount } }: Item): unknown {
    const success = { success: true, transaction: "", network: NETWORK, amount };
    const failure = { success: false, transaction: "", network: NETWORK };
    if (payload.type === "voucher") {
      const { tab } = this.#tab(payload);
      const known = tab.answers.get(payload.index);
      if (known !== undefined) return known;
      tab.charged += BigInt(amount);
      tab.charges += 1n;
      tab.maximum = BigInt(payload.voucher.maximum);
      const answer = { ...success, payer: payload.voucher.payer, extra: { tabState: this.#tabState(payload) } };
      tab.answers.set(payload.index, answer);
      return answer;
    }
    const hold = this.#holds.get(`${payload.commitment.payer} ${payload.commitment.nonce}`);
    if (hold === undefined) return { ...failure, errorReason: "invalid_batch_settlement_tab_hold_unknown" };
    if (hold.state === "open") {
      hold.state = amount === "0" ? "released" : "captured";
      hold.maximum = BigInt(amount);
      hold.answer = { ...success, payer: payload.commitment.payer, extra: { commitmentId: "1" } };
    } else if ((amount === "0") !== (hold.state === "released")) {
      return { ...failure, errorReason: `invalid_batch_settlement_tab_hold_${hold.state}` };
    }
    return hold.answer;
  }
}

export const SUPPORTED_EXTRA = {
  binding: "tab",
  version: "1",
  types: ["commitment", "voucher"],
  assets: [{ asset: "USD", symbol: "USD", decimals: 6 }],
};

function recover(payload: TabPayload): Address {
  const hash =
    payload.type === "voucher"
      ? digest(NETWORK, "Voucher", numbers(payload.voucher) as never)
      : digest(NETWORK, "Commitment", numbers(payload.commitment) as never);
  const bytes = Buffer.from(payload.signature.slice(2), "hex");
  const made = secp256k1.Signature.fromBytes(bytes.subarray(0, 64), "compact").addRecoveryBit((bytes[64] ?? 0) - 27);
  // eslint-disable-next-line @typescript-eslint/no-deprecated -- its replacement is not in this version's types
  const point = made.recoverPublicKey(hash.slice(2)).toBytes(false);
  return `0x${Buffer.from(keccak_256(point.subarray(1)).subarray(12)).toString("hex")}`;
}

function numbers(body: Record<string, string>): Record<string, unknown> {
  const fields = ["maximum", "nonce", "validAfter", "validBefore"];
  return Object.fromEntries(
    Object.entries(body).map(([name, text]) => [name, fields.includes(name) ? BigInt(text) : text]),
  );
}
