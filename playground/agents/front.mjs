// One HTTP server on loopback: the faucet, the paid API and the MCP server. GET / says what there is.
import { TabdChannelScheme, TabdFacilitator, TabServerScheme } from "@tabd/x402/server";
import { x402ResourceServer } from "@x402/core/server";
import { BatchSettlementEvmScheme } from "@x402/evm/batch-settlement/server";
import express from "express";
import { parseUnits } from "viem";

import { ARTICLES } from "./content.mjs";
import { Faucet, faucetRoute } from "./faucet.mjs";
import { CHAIN_NETWORK, DEPOSIT, NETWORK, TOKEN, WITHDRAW_DELAY_SECONDS } from "./settings.mjs";
import { addShop, PRICES } from "./shop.mjs";
import { addTools } from "./tools.mjs";

const units = (dollars) => parseUnits(String(dollars), TOKEN.decimals).toString();

/** The official scheme, told what a dollar is here: the chain's test token is none that it knows. */
function channelTerms({ token }, [{ address }]) {
  const { name, version } = TOKEN;
  return new BatchSettlementEvmScheme(address, { withdrawDelay: WITHDRAW_DELAY_SECONDS }).registerMoneyParser(
    (dollars) => Promise.resolve({ asset: token, amount: units(dollars), extra: { name, version } }),
  );
}

/**
 * What may be paid with, each an option of x402. The channel stands first: the official client looks for a correction, and
 * for the terms of a refund, in the first `batch-settlement` option alone. Who knows one of the networks pays by that one.
 */
function makeOffers(payees) {
  const payTo = Object.fromEntries(payees.map(({ label, address }) => [label, address]));
  const option = (network) => (label, price, extra) => ({
    scheme: "batch-settlement",
    network,
    payTo: payTo[label],
    price,
    ...extra,
  });
  const tab = option(NETWORK);
  // What clients deposit at once, unless they decide otherwise.
  const channel = (label, price) => option(CHAIN_NETWORK)(label, price, { extra: { minDeposit: units(DEPOSIT) } });
  return { channel, tab, all: (label, price) => [channel(label, price), tab(label, price)] };
}

function directory(url, { pageUrl, x402Url, payees }) {
  return {
    pay: {
      channel: {
        network: CHAIN_NETWORK,
        how: "deposit into a channel on the chain, then sign vouchers; take back what is left",
        refunds: payees.map(({ label, address }) => ({ payee: label, payTo: address, url: `${url}/refunds/${label}` })),
      },
      tab: { network: NETWORK, how: "sign promises; they are collected from your wallet when the window closes" },
    },
    facilitator: x402Url,
    page: pageUrl,
    faucet: { url: `${url}/faucet`, how: `POST {"label": "my-agent"}; gives a key with test money` },
    articles: { price: PRICES.article, urls: Object.keys(ARTICLES).map((slug) => `${url}/articles/${slug}`) },
    report: { price: PRICES.report, url: `${url}/report` },
    sessions: { price: PRICES.session, url: `${url}/sessions`, search: `${url}/search?q=ledger` },
    stream: { price: `$${PRICES.word} a word`, url: `${url}/stream/0` },
    mcp: { url: `${url}/mcp`, tools: ["catalogue", "lookup", "summarise"] },
  };
}

export class Front {
  #listener;
  #facilitator;
  #url;
  /** How often each kind was sold. */
  sales = { article: 0, report: 0, session: 0, chunk: 0, tool: 0 };
  faucet;

  get url() {
    return this.#url;
  }

  static async start({ chain, daemon, port }) {
    const front = new Front();
    front.faucet = new Faucet(chain, daemon);
    front.#facilitator = new TabdFacilitator({ url: daemon.x402Url, apiKey: daemon.apiKey });
    const server = new x402ResourceServer(front.#facilitator)
      .register(CHAIN_NETWORK, new TabdChannelScheme(front.#facilitator, channelTerms(chain, daemon.payees)))
      .register(NETWORK, new TabServerScheme(front.#facilitator, { vouchers: true }));
    await front.#listen(await front.#app(server, daemon), port);
    return front;
  }

  async #app(server, daemon) {
    const offers = makeOffers(daemon.payees);
    const app = express();
    app.disable("x-powered-by");
    const json = express.json({ limit: "64kb" });
    const sold = (kind) => ++this.sales[kind];
    app.get("/", (_request, response) => {
      response.type("json").send(`${JSON.stringify(directory(this.#url, daemon), undefined, 2)}\n`);
    });
    app.post("/faucet", express.json({ limit: "1kb" }), faucetRoute(this.faucet));
    await addTools(app, server, offers, sold, json);
    addShop(app, server, offers, sold);
    app.use((_request, response) => {
      response.status(404).json({ error: { code: "not_found", message: "GET / says what there is." } });
    });
    app.use((error, _request, response, _next) => {
      const status = error.status >= 400 && error.status < 500 ? error.status : 503;
      const code = status === 503 ? "unavailable" : "bad_request";
      response.status(status).json({ error: { code, message: error.message } });
    });
    return app;
  }

  #listen(app, port) {
    return new Promise((resolve, reject) => {
      this.#listener = app.listen(port, "127.0.0.1", (error) => {
        if (error) return reject(error);
        this.#url = `http://127.0.0.1:${this.#listener.address().port}`;
        return resolve();
      });
      this.#listener.on("error", reject);
    });
  }

  /** No new requests, then every charge into the ledger. */
  async stop() {
    const closed = new Promise((resolve) => this.#listener.close(resolve));
    this.#listener.closeIdleConnections();
    const slow = setTimeout(() => this.#listener.closeAllConnections(), 3_000);
    await closed;
    clearTimeout(slow);
    await this.flush();
  }

  async flush() {
    const { unsettled } = await this.#facilitator.close();
    if (unsettled > 0) throw new Error(`${unsettled} charges did not reach tabd`);
  }
}
