// An MCP server with paid tools as a user would write it, and clients for it, over HTTP or in memory.
import { Client } from "@modelcontextprotocol/sdk/client/index.js";
import { StreamableHTTPClientTransport } from "@modelcontextprotocol/sdk/client/streamableHttp.js";
import { InMemoryTransport } from "@modelcontextprotocol/sdk/inMemory.js";
import { McpServer } from "@modelcontextprotocol/sdk/server/mcp.js";
import { StreamableHTTPServerTransport } from "@modelcontextprotocol/sdk/server/streamableHttp.js";
import type { Transport } from "@modelcontextprotocol/sdk/shared/transport.js";
import { x402ResourceServer } from "@x402/core/server";
import express from "express";
import type { AddressInfo } from "node:net";
import { z } from "zod";

import { PaidTools } from "../../src/mcp/index.js";
import type { ToolCall, ToolPaymentOption } from "../../src/mcp/index.js";
import { TabdFacilitator } from "../../src/server/index.js";
import { schemeOf } from "./servers.js";
import type { PaidServerOptions } from "./servers.js";

export const transports = ["memory", "http"] as const;
export type TransportKind = (typeof transports)[number];

export interface ToolServer {
  facilitator: TabdFacilitator;
  /** Tools whose handler ran. */
  handled: string[];
  connect(): Promise<Client>;
  stop(): Promise<void>;
}

const text = (value: string): { content: { type: "text"; text: string }[] } => ({
  content: [{ type: "text", text: value }],
});

/** The tools, on a server of their own for each session. */
function makeServer(paid: PaidTools, { network, payee }: PaidServerOptions, handled: string[]): McpServer {
  const accepts = (price: ToolPaymentOption["price"]): ToolPaymentOption => ({
    scheme: "batch-settlement",
    network,
    payTo: payee,
    price,
  });
  const server = new McpServer({ name: "weather", version: "1.0.0" });
  const city = { city: z.string() };
  paid.register(
    server,
    "forecast",
    { accepts: accepts("$0.0025"), description: "The weather", inputSchema: city },
    ({ city }, { tool }) => {
      handled.push(tool);
      return text(`sunny in ${city}`);
    },
  );
  paid.register(server, "history", { accepts: accepts("$0.0025") }, (_, { tool }) => {
    handled.push(tool);
    return text("it was sunny");
  });
  paid.register(
    server,
    "metered",
    { accepts: accepts("$0.01"), inputSchema: { use: z.string() } },
    ({ use }, { tool, payment }) => {
      handled.push(tool);
      payment.charge(use);
      return { ...text(payment.payer ?? "nobody"), _meta: { own: "kept" } };
    },
  );
  paid.register(server, "dear", { accepts: accepts("$900") }, () => text("gold"));
  paid.register(server, "fails", { accepts: accepts("$0.0025") }, () => ({ ...text("no weather"), isError: true }));
  paid.register(server, "throws", { accepts: accepts("$0.0025") }, () => {
    throw new Error("thrown by the test's tool");
  });
  const degrees = { degrees: z.number() };
  paid.register(server, "typed", { accepts: accepts("$0.0025"), outputSchema: degrees }, () => ({
    ...text("20"),
    structuredContent: { degrees: 20 },
  }));
  paid.register(server, "misfit", { accepts: accepts("$0.0025"), outputSchema: degrees }, () => ({
    ...text("warm"),
    structuredContent: { degrees: "warm" },
  }));
  const priceOf = ({ arguments: { pages } }: ToolCall): string => `$${Number(pages) * 0.001}`;
  paid.register(server, "sized", { accepts: accepts(priceOf), inputSchema: { pages: z.number() } }, ({ pages }) =>
    text("page ".repeat(pages)),
  );
  paid.register(server, "slow", { accepts: accepts("$0.0025") }, async (_, { tool, extra }) => {
    handled.push(tool);
    await new Promise((resolve) => {
      extra.signal.addEventListener("abort", resolve, { once: true });
    });
    return text("nobody waits for this");
  });
  return server;
}

/** Listens on a free port; a server without sessions for each request. */
async function listen(make: () => McpServer): Promise<{ url: URL; stop: () => Promise<void> }> {
  const app = express();
  app.use(express.json());
  app.post("/mcp", async (request, response) => {
    const server = make();
    // Left out, a session id generator means: no sessions.
    const transport = new StreamableHTTPServerTransport({ enableJsonResponse: true });
    response.on("close", () => void server.close());
    await server.connect(transport as Transport);
    await transport.handleRequest(request, response, request.body);
  });
  app.all("/mcp", (_request, response) => {
    response.status(405).end();
  });
  const listener = app.listen(0, "127.0.0.1");
  await new Promise((resolve) => listener.once("listening", resolve));
  const stop = async (): Promise<void> => {
    listener.closeAllConnections();
    await new Promise((resolve) => listener.close(resolve));
  };
  return { url: new URL(`http://127.0.0.1:${(listener.address() as AddressInfo).port}/mcp`), stop };
}

export async function startToolServer(kind: TransportKind, options: PaidServerOptions): Promise<ToolServer> {
  const facilitator = new TabdFacilitator(options.facilitator);
  const server = new x402ResourceServer(facilitator).register(options.network, schemeOf(options, facilitator));
  const paid = new PaidTools(server);
  const handled: string[] = [];
  const make = (): McpServer => makeServer(paid, options, handled);
  const http = kind === "http" ? await listen(make) : undefined;
  const clients: Client[] = [];
  return {
    facilitator,
    handled,
    async connect() {
      const client = new Client({ name: "agent", version: "1.0.0" });
      clients.push(client);
      if (http !== undefined) {
        await client.connect(new StreamableHTTPClientTransport(http.url) as Transport);
      } else {
        const [ours, theirs] = InMemoryTransport.createLinkedPair();
        await make().connect(theirs);
        await client.connect(ours);
      }
      return client;
    },
    async stop() {
      for (const client of clients) await client.close();
      await http?.stop();
      await facilitator.close(2_000);
    },
  };
}
