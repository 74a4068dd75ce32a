// The least that a program needs to pay through a channel:  node examples/channel.mjs http://127.0.0.1:4020
import { toClientEvmSigner } from "@x402/evm";
import { BatchSettlementEvmScheme } from "@x402/evm/batch-settlement/client";
import { decodePaymentResponseHeader, wrapFetchWithPayment, x402Client } from "@x402/fetch";
import { webcrypto } from "node:crypto";
import { createPublicClient, http } from "viem";
import { privateKeyToAccount } from "viem/accounts";

globalThis.crypto ??= webcrypto; // Node.js 18 has it, but not as a global

const [home] = process.argv.slice(2);
const { privateKey, channel } = await (await fetch(`${home}/faucet`, { method: "POST" })).json();
const { network, asset, rpcUrl } = channel;

const chain = createPublicClient({ transport: http(rpcUrl) });
const scheme = new BatchSettlementEvmScheme(toClientEvmSigner(privateKeyToAccount(privateKey), chain));
// A tenth of a dollar for one thing at most; five times that may be deposited at once.
const limits = { allowedAssets: [{ network, asset, maxAmountPerPayment: "100000" }] };
const buy = wrapFetchWithPayment(fetch, new x402Client().register(network, scheme).setSpendControls(limits));

for (const slug of ["tabs", "windows", "proofs"]) {
  const answer = await buy(`${home}/articles/${slug}`);
  const { amount, extra } = decodePaymentResponseHeader(answer.headers.get("PAYMENT-RESPONSE"));
  console.log(
    `${(await answer.json()).text}\n  charged ${extra.chargedAmount} units${amount && ` of a deposit of ${amount}`}`,
  );
}

const { amount } = await scheme.refund(`${home}/refunds/library`);
console.log(`took back ${amount} units`);
