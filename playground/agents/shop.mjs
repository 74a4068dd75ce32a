// The paid API, on the official Express middleware: one-time purchases, sessions, a metered stream, and refunds of channels.
import { paymentMiddleware, setSettlementOverrides } from "@x402/express";
import { randomBytes } from "node:crypto";

import { ARTICLES, search, STORY } from "./content.mjs";
import { PAYEES } from "./settings.mjs";

const SESSION_SEARCHES = 5;
const SESSION_MS = 120_000;
const SESSIONS_MAX = 1000;
const WORDS_AT_ONCE = 12;

export const PRICES = { article: "$0.002", report: "$0.05", session: "$0.02", chunk: "$0.002", word: 0.0001 };
const WORD_UNITS = 100; // the price of a word in smallest units, as tabs and channels both count

/** What a route takes, for the middleware. */
function routes(offers) {
  const paid = (label, price, description) => ({ accepts: offers.all(label, price), description });
  // The middleware answers a refund itself. It is asked for by GET, so the sellers without a paid GET have one here too.
  const refund = ({ label }) => [
    `GET /refunds/${label}`,
    { accepts: offers.channel(label, PRICES.chunk), description: `Gives back what is left in a channel with ${label}` },
  ];
  return {
    "GET /articles/[slug]": paid("library", PRICES.article, "One article"),
    "GET /report": paid("library", PRICES.report, "All articles"),
    "POST /sessions": paid("search", PRICES.session, `${SESSION_SEARCHES} searches within two minutes`),
    "GET /stream/[position]": paid("stream", PRICES.chunk, "The next words of a story; each word costs $0.0001"),
    ...Object.fromEntries(PAYEES.map(refund)),
  };
}

/** Sessions that were bought: a token for each, used up by searches or by time. */
class Sessions {
  #open = new Map();

  create() {
    const now = Date.now();
    for (const [token, { until }] of this.#open) if (until <= now) this.#open.delete(token);
    if (this.#open.size >= SESSIONS_MAX) return undefined;
    const token = randomBytes(16).toString("hex");
    this.#open.set(token, { searches: SESSION_SEARCHES, until: now + SESSION_MS });
    return { token, searches: SESSION_SEARCHES, seconds: SESSION_MS / 1000 };
  }

  /** Searches that are left after this one; undefined if there is no such session. */
  use(token) {
    const session = this.#open.get(token);
    if (session === undefined || session.until <= Date.now()) return undefined;
    if (--session.searches === 0) this.#open.delete(token);
    return session.searches;
  }
}

/** Adds the shop to an Express app. `sold(kind)` is called for each sale. */
export function addShop(app, resourceServer, offers, sold) {
  const sessions = new Sessions();
  const problem = (response, status, code, message) => response.status(status).json({ error: { code, message } });
  app.use(paymentMiddleware(routes(offers), resourceServer));

  app.get("/articles/:slug", (request, response) => {
    const text = ARTICLES[request.params.slug];
    if (text === undefined) return problem(response, 404, "not_found", "No such article; GET / has the list.");
    sold("article");
    return response.json({ slug: request.params.slug, text });
  });

  app.get("/report", (_request, response) => {
    sold("report");
    response.json({ articles: ARTICLES });
  });

  app.post("/sessions", (_request, response) => {
    const session = sessions.create();
    if (session === undefined) return problem(response, 503, "overloaded", "Too many sessions are open.");
    sold("session");
    return response.status(201).json(session);
  });

  app.get("/search", (request, response) => {
    const token = /^Bearer (\w+)$/.exec(request.get("Authorization") ?? "")?.[1];
    const left = token === undefined ? undefined : sessions.use(token);
    if (left === undefined) return problem(response, 401, "no_session", "Buy a session first: POST /sessions");
    return response.json({ found: search(String(request.query.q ?? "")), searchesLeft: left });
  });

  // A stream is pulled chunk by chunk; each is charged for its words. Vouchers suit it: one sum that grows.
  app.get("/stream/:position", (request, response) => {
    const position = Number(request.params.position);
    if (!Number.isInteger(position) || position < 0 || position >= STORY.length) {
      return problem(response, 404, "end_of_stream", `Positions are 0 to ${STORY.length - 1}.`);
    }
    const words = STORY.slice(position, position + WORDS_AT_ONCE);
    setSettlementOverrides(response, { amount: String(words.length * WORD_UNITS) });
    sold("chunk");
    const next = position + words.length;
    return response.json({ words: words.join(" "), next: next < STORY.length ? next : null });
  });

  // Reached by other payments alone; what fails costs nothing.
  app.get("/refunds/:label", (_request, response) => {
    problem(response, 409, "refunds_only", "Here channels are refunded and nothing is sold. You were not charged.");
  });
}
