// The same API on Hono.
//   TABD_URL=http://127.0.0.1:9403 TABD_API_KEY_FILE=api.key NETWORK=acme:tab PAYEE=0x... node examples/hono-server.mjs
import { serve } from "@hono/node-server";
import { paymentMiddleware, setSettlementOverrides, x402ResourceServer } from "@x402/hono";
import { Hono } from "hono";

import { TabdFacilitator, TabServerScheme } from "@tabd/x402/server";
import { facilitatorSettings, port, routeSettings } from "./settings.mjs";

const { network, payTo } = routeSettings();
const facilitator = new TabdFacilitator(facilitatorSettings());
const server = new x402ResourceServer(facilitator).register(
  network,
  new TabServerScheme(facilitator, { vouchers: true }),
);

const accepts = (price) => ({ accepts: { scheme: "batch-settlement", network, payTo, price } });
const app = new Hono();
app.use(paymentMiddleware({ "/weather": accepts("$0.001"), "/story": accepts("$0.05") }, server));

app.get("/weather", (context) => context.json({ weather: "sunny" }));

app.get("/story", (context) => {
  const words = Math.min(500, Math.max(0, Math.floor(Number(context.req.query("words") ?? 100))) || 0);
  setSettlementOverrides(context, { amount: `$${(words * 0.0001).toFixed(4)}` });
  return context.text("word ".repeat(words));
});

const listener = serve({ fetch: app.fetch, port, hostname: "127.0.0.1" }, (address) => {
  console.log(`listening on http://127.0.0.1:${address.port}`);
});

process.on("SIGTERM", () => {
  listener.close(async () => {
    const { unsettled } = await facilitator.close();
    if (unsettled > 0) console.error(`${unsettled} charges could not be delivered`);
    process.exit(unsettled > 0 ? 1 : 0);
  });
  listener.closeIdleConnections();
});
