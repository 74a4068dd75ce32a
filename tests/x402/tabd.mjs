// The real daemon as the facilitator, with a ledger of its own in a temporary folder, `exact` on the chain's token, and
// channels in the chain's settlement contract.

import { execFileSync, spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { closeSync, existsSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { ERC3009_DEPOSIT_COLLECTOR_ADDRESS } from "@x402/evm";
import { CHAIN_ID, NETWORK, TOKEN_NAME, TOKEN_VERSION, account } from "./chain.mjs";

const root = join(dirname(fileURLToPath(import.meta.url)), "..", "..");
const binary = process.env.TABD_BINARY ?? join(root, "build", "release", "daemon", "tabd");
const tabctl = process.env.TABCTL_BINARY ?? join(dirname(binary), "..", "cli", "tabctl");
const START_TIMEOUT_MS = 60_000;
const STOP_TIMEOUT_MS = 30_000;
const API_KEY = "tabd_key_of_the_tests";

export const LEDGER_NETWORK = "flows:tab";

// What is absent, and how to get it; empty if the daemon can be started.
export const missingDaemon = () => (existsSync(binary) ? "" : `${binary} is missing: build tabd, or set TABD_BINARY`);

async function freePort() {
  const server = createServer();
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address();
  await new Promise((resolve) => server.close(resolve));
  return port;
}

const configuration = (chain, port, payees, authorizer) => `
network = "${LEDGER_NETWORK}"
data_dir = "data"
operator_key_file = "operator.key"
[rpc]
unix_socket = "t.sock"
[http]
listen = ""
[x402]
listen = "127.0.0.1:${port}"
server_key_file = "front.key"
settle_wait = "50s"
connections_per_address_max = 1000
[x402.channels]
contract = "${chain.settlement.toLowerCase()}"
collector = "${ERC3009_DEPOSIT_COLLECTOR_ADDRESS.toLowerCase()}"
${authorizer ? 'authorizer_key_file = "authorizer.key"' : ""}
withdraw_delay = "15m"
[[x402.api_key]]
name = "tests"
sha256 = "0x${createHash("sha256").update(API_KEY).digest("hex")}"
role = "server"
addresses = [${payees.map((payee) => `"${payee}"`).join(", ")}]
requests_per_s = 0
[[asset]]
id = 1
text = "${NETWORK}/erc20:${chain.token.toLowerCase()}"
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

// `sender` is the rail's signer, `authorizer` signs claims and refunds. All of `payees` may be charged for with the key in
// `headers`. `more`: configuration to append. `operator(words)` runs tabctl as the operator.
export async function startTabd(chain, { sender, authorizer, payees, more = "" }) {
  const folder = mkdtempSync(join(tmpdir(), "tabd-x402-"));
  const port = await freePort();
  const url = `http://127.0.0.1:${port}`;
  const keys = { operator: account(100), front: account(101), signer: sender, ...(authorizer ? { authorizer } : {}) };
  for (const [name, { getHdKey }] of Object.entries(keys)) {
    const key = Buffer.from(getHdKey().privateKey).toString("hex");
    writeFileSync(join(folder, `${name}.key`), `0x${key}\n`, { mode: 0o400 });
  }
  writeFileSync(join(folder, "tabd.toml"), configuration(chain, port, payees, authorizer) + more);
  const log = openSync(join(folder, "log"), "a");
  const child = spawn(binary, ["--config", join(folder, "tabd.toml")], { stdio: ["ignore", log, log] });
  closeSync(log);
  const killed = () => child.kill("SIGKILL"); // also when the tests are ended in the middle
  process.once("exit", killed);
  const ended = new Promise((resolve) => child.once("exit", resolve));

  const operator = (words) =>
    execFileSync(tabctl, ["--socket", join(folder, "t.sock"), "--key", join(folder, "operator.key"), "--quiet", ...words]);

  const close = async () => {
    child.kill("SIGTERM");
    const timer = setTimeout(killed, STOP_TIMEOUT_MS);
    await ended;
    clearTimeout(timer);
    process.removeListener("exit", killed);
    const code = child.exitCode;
    const text = readFileSync(join(folder, "log"), "utf8");
    rmSync(folder, { recursive: true });
    if (code !== 0) throw new Error(`tabd ended with ${code ?? child.signalCode}:\n${text}`);
  };

  const deadline = Date.now() + START_TIMEOUT_MS;
  for (;;) {
    const ready = await fetch(`${url}/healthz`).then((response) => response.ok, () => false);
    if (ready) return { url, headers: { authorization: `Bearer ${API_KEY}` }, pid: child.pid, operator, close };
    if (child.exitCode !== null || Date.now() > deadline) {
      const text = readFileSync(join(folder, "log"), "utf8");
      killed();
      rmSync(folder, { recursive: true });
      throw new Error(`tabd did not start:\n${text}`);
    }
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}
