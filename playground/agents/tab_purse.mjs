// How an agent pays on a tab: it signs a promise for each thing, and its wallet is asked for the sum when the window closes.
// No chain is needed for that.
import { privateKeySigner, TabClientScheme } from "@tabd/x402/client";
import { wrapFetchWithPayment, x402Client } from "@x402/fetch";

import { PAYMENT_MAX } from "./settings.mjs";

/** `mine`: what the faucet gave. */
export function openPurse(mine) {
  const signer = privateKeySigner(mine.privateKey);
  const assets = [{ ...mine.asset, maxPerRequest: PAYMENT_MAX }];
  const paying = (vouchers) =>
    new x402Client().register(mine.network, new TabClientScheme(signer, { assets, vouchers }));
  const client = paying(false);
  return {
    client,
    buy: wrapFetchWithPayment(fetch, client),
    /** For what comes piece by piece: one signature that grows, in place of many. */
    pull: wrapFetchWithPayment(fetch, paying({ tabs: 1 })),
    read: ({ amount }) => ({ charged: amount }),
    takeBack: () => Promise.resolve([]), // nothing was paid in
  };
}
