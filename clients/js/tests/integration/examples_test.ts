import { execFile, spawn } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, test } from "vitest";

import { Daemon, whyNoDaemon } from "../support/daemon.js";

const missing = whyNoDaemon();
const folder = fileURLToPath(new URL("../../", import.meta.url));
if (missing === undefined && !existsSync(join(folder, "dist")))
  throw new Error("build the package first: npm run build");

describe.skipIf(missing !== undefined).each(["express", "hono", "mcp"])("the examples, %s server", (framework) => {
  let daemon: Daemon;
  let files: string;
  let server: ChildProcess;
  let url: string;
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
    server = spawn(process.execPath, [join(folder, `examples/${framework}-server.mjs`)], { env: environment });
    process.once("exit", () => server.kill("SIGKILL"));
    url = await new Promise<string>((resolve, reject) => {
      let output = "";
      const read = (chunk: Buffer): void => {
        output += chunk.toString();
        const match = /listening on (\S+)/.exec(output);
        if (match?.[1] !== undefined) resolve(match[1]);
      };
      server.stdout?.on("data", read);
      server.stderr?.on("data", read);
      server.once("exit", () => {
        reject(new Error(`the server ended:\n${output}`));
      });
    });
  });
  afterAll(async () => {
    server.kill("SIGKILL");
    await daemon.stop();
    rmSync(files, { recursive: true });
  });

  async function run(more: NodeJS.ProcessEnv, example: string, ...words: string[]): Promise<string> {
    const command = [join(folder, `examples/${example}.mjs`), ...words];
    return (await promisify(execFile)(process.execPath, command, { env: { ...environment, ...more } })).stdout;
  }
  const weather = (more: NodeJS.ProcessEnv = {}): Promise<string> =>
    framework === "mcp"
      ? run(more, "mcp-client", url, "forecast", '{"city":"Rome"}')
      : run(more, "client", `${url}/weather`);
  const story = (more: NodeJS.ProcessEnv): Promise<string> =>
    framework === "mcp"
      ? run(more, "mcp-client", url, "story", '{"words":200}')
      : run(more, "client", `${url}/story?words=200`);

  test("a payer buys, also by voucher; an agent with a mandate; the server charges all of it before it ends", async () => {
    expect(await weather()).toMatch(/sunny.*\ncharged 1000 units/i);
    expect(await story({ VOUCHERS: "1" })).toMatch(/word .*\ncharged 20000 units/);
    const agent = { PAYER: daemon.payer.address, PAYER_KEY_FILE: join(files, "agent.key") };
    await expect(weather(agent)).rejects.toThrow(/refused: invalid_signature/);
    await daemon.allowAgent(await run({}, "mandate", daemon.agent.address));
    expect(await weather(agent)).toMatch(/charged 1000 units/);
    const ended = new Promise((resolve) => server.once("exit", resolve));
    server.kill("SIGTERM");
    expect(await ended).toBe(0);
    expect(await daemon.figures()).toEqual({ charged: 22_000n, held: 0n });
  });
});
