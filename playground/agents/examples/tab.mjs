// The least that a program needs to pay on a tab:  node examples/tab.mjs http://127.0.0.1:4020
import { privateKeySigner, TabClientScheme } from "@tabd/x402/client";
import { decodePaymentResponseHeader, wrapFetchWithPayment, x402Client } from "@x402/fetch";

const [home] = process.argv.slice(2);
const { privateKey, network, asset } = await (await fetch(`${home}/faucet`, { method: "POST" })).json();

const tab = new TabClientScheme(privateKeySigner(privateKey), { assets: [asset] });
const buy = wrapFetchWithPayment(fetch, new x402Client().register(network, tab));

for (const slug of ["tabs", "windows", "proofs"]) {
  const answer = await buy(`${home}/articles/${slug}`);
  const { amount } = decodePaymentResponseHeader(answer.headers.get("PAYMENT-RESPONSE"));
  console.log(`${(await answer.json()).text}\n  promised ${amount} units`);
}
