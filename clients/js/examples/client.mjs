// Pays for one request and prints what it got and what it cost.
//   NETWORK=acme:tab PAYER_KEY_FILE=payer.key node examples/client.mjs http://127.0.0.1:4021/weather
// An agent under a mandate: PAYER=0x... and the agent's own key in PAYER_KEY_FILE. Vouchers: VOUCHERS=1.
import { decodePaymentResponseHeader, wrapFetchWithPayment, x402Client } from "@x402/fetch";

import { privateKeySigner, refusalOf, TabClientScheme } from "@tabd/x402/client";
import { secretKey } from "./settings.mjs";

const url = process.argv[2] ?? "http://127.0.0.1:4021/weather";
const scheme = new TabClientScheme(privateKeySigner(secretKey("PAYER_KEY_FILE")), {
  assets: [{ asset: process.env.ASSET ?? "USD", decimals: Number(process.env.DECIMALS ?? 6), maxPerRequest: "0.10" }],
  vouchers: process.env.VOUCHERS === "1",
  ...(process.env.PAYER ? { payer: process.env.PAYER } : {}),
});
const client = new x402Client().register(process.env.NETWORK ?? "*:tab", scheme);
const response = await wrapFetchWithPayment(fetch, client)(url);

const refusal = refusalOf(response);
if (refusal) {
  console.error(`refused: ${refusal.reason}. ${refusal.message ?? ""}`);
  process.exit(1);
}
console.log(response.status, (await response.text()).slice(0, 100));
const header = response.headers.get("PAYMENT-RESPONSE");
if (header) {
  const { amount, payer, extra } = decodePaymentResponseHeader(header);
  console.log(`charged ${amount} units to ${payer}, commitment ${extra?.commitmentId}`);
}
