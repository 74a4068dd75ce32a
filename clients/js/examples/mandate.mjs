// Signs a mandate: this agent may spend a dollar a day for this payer. Prints the file for `tabctl mandate set FILE --key
// payer.key`; with HTTP=1 the body of POST /v1/mandates.
//   NETWORK=acme:tab PAYER_KEY_FILE=payer.key node examples/mandate.mjs 0xAGENT... > mandate.json
import { fromDecimal, mandateFile, privateKeySigner, signedBody, signMandate } from "@tabd/x402/client";
import { secretKey } from "./settings.mjs";

const decimals = Number(process.env.DECIMALS ?? 6);
const signed = await signMandate(privateKeySigner(secretKey("PAYER_KEY_FILE")), process.env.NETWORK ?? "acme:tab", {
  agent: process.argv[2],
  asset: process.env.ASSET ?? "USD",
  cap: fromDecimal("cap", "1", decimals),
  period: "day",
  validBefore: BigInt(Math.floor(Date.now() / 1000) + 30 * 86_400),
});
console.log(process.env.HTTP === "1" ? signedBody(signed) : mandateFile(signed, decimals));
