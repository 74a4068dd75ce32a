import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";

import { loadChain, secretOf, whyNoChain } from "../support/chain.js";
import type { Chain } from "../support/chain.js";
import { Daemon, whyNoDaemon } from "../support/daemon.js";
import { endExample, needBuild, runExample, startExample } from "../support/examples.js";
import type { ExampleServer } from "../support/examples.js";

const missing = whyNoDaemon();
const missingChain = missing ?? (await whyNoChain());
if (missing === undefined) needBuild();

describe.skipIf(missing !== undefined).each(["express", "hono", "mcp"])("the examples, %s server", (framework) => {
  let daemon: Daemon;
  let files: string;
  let server: ExampleServer;
  let environment: NodeJS.ProcessEnv;

  beforeAll(async () => {
    daemon = await Daemon.make();
    files = mkdtempSync(join(tmpdir(), "tabd-js-examples-"));
    writeFileSync(join(files, "api.key"), `${daemon.apiKey}\n`, { mode: 0o400 });
    writeFileSync(join(files, "payer.key"), `${daemon.payer.key}\n`, { mode: 0o400 });
    writeFileSync(join(files, "agent.key"), `${daemon.agent.key}\n`, { mode: 0o400 });
    environment = {
      PATH: process.env["PATH"],
      TABD_URL: daemon.url,
      TABD_API_KEY_FILE: join(files, "api.key"),
      PAYER_KEY_FILE: join(files, "payer.key"),
      NETWORK: daemon.network,
      PAYEE: daemon.payee.address,
      PORT: "0",
    };
    server = await startExample(`${framework}-server`, environment);
  });
  afterAll(async () => {
    server.process.kill("SIGKILL");
    await daemon.stop();
    rmSync(files, { recursive: true });
  });

  const run = (more: NodeJS.ProcessEnv, example: string, ...words: string[]): Promise<string> =>
    runExample(example, words, { ...environment, ...more });
  const weather = (more: NodeJS.ProcessEnv = {}): Promise<string> =>
    framework === "mcp"
      ? run(more, "mcp-client", server.url, "forecast", '{"city":"Rome"}')
      : run(more, "client", `${server.url}/weather`);
  const story = (more: NodeJS.ProcessEnv): Promise<string> =>
    framework === "mcp"
      ? run(more, "mcp-client", server.url, "story", '{"words":200}')
      : run(more, "client", `${server.url}/story?words=200`);

  test("a payer buys, also by voucher; an agent with a mandate; the server charges all of it before it ends", async () => {
    expect(await weather()).toMatch(/sunny.*\ncharged 1000 units/i);
    expect(await story({ VOUCHERS: "1" })).toMatch(/word .*\ncharged 20000 units/);
    const agent = { PAYER: daemon.payer.address, PAYER_KEY_FILE: join(files, "agent.key") };
    await expect(weather(agent)).rejects.toThrow(/refused: invalid_signature/);
    await daemon.allowAgent(await run({}, "mandate", daemon.agent.address));
    expect(await weather(agent)).toMatch(/charged 1000 units/);
    if (framework !== "mcp") expect((await fetch(`${server.url}/weather`, { method: "HEAD" })).status).toBe(402);
    expect(await endExample(server)).toBe(0);
    expect(await daemon.figures()).toEqual({ charged: 22_000n, held: 0n });
  });
});

describe.skipIf(missingChain !== undefined)("the examples of channels", () => {
  let chain: Chain;
  let daemon: Daemon;
  let files: string;

  beforeAll(async () => {
    chain = await (await loadChain()).startChain();
    daemon = await Daemon.make("50", chain);
    files = mkdtempSync(join(tmpdir(), "tabd-js-examples-"));
  });
  afterAll(async () => {
    await daemon.stop();
    await chain.close();
    rmSync(files, { recursive: true });
  });

  test("a payer opens a channel, pays, and takes back what is left; the server charges all of it before it ends", async () => {
    const { NETWORK, TOKEN_NAME, TOKEN_VERSION, account } = await loadChain();
    const payer = account(10);
    await chain.mint(payer.address, 1_000_000n);
    writeFileSync(join(files, "api.key"), `${daemon.apiKey}\n`, { mode: 0o400 });
    writeFileSync(join(files, "payer.key"), `${secretOf(payer)}\n`, { mode: 0o400 });
    const environment = {
      PATH: process.env["PATH"],
      TABD_URL: daemon.url,
      TABD_API_KEY_FILE: join(files, "api.key"),
      PAYER_KEY_FILE: join(files, "payer.key"),
      NETWORK,
      PAYEE: daemon.payee.address,
      PORT: "0",
      RPC_URL: chain.url,
      TOKEN: chain.token,
      TOKEN_NAME,
      TOKEN_VERSION,
    };
    const server = await startExample("channel-server", environment);
    const client = (path: string, more: NodeJS.ProcessEnv): Promise<string> =>
      runExample("channel-client", [`${server.url}/${path}`], { ...environment, ...more });
    expect(await client("weather", { REQUESTS: "3" })).toMatch(
      /charged 1000 units, 1000 in all, after a deposit of 10000 \(0x.*\n200 .*sunny.*\ncharged 1000 units, 2000 in all\n/,
    );
    // Another process: it knows of the deposit by the chain, and of the charges by the server.
    expect(await client("weather", { REFUND: "1" })).toMatch(
      /charged 1000 units, 4000 in all\nrefunded 6000 units \(0x/,
    );
    expect(await endExample(server)).toBe(0);
    expect((await daemon.channels()).map(({ charged, claimed }) => [charged, claimed])).toEqual([["4000", "4000"]]);
    expect(await chain.balance(payer.address)).toBe(1_000_000n - 4000n);
  });
});
