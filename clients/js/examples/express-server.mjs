// A paid API on Express.
//   TABD_URL=http://127.0.0.1:9403 TABD_API_KEY_FILE=api.key NETWORK=acme:tab PAYEE=0x... node examples/express-server.mjs
import { paymentMiddleware, setSettlementOverrides, x402ResourceServer } from "@x402/express";
import express from "express";

import { TabdFacilitator, TabServerScheme } from "@tabd/x402/server";
import { facilitatorSettings, port, routeSettings } from "./settings.mjs";

const { network, payTo } = routeSettings();
const facilitator = new TabdFacilitator(facilitatorSettings());
const server = new x402ResourceServer(facilitator).register(
  network,
  new TabServerScheme(facilitator, { vouchers: true }),
);

const accepts = (price) => ({ accepts: { scheme: "batch-settlement", network, payTo, price } });
const app = express();
app.use(paymentMiddleware({ "/weather": accepts("$0.001"), "/story": accepts("$0.05") }, server));

app.get("/weather", (request, response) => {
  response.json({ weather: "sunny" });
});

// Metered: at most $0.05 is promised, and what was used is charged.
app.get("/story", (request, response) => {
  const words = Math.min(500, Math.max(0, Math.floor(Number(request.query.words ?? 100))) || 0);
  setSettlementOverrides(response, { amount: `$${(words * 0.0001).toFixed(4)}` });
  response.send("word ".repeat(words));
});

const listener = app.listen(port, "127.0.0.1", () => {
  console.log(`listening on http://127.0.0.1:${listener.address().port}`);
});

// First no new requests, then every charge into the ledger.
process.on("SIGTERM", () => {
  listener.close(async () => {
    const { unsettled } = await facilitator.close();
    if (unsettled > 0) console.error(`${unsettled} charges could not be delivered`);
    process.exit(unsettled > 0 ? 1 : 0);
  });
  listener.closeIdleConnections();
});
