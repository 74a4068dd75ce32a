// Starts everything, says where it is, watches, and stops it in order.
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { formatUnits } from "viem";

import { Chain } from "./chain.mjs";
import { Daemon } from "./daemon.mjs";
import { Front } from "./front.mjs";
import { choosePort, Program, sleep } from "./processes.mjs";
import { guide } from "./guide.mjs";
import { PORTS, TOKEN } from "./settings.mjs";

const STATE = "playground.json";
const SOCKET_PATH_MAX = 107; // of the system, for a Unix socket
const WATCH_MS = 5_000;

const say = (text = "") => console.log(text);

const commandOf = (pid) => readFileSync(`/proc/${pid}/cmdline`, "utf8");

/** An empty folder that is ours alone. Its state file says so, also when all has ended. */
function prepareFolder(path) {
  const folder = resolve(path);
  if (`${folder}/tabd.sock`.length > SOCKET_PATH_MAX) {
    throw new Error(`the path ${folder} is too long for a Unix socket: choose a shorter one with --folder`);
  }
  const state = join(folder, STATE);
  if (existsSync(state)) {
    const { pid } = JSON.parse(readFileSync(state, "utf8"));
    if (pid !== undefined && existsSync(`/proc/${pid}/cmdline`) && commandOf(pid).includes("main.mjs")) {
      throw new Error(`a playground is running in ${folder} (process ${pid}): stop it, or choose another --folder`);
    }
  } else if (existsSync(folder) && readdirSync(folder).length > 0) {
    throw new Error(`${folder} is not a folder of the playground, and would be emptied: choose another with --folder`);
  }
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  writeFileSync(state, JSON.stringify({ pid: process.pid }));
  return folder;
}

async function choosePorts({ port, anyPorts }) {
  if (anyPorts) return { front: 0, page: 0, x402: 0, chain: 0 };
  const chosen = {};
  for (const [name, preferred] of Object.entries(PORTS)) {
    const wanted = name === "front" && port !== undefined;
    chosen[name] = await choosePort(wanted ? port : preferred, wanted);
    if (chosen[name] !== preferred && !wanted) say(`Port ${preferred} is taken; ${chosen[name]} is used in its place.`);
  }
  return chosen;
}

/** All that runs, in the order of its start. */
class Stage {
  #stops = [];
  programs = [];

  add(stop, ...programs) {
    this.#stops.push(stop);
    this.programs.push(...programs);
  }

  /** Last first. Tries all, and throws the first error at the end. */
  async stop() {
    const errors = [];
    for (const stop of this.#stops.splice(0).reverse()) {
      try {
        await stop();
      } catch (error) {
        errors.push(error);
      }
    }
    if (errors.length > 0) throw errors[0];
  }

  kill() {
    for (const program of this.programs) program.kill();
  }
}

async function setUp(stage, options, goOn) {
  const missing = Chain.missing() ?? Daemon.missing(options);
  if (missing !== undefined) throw new Error(missing);
  const folder = prepareFolder(options.folder);
  stage.add(() => writeFileSync(join(folder, STATE), "{}\n"));
  const ports = await choosePorts(options);
  const chain = await Chain.start(folder, ports.chain);
  stage.add(() => chain.program.stop(), chain.program);
  goOn();
  const { tabd, tabctl, window } = options;
  const daemon = await Daemon.start({ tabd, tabctl, folder, window, chain, ports });
  stage.add(() => daemon.stop(), daemon.program);
  goOn();
  const front = await Front.start({ chain, daemon, port: ports.front });
  stage.add(() => front.stop());
  const crawlers = [];
  const stopCrawlers = () => Promise.all(crawlers.map((program) => program.stop()));
  stage.add(stopCrawlers);
  const script = fileURLToPath(new URL("crawler.mjs", import.meta.url));
  for (let index = 1; index <= options.crawlers; ++index) {
    const words = [script, front.url, "--pay", index % 2 === 1 ? "tab" : "channel"];
    const program = new Program(`crawler ${index}`, process.execPath, words, `${folder}/crawler-${index}.log`);
    crawlers.push(program);
    stage.programs.push(program);
  }
  const state = {
    pid: process.pid,
    pids: Object.fromEntries(stage.programs.map(({ name, pid }) => [name, pid])),
    urls: { front: front.url, page: daemon.pageUrl, x402: daemon.x402Url, chain: chain.url },
    contracts: { token: chain.token, settlement: chain.settlement },
    socket: `${folder}/tabd.sock`,
    operatorKey: `${folder}/operator.key`,
    tabctl: resolve(tabctl),
  };
  writeFileSync(join(folder, STATE), `${JSON.stringify(state, undefined, 2)}\n`);
  return { folder, chain, daemon, front, state, stopCrawlers };
}

const dollars = (units) => `$${Number(formatUnits(units, TOKEN.decimals)).toFixed(4)}`;

/** What came of it so far. */
async function news({ daemon, front }) {
  const [statements, channels] = await Promise.all([daemon.statements(), daemon.channelTotals()]);
  const paid = statements.filter(({ state }) => state === "paid").length;
  const { article, report, session, chunk, tool } = front.sales;
  const { count, charged, claimed, paidOut, held } = channels;
  return [
    `Agents: ${front.faucet.agents.length}. Sold: ${article} articles, ${report} reports, ${session} sessions, ` +
      `${chunk} pieces of the stream, ${tool} tool calls.`,
    `Tabs: ${statements.length} statements, ${paid} of them paid.`,
    `Channels: ${count}, ${dollars(held)} in escrow; charged ${dollars(charged)}, claimed ${dollars(claimed)}, ` +
      `paid out to the sellers ${dollars(paidOut)}.`,
  ];
}

/** Some lines whenever something came of it. */
async function watch(parts, stage, until) {
  let last = "";
  while (!until()) {
    const dead = stage.programs.find(({ running }) => !running);
    if (dead !== undefined) throw new Error(`${dead.name} ended:\n${dead.lastWords()}`);
    const lines = await news(parts).catch((error) => {
      if (until()) return [];
      throw error;
    });
    const text = lines.map((line, index) => (index === 0 ? `  ${line}` : `    ${line}`)).join("\n");
    if (text !== last && text !== "") say(text);
    last = text;
    for (let waited = 0; waited < WATCH_MS && !until(); waited += 100) await sleep(100);
  }
}

/** Until it is time, or Ctrl-C, or one of the parts ends. */
export async function play(options) {
  const stage = new Stage();
  let stopping = false;
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) {
    process.on(signal, () => {
      if (stopping && signal === "SIGINT") {
        stage.kill();
        process.exit(130);
      }
      stopping = true;
    });
  }
  const goOn = () => {
    if (stopping) throw new Error("stopped while it was starting");
  };
  try {
    say("Starting a chain, tabd, a faucet, a paid API, an MCP server and crawlers ...");
    const parts = await setUp(stage, options, goOn);
    say(guide(parts, options));
    const end = options.seconds === undefined ? Infinity : Date.now() + options.seconds * 1000;
    await watch(parts, stage, () => stopping || Date.now() >= end);
    say("Stopping: crawlers first, which take back what is left in their channels; then the shops, tabd, the chain.");
    await parts.stopCrawlers();
    say(`  ${(await news(parts)).at(-1)}`);
  } finally {
    await stage.stop();
  }
  say("All is stopped.");
}
