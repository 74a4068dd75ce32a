// The three parties of a payment, each made of the official packages as they are published. Every part listens on
// loopback, on a port that the system chooses, and ends with close().

import { webcrypto } from "node:crypto";
import express from "express";
import { x402Client } from "@x402/core/client";
import { x402Facilitator } from "@x402/core/facilitator";
import { HTTPFacilitatorClient, x402ResourceServer } from "@x402/core/server";
import { toClientEvmSigner, toFacilitatorEvmSigner } from "@x402/evm";
import { BatchSettlementEvmScheme as BatchClient } from "@x402/evm/batch-settlement/client";
import { BatchSettlementEvmScheme as BatchFacilitator } from "@x402/evm/batch-settlement/facilitator";
import { BatchSettlementEvmScheme as BatchServer } from "@x402/evm/batch-settlement/server";
import { ExactEvmScheme as ExactClient } from "@x402/evm/exact/client";
import { ExactEvmScheme as ExactFacilitator } from "@x402/evm/exact/facilitator";
import { ExactEvmScheme as ExactServer } from "@x402/evm/exact/server";
import { paymentMiddleware, setSettlementOverrides } from "@x402/express";
import { wrapFetchWithPayment } from "@x402/fetch";
import { NETWORK, TOKEN_NAME, TOKEN_VERSION } from "./chain.mjs";

// The official client wants Web Crypto as a global, which Node.js 18 has only on request.
globalThis.crypto ??= webcrypto;

export const PRICE = 1000n;
export const METERED_MAXIMUM = 1000n;
export const MIN_DEPOSIT = 10_000n;
export const WITHDRAW_DELAY_S = 900;

async function listen(app) {
  const server = await new Promise((resolve, reject) => {
    const starting = app.listen(0, "127.0.0.1", () => resolve(starting));
    starting.on("error", reject);
  });
  return {
    url: `http://127.0.0.1:${server.address().port}`,
    close: () =>
      new Promise((resolve) => {
        server.close(resolve);
        server.closeAllConnections();
      }),
  };
}

// `sender` pays gas; `authorizer` signs claims and refunds for servers that leave this to the facilitator.
export async function startFacilitator(chain, { sender, authorizer }) {
  const signer = toFacilitatorEvmSigner({ ...chain.wallet(sender), address: sender.address });
  const facilitator = new x402Facilitator()
    .register(NETWORK, new BatchFacilitator(signer, authorizer))
    .register(NETWORK, new ExactFacilitator(signer, { simulateInSettle: true }));
  const app = express();
  app.use(express.json({ limit: "1mb" }));
  const answer = (work) => async (request, response) => {
    try {
      response.json(await work(request.body));
    } catch (error) {
      response.status(500).json({ error: error instanceof Error ? error.message : String(error) });
    }
  };
  app.get("/supported", answer(async () => facilitator.getSupported()));
  app.post("/verify", answer((body) => facilitator.verify(body.paymentPayload, body.paymentRequirements)));
  app.post("/settle", answer((body) => facilitator.settle(body.paymentPayload, body.paymentRequirements)));
  return listen(app);
}

const priceOf = (chain, receiver, amount, more = {}) => ({
  price: { amount: String(amount), asset: chain.token, extra: { name: TOKEN_NAME, version: TOKEN_VERSION, ...more } },
  network: NETWORK,
  payTo: receiver,
  maxTimeoutSeconds: 300,
});

// A server with one path, GET /fixed, that is paid through any scheme on any network; `accepts` is what the middleware
// takes.
export async function startFixedPrice({ facilitator, network, scheme, accepts }) {
  const server = new x402ResourceServer(facilitator).register(network, scheme);
  const app = express();
  app.use(paymentMiddleware({ "GET /fixed": { accepts, description: "a test", mimeType: "application/json" } }, server));
  let handled = 0;
  app.get("/fixed", (_, response) => response.json({ handled: ++handled }));
  return listen(app);
}

