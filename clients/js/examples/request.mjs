// Signs one commitment and prints the request for POST /verify and POST /settle: to try tabd with curl (docs/http.md).
//   NETWORK=shop:tab PAYEE=0x... PAYER_KEY_FILE=payer.key node examples/request.mjs > request.json
import { privateKeySigner, TabClientScheme } from "@tabd/x402/client";
import { routeSettings, secretKey } from "./settings.mjs";

const { network, payTo } = routeSettings();
const asset = process.env.ASSET ?? "USD";
const paymentRequirements = {
  scheme: "batch-settlement",
  network,
  amount: process.env.AMOUNT ?? "2500", // ledger units: with 6 decimals a quarter of a cent
  asset,
  payTo,
  maxTimeoutSeconds: 300,
  extra: { binding: "tab", version: "1" },
};
const decimals = Number(process.env.DECIMALS ?? 6);
const scheme = new TabClientScheme(privateKeySigner(secretKey("PAYER_KEY_FILE")), { assets: [{ asset, decimals }] });
const { x402Version, payload } = await scheme.createPaymentPayload(2, paymentRequirements);
const paymentPayload = { x402Version, accepted: paymentRequirements, payload };
console.log(JSON.stringify({ paymentPayload, paymentRequirements }, null, 2));
