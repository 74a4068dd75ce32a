// tabd with a ledger of its own: configuration, keys, the parties of the playground, and tabctl.
import { execFile } from "node:child_process";
import { createHash, randomBytes } from "node:crypto";
import { existsSync, writeFileSync } from "node:fs";
import { promisify } from "node:util";

import { account } from "./chain.mjs";
import { Program } from "./processes.mjs";
import {
  CHAIN_ID,
  claimSeconds,
  CREDIT_LIMIT,
  NETWORK,
  PAYEES,
  payoutSeconds,
  PLAN,
  TOKEN,
  WITHDRAW_DELAY_SECONDS,
} from "./settings.mjs";

const run = promisify(execFile);
export const treasury = account(0);
const hexKey = (owner) => `0x${Buffer.from(owner.getHdKey().privateKey).toString("hex")}`;

function configuration({ chain, ports, window, apiKey, payees }) {
  return `# Written by the playground at its start.
network = "${NETWORK}"
data_dir = "ledger"
operator_key_file = "operator.key"

[rpc]
unix_socket = "tabd.sock"
unix_socket_mode = "0600"

[http]
listen = "127.0.0.1:${ports.page}"
page = true

[x402]
listen = "127.0.0.1:${ports.x402}"
server_key_file = "front.key"
connections_per_address_max = 1000

[x402.channels]
contract = "${chain.settlement}"
collector = "${chain.collector}"
authorizer_key_file = "authorizer.key"
withdraw_delay = "${WITHDRAW_DELAY_SECONDS}s"
claim_interval = "${claimSeconds(window)}s"
settle_interval = "${payoutSeconds(window)}s"

[[x402.api_key]]
name = "playground"
sha256 = "0x${createHash("sha256").update(apiKey).digest("hex")}"
role = "server"
addresses = [${payees.map(({ address }) => `"${address}"`).join(", ")}]
requests_per_s = 0

[log]
format = "json"

[[asset]]
id = 1
text = "${chain.asset}"
symbol = "${TOKEN.symbol}"
scale = ${TOKEN.decimals}

[[plan]]
label = "${PLAN}"
asset = "${TOKEN.symbol}"
credit_limit = "${CREDIT_LIMIT}"
rails = ["stablecoin"]
window = "${window}s"
dunning = ["30s", "60s"]

[settlement]
poll_interval = "200ms"

[rails.stablecoin]
enabled = true
rpc_url = "${chain.url}"
chain_id = ${CHAIN_ID}
signer_key_file = "treasury.key"
state_directory = "stablecoin"
confirmed = "1"
finality = "2"
poll_interval = "200ms"
in_flight_max = 16

[[rails.stablecoin.token]]
asset = "${TOKEN.symbol}"
address = "${chain.token}"
eip712_name = "${TOKEN.name}"
eip712_version = "${TOKEN.version}"
`;
}

export class Daemon {
  #tabctl;
  program;
  folder;
  apiKey = `tabd_${randomBytes(24).toString("hex")}`;
  payees = PAYEES.map((payee, index) => ({ ...payee, address: account(index + 1).address.toLowerCase() }));
  pageUrl;
  x402Url;

  static missing({ tabd, tabctl }) {
    for (const file of [tabd, tabctl]) if (!existsSync(file)) return `${file} is missing: run make build`;
    return undefined;
  }

  static async start({ tabd, tabctl, folder, window, chain, ports }) {
    const daemon = new Daemon();
    daemon.folder = folder;
    daemon.#tabctl = tabctl;
    const keys = { operator: undefined, front: undefined, authorizer: undefined, treasury: hexKey(treasury) };
    for (const [name, key] of Object.entries(keys)) {
      writeFileSync(`${folder}/${name}.key`, `${key ?? `0x${randomBytes(32).toString("hex")}`}\n`, { mode: 0o400 });
    }
    const { apiKey, payees } = daemon;
    writeFileSync(`${folder}/tabd.toml`, configuration({ chain, ports, window, apiKey, payees }));
    // The treasury can round up payouts from the start, as a real one could.
    await chain.mint(treasury.address, "100");
    daemon.program = new Program("tabd", tabd, ["--config", `${folder}/tabd.toml`], `${folder}/tabd.log`);
    try {
      await daemon.#ready();
    } catch (error) {
      await daemon.program.stop();
      throw error;
    }
    return daemon;
  }

  async #ready() {
    // Each line of the log is JSON; the ports are there, also those that were left to the system.
    const logged = (text) =>
      text
        .split("\n")
        .filter((line) => line.startsWith("{") && line.endsWith("}"))
        .map((line) => JSON.parse(line));
    const place = (what) => (text) => logged(text).find((line) => line.what === what)?.address;
    this.x402Url = `http://${await this.program.says(place("x402"))}`;
    this.pageUrl = `http://${await this.program.says(place("http"))}/page/`;
    for (const { address, label, fee } of this.payees) {
      await this.tabctl("payee", "add", address, "--label", label, "--fee", fee, "--rail", "stablecoin");
    }
  }

  async stop() {
    await this.program.stop();
    if (this.program.exitCode !== 0) throw new Error(`tabd did not end well:\n${this.program.lastWords()}`);
  }

  /** The command's answer. Throws what tabctl said. */
  async tabctl(...words) {
    const common = [
      "--socket",
      `${this.folder}/tabd.sock`,
      "--key",
      `${this.folder}/operator.key`,
      "--json",
      "--quiet",
    ];
    try {
      return JSON.parse((await run(this.#tabctl, [...common, ...words])).stdout);
    } catch (error) {
      throw new Error(`tabctl ${words.slice(0, 2).join(" ")}: ${error.stderr?.trim() || error.message}`);
    }
  }

  addPayer(address, label) {
    return this.tabctl("payer", "add", address, "--label", label, "--plan", PLAN);
  }

  /** All of them, oldest first. */
  async statements() {
    return (await this.tabctl("statement", "list", "--all")).items;
  }

  /** What all payment channels together hold, were charged and had claimed, and what was paid out: smallest units. */
  async channelTotals() {
    const [channels, earnings] = await Promise.all([
      this.tabctl("channel", "list", "--all"),
      this.tabctl("channel", "earnings"),
    ]);
    const sum = (items, figure) => items.reduce((total, one) => total + BigInt(figure(one) ?? 0), 0n);
    return {
      count: channels.items.length,
      held: sum(channels.items, ({ balance, claimed }) => BigInt(balance) - BigInt(claimed)),
      charged: sum(channels.items, ({ charged }) => charged),
      claimed: sum(channels.items, ({ claimed }) => claimed),
      paidOut: sum(earnings.items, ({ settled }) => settled),
    };
  }
}
