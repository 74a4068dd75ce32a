// The MCP server: two paid tools and a free one, over Streamable HTTP without sessions.
import { McpServer } from "@modelcontextprotocol/sdk/server/mcp.js";
import { StreamableHTTPServerTransport } from "@modelcontextprotocol/sdk/server/streamableHttp.js";
import { PaidTools } from "@tabd/x402/mcp";
import { z } from "zod";

import { ARTICLES, search } from "./content.mjs";

const text = (value) => ({ content: [{ type: "text", text: value }] });
const SUMMARY_WORDS_MAX = 50; // of the price of a summary each word is an equal part

function makeServer(paid, offers, sold) {
  const server = new McpServer({ name: "tabd-playground", version: "0.1.0" });
  server.registerTool("catalogue", { description: "What articles there are. Free." }, () =>
    text(Object.keys(ARTICLES).join(", ")),
  );
  paid.register(
    server,
    "lookup",
    {
      description: "The article that fits a word best. $0.003",
      inputSchema: { word: z.string().min(1).max(40) },
      accepts: offers.all("tools", "$0.003"),
    },
    ({ word }) => {
      const [slug] = search(word);
      // An error costs nothing.
      if (slug === undefined) return { ...text(`Nothing about "${word}".`), isError: true };
      sold("tool");
      return text(ARTICLES[slug]);
    },
  );
  paid.register(
    server,
    "summarise",
    {
      description: "The first words of a text. Metered: $0.0002 a word, at most $0.01",
      inputSchema: { text: z.string().min(1).max(5000), words: z.number().int().min(1).max(SUMMARY_WORDS_MAX) },
      accepts: offers.all("tools", "$0.01"),
    },
    ({ text: long, words }, { payment }) => {
      const short = long.trim().split(/\s+/).slice(0, words);
      payment.charge(`${(100 / SUMMARY_WORDS_MAX) * short.length}%`);
      sold("tool");
      return text(short.join(" "));
    },
  );
  return server;
}

/** Adds POST /mcp to an Express app. `json`: its body parser. */
export async function addTools(app, resourceServer, offers, sold, json) {
  const paid = new PaidTools(resourceServer);
  await paid.initialize();
  app.post("/mcp", json, async (request, response) => {
    const server = makeServer(paid, offers, sold);
    const transport = new StreamableHTTPServerTransport({ enableJsonResponse: true });
    response.on("close", () => void server.close());
    await server.connect(transport);
    await transport.handleRequest(request, response, request.body);
  });
  app.all("/mcp", (_request, response) => {
    response.status(405).set("Allow", "POST").end();
  });
}
