// The playground from outside: as a process, over HTTP, through tabctl and on its chain.
import assert from "node:assert/strict";
import { execFile, spawn } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

import { Faucet } from "../../playground/agents/faucet.mjs";

const agents = fileURLToPath(new URL("../../playground/agents/", import.meta.url));
const WAIT_MS = 90_000; // a bound, not a measure
const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

/** Asks again and again until the answer is true. */
async function eventually(what, question) {
  const end = Date.now() + WAIT_MS;
  for (;;) {
    const answer = await question();
    if (answer) return answer;
    if (Date.now() > end) throw new Error(`waited in vain: ${what}`);
    await sleep(100);
  }
}

const exists = (pid) => existsSync(`/proc/${pid}`);

class Playground {
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

  /** Of the chain's token; smallest units. */
  async balance(owner) {
    this.token ??= (await (await this.faucet("probe")).json()).asset.asset.split(":").at(-1);
    const data = `0x70a08231${owner.slice(2).padStart(64, "0")}`; // balanceOf(address)
    const answer = await fetch(this.state.urls.chain, {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify({
        jsonrpc: "2.0",
        id: 1,
        method: "eth_call",
        params: [{ to: this.token, data }, "latest"],
      }),
    });
    return BigInt((await answer.json()).result);
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
const units = (decimal) => BigInt(Math.round(Number(decimal) * 1e6));

describe("a playground that runs", () => {
  const playground = new Playground();
  let agent;
  let spent = 0n;

  before(() => playground.running("--window", "3", "--crawlers", "1"));
  after(() => playground.clean());

  test("the faucet funds an agent, which buys one of each kind", async () => {
    const words = [`${agents}crawler.mjs`, playground.state.urls.front, "--label", "visitor", "--rounds", "1"];
    const { stdout } = await promisify(execFile)(process.execPath, [...words, "--pause-ms", "10"], {
      timeout: WAIT_MS,
    });
    assert.doesNotMatch(stdout, /did not work/);
    agent = /I am (visitor-\d+), (0x[0-9a-f]{40}), with 100 USDC/.exec(stdout);
    assert.ok(agent, stdout);
    for (const kind of [
      /paid \$0\.0020 for \/articles\//,
      /paid \$0\.0500 for \/report/,
      /paid \$0\.0200 for \/sessions/,
      /paid \$0\.0012 for \/stream\/12/,
      /paid \$0\.0030 for the tool lookup/,
      /paid \$0\.0010 for the tool summarise/,
    ]) {
      assert.match(stdout, kind);
    }
    for (const [, dollars] of stdout.matchAll(/paid \$([\d.]+)/g)) spent += units(dollars);
    const payer = await playground.tabctl("payer", "show", agent[2]);
    assert.equal(payer.label, agent[1]);
    assert.deepEqual(payer.plans, ["agents"]);
  });

  test("each kind of sale is in the books of its payee", async () => {
    for (const label of ["library", "search", "stream", "tools"]) {
      await eventually(`${label} to have earned`, async () => {
        const [{ accrued, payable, paid_out: paidOut }] = (await playground.tabctl("payee", "show", label)).balances;
        return units(accrued) + units(payable) + units(paidOut) > 0n;
      });
    }
  });

  test("the agent's statements are settled: its wallet paid what it bought, to the last unit", async () => {
    const paid = await eventually("the statements to be paid", async () => {
      const { items } = await playground.tabctl("statement", "list", "--payer", agent[2], "--all");
      const total = items.reduce((sum, { billed }) => sum + units(billed), 0n);
      return total === spent && items.every(({ state }) => state === "paid") ? items : undefined;
    });
    assert.ok(paid.length > 0);
    assert.equal(await playground.balance(agent[2]), 100_000_000n - spent);
  });

  test("the faucet says what is wrong", async () => {
    for (const body of ['{"label": ""}', '{"label": 7}', '{"label": "<b>"}', "{", `{"label": "${"x".repeat(5000)}"}`]) {
      const headers = { "Content-Type": "application/json" };
      const answer = await fetch(`${playground.state.urls.front}/faucet`, { method: "POST", headers, body });
      assert.ok(answer.status === 400 || answer.status === 413, `${body.slice(0, 20)}: ${answer.status}`);
      assert.ok((await answer.json()).error.message);
    }
  });

  test("what is not paid is not given", async () => {
    const { front } = playground.state.urls;
    for (const path of ["/articles/tabs", "/report", "/stream/0"]) {
      const answer = await fetch(front + path);
      assert.equal(answer.status, 402, path);
      assert.ok(answer.headers.get("PAYMENT-REQUIRED"), path);
    }
    assert.equal((await fetch(`${front}/search?q=tab`)).status, 401);
    assert.equal((await fetch(`${front}/nothing`)).status, 404);
  });

  test("the web page shows it", async () => {
    const answer = await fetch(playground.state.urls.page);
    assert.equal(answer.status, 200);
    assert.match(await answer.text(), /<html/);
    const live = await (await fetch(`${playground.state.urls.page}live?after=0`)).json();
    assert.equal(live.network, "playground:tab");
    assert.ok(live.payments.length > 0);
  });

  test("a second one in the same folder is refused", async () => {
    const second = new Playground();
    rmSync(second.folder, { recursive: true });
    second.folder = playground.folder;
    assert.equal(await second.start("--any-ports").ended, 1);
    assert.match(second.output, /a playground is running in .* stop it/);
  });

  test("Ctrl-C ends it, and all that it started", async () => {
    assert.equal(await playground.stop("SIGINT"), 0, playground.output);
    assert.match(playground.output, /All is stopped/);
    await playground.allGone();
    for (const url of Object.values(playground.state.urls)) await assert.rejects(fetch(url), url);
  });

  test("it starts again in the same folder, and ends by itself", async () => {
    playground.start("--any-ports", "--seconds", "2", "--crawlers", "0");
    assert.equal(await playground.ended, 0, playground.output);
    assert.match(playground.output, /All is stopped/);
  });
});

describe("the faucet", () => {
  const fake = (clock, waiting = []) => {
    const newWallet = () => (waiting === null ? Promise.resolve({}) : new Promise((resolve) => waiting.push(resolve)));
    return new Faucet({ newWallet, asset: "USDC" }, { addPayer: () => Promise.resolve() }, () => clock.now);
  };
  const refused = (status, code) => (error) => error.status === status && error.code === code;

  test("gives some at once, then one a second", async () => {
    const clock = { now: 0 };
    const faucet = fake(clock, null);
    for (let index = 0; index < 5; ++index) await faucet.newAgent({ label: "a" });
    await assert.rejects(faucet.newAgent(), refused(429, "too_many_requests"));
    clock.now += 1000;
    assert.equal((await faucet.newAgent()).label, "agent-6");
    await assert.rejects(faucet.newAgent(), refused(429, "too_many_requests"));
  });

  test("lets few wait", async () => {
    const clock = { now: 0 };
    const waiting = [];
    const faucet = fake(clock, waiting);
    const made = [];
    for (let index = 0; index < 10; ++index, clock.now += 1000) made.push(faucet.newAgent());
    await assert.rejects(faucet.newAgent(), refused(429, "too_many_requests"));
    for (const finish of waiting) finish({});
    assert.equal((await Promise.all(made)).length, 10);
  });

  test("is empty in the end", async () => {
    const clock = { now: 0 };
    const faucet = fake(clock, null);
    for (let index = 0; index < 200; ++index, clock.now += 1000) await faucet.newAgent();
    await assert.rejects(faucet.newAgent(), refused(403, "faucet_empty"));
  });
});

describe("a playground that does not run", () => {
  const playground = new Playground();
  after(() => playground.clean());

  test("is killed: what it started ends with it", async () => {
    await playground.running("--crawlers", "1");
    assert.ok(Object.values(playground.state.pids).every(exists));
    assert.equal(await playground.stop("SIGKILL"), "SIGKILL");
    await playground.allGone();
  });

  test("finds its port taken", async () => {
    const server = createServer();
    await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
    const { port } = server.address();
    assert.equal(await playground.start("--port", String(port)).ended, 1);
    assert.match(playground.output, new RegExp(`port ${port} is taken: .*--port`));
    await new Promise((resolve) => server.close(resolve));
  });

  test("is told nonsense", async () => {
    for (const words of [
      ["--seconds", "soon"],
      ["--window", "0"],
      ["--colour", "red"],
    ]) {
      assert.equal(await playground.start(...words).ended, 2, `${words}`);
      assert.match(playground.output, /playground: .*--/);
    }
    assert.equal(await playground.start("--tabd", "/nowhere/tabd").ended, 1);
    assert.match(playground.output, /\/nowhere\/tabd is missing: run make build/);
    assert.equal(await playground.start("--help").ended, 0);
    assert.match(playground.output, /--seconds N/);
  });

  test("leaves folders of others alone", async () => {
    const other = new Playground();
    writeFileSync(join(other.folder, "thesis.txt"), "important");
    assert.equal(await other.start("--any-ports").ended, 1);
    assert.match(other.output, /is not a folder of the playground/);
    assert.equal(readFileSync(join(other.folder, "thesis.txt"), "utf8"), "important");
    other.clean();
  });
});
