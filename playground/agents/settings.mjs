// What the playground has, and how much of it.
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";

export const root = fileURLToPath(new URL("../../", import.meta.url));

export const NETWORK = "playground:tab";
export const CHAIN_ID = 31337;
export const CHAIN_NETWORK = `eip155:${CHAIN_ID}`;
export const TOKEN = { name: "USD Coin", version: "2", symbol: "USDC", decimals: 6 };
export const PLAN = "agents";
export const CREDIT_LIMIT = "20";

/** Who sells: each is a payee with a label of its own, so that the page and the statements tell the sales apart. */
export const PAYEES = [
  { label: "library", sells: "one-time purchases", fee: "2.5%" },
  { label: "search", sells: "sessions", fee: "1%" },
  { label: "stream", sells: "a metered stream", fee: "0" },
  { label: "tools", sells: "tools over MCP", fee: "2.5%" },
];

/** A wallet of the faucet: what it gets, and how many there can be. */
export const WALLET_USDC = "100";
export const WALLETS_MAX = 200;
export const WALLETS_AT_ONCE = 5; // beyond one a second
export const WALLETS_WAITING_MAX = 10;

/**
 * Payment channels. What was charged is claimed on the chain some times in each billing window, and paid out to the sellers
 * half as often, so that whoever watches sees both within a minute. The delay is the shortest that the contract takes.
 */
export const claimSeconds = (window) => Math.max(1, Math.round(window / 6));
export const payoutSeconds = (window) => Math.max(1, Math.round(window / 3));
export const WITHDRAW_DELAY_SECONDS = 900;
/** What an agent puts into a channel at once: five times the most that it pays for one thing. */
export const PAYMENT_MAX = "0.10";
export const DEPOSIT = "0.50";

/** Where things are if these ports are free; any free ones otherwise. */
export const PORTS = { front: 4020, page: 9402, x402: 9403, chain: 8545 };

export const HELP = `The whole of tabd on this machine, for playing with: a local chain with test USDC, tabd and its
web page, a faucet, a paid API, an MCP server with paid tools, and crawlers that go round and pay: with a tab, or through
payment channels.

Usage: node playground/agents/main.mjs [OPTIONS]        (make playground does what is needed before)

  --seconds N      End by itself after N seconds; otherwise at Ctrl-C.
  --window N       Seconds of a billing window (default 60, at least 2): a statement and a settlement after each. What was
                   charged through channels is claimed six times as often, and paid out three times as often.
  --crawlers N     How many crawlers go round (default 4; 0 to be alone). Every second one pays through channels.
  --port N         Of the API, the faucet and the MCP server (default ${PORTS.front}; a free one if that is taken).
  --any-ports      Free ports for everything, whichever these are.
  --folder DIR     Where keys, ledger and logs go (default build/playground). Emptied at the start.
  --tabd FILE      The daemon's program (default build/release/daemon/tabd, or TABD_BINARY).
  --tabctl FILE    The tool's program (default build/release/cli/tabctl, or TABCTL_BINARY).
  --help           This.
`;

export class UsageError extends Error {
  name = "UsageError";
}

function number(values, name, least, most) {
  const text = values[name];
  if (text === undefined) return undefined;
  const value = Number(text);
  if (!Number.isInteger(value) || value < least || value > most) {
    throw new UsageError(`--${name} must be a whole number from ${least} to ${most}, not "${text}"`);
  }
  return value;
}

export function readOptions(words) {
  const text = { type: "string" };
  const flag = { type: "boolean", default: false };
  let values;
  try {
    ({ values } = parseArgs({
      args: words,
      options: {
        seconds: text,
        window: text,
        crawlers: text,
        port: text,
        "any-ports": flag,
        folder: text,
        tabd: text,
        tabctl: text,
        help: flag,
      },
    }));
  } catch (error) {
    throw new UsageError(`${error.message}. See --help.`);
  }
  return {
    help: values.help,
    seconds: number(values, "seconds", 1, 1_000_000),
    window: number(values, "window", 2, 86_400) ?? 60,
    crawlers: number(values, "crawlers", 0, 20) ?? 4,
    port: number(values, "port", 1, 65_535),
    anyPorts: values["any-ports"],
    folder: values.folder ?? `${root}build/playground`,
    tabd: values.tabd ?? process.env.TABD_BINARY ?? `${root}build/release/daemon/tabd`,
    tabctl: values.tabctl ?? process.env.TABCTL_BINARY ?? `${root}build/release/cli/tabctl`,
  };
}
