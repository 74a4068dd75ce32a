// The examples as processes, as a reader of the README would run them.
import { execFile, spawn } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

const folder = fileURLToPath(new URL("../../", import.meta.url));

/** Throws if the package is not built: the examples import it by its name. */
export function needBuild(): void {
  if (!existsSync(join(folder, "dist"))) throw new Error("build the package first: npm run build");
}

export interface ExampleServer {
  url: string;
  process: ChildProcess;
}

/** Resolves when it listens. */
export async function startExample(example: string, environment: NodeJS.ProcessEnv): Promise<ExampleServer> {
  const server = spawn(process.execPath, [join(folder, `examples/${example}.mjs`)], { env: environment });
  process.once("exit", () => server.kill("SIGKILL"));
  const url = await new Promise<string>((resolve, reject) => {
    let output = "";
    const read = (chunk: Buffer): void => {
      output += chunk.toString();
      const match = /listening on (\S+)/.exec(output);
      if (match?.[1] !== undefined) resolve(match[1]);
    };
    server.stdout.on("data", read);
    server.stderr.on("data", read);
    server.once("exit", () => {
      reject(new Error(`the server ended:\n${output}`));
    });
  });
  return { url, process: server };
}

/** Asks it to end, and tells its exit code. */
export async function endExample(server: ExampleServer): Promise<unknown> {
  const ended = new Promise((resolve) => server.process.once("exit", resolve));
  server.process.kill("SIGTERM");
  return ended;
}

export async function runExample(example: string, words: string[], environment: NodeJS.ProcessEnv): Promise<string> {
  const command = [join(folder, `examples/${example}.mjs`), ...words];
  return (await promisify(execFile)(process.execPath, command, { env: environment })).stdout;
}
