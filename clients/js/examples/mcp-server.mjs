// An MCP server that sells its tools.
//   TABD_URL=http://127.0.0.1:9403 TABD_API_KEY_FILE=api.key NETWORK=acme:tab PAYEE=0x... node examples/mcp-server.mjs
// Then: node examples/mcp-client.mjs http://127.0.0.1:4021/mcp forecast '{"city":"Rome"}'
import { McpServer } from "@modelcontextprotocol/sdk/server/mcp.js";
import { StreamableHTTPServerTransport } from "@modelcontextprotocol/sdk/server/streamableHttp.js";
import { x402ResourceServer } from "@x402/core/server";
import express from "express";
import { z } from "zod";

import { PaidTools } from "@tabd/x402/mcp";
import { TabdFacilitator, TabServerScheme } from "@tabd/x402/server";
import { facilitatorSettings, port, routeSettings } from "./settings.mjs";

const { network, payTo } = routeSettings();
const facilitator = new TabdFacilitator(facilitatorSettings());
const paid = new PaidTools(
  new x402ResourceServer(facilitator).register(network, new TabServerScheme(facilitator, { vouchers: true })),
);
const accepts = (price) => ({ scheme: "batch-settlement", network, payTo, price });

function makeServer() {
  const server = new McpServer({ name: "weather", version: "1.0.0" });
  paid.register(
    server,
    "forecast",
    { description: "Tomorrow's weather", inputSchema: { city: z.string() }, accepts: accepts("$0.001") },
    ({ city }) => ({ content: [{ type: "text", text: `Sunny in ${city}.` }] }),
  );
  // Metered: at most $0.05 is promised, and what was used is charged.
  paid.register(
    server,
    "story",
    { description: "Words", inputSchema: { words: z.number().int().min(1).max(500) }, accepts: accepts("$0.05") },
    ({ words }, { payment }) => {
      payment.charge(`$${(words * 0.0001).toFixed(4)}`);
      return { content: [{ type: "text", text: "word ".repeat(words) }] };
    },
  );
  server.registerTool("prices", { description: "Free of charge" }, () => ({
    content: [{ type: "text", text: "forecast: $0.001; story: $0.0001 a word" }],
  }));
  return server;
}

// Without sessions: each request has a server of its own. All of them share `paid`.
const app = express();
app.post("/mcp", express.json(), async (request, response) => {
  const server = makeServer();
  const transport = new StreamableHTTPServerTransport({ enableJsonResponse: true });
  response.on("close", () => server.close());
  await server.connect(transport);
  await transport.handleRequest(request, response, request.body);
});
app.all("/mcp", (request, response) => {
  response.status(405).set("Allow", "POST").end();
});

await paid.initialize();
const listener = app.listen(port, "127.0.0.1", () => {
  console.log(`listening on http://127.0.0.1:${listener.address().port}/mcp`);
});

// First no new calls, then every charge into the ledger.
process.on("SIGTERM", () => {
  listener.close(async () => {
    const { unsettled } = await facilitator.close();
    if (unsettled > 0) console.error(`${unsettled} charges could not be delivered`);
    process.exit(unsettled > 0 ? 1 : 0);
  });
  listener.closeIdleConnections();
});
