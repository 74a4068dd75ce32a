// A playground as a test sees it: a process, its HTTP servers, tabctl and its chain.
import { execFile, spawn } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

const root = fileURLToPath(new URL("../../", import.meta.url));
export const agents = `${root}playground/agents/`;
const ARTIFACTS = { token: "TestUSDC", settlement: "BatchSettlement" };
const { createPublicClient, http } = createRequire(`${agents}main.mjs`)("viem");
export const WAIT_MS = 90_000; // a bound, not a measure
const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

/** Asks again and again until the answer is true. */
export async function eventually(what, question) {
  const end = Date.now() + WAIT_MS;
  for (;;) {
    const answer = await question();
    if (answer) return answer;
    if (Date.now() > end) throw new Error(`waited in vain: ${what}`);
    await sleep(100);
  }
}

export const exists = (pid) => existsSync(`/proc/${pid}`);

export class Playground {
  folder = mkdtempSync(join(tmpdir(), "tabd-playground-"));
  output = "";
  child;
  state;

  start(...words) {
    this.output = "";
    const command = [process.execPath, `${agents}main.mjs`, "--folder", this.folder, ...words];
    this.child = spawn("setpriv", ["--pdeathsig", "TERM", "--", ...command]); // ends with the test, however that ends
    for (const stream of [this.child.stdout, this.child.stderr]) stream.on("data", (text) => (this.output += text));
    const { child } = this;
    this.ended = new Promise((resolve) => child.once("close", (code, signal) => resolve(code ?? signal)));
    return this;
  }

  async running(...words) {
    this.start("--any-ports", ...words);
    await eventually("the playground to run", () => {
      if (this.child.exitCode !== null) throw new Error(`it ended:\n${this.output}`);
      return this.output.includes("All is running");
    });
    this.state = JSON.parse(readFileSync(join(this.folder, "playground.json"), "utf8"));
    return this;
  }

  async stop(signal) {
    this.child.kill(signal);
    return this.ended;
  }

  async tabctl(...words) {
    const { socket, operatorKey, tabctl } = this.state;
    const common = ["--socket", socket, "--key", operatorKey, "--json", "--quiet"];
    return JSON.parse((await promisify(execFile)(tabctl, [...common, ...words])).stdout);
  }

  /** What the contract `token` or `settlement` says. */
  read(contract, functionName, args) {
    const address = this.state.contracts[contract];
    const { abi } = JSON.parse(readFileSync(`${root}tests/chain/build/${ARTIFACTS[contract]}.json`, "utf8"));
    const chain = createPublicClient({ transport: http(this.state.urls.chain) });
    return chain.readContract({ address, abi, functionName, args });
  }

  /** Of the chain's token; smallest units. */
  balance(owner) {
    return this.read("token", "balanceOf", [owner]);
  }

  /** The payee, with its balances in the ledger in smallest units. */
  async payee(label) {
    const { address, balances } = await this.tabctl("payee", "show", label);
    const [{ accrued, payable, paid_out: paidOut } = {}] = balances; // none before the first sale
    return { address, accrued: units(accrued ?? 0), payable: units(payable ?? 0), paidOut: units(paidOut ?? 0) };
  }

  faucet(label) {
    return fetch(`${this.state.urls.front}/faucet`, {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify({ label }),
    });
  }

  allGone() {
    const pids = Object.values(this.state.pids);
    return eventually("all processes to be gone", () => !pids.some(exists));
  }

  clean() {
    this.child?.kill("SIGKILL");
    rmSync(this.folder, { recursive: true, force: true });
  }
}

/** Units in a decimal of the asset. */
export const units = (decimal) => BigInt(Math.round(Number(decimal) * 1e6));
