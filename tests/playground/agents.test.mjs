// The playground from outside: as a process, over HTTP, through tabctl and on its chain.
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { promisify } from "node:util";

import { Faucet } from "../../playground/agents/faucet.mjs";
import { agents, eventually, exists, Playground, units, WAIT_MS } from "./playground.mjs";

const FIRST_ROUND = [
  /paid \$0\.0020 for \/articles\//,
  /paid \$0\.0500 for \/report/,
  /paid \$0\.0200 for \/sessions/,
  /paid \$0\.0012 for \/stream\/12/,
  /paid \$0\.0030 for the tool lookup/,
  /paid \$0\.0010 for the tool summarise/,
];

describe("a playground that runs", () => {
  const playground = new Playground();
  const visitors = {};

  before(() => playground.running("--window", "3", "--crawlers", "2"));
  after(() => playground.clean());

  /** An agent that goes round once. What it is called, its address, what it said and what it spent. */
  async function visit(pay) {
    const words = [`${agents}crawler.mjs`, playground.state.urls.front, "--pay", pay, "--label", `${pay} visitor`];
    const more = ["--rounds", "1", "--pause-ms", "10"];
    const { stdout } = await promisify(execFile)(process.execPath, [...words, ...more], { timeout: WAIT_MS });
    assert.doesNotMatch(stdout, /did not work/);
    const [, label, address] = /I am (.* visitor-\d+), (0x[0-9a-f]{40}), with 100 USDC/.exec(stdout) ?? [];
    assert.ok(address, stdout);
    for (const kind of FIRST_ROUND) assert.match(stdout, kind);
    const spent = [...stdout.matchAll(/paid \$([\d.]+)/g)].reduce((sum, [, dollars]) => sum + units(dollars), 0n);
    return (visitors[pay] = { label, address, stdout, spent });
  }

  test("the faucet funds an agent, which buys one of each kind on a tab", async () => {
    const { label, address } = await visit("tab");
    const payer = await playground.tabctl("payer", "show", address);
    assert.equal(payer.label, label);
    assert.deepEqual(payer.plans, ["agents"]);
  });

  test("another one buys the same through channels, and takes back what is left", async () => {
    const { address, stdout, spent } = await visit("channel");
    assert.equal(stdout.match(/after a deposit of \$0\.50/g).length, 4); // one channel with each seller
    const refunds = [...stdout.matchAll(/took back \$([\d.]+) from the channel with (\w+)/g)];
    assert.deepEqual(refunds.map(([, , payee]) => payee).sort(), ["library", "search", "stream", "tools"]);
    const refunded = refunds.reduce((sum, [, dollars]) => sum + units(dollars), 0n);
    assert.equal(refunded, 4n * 500_000n - spent);
    assert.equal(await playground.balance(address), 100_000_000n - spent);
  });

  test("each kind of sale is in the books of its payee, of both ways to pay", async () => {
    for (const label of ["library", "search", "stream", "tools"]) {
      const { address } = await playground.payee(label);
      await eventually(`${label} to have earned on tabs`, async () => {
        const { accrued, payable, paidOut } = await playground.payee(label);
        return accrued + payable + paidOut > 0n;
      });
      await eventually(`${label} to have earned through channels`, async () => {
        const { items } = await playground.tabctl("channel", "earnings");
        return items.some(({ receiver, settled }) => receiver === address && BigInt(settled ?? 0) > 0n);
      });
    }
  });

  test("the agent's statements are settled: its wallet paid what it bought, to the last unit", async () => {
    const { address, spent } = visitors.tab;
    const paid = await eventually("the statements to be paid", async () => {
      const { items } = await playground.tabctl("statement", "list", "--payer", address, "--all");
      const total = items.reduce((sum, { billed }) => sum + units(billed), 0n);
      return total === spent && items.every(({ state }) => state === "paid") ? items : undefined;
    });
    assert.ok(paid.length > 0);
    assert.equal(await playground.balance(address), 100_000_000n - spent);
  });

  test("who pays through channels gets no statement", async () => {
    const { items } = await playground.tabctl("statement", "list", "--payer", visitors.channel.address, "--all");
    assert.deepEqual(items, []);
  });

  for (const [way, line] of [
    ["tab", /promised 2000 units/g],
    ["channel", /charged 2000 units/g],
  ]) {
    test(`the example for paying by ${way} works`, async () => {
      const command = [`${agents}examples/${way}.mjs`, playground.state.urls.front];
      const { stdout } = await promisify(execFile)(process.execPath, command, { timeout: WAIT_MS });
      assert.equal(stdout.match(line)?.length, 3, stdout);
      if (way === "channel") assert.match(stdout, /took back 494000 units/);
    });
  }

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
    const offered = async (path) => {
      const answer = await fetch(front + path);
      assert.equal(answer.status, 402, path);
      const { accepts } = JSON.parse(Buffer.from(answer.headers.get("PAYMENT-REQUIRED") ?? "", "base64").toString());
      return accepts.map(({ network }) => network);
    };
    for (const path of ["/articles/tabs", "/report", "/stream/0"]) {
      assert.deepEqual(await offered(path), ["eip155:31337", "playground:tab"], path);
    }
    assert.deepEqual(await offered("/refunds/tools"), ["eip155:31337"]);
    assert.equal((await fetch(`${front}/search?q=tab`)).status, 401);
    assert.equal((await fetch(`${front}/nothing`)).status, 404);
  });

  test("the web page shows it", async () => {
    const answer = await fetch(playground.state.urls.page);
    assert.equal(answer.status, 200);
    assert.match(await answer.text(), /<html/);
    const live = await (await fetch(`${playground.state.urls.page}live?after=0`)).json();
    assert.equal(live.network, "playground:tab");
    for (const one of [(how) => how === "channel", (how) => how !== "channel"]) {
      assert.ok(live.payments.some(({ how }) => one(how)));
    }
    const { items } = await (await fetch(`${playground.state.urls.page}channels`)).json();
    assert.ok(items.some(({ payer }) => payer.label === visitors.channel.label));
  });

  test("the terminal tells of both ways to pay", async () => {
    assert.match(playground.output, /on a tab +Credit\.[^]*through a channel +Prepaid\./);
    await eventually("the news to tell of both", () =>
      /Tabs: \d+ statements, [1-9]\d* of them paid\.\n +Channels: [1-9]\d*, \$[\d.]+ in escrow; charged \$[\d.]+, claimed \$0\.\d*[1-9]/.test(
        playground.output,
      ),
    );
  });

  test("a second one in the same folder is refused", async () => {
    const second = new Playground();
    rmSync(second.folder, { recursive: true });
    second.folder = playground.folder;
    assert.equal(await second.start("--any-ports").ended, 1);
    assert.match(second.output, /a playground is running in .* stop it/);
  });

  test("Ctrl-C ends it, and all that it started, when the crawlers' escrow is back", async () => {
    assert.equal(await playground.stop("SIGINT"), 0, playground.output);
    assert.match(playground.output, /Channels: \d+, \$0\.0000 in escrow; .*\nAll is stopped/);
    assert.match(readFileSync(join(playground.folder, "crawler-2.log"), "utf8"), /took back/);
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
    await playground.running("--crawlers", "2");
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

  test("finds an old Node.js, or no packages", async () => {
    const folder = mkdtempSync(join(tmpdir(), "tabd-playground-"));
    const run = (file, ...words) =>
      promisify(execFile)(process.execPath, [...words, file]).then(
        () => assert.fail("it ran"),
        ({ code, stderr }) => ({ code, stderr }),
      );
    try {
      const old = join(folder, "old.cjs");
      writeFileSync(old, 'Object.defineProperty(process, "versions", { value: { node: "16.20.2" } });\n');
      const tooOld = await run(`${agents}main.mjs`, "--require", old);
      assert.deepEqual(
        [tooOld.code, /Node\.js 18\.18 or newer is needed, and this is 16\.20\.2/.test(tooOld.stderr)],
        [1, true],
      );
      for (const name of readdirSync(agents)) {
        if (name.endsWith(".mjs")) cpSync(`${agents}${name}`, join(folder, name));
      }
      const bare = await run(join(folder, "main.mjs"));
      assert.equal(bare.code, 1);
      assert.match(
        bare.stderr,
        /^playground: npm packages of .* missing or old: run tools\/setup\.sh playground .*\n$/,
      );
    } finally {
      rmSync(folder, { recursive: true });
    }
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
