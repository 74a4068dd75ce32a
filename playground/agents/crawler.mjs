// An agent that goes round and pays, on a tab or through payment channels. It knows one address, that of the playground, and
// asks there for the rest.
//   node playground/agents/crawler.mjs http://127.0.0.1:4020 [--pay tab|channel] [--label NAME] [--rounds N] [--pause-ms N]
// SIGTERM makes it go home: it takes back what is left in its channels.
import { Client } from "@modelcontextprotocol/sdk/client/index.js";
import { StreamableHTTPClientTransport } from "@modelcontextprotocol/sdk/client/streamableHttp.js";
import { refusalOf } from "@tabd/x402/client";
import { payForTools, paymentResponseOf, toolRefusalOf } from "@tabd/x402/mcp";
import { decodePaymentResponseHeader } from "@x402/fetch";
import { parseArgs } from "node:util";

const PURSES = { tab: "./tab_purse.mjs", channel: "./channel_purse.mjs" };
const REFUND_ROUNDS = 12; // so often an agent that goes on takes back what is left, and deposits anew

function fail(message, code = 1) {
  console.error(`crawler: ${message}`);
  process.exit(code);
}

function readOptions() {
  const text = { type: "string" };
  const options = { pay: text, label: text, rounds: text, "pause-ms": text };
  try {
    return parseArgs({ allowPositionals: true, options });
  } catch (error) {
    return fail(error.message, 2);
  }
}

const { values, positionals } = readOptions();
const [home = "http://127.0.0.1:4020"] = positionals;
const { pay = "tab", label = `${pay} crawler` } = values;
const rounds = Number(values.rounds ?? Infinity);
const pauseMs = Number(values["pause-ms"] ?? 400);
if (!Object.hasOwn(PURSES, pay)) fail(`--pay must be tab or channel, not "${pay}"`, 2);
if (!(rounds >= 0 && pauseMs >= 0)) fail("--rounds and --pause-ms must be numbers, not below 0", 2);

const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
const any = (list) => list[Math.floor(Math.random() * list.length)];

async function json(answer) {
  if (answer.ok) return answer.json();
  const { reason, message } = refusalOf(answer) ?? { reason: `HTTP ${answer.status}`, message: await answer.text() };
  throw new Error(`${answer.url}: ${reason}. ${message ?? ""}`);
}

async function wallet() {
  for (let tries = 0; ; ++tries) {
    const answer = await fetch(`${home}/faucet`, {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify({ label }),
    });
    if (answer.status !== 429 || tries > 30) return json(answer);
    await sleep(1000 * Number(answer.headers.get("Retry-After") ?? 1));
  }
}

const directory = await json(
  await fetch(home).catch(() => fail(`no playground at ${home}: start one with make playground, or name its address`)),
);
const mine = await wallet();
console.log(`I am ${mine.label}, ${mine.address}, with ${mine.wallet}.`);

let leaving = false;
process.once("SIGTERM", () => (leaving = true));

const { openPurse } = await import(PURSES[pay]);
const purse = openPurse(mine, directory.pay.channel.refunds);
const { buy, pull } = purse;

const dollars = (units, digits = 4) => `$${(Number(units ?? 0) / 10 ** mine.asset.decimals).toFixed(digits)}`;

function paid(what, receipt) {
  const { charged, deposited } = purse.read(receipt ?? {});
  const before = deposited === undefined ? "" : ` (after a deposit of ${dollars(deposited, 2)})`;
  console.log(`paid ${dollars(charged)} for ${what}${before}`);
}

async function takeBack() {
  for (const { payee, amount, problem } of await purse.takeBack()) {
    console.log(
      problem === undefined
        ? `took back ${dollars(amount)} from the channel with ${payee}`
        : `the refund of the channel with ${payee} did not work: ${problem}`,
    );
  }
}

async function get(fetchPaid, url, init) {
  const answer = await fetchPaid(url, init);
  const body = await json(answer);
  const header = answer.headers.get("PAYMENT-RESPONSE");
  if (header !== null) paid(url.slice(home.length), decodePaymentResponseHeader(header));
  return body;
}

const errands = {
  article: () => get(buy, any(directory.articles.urls)),
  report: () => get(buy, directory.report.url),
  async session() {
    const { token, searches } = await get(buy, directory.sessions.url, { method: "POST" });
    for (let left = searches; left > 0; --left) {
      await get(fetch, directory.sessions.search, { headers: { Authorization: `Bearer ${token}` } });
    }
  },
  async stream() {
    for (let next = 0; next !== null && !leaving; ) {
      ({ next } = await get(pull, new URL(String(next), directory.stream.url).href));
      await sleep(pauseMs / 4);
    }
  },
  async tools(word = any(["ledger", "tab", "money", "unicorn"])) {
    const client = payForTools(new Client({ name: mine.label, version: "0.1.0" }), purse.client);
    await client.connect(new StreamableHTTPClientTransport(new URL(directory.mcp.url)));
    try {
      const call = async (name, args) => {
        const result = await client.callTool({ name, arguments: args });
        const refusal = toolRefusalOf(result);
        if (refusal !== undefined) throw new Error(`${name}: ${refusal.reason}. ${refusal.message ?? ""}`);
        if (result.isError) return undefined; // such as nothing found: nothing paid
        paid(`the tool ${name}`, paymentResponseOf(result));
        return result.content[0].text;
      };
      const found = await call("lookup", { word });
      if (found !== undefined) await call("summarise", { text: found, words: 5 });
    } finally {
      await client.close();
    }
  },
};

// Every errand in the first round, so that there is something of each kind; then as it comes.
for (let round = 0; round < rounds && !leaving; ++round) {
  const plan =
    round === 0 ? Object.keys(errands) : ["article", "article", any(Object.keys(errands)), any(["stream", "tools"])];
  for (const errand of plan) {
    if (leaving) break;
    try {
      await errands[errand](round === 0 && errand === "tools" ? "ledger" : undefined);
    } catch (error) {
      console.log(`${errand} did not work: ${error.message}`);
      if (!leaving) await sleep(5 * pauseMs); // such as over the limit: the next statement makes room
    }
    if (!leaving) await sleep(pauseMs * (0.5 + Math.random()));
  }
  if ((round + 1) % REFUND_ROUNDS === 0) await takeBack();
}
await takeBack();
