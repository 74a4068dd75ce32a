// Pays for requests through a channel with the official client alone, and prints what they cost. The first one deposits.
//   NETWORK=eip155:84532 RPC_URL=https://... PAYER_KEY_FILE=payer.key node examples/channel-client.mjs http://127.0.0.1:4021/weather
// REQUESTS=5 pays so often; REFUND=1 then takes back what is left. A token that the official packages do not know: TOKEN=0x...
import { toClientEvmSigner } from "@x402/evm";
import { BatchSettlementEvmScheme } from "@x402/evm/batch-settlement/client";
import { decodePaymentResponseHeader, wrapFetchWithPayment, x402Client } from "@x402/fetch";
import { webcrypto } from "node:crypto";
import { createPublicClient, http } from "viem";
import { privateKeyToAccount } from "viem/accounts";

import { refusalOf } from "@tabd/x402/client";
import { needed, secretKey } from "./settings.mjs";

globalThis.crypto ??= webcrypto; // Node.js 18 has it, but not as a global

const url = process.argv[2] ?? "http://127.0.0.1:4021/weather";
const network = needed("NETWORK", "the chain, such as eip155:84532");
const chain = createPublicClient({ transport: http(needed("RPC_URL", "a node of the chain")) });
const account = privateKeyToAccount(secretKey("PAYER_KEY_FILE"));
const scheme = new BatchSettlementEvmScheme(toClientEvmSigner(account, chain));
// The most that one request may cost: a tenth of a dollar. Five times that may be deposited at once.
const asset = process.env.TOKEN;
const client = new x402Client()
  .register(network, scheme)
  .setSpendControls(
    asset ? { allowedAssets: [{ network, asset, maxAmountPerPayment: "100000" }] } : { maxAmountPerPayment: "$0.10" },
  );
const pay = wrapFetchWithPayment(fetch, client);

for (let request = 0; request < Number(process.env.REQUESTS ?? 1); ++request) {
  const response = await pay(url);
  const refusal = refusalOf(response);
  if (refusal) {
    console.error(`refused: ${refusal.reason}. ${refusal.message ?? ""}`);
    process.exit(1);
  }
  console.log(response.status, (await response.text()).slice(0, 100));
  const header = response.headers.get("PAYMENT-RESPONSE");
  if (header) {
    const { amount, transaction, extra } = decodePaymentResponseHeader(header);
    const deposited = transaction ? `, after a deposit of ${amount} (${transaction})` : "";
    console.log(
      `charged ${extra?.chargedAmount} units, ${extra?.channelState.chargedCumulativeAmount} in all${deposited}`,
    );
  }
}
if (process.env.REFUND === "1") {
  const { amount, transaction } = await scheme.refund(url);
  console.log(`refunded ${amount} units (${transaction})`);
}