// For startFixedPrice: the official channels with the server's own store, which is memory.
export const officialChannels = (chain, facilitatorUrl, receiver) => ({
  facilitator: new HTTPFacilitatorClient({ url: facilitatorUrl }),
  network: NETWORK,
  scheme: new BatchServer(receiver, { withdrawDelay: WITHDRAW_DELAY_S }),
  accepts: { scheme: "batch-settlement", ...priceOf(chain, receiver, PRICE) },
});

// GET /fixed costs PRICE, GET /metered?use=N costs N of METERED_MAXIMUM, GET /failing never succeeds (all three through a
// channel); GET /exact costs PRICE by `exact`. With `receiverAuthorizer` the server signs claims and refunds itself.
// `headers`: for the facilitator, an API key for example. `channels`: false leaves the paths with a channel out, for a
// facilitator without them.
export async function startServer(
  chain,
  facilitatorUrl,
  { receiver, receiverAuthorizer, headers, channels: withChannels = true },
) {
  const facilitator = new HTTPFacilitatorClient({
    url: facilitatorUrl,
    ...(headers ? { createAuthHeaders: async () => ({ verify: headers, settle: headers, supported: headers }) } : {}),
  });
  const channels = new BatchServer(receiver, {
    withdrawDelay: WITHDRAW_DELAY_S,
    ...(receiverAuthorizer ? { receiverAuthorizerSigner: receiverAuthorizer } : {}),
  });
  const server = new x402ResourceServer(facilitator).register(NETWORK, new ExactServer());
  if (withChannels) server.register(NETWORK, channels);

  const price = (amount, more) => priceOf(chain, receiver, amount, more);
  const channel = (amount) => ({
    accepts: { scheme: "batch-settlement", ...price(amount, { minDeposit: String(MIN_DEPOSIT) }) },
    description: "a test",
    mimeType: "application/json",
  });
  const handled = { fixed: 0, metered: 0, failing: 0, exact: 0 };
  const app = express();
  const throughChannels = {
    "GET /fixed": channel(PRICE),
    "GET /metered": channel(METERED_MAXIMUM),
    "GET /failing": channel(PRICE),
  };
  app.use(
    paymentMiddleware(
      {
        ...(withChannels ? throughChannels : {}),
        "GET /exact": { accepts: { scheme: "exact", ...price(PRICE) }, description: "a test" },
      },
      server,
    ),
  );
  app.get("/fixed", (_, response) => response.json({ handled: ++handled.fixed }));
  app.get("/exact", (_, response) => response.json({ handled: ++handled.exact }));
  app.get("/failing", (_, response) => response.status(500).json({ handled: ++handled.failing }));
  app.get("/metered", (request, response) => {
    setSettlementOverrides(response, { amount: String(request.query.use) });
    response.json({ handled: ++handled.metered });
  });
  return {
    ...(await listen(app)),
    handled,
    storage: channels.getStorage(),
    manager: channels.createChannelManager(facilitator, NETWORK, chain.token),
  };
}

// A payer: `pay(url)` is fetch that pays, by channel or by `exact` as the server asks.
export function makeClient(chain, { payer, salt }) {
  const signer = toClientEvmSigner(payer, chain.reader);
  const scheme = new BatchClient(signer, { ...(salt ? { salt } : {}) });
  const client = new x402Client()
    .register(NETWORK, scheme)
    .register(NETWORK, new ExactClient(signer))
    .setSpendControls(false);
  return {
    pay: wrapFetchWithPayment(fetch, client),
    refund: (url, options) => scheme.refund(url, options),
    scheme,
  };
}

// What a server said about a payment in its PAYMENT-RESPONSE header.
export function receipt(response) {
  const header = response.headers.get("PAYMENT-RESPONSE");
  return header === null ? null : JSON.parse(Buffer.from(header, "base64").toString("utf8"));
}
// ... or about its absence, in PAYMENT-REQUIRED.
export function refusal(response) {
  const header = response.headers.get("PAYMENT-REQUIRED");
  return header === null ? null : JSON.parse(Buffer.from(header, "base64").toString("utf8"));
}
