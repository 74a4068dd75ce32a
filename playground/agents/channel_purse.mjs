// How an agent pays through channels: what it may spend is deposited in a contract on the chain first, one channel for each
// seller; then it signs a voucher for each thing, without the chain; in the end it takes back what is left. This is the
// official client as it is.
import { toClientEvmSigner } from "@x402/evm";
import { BatchSettlementEvmScheme } from "@x402/evm/batch-settlement/client";
import { wrapFetchWithPayment, x402Client } from "@x402/fetch";
import { webcrypto } from "node:crypto";
import { createPublicClient, http, parseUnits } from "viem";
import { privateKeyToAccount } from "viem/accounts";

import { PAYMENT_MAX } from "./settings.mjs";

globalThis.crypto ??= webcrypto; // Node.js 18 has it, but not as a global

const REFUND_MS_MAX = 45_000;

/** `mine`: what the faucet gave. `refunds`: where each seller gives back, as the playground's directory has it. */
export function openPurse(mine, refunds) {
  const { network, asset, rpcUrl } = mine.channel;
  const chain = createPublicClient({ transport: http(rpcUrl) });
  const scheme = new BatchSettlementEvmScheme(toClientEvmSigner(privateKeyToAccount(mine.privateKey), chain));
  const maxAmountPerPayment = parseUnits(PAYMENT_MAX, mine.asset.decimals).toString();
  const left = new Map(); // by seller
  const client = new x402Client()
    .register(network, scheme)
    .setSpendControls({ allowedAssets: [{ network, asset, maxAmountPerPayment }] })
    .onPaymentResponse(({ requirements, settleResponse }) => {
      const { balance, chargedCumulativeAmount } = settleResponse?.extra?.channelState ?? {};
      if (balance !== undefined) left.set(requirements.payTo, BigInt(balance) - BigInt(chargedCumulativeAmount));
      return Promise.resolve();
    });
  const patient = (url, init) => fetch(url, { ...init, signal: AbortSignal.timeout(REFUND_MS_MAX) });

  async function takeBackFrom({ payee, payTo, url }) {
    try {
      const { amount } = await scheme.refund(url, { fetch: patient });
      left.delete(payTo);
      return { payee, amount };
    } catch (error) {
      return { payee, problem: error.message };
    }
  }

  const buy = wrapFetchWithPayment(fetch, client);
  return {
    client,
    buy,
    pull: buy,
    read: ({ amount, transaction, extra }) => ({
      charged: extra?.chargedAmount,
      ...(transaction ? { deposited: amount } : {}),
    }),
    /** Of each channel with something left: `{ payee, amount }` in smallest units, or `{ payee, problem }`. */
    takeBack: () => Promise.all(refunds.filter(({ payTo }) => left.get(payTo) > 0n).map(takeBackFrom)),
  };
}
