// An agent that goes round and pays. It knows one address, that of the playground, and asks there for the rest.
//   node playground/agents/crawler.mjs http://127.0.0.1:4020 [--label NAME] [--rounds N] [--pause-ms N]
import { Client } from "@modelcontextprotocol/sdk/client/index.js";
import { StreamableHTTPClientTransport } from "@modelcontextprotocol/sdk/client/streamableHttp.js";
import { privateKeySigner, refusalOf, TabClientScheme } from "@tabd/x402/client";
import { payForTools, paymentResponseOf, toolRefusalOf } from "@tabd/x402/mcp";
import { decodePaymentResponseHeader, wrapFetchWithPayment, x402Client } from "@x402/fetch";
import { parseArgs } from "node:util";

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { label: { type: "string" }, rounds: { type: "string" }, "pause-ms": { type: "string" } },
});
const [home = "http://127.0.0.1:4020"] = positionals;
const rounds = Number(values.rounds ?? Infinity);
const pauseMs = Number(values["pause-ms"] ?? 400);

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
      body: JSON.stringify({ label: values.label ?? "crawler" }),
    });
    if (answer.status !== 429 || tries > 30) return json(answer);
    await sleep(1000 * Number(answer.headers.get("Retry-After") ?? 1));
  }
}

const directory = await json(await fetch(home));
const mine = await wallet();
console.log(`I am ${mine.label}, ${mine.address}, with ${mine.wallet}.`);

const signer = privateKeySigner(mine.privateKey);
const paying = (vouchers) =>
  new x402Client().register(
    mine.network,
    new TabClientScheme(signer, { assets: [{ ...mine.asset, maxPerRequest: "0.10" }], vouchers }),
  );
const byCommitment = paying(false);
const buy = wrapFetchWithPayment(fetch, byCommitment);
const pull = wrapFetchWithPayment(fetch, paying({ tabs: 1 }));

function paid(what, receipt) {
  const dollars = (Number(receipt?.amount ?? 0) / 10 ** mine.asset.decimals).toFixed(4);
  console.log(`paid $${dollars} for ${what}`);
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
    for (let next = 0; next !== null; ) {
      ({ next } = await get(pull, new URL(String(next), directory.stream.url).href));
      await sleep(pauseMs / 4);
    }
  },
  async tools(word = any(["ledger", "tab", "money", "unicorn"])) {
    const client = payForTools(new Client({ name: mine.label, version: "0.1.0" }), byCommitment);
    await client.connect(new StreamableHTTPClientTransport(new URL(directory.mcp.url)));
    try {
      const found = await client.callTool({ name: "lookup", arguments: { word } });
      const refusal = toolRefusalOf(found);
      if (refusal !== undefined) throw new Error(`lookup: ${refusal.reason}. ${refusal.message ?? ""}`);
      if (found.isError) return; // nothing found, nothing paid
      paid("the tool lookup", paymentResponseOf(found));
      const short = { text: found.content[0].text, words: 5 };
      paid("the tool summarise", paymentResponseOf(await client.callTool({ name: "summarise", arguments: short })));
    } finally {
      await client.close();
    }
  },
};

// Every errand in the first round, so that there is something of each kind; then as it comes.
for (let round = 0; round < rounds; ++round) {
  const plan =
    round === 0 ? Object.keys(errands) : ["article", "article", any(Object.keys(errands)), any(["stream", "tools"])];
  for (const errand of plan) {
    try {
      await errands[errand](round === 0 && errand === "tools" ? "ledger" : undefined);
    } catch (error) {
      console.log(`${errand} did not work: ${error.message}`);
      await sleep(5 * pauseMs); // such as over the limit: the next statement makes room
    }
    await sleep(pauseMs * (0.5 + Math.random()));
  }
}
