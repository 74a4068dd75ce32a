// The real daemon, with a ledger of its own in a temporary folder.
import { execFile, spawn } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { createHash } from "node:crypto";
import { closeSync, existsSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

import { ERC3009_DEPOSIT_COLLECTOR_ADDRESS } from "@x402/evm";

import { fromDecimal, signedBody, signMandate, signRevocation } from "../../src/index.js";
import type { SignedMandate, SignedRevocation } from "../../src/index.js";
import { loadChain, secretOf, signerOf } from "./chain.js";
import type { Chain } from "./chain.js";
import type { ChannelWorld } from "./channel_scenarios.js";
import { party } from "./parties.js";
import type { Party } from "./parties.js";
import type { World } from "./scenarios.js";

const root = fileURLToPath(new URL("../../../../", import.meta.url));
const tabd = process.env["TABD_BINARY"] ?? join(root, "build/release/daemon/tabd");
const tabctl = process.env["TABCTL_BINARY"] ?? join(dirname(tabd), "../cli/tabctl");

/** Undefined if there is a daemon to test with; otherwise what is missing. Missing is a failure where CI=true. */
export function whyNoDaemon(): string | undefined {
  const missing = [tabd, tabctl].filter((binary) => !existsSync(binary));
  if (missing.length === 0) return undefined;
  const text = `there is no ${missing.join(" and no ")}: build them, or set TABD_BINARY and TABCTL_BINARY`;
  if (process.env["CI"] === "true") throw new Error(text);
  console.warn(`SKIPPED: ${text}`);
  return text;
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

const API_KEY = "tabd_key_of_the_tests";
const NETWORK = "js:tab";
const START_MS_MAX = 60_000;

export class Daemon {
  readonly network: `${string}:tab` = NETWORK;
  readonly apiKey = API_KEY;
  readonly operator: Party = party("operator");
  readonly front: Party = party("front");
  readonly payer: Party = party("payer");
  readonly agent: Party = party("agent");
  readonly payee: Party = party("payee");
  readonly #folder = mkdtempSync(join(tmpdir(), "tabd-js-"));
  /** With channels on it. */
  #chain: Chain | undefined;
  #chainConfig = "";
  #payers = 10;
  #port = 0;
  #process: ChildProcess | undefined;

  get url(): string {
    return `http://127.0.0.1:${this.#port}`;
  }

  /**
   * Starts a new ledger with one payer, one payee and their plan; with `chain` it takes channels there too, and claims and
   * pays out what was charged every `claimEvery`.
   */
  static async make(creditLimit = "50", chain?: Chain, claimEvery = "1h"): Promise<Daemon> {
    const daemon = new Daemon();
    daemon.#port = await freePort();
    if (chain !== undefined) await daemon.#watch(chain, claimEvery);
    for (const name of ["operator", "front", "payer"] as const) {
      writeFileSync(daemon.#path(`${name}.key`), `${daemon[name].key}\n`, { mode: 0o400 });
    }
    writeFileSync(daemon.#path("tabd.toml"), daemon.#config(creditLimit));
    await daemon.start();
    await daemon.tabctl("operator", ["payee", "add", daemon.payee.address, "--label", "weather", "--rail", "sandbox"]);
    await daemon.tabctl("operator", ["payer", "add", daemon.payer.address, "--label", "crawler", "--plan", "daily"]);
    return daemon;
  }

  async start(): Promise<void> {
    const log = openSync(this.#path("log"), "a");
    const child = spawn(tabd, ["--config", this.#path("tabd.toml")], { stdio: ["ignore", log, log] });
    closeSync(log);
    this.#process = child;
    process.once("exit", () => child.kill("SIGKILL")); // also when the tests are ended in the middle
    const deadline = Date.now() + START_MS_MAX;
    for (;;) {
      const ready = await fetch(`${this.url}/healthz`).then(
        (response) => response.ok,
        () => false,
      );
      if (ready) return;
      if (child.exitCode !== null || Date.now() > deadline) {
        throw new Error(`tabd did not start:\n${readFileSync(this.#path("log"), "utf8")}`);
      }
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }

  /** Ends the process as a crash would, or as asked. */
  async end(signal: "SIGKILL" | "SIGTERM"): Promise<void> {
    const child = this.#process;
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
    const ended = new Promise((resolve) => child.once("exit", resolve));
    child.kill(signal);
    const timer = setTimeout(() => child.kill("SIGKILL"), START_MS_MAX);
    await ended;
    clearTimeout(timer);
  }

  /** Stops it, and removes the ledger. */
  async stop(): Promise<void> {
    await this.end("SIGTERM");
    rmSync(this.#folder, { recursive: true });
  }

  async tabctl(as: "operator" | "payer", words: string[]): Promise<Record<string, unknown>> {
    const common = ["--socket", this.#path("t.sock"), "--key", this.#path(`${as}.key`), "--quiet", "--json"];
    const { stdout } = await promisify(execFile)(tabctl, [...common, ...words]);
    return JSON.parse(stdout) as Record<string, unknown>;
  }

  async figures(): Promise<{ charged: bigint; held: bigint }> {
    const shown = await this.tabctl("operator", ["payer", "show", "crawler"]);
    const [tally] = shown["tallies"] as { held: string; unbilled: string; billed: string }[];
    const units = (text: string | undefined): bigint => fromDecimal("tally", text ?? "0", 6);
    return { charged: units(tally?.unbilled) + units(tally?.billed), held: units(tally?.held) };
  }

  /** Gives the agent a mandate: the payer's signed file, by tabctl, or one that is made here, over HTTP. */
  async allowAgent(file?: string): Promise<void> {
    if (file !== undefined) {
      writeFileSync(this.#path("mandate.json"), file);
      await this.tabctl("payer", ["mandate", "set", this.#path("mandate.json")]);
      return;
    }
    const request = { agent: this.agent.address, asset: "USD", cap: 1_000_000n, period: "day" } as const;
    await this.#bring("mandates", await signMandate(this.payer.signer, NETWORK, request));
  }

  async revokeAgent(): Promise<void> {
    const request = { agent: this.agent.address, asset: "USD" };
    await this.#bring("revocations", await signRevocation(this.payer.signer, NETWORK, request));
  }

  async #bring(what: string, signed: SignedMandate | SignedRevocation): Promise<void> {
    const headers = { authorization: `Bearer ${this.apiKey}` };
    const response = await fetch(`${this.url}/v1/${what}`, { method: "POST", headers, body: signedBody(signed) });
    if (response.status !== 200) throw new Error(`${what}: ${response.status} ${await response.text()}`);
  }

  world(): World {
    return {
      network: NETWORK,
      payer: this.payer,
      agent: this.agent,
      payee: this.payee,
      facilitator: { url: this.url, apiKey: API_KEY },
      charged: async () => (await this.figures()).charged,
      held: async () => (await this.figures()).held,
      allowAgent: () => this.allowAgent(),
      revokeAgent: () => this.revokeAgent(),
      stop: () => this.stop(),
    };
  }

  /** Sells through channels: every payer of this world is an account of the chain. */
  async channelWorld(): Promise<ChannelWorld> {
    const chain = this.#chain;
    if (chain === undefined) throw new Error("this daemon has no chain");
    const { NETWORK: network, TOKEN_NAME: name, TOKEN_VERSION: version, account } = await loadChain();
    return {
      network,
      token: { asset: chain.token, name, version },
      payee: this.payee.address,
      facilitator: { url: this.url, apiKey: API_KEY },
      payer: async () => {
        const payer = account(this.#payers++);
        await chain.mint(payer.address, 10_000_000n);
        return signerOf(payer, chain);
      },
      charged: async () => (await this.channels()).reduce((sum, { charged }) => sum + BigInt(charged), 0n),
      reserved: async () => (await this.channels()).filter(({ reservation }) => reservation !== null).length,
      channel: (id) => chain.channel(id),
      stop: async () => {
        await this.stop();
        await chain.close();
      },
    };
  }

  /** The channels that the ledger keeps, as tabctl has them. */
  async channels(): Promise<{ key: string; charged: string; claimed: string; reservation: object | null }[]> {
    const { items } = await this.tabctl("operator", ["channel", "list", "--all"]);
    return items as { key: string; charged: string; claimed: string; reservation: object | null }[];
  }

  async #watch(chain: Chain, claimEvery: string): Promise<void> {
    const { CHAIN_ID, NETWORK: network, TOKEN_NAME, TOKEN_VERSION, account } = await loadChain();
    this.#chain = chain;
    for (const [index, name] of ["", "signer", "authorizer"].entries()) {
      if (name !== "") writeFileSync(this.#path(`${name}.key`), `${secretOf(account(index))}\n`, { mode: 0o400 });
    }
    this.#chainConfig = `
[x402.channels]
contract = "${chain.settlement.toLowerCase()}"
collector = "${ERC3009_DEPOSIT_COLLECTOR_ADDRESS.toLowerCase()}"
authorizer_key_file = "authorizer.key"
withdraw_delay = "15m"
claim_interval = "${claimEvery}"
settle_interval = "${claimEvery}"
[[asset]]
id = 2
text = "${network}/erc20:${chain.token.toLowerCase()}"
symbol = "USDC"
[rails.stablecoin]
enabled = true
rpc_url = "${chain.url}"
chain_id = ${CHAIN_ID}
signer_key_file = "signer.key"
confirmed = "1"
poll_interval = "50ms"
[[rails.stablecoin.token]]
asset = "USDC"
address = "${chain.token.toLowerCase()}"
eip712_name = "${TOKEN_NAME}"
eip712_version = "${TOKEN_VERSION}"
`;
  }

  #path(name: string): string {
    return join(this.#folder, name);
  }

  #config(creditLimit: string): string {
    return `
network = "${NETWORK}"
data_dir = "data"
operator_key_file = "operator.key"
[rpc]
unix_socket = "t.sock"
[http]
listen = ""
[x402]
listen = "127.0.0.1:${this.#port}"
server_key_file = "front.key"
[[x402.api_key]]
name = "tests"
sha256 = "0x${createHash("sha256").update(API_KEY).digest("hex")}"
role = "server"
addresses = ["${this.payee.address}"]
requests_per_s = 0
[[asset]]
id = 1
text = "USD"
symbol = "USD"
scale = 6
rail_scale = 6
[[plan]]
label = "daily"
asset = "USD"
credit_limit = "${creditLimit}"
rails = ["sandbox"]
window = "day"
[rails.sandbox]
enabled = true
${this.#chainConfig}`;
  }
}
