// Calls one tool of an MCP server, pays if it has to, and prints what it got and what it cost.
//   NETWORK=acme:tab PAYER_KEY_FILE=payer.key node examples/mcp-client.mjs http://127.0.0.1:4021/mcp forecast '{"city":"Rome"}'
// An agent under a mandate: PAYER=0x... and the agent's own key in PAYER_KEY_FILE. Vouchers: VOUCHERS=1.
import { Client } from "@modelcontextprotocol/sdk/client/index.js";
import { StreamableHTTPClientTransport } from "@modelcontextprotocol/sdk/client/streamableHttp.js";
import { x402Client } from "@x402/core/client";

import { privateKeySigner, TabClientScheme } from "@tabd/x402/client";
import { payForTools, paymentResponseOf, toolRefusalOf } from "@tabd/x402/mcp";
import { secretKey } from "./settings.mjs";

const [url = "http://127.0.0.1:4021/mcp", name = "forecast", words = '{"city":"Rome"}'] = process.argv.slice(2);
const scheme = new TabClientScheme(privateKeySigner(secretKey("PAYER_KEY_FILE")), {
  assets: [{ asset: process.env.ASSET ?? "USD", decimals: Number(process.env.DECIMALS ?? 6), maxPerRequest: "0.10" }],
  vouchers: process.env.VOUCHERS === "1",
  ...(process.env.PAYER ? { payer: process.env.PAYER } : {}),
});
const payments = new x402Client().register(process.env.NETWORK ?? "*:tab", scheme);
const client = payForTools(new Client({ name: "example", version: "1.0.0" }), payments, {
  approve: ({ tool, chosen }) => {
    console.error(`${tool} costs up to ${chosen.amount} units of ${chosen.asset}`);
    return true;
  },
});

await client.connect(new StreamableHTTPClientTransport(new URL(url)));
const result = await client.callTool({ name, arguments: JSON.parse(words) });
await client.close();

const refusal = toolRefusalOf(result);
if (refusal) {
  console.error(`refused: ${refusal.reason}. ${refusal.message ?? ""}`);
  process.exit(1);
}
for (const item of result.content) console.log(item.type === "text" ? item.text.slice(0, 100) : item.type);
const receipt = paymentResponseOf(result);
if (receipt)
  console.log(`charged ${receipt.amount} units to ${receipt.payer}, commitment ${receipt.extra?.commitmentId}`);
process.exit(result.isError ? 1 : 0);
