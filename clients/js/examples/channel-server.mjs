// A paid API on Express whose payers deposit into channels on an EVM chain; tabd keeps the channels and claims.
//   TABD_URL=http://127.0.0.1:9403 TABD_API_KEY_FILE=api.key NETWORK=eip155:84532 PAYEE=0x... node examples/channel-server.mjs
// In a token that the official packages do not know (6 decimals here): TOKEN=0x... TOKEN_NAME=USDC TOKEN_VERSION=2.
import { BatchSettlementEvmScheme } from "@x402/evm/batch-settlement/server";
import { paymentMiddleware, setSettlementOverrides, x402ResourceServer } from "@x402/express";
import express from "express";

import { TabdChannelScheme, TabdFacilitator } from "@tabd/x402/server";
import { facilitatorSettings, port, routeSettings } from "./settings.mjs";

const { network, payTo } = routeSettings();
const facilitator = new TabdFacilitator(facilitatorSettings());
const scheme = new BatchSettlementEvmScheme(payTo, { withdrawDelay: 86_400 });
const server = new x402ResourceServer(facilitator).register(network, new TabdChannelScheme(facilitator, scheme));

const { TOKEN: asset, TOKEN_NAME: name, TOKEN_VERSION: version } = process.env;
const price = (units) => (asset ? { asset, amount: `${units}`, extra: { name, version } } : `$${units / 1_000_000}`);
const accepts = (units) => ({ accepts: { scheme: "batch-settlement", network, payTo, price: price(units) } });
const app = express();
app.use(paymentMiddleware({ "/weather": accepts(1000), "/story": accepts(50_000) }, server));

app.get("/weather", (request, response) => {
  response.json({ weather: "sunny" });
});

// Metered: at most 0.05 is signed, and what was used is charged, in the token's smallest units.
app.get("/story", (request, response) => {
  const words = Math.min(500, Number(request.query.words ?? 100));
  setSettlementOverrides(response, { amount: String(words * 100) });
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
