// Programs that the playground starts, and ports. Whatever is started here is stopped here, by its own pid; should this
// process be killed, setpriv(1) sees to it that the kernel ends them.
import { spawn } from "node:child_process";
import { closeSync, openSync, readFileSync } from "node:fs";
import { createServer } from "node:net";

const STOP_MS_MAX = 60_000; // a busy machine; usually it takes less than a second
const LAST_WORDS = 15;

export const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

/** `preferred` if nobody has it; any free port otherwise. `required`: throws instead. */
export async function choosePort(preferred, required = false) {
  for (const port of [preferred, 0]) {
    const server = createServer();
    const chosen = await new Promise((resolve) => {
      server.once("error", () => resolve(undefined));
      server.listen(port, "127.0.0.1", () => resolve(server.address().port));
    });
    if (chosen !== undefined) {
      await new Promise((resolve) => server.close(resolve));
      return chosen;
    }
    if (required) throw new Error(`port ${preferred} is taken: stop what listens there, or choose another with --port`);
  }
  throw new Error("there is no free port on 127.0.0.1");
}

export class Program {
  #child;
  #ended;
  #log;
  name;

  /** A session of its own keeps Ctrl-C away from it: the playground stops its parts in order. */
  constructor(name, file, words, log, environment = {}) {
    this.name = name;
    this.#log = log;
    const output = openSync(log, "w");
    this.#child = spawn("setpriv", ["--pdeathsig", "TERM", "--", file, ...words], {
      stdio: ["ignore", output, output],
      detached: true,
      env: { ...process.env, ...environment },
    });
    closeSync(output);
    this.#ended = new Promise((resolve) => {
      this.#child.once("exit", resolve);
      this.#child.once("error", resolve);
    });
  }

  get pid() {
    return this.#child.pid;
  }

  get running() {
    return this.pid !== undefined && this.#child.exitCode === null && this.#child.signalCode === null;
  }

  get exitCode() {
    return this.#child.exitCode;
  }

  /** Resolves when it is no more. */
  get ended() {
    return this.#ended;
  }

  text() {
    return readFileSync(this.#log, "utf8");
  }

  lastWords() {
    return this.text().trimEnd().split("\n").slice(-LAST_WORDS).join("\n");
  }

  /** Waits until `question(text of its log)` is not undefined; throws if it ends or takes too long. */
  async says(question, timeoutMs = 30_000) {
    const deadline = Date.now() + timeoutMs;
    for (;;) {
      const answer = question(this.text());
      if (answer !== undefined) return answer;
      if (!this.running) throw new Error(`${this.name} ended at once:\n${this.lastWords()}`);
      if (Date.now() > deadline)
        throw new Error(`${this.name} is not ready after ${timeoutMs} ms:\n${this.lastWords()}`);
      await sleep(30);
    }
  }

  async stop() {
    if (!this.running) return;
    this.#child.kill("SIGTERM");
    const slow = setTimeout(() => this.#child.kill("SIGKILL"), STOP_MS_MAX);
    await this.#ended;
    clearTimeout(slow);
  }

  kill() {
    if (this.running) this.#child.kill("SIGKILL");
  }
}
