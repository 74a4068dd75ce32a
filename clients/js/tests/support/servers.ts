// Paid servers made of the official packages, as a user would write them.
import { serve } from "@hono/node-server";
import { paymentMiddleware as expressPayment, setSettlementOverrides, x402ResourceServer } from "@x402/express";
import type { RouteConfig } from "@x402/core/server";
import type { AssetAmount } from "@x402/core/types";
import { BatchSettlementEvmScheme } from "@x402/evm/batch-settlement/server";
import { paymentMiddleware as honoPayment, setSettlementOverrides as honoOverrides } from "@x402/hono";
import express from "express";
import { Hono } from "hono";
import type { AddressInfo } from "node:net";
import type { Server } from "node:http";

import { TabdChannelScheme, TabdFacilitator, TabServerScheme } from "../../src/server/index.js";
import type { TabdFacilitatorOptions, TabServerOptions } from "../../src/server/index.js";
import type { Address } from "../../src/index.js";

export interface PaidServer {
  url: string;
  facilitator: TabdFacilitator;
  /** Requests whose handler ran. */
  handled: string[];
  /** Handlers of /slow that are waiting: each goes on when it is called. */
  slow: (() => void)[];
  stop(): Promise<void>;
}

export interface PaidServerOptions {
  network: `${string}:${string}`;
  payee: Address;
  facilitator: TabdFacilitatorOptions;
  scheme?: TabServerOptions;
  /** Sell through channels in this token, instead of on a tab. It has 6 decimals. */
  token?: { asset: Address; name: string; version: string };
}

export const frameworks = ["express", "hono"] as const;
export type Framework = (typeof frameworks)[number];

function routesOf({ network, payee, token }: PaidServerOptions): Record<string, RouteConfig> {
  const priceOf = (units: number): AssetAmount | string => {
    if (token === undefined) return `$${units / 1_000_000}`;
    return { asset: token.asset, amount: `${units}`, extra: { name: token.name, version: token.version } };
  };
  const paid = (units: number): RouteConfig => ({
    accepts: { scheme: "batch-settlement", network, payTo: payee, price: priceOf(units) },
  });
  return {
    "GET /weather": paid(2500),
    "GET /metered": paid(10_000),
    "GET /dear": paid(900_000_000),
    "GET /fails": paid(2500),
    "GET /throws": paid(2500),
    "GET /slow": paid(2500),
  };
}

/** Of a tab, or of channels in the token; the price may be in dollars in both. */
export function schemeOf(
  { scheme, token, payee }: PaidServerOptions,
  facilitator: TabdFacilitator,
): TabServerScheme | TabdChannelScheme {
  if (token === undefined) return new TabServerScheme(facilitator, scheme);
  const { asset, name, version } = token;
  const official = new BatchSettlementEvmScheme(payee).registerMoneyParser((dollars) =>
    Promise.resolve({ asset, amount: `${Math.round(Number(dollars) * 1_000_000)}`, extra: { name, version } }),
  );
  return new TabdChannelScheme(facilitator, official);
}

function resourceServer(options: PaidServerOptions): { facilitator: TabdFacilitator; server: x402ResourceServer } {
  const facilitator = new TabdFacilitator(options.facilitator);
  const server = new x402ResourceServer(facilitator).register(options.network, schemeOf(options, facilitator));
  return { facilitator, server };
}

function expressApp(
  options: PaidServerOptions,
  { handled, slow }: Pick<PaidServer, "handled" | "slow">,
): { facilitator: TabdFacilitator; listen: () => Server } {
  const { facilitator, server } = resourceServer(options);
  const app = express();
  app.use(expressPayment(routesOf(options), server));
  app.use((request, _response, next) => {
    handled.push(request.path);
    next();
  });
  app.get(["/weather", "/dear"], (_request, response) => {
    response.json({ weather: "sunny" });
  });
  app.get("/metered", (request, response) => {
    setSettlementOverrides(response, { amount: request.query["use"] as string });
    response.json({ used: request.query["use"] });
  });
  app.get("/fails", (_request, response) => {
    response.status(500).json({ error: "no weather today" });
  });
  app.get("/slow", async (_request, response) => {
    await new Promise<void>((resolve) => slow.push(resolve));
    response.json({ weather: "slow" });
  });
  app.get("/throws", () => {
    throw new Error("thrown by the test's handler");
  });
  app.use((_error: unknown, _request: express.Request, response: express.Response, _next: express.NextFunction) => {
    response.status(500).json({ error: "thrown" });
  });
  return { facilitator, listen: () => app.listen(0, "127.0.0.1") };
}

function honoApp(
  options: PaidServerOptions,
  { handled, slow }: Pick<PaidServer, "handled" | "slow">,
): { facilitator: TabdFacilitator; listen: () => Server } {
  const { facilitator, server } = resourceServer(options);
  const app = new Hono();
  app.onError((_error, context) => context.json({ error: "thrown" }, 500));
  app.use(honoPayment(routesOf(options), server));
  app.use(async (context, next) => {
    handled.push(context.req.path);
    await next();
  });
  app.on("GET", ["/weather", "/dear"], (context) => context.json({ weather: "sunny" }));
  app.get("/metered", (context) => {
    honoOverrides(context, { amount: context.req.query("use") ?? "0" });
    return context.json({ used: context.req.query("use") });
  });
  app.get("/fails", (context) => context.json({ error: "no weather today" }, 500));
  app.get("/slow", async (context) => {
    await new Promise<void>((resolve) => slow.push(resolve));
    return context.json({ weather: "slow" });
  });
  app.get("/throws", () => {
    throw new Error("thrown by the test's handler");
  });
  return { facilitator, listen: () => serve({ fetch: app.fetch, port: 0, hostname: "127.0.0.1" }) as Server };
}

export async function startPaidServer(framework: Framework, options: PaidServerOptions): Promise<PaidServer> {
  const seen = { handled: [], slow: [] };
  const { facilitator, listen } = framework === "express" ? expressApp(options, seen) : honoApp(options, seen);
  const server = listen();
  if (!server.listening) await new Promise((resolve) => server.once("listening", resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    facilitator,
    ...seen,
    async stop() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
      await facilitator.close(2_000);
    },
  };
}
