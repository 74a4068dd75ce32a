// A card provider for the demo and for tests: Stripe's REST interface as far as tabd uses it, with state, idempotency keys,
// webhooks that are signed, and faults on demand. tests/card/provider.test.mjs checks it with the provider's own library.
//
// Faults (`provider.faults`, used up one by one, or `provider.fault = (call) => name`):
//   drop-before  the connection is closed, nothing was done       drop-after  the same after it was done
//   slow         answered after provider.slowMs                   in-use      409 idempotency_key_in_use
//   limited      429 of the rate limiter                          locked      429 lock_timeout
//   500-stored   500 after it was done, remembered under the key  500         500, nothing done, nothing remembered
// Time is provider.now() (seconds); provider.advance(seconds) moves it, and with it the 24 hours of idempotency keys.

import { createHmac, randomBytes } from "node:crypto";
import { createServer, request as httpRequest } from "node:http";

export const API_VERSION = "2026-10-28.endive";
const KEY_SECONDS = 24 * 3600;
const BODY_BYTES_MAX = 1 << 20;

// Test numbers of the provider, by the names of their payment methods.
const CARDS = {
  pm_card_visa: {},
  pm_card_chargeDeclined: { decline: "generic_decline" },
  pm_card_chargeDeclinedInsufficientFunds: { decline: "insufficient_funds" },
  pm_card_chargeDeclinedLostCard: { decline: "lost_card" },
  pm_card_chargeDeclinedStolenCard: { decline: "stolen_card" },
  pm_card_chargeDeclinedExpiredCard: { code: "expired_card", decline: "expired_card" },
  pm_card_chargeDeclinedIncorrectCvc: { code: "incorrect_cvc", decline: "incorrect_cvc" },
  pm_card_chargeDeclinedProcessingError: { code: "processing_error", decline: "processing_error" },
  pm_card_authenticationRequired: { code: "authentication_required", decline: "authentication_required" },
  pm_card_threeDSecureRequired: { code: "authentication_required", decline: "authentication_required" },
  pm_card_createDispute: { dispute: "fraudulent" },
  pm_processing: { processing: true },
};

class Refusal extends Error {
  constructor(status, error) {
    super(error.message);
    this.status = status;
    this.error = error;
  }
}
const invalid = (message, param, code) =>
  new Refusal(400, { type: "invalid_request_error", message, ...(param && { param }), ...(code && { code }) });
const missing = (what, id, param = "id") =>
  new Refusal(404, { type: "invalid_request_error", code: "resource_missing", message: `No such ${what}: '${id}'`, param });

// "a[b]=1&c[]=2&d[0]=3" as an object; numbered members are lists.
const listed = (value) => {
  if (typeof value !== "object") return value;
  if (Array.isArray(value)) return value;
  const keys = Object.keys(value);
  for (const key of keys) value[key] = listed(value[key]);
  return keys.length > 0 && keys.every((key, index) => key === String(index)) ? Object.values(value) : value;
};

function decodeForm(text) {
  const result = {};
  for (const [name, value] of new URLSearchParams(text)) {
    const path = name.replaceAll("]", "").split("[");
    let at = result;
    path.forEach((key, index) => {
      const last = index === path.length - 1;
      const list = !last && path[index + 1] === "";
      if (key === "") return;
      if (last) at[key] = value;
      else if (list) (at[key] ??= []).push(value);
      else at = at[key] ??= {};
    });
  }
  return listed(result);
}

function integer(fields, name) {
  const value = fields[name];
  if (value === undefined) throw invalid(`Missing required param: ${name}.`, name, "parameter_missing");
  if (!/^\d+$/.test(value)) throw invalid(`Invalid integer: ${value}`, name, "parameter_invalid_integer");
  return Number(value);
}

function known(fields, names) {
  for (const name of Object.keys(fields))
    if (!names.includes(name)) throw invalid(`Received unknown parameter: ${name}`, name, "parameter_unknown");
}

export function signatureHeader(body, secret, seconds) {
  return `t=${seconds},v1=${createHmac("sha256", secret).update(`${seconds}.${body}`).digest("hex")}`;
}

export class Provider {
  constructor({ apiKey = "sk_test_provider", account = "acct_1platform", livemode = false } = {}) {
    Object.assign(this, { apiKey, account, livemode });
    this.secrets = ["whsec_provider"];
    this.webhookUrl = ""; // events are sent there when it is set, by deliver()
    this.faults = [];
    this.fault = () => undefined;
    this.slowMs = 1000;
    this.oracle = undefined; // judges each request (oracle.mjs); may be set before start()
    this.calls = []; // { method, path, form, key, version, replayed }
    this.customers = new Map();
    this.methods = new Map();
    this.intents = new Map();
    this.charges = new Map();
    this.disputes = new Map();
    this.refunds = new Map();
    this.accounts = new Map();
    this.transfers = new Map();
    this.events = [];
    this.keys = new Map();
    this.balance = 1_000_000_00;
    this.offset = 0;
    this.sequence = 0;
    this.feePermille = 29;
    this.availableAfter = 2 * 86_400;
    this.refundStatus = "succeeded"; // of those that are made
  }

  now() {
    return Math.floor(Date.now() / 1000) + this.offset;
  }
  advance(seconds) {
    this.offset += seconds;
    for (const transaction of this.charges.values())
      if (transaction.balance_transaction && transaction.balance_transaction.available_on <= this.now())
        transaction.balance_transaction.status = "available";
  }
  id(prefix) {
    return `${prefix}_${String(++this.sequence).padStart(8, "0")}${randomBytes(6).toString("hex")}`;
  }
  paid() {
    return [...this.intents.values()].filter((intent) => intent.status === "succeeded");
  }

  async start(port = 0) {
    this.server = createServer((request, response) => this.receive(request, response));
    await new Promise((resolve) => this.server.listen(port, "127.0.0.1", resolve));
    this.url = `http://127.0.0.1:${this.server.address().port}`;
    return this;
  }
  async stop() {
    this.server.closeAllConnections();
    await new Promise((resolve) => this.server.close(resolve));
  }

  receive(request, response) {
    const parts = [];
    let size = 0;
    request.on("data", (part) => {
      size += part.length;
      if (size <= BODY_BYTES_MAX) parts.push(part);
    });
    request.on("end", () => this.answer(request, response, Buffer.concat(parts).toString()));
    request.on("error", () => {});
  }

  answer(request, response, body) {
    const url = new URL(request.url, "http://provider");
    const call = {
      method: request.method,
      path: url.pathname,
      form: body,
      key: request.headers["idempotency-key"],
      version: request.headers["stripe-version"],
    };
    this.calls.push(call);
    this.oracle?.check(request.method, request.url, request.headers, body);
    const fault = this.faults.length > 0 && request.method === "POST" ? this.faults.shift() : this.fault(call);
    const reply = (status, value, headers = {}) => {
      const text = JSON.stringify(value);
      response.writeHead(status, { "Content-Type": "application/json", "Request-Id": this.id("req"), ...headers });
      response.end(text);
    };
    const error = (status, value, headers) => reply(status, { error: value }, headers);
    if (fault === "drop-before") return request.socket.destroy();
    if (fault === "500") return error(500, { type: "api_error", message: "An unknown error occurred" });
    if (fault === "in-use")
      return error(409, { type: "idempotency_error", code: "idempotency_key_in_use", message: "The key is in use" });
    if (fault === "limited")
      return error(429, { type: "invalid_request_error", code: "rate_limit", message: "Too many requests" }, { "Retry-After": "1" });
    if (fault === "locked")
      return error(429, { type: "invalid_request_error", code: "lock_timeout", message: "The object is in use" });
    const result = this.perform(request, url, call, body, fault);
    if (fault === "drop-after") return request.socket.destroy();
    const send = () => reply(result.status, result.body, result.replayed ? { "Idempotent-Replayed": "true" } : {});
    if (fault === "slow") setTimeout(send, this.slowMs);
    else send();
  }

  // What is remembered under a key: everything after the parameters were found to be valid, failures included.
  perform(request, url, call, body, fault) {
    const given = request.headers.authorization ?? "";
    const key = given.startsWith("Basic ") ? Buffer.from(given.slice(6), "base64").toString().replace(/:$/, "") : given.slice(7);
    if (key !== this.apiKey)
      return { status: 401, body: { error: { type: "invalid_request_error", message: "Invalid API Key provided" } } };
    const kept = call.key && this.keys.get(call.key);
    if (kept && this.now() < kept.at + KEY_SECONDS) {
      if (kept.body !== body || kept.path !== call.path)
        return { status: 400, body: { error: { type: "idempotency_error", message: "Keys for idempotent requests can only be used with the same parameters" } } };
      call.replayed = true;
      return { ...kept.result, replayed: true };
    }
    let result;
    try {
      const fields = decodeForm(request.method === "GET" ? url.search.slice(1) : body);
      result = { status: 200, body: this.route(request.method, url.pathname, fields) };
    } catch (failure) {
      if (!(failure instanceof Refusal)) {
        // A mistake in this file: loud, and no hang for whoever asked.
        console.error(failure);
        return { status: 500, body: { error: { type: "api_error", message: `the stand-in failed: ${failure.message}` } } };
      }
      result = { status: failure.status, body: { error: failure.error } };
    }
    if (fault === "500-stored") result = { status: 500, body: { error: { type: "api_error", message: "An unknown error occurred" } } };
    // A copy: what was answered does not change with the object.
    const copy = JSON.parse(JSON.stringify(result));
    if (call.key && request.method === "POST" && result.status !== 400 && result.status !== 404)
      this.keys.set(call.key, { at: this.now(), body, path: call.path, result: copy });
    return copy;
  }

  route(method, path, fields) {
    const [, version, kind, id, action] = path.split("/");
    const name = `${method} ${kind}${id ? "/{id}" : ""}${action ? `/${action}` : ""}`;
    const expand = fields.expand ?? [];
    delete fields.expand;
    const handlers = {
      "GET balance": () => ({ object: "balance", livemode: this.livemode, available: [{ amount: this.balance, currency: "usd" }], pending: [] }),
      "GET account": () => ({ id: this.account, object: "account", charges_enabled: true, payouts_enabled: true }),
      "POST customers": () => this.createCustomer(fields),
      "GET customers/{id}": () => this.find(this.customers, "customer", id),
      "POST payment_methods/{id}/attach": () => this.attach(id, fields),
      "POST payment_intents": () => this.createIntent(fields),
      "GET payment_intents": () => this.list(this.intents, fields, ["customer"]),
      "GET payment_intents/{id}": () => this.find(this.intents, "payment_intent", id),
      "POST payment_intents/{id}/confirm": () => this.confirm(this.find(this.intents, "payment_intent", id), fields),
      "POST payment_intents/{id}/cancel": () => this.cancel(this.find(this.intents, "payment_intent", id)),
      "POST refunds": () => this.createRefund(fields),
      "GET refunds": () => this.list(this.refunds, fields, ["payment_intent", "charge"]),
      "GET refunds/{id}": () => this.find(this.refunds, "refund", id),
      "GET disputes": () => this.list(this.disputes, fields, ["payment_intent", "charge"]),
      "POST accounts": () => this.createAccount(fields),
      "POST transfers": () => this.createTransfer(fields),
      "GET transfers": () => this.list(this.transfers, fields, ["destination", "transfer_group"]),
      "GET transfers/{id}": () => this.find(this.transfers, "transfer", id),
      "POST transfers/{id}/reversals": () => this.reverse(this.find(this.transfers, "transfer", id), fields),
      "GET events": () => this.listEvents(fields),
      "GET events/{id}": () => this.find(new Map(this.events.map((event) => [event.id, event])), "event", id),
    };
    if (version !== "v1" || !handlers[name])
      throw new Refusal(404, { type: "invalid_request_error", message: `Unrecognized request URL (${method}: ${path})` });
    return this.view(handlers[name](), expand);
  }

  // Objects as they are answered: what is not expanded is its id.
  view(object, expand) {
    const copy = JSON.parse(JSON.stringify(object));
    const wanted = expand.map((path) => path.replace(/^data\./, ""));
    const fold = (one) => {
      if (one.payment_intent && wanted.includes("payment_intent")) one.payment_intent = JSON.parse(JSON.stringify(this.intents.get(one.payment_intent)));
      const charge = one.latest_charge && this.charges.get(one.latest_charge);
      if (charge && wanted.some((path) => path.startsWith("latest_charge"))) {
        one.latest_charge = JSON.parse(JSON.stringify(charge));
        if (!wanted.includes("latest_charge.balance_transaction") && one.latest_charge.balance_transaction)
          one.latest_charge.balance_transaction = one.latest_charge.balance_transaction.id;
      }
    };
    (copy.object === "list" ? copy.data : [copy]).forEach(fold);
    return copy;
  }

  find(objects, what, id) {
    const found = objects.get(id);
    if (!found) throw missing(what, id, what === "payment_intent" ? "intent" : "id");
    return found;
  }

  page(all, fields, by) {
    const limit = fields.limit === undefined ? 10 : integer(fields, "limit");
    if (limit < 1 || limit > 100) throw invalid("limit is out of range", "limit");
    let rows = all.filter((one) => by.every((name) => fields[name] === undefined || one[name] === fields[name]));
    if (fields.created?.gte) rows = rows.filter((one) => one.created >= Number(fields.created.gte));
    if (fields.created?.lt) rows = rows.filter((one) => one.created < Number(fields.created.lt));
    rows.reverse(); // newest first
    if (fields.starting_after) rows = rows.slice(rows.findIndex((one) => one.id === fields.starting_after) + 1);
    return { object: "list", url: "/v1/list", has_more: rows.length > limit, data: rows.slice(0, limit) };
  }
  list(objects, fields, by) {
    known(fields, [...by, "limit", "created", "starting_after"]);
    return this.page([...objects.values()], fields, by);
  }
  listEvents(fields) {
    known(fields, ["limit", "created", "starting_after", "types", "type"]);
    const types = fields.types;
    return this.page(this.events.filter((event) => !types || types.includes(event.type)), fields, []);
  }

  createCustomer(fields) {
    known(fields, ["name", "email", "metadata", "description"]);
    const id = this.id("cus");
    this.customers.set(id, { id, object: "customer", created: this.now(), livemode: this.livemode, metadata: fields.metadata ?? {} });
    return this.customers.get(id);
  }
  attach(name, fields) {
    known(fields, ["customer"]);
    if (!CARDS[name]) throw missing("PaymentMethod", name, "payment_method");
    this.find(this.customers, "customer", fields.customer);
    const id = this.id("pm");
    this.methods.set(id, { id, object: "payment_method", type: "card", customer: fields.customer, card: name, created: this.now() });
    return this.methods.get(id);
  }
  behaviour(id, customer) {
    if (CARDS[id]) return CARDS[id];
    const method = this.methods.get(id);
    if (!method) throw new Refusal(400, { type: "invalid_request_error", code: "resource_missing", param: "payment_method", message: `No such PaymentMethod: '${id}'` });
    if (method.customer !== customer)
      throw invalid("The payment method belongs to another customer", "payment_method");
    return CARDS[method.card];
  }

  createIntent(fields) {
    known(fields, ["amount", "currency", "customer", "payment_method", "payment_method_types", "off_session", "confirm", "description",
      "statement_descriptor_suffix", "metadata", "transfer_group"]);
    const amount = integer(fields, "amount");
    if (!/^[a-z]{3}$/.test(fields.currency ?? "")) throw invalid("Invalid currency", "currency");
    if (fields.currency === "usd" && amount < 50) throw invalid("Amount must be at least $0.50 usd", "amount", "amount_too_small");
    if (amount > 99_999_999) throw invalid("Amount must be no more than $999,999.99", "amount", "amount_too_large");
    if (!this.customers.has(fields.customer))
      throw new Refusal(400, { type: "invalid_request_error", code: "resource_missing", param: "customer", message: `No such customer: '${fields.customer}'` });
    if (fields.off_session === "true" && fields.confirm !== "true") throw invalid("off_session needs confirm", "off_session");
    this.behaviour(fields.payment_method, fields.customer);
    const id = this.id("pi");
    const intent = {
      id, object: "payment_intent", amount, amount_received: 0, currency: fields.currency, customer: fields.customer,
      payment_method: fields.payment_method, created: this.now(), livemode: this.livemode, metadata: fields.metadata ?? {},
      description: fields.description ?? null, latest_charge: null, last_payment_error: null, status: "requires_confirmation",
      client_secret: `${id}_secret_test`, canceled_at: null, cancellation_reason: null,
    };
    this.intents.set(id, intent);
    return fields.confirm === "true" ? this.confirm(intent, {}, fields.off_session === "true") : intent;
  }

  confirm(intent, fields, offSession = fields.off_session === "true") {
    known(fields, ["payment_method", "off_session", "return_url"]);
    if (!["requires_confirmation", "requires_payment_method", "requires_action"].includes(intent.status))
      throw this.unexpected(intent, "confirm");
    if (fields.payment_method) intent.payment_method = fields.payment_method;
    const card = this.behaviour(intent.payment_method, intent.customer);
    if (card.processing) {
      intent.status = "processing";
      this.emit("payment_intent.processing", intent);
      return intent;
    }
    if (card.code === "authentication_required" && !offSession) {
      intent.status = "requires_action";
      this.emit("payment_intent.requires_action", intent);
      return intent;
    }
    if (card.decline) {
      const error = {
        type: "card_error", code: card.code ?? "card_declined", decline_code: card.decline, message: "Your card was declined.",
      };
      intent.status = "requires_payment_method";
      intent.last_payment_error = error;
      this.emit("payment_intent.payment_failed", intent);
      throw new Refusal(402, { ...error, payment_intent: JSON.parse(JSON.stringify(intent)) });
    }
    this.succeed(intent);
    if (card.dispute) this.dispute(intent.id, card.dispute);
    return intent;
  }

  unexpected(intent, what) {
    return new Refusal(400, {
      type: "invalid_request_error", code: "payment_intent_unexpected_state",
      message: `You cannot ${what} this PaymentIntent because it has a status of ${intent.status}.`,
      payment_intent: JSON.parse(JSON.stringify(intent)),
    });
  }

  succeed(intent) {
    const fee = Math.floor((intent.amount * this.feePermille) / 1000) + 30;
    const charge = {
      id: this.id("ch"), object: "charge", amount: intent.amount, amount_refunded: 0, currency: intent.currency, created: this.now(),
      customer: intent.customer, disputed: false, refunded: false, paid: true, status: "succeeded", livemode: this.livemode,
      metadata: { ...intent.metadata }, payment_intent: intent.id,
      balance_transaction: {
        id: this.id("txn"), object: "balance_transaction", amount: intent.amount, fee, net: intent.amount - fee,
        currency: intent.currency, available_on: this.now() + this.availableAfter, status: "pending", type: "charge",
      },
    };
    this.charges.set(charge.id, charge);
    Object.assign(intent, { status: "succeeded", amount_received: intent.amount, latest_charge: charge.id });
    this.balance += intent.amount - fee;
    this.emit("payment_intent.succeeded", intent);
  }

  // The bank has decided on a payment that was processing.
  settle(id, succeeded = true) {
    const intent = this.find(this.intents, "payment_intent", id);
    if (succeeded) return this.succeed(intent);
    Object.assign(intent, { status: "requires_payment_method", last_payment_error: { code: "card_declined", decline_code: "generic_decline" } });
    this.emit("payment_intent.payment_failed", intent);
  }

  cancel(intent) {
    if (!intent.status.startsWith("requires_")) throw this.unexpected(intent, "cancel");
    Object.assign(intent, { status: "canceled", canceled_at: this.now(), cancellation_reason: "abandoned" });
    this.emit("payment_intent.canceled", intent);
    return intent;
  }

  createRefund(fields) {
    known(fields, ["payment_intent", "charge", "amount", "metadata", "reason"]);
    const intent = fields.payment_intent && this.find(this.intents, "payment_intent", fields.payment_intent);
    const charge = this.charges.get(intent ? intent.latest_charge : fields.charge);
    if (!charge) throw missing("charge", fields.charge, "charge");
    const left = charge.amount - charge.amount_refunded;
    const amount = fields.amount === undefined ? left : integer(fields, "amount");
    if (charge.disputed && this.disputeOf(charge.payment_intent)?.status === "needs_response")
      throw invalid("The charge is disputed", "charge", "charge_disputed");
    if (left === 0) throw invalid("Charge has already been refunded.", "charge", "charge_already_refunded");
    if (amount > left) throw invalid("Refund amount is greater than unrefunded amount", "amount");
    charge.amount_refunded += amount;
    charge.refunded = charge.amount_refunded === charge.amount;
    this.balance -= amount;
    const refund = { id: this.id("re"), object: "refund", amount, charge: charge.id, payment_intent: charge.payment_intent, created: this.now(),
      currency: charge.currency, status: this.refundStatus, failure_reason: null, metadata: fields.metadata ?? {} };
    this.refunds.set(refund.id, refund);
    this.emit("refund.created", refund);
    return refund;
  }

  // The payer's bank has taken it, or sends it back.
  closeRefund(id, reason) {
    const refund = this.refunds.get(id);
    Object.assign(refund, { status: reason ? "failed" : "succeeded", failure_reason: reason ?? null });
    if (reason) {
      const charge = this.charges.get(refund.charge);
      charge.amount_refunded -= refund.amount;
      charge.refunded = false;
      this.balance += refund.amount;
    }
    this.emit(reason ? "refund.failed" : "refund.updated", refund);
  }

  disputeOf(intent) {
    return [...this.disputes.values()].find((dispute) => dispute.payment_intent === intent);
  }
  // `amount`: of a part of the charge, in minor units; otherwise of all of it.
  dispute(intentId, reason = "fraudulent", status = "needs_response", amount = undefined) {
    const intent = this.find(this.intents, "payment_intent", intentId);
    const charge = this.charges.get(intent.latest_charge);
    charge.disputed = true;
    const dispute = { id: this.id("du"), object: "dispute", amount: amount ?? charge.amount, charge: charge.id, payment_intent: intent.id, created: this.now(),
      currency: charge.currency, reason, status, is_charge_refundable: status.startsWith("warning_"), livemode: this.livemode, metadata: {},
      evidence_details: { due_by: this.now() + 10 * 86_400, has_evidence: false, past_due: false, submission_count: 0 } };
    this.disputes.set(dispute.id, dispute);
    this.emit("charge.dispute.created", dispute);
    return dispute;
  }
  closeDispute(id, status) {
    const dispute = this.disputes.get(id);
    dispute.status = status;
    this.emit("charge.dispute.closed", dispute);
  }

  createAccount(fields) {
    const id = this.id("acct");
    this.accounts.set(id, { id, object: "account", type: fields.type ?? "express", charges_enabled: true });
    return this.accounts.get(id);
  }
  createTransfer(fields) {
    known(fields, ["amount", "currency", "destination", "transfer_group", "description", "metadata", "source_transaction"]);
    const amount = integer(fields, "amount");
    if (!this.accounts.has(fields.destination))
      throw new Refusal(400, { type: "invalid_request_error", code: "resource_missing", param: "destination", message: `No such destination: '${fields.destination}'` });
    if (amount > this.balance) throw invalid("You have insufficient available funds", undefined, "balance_insufficient");
    this.balance -= amount;
    const transfer = { id: this.id("tr"), object: "transfer", amount, amount_reversed: 0, currency: fields.currency, destination: fields.destination,
      created: this.now(), livemode: this.livemode, metadata: fields.metadata ?? {}, reversed: false, transfer_group: fields.transfer_group ?? null };
    this.transfers.set(transfer.id, transfer);
    this.emit("transfer.created", transfer);
    return transfer;
  }
  reverse(transfer, fields) {
    const amount = fields.amount === undefined ? transfer.amount - transfer.amount_reversed : integer(fields, "amount");
    if (amount > transfer.amount - transfer.amount_reversed) throw invalid("More than the transfer", "amount");
    transfer.amount_reversed += amount;
    transfer.reversed = transfer.amount_reversed === transfer.amount;
    this.emit("transfer.reversed", transfer);
    return { id: this.id("trr"), object: "transfer_reversal", amount, transfer: transfer.id };
  }

  emit(type, object) {
    this.events.push({ id: this.id("evt"), object: "event", type, api_version: API_VERSION, created: this.now(), livemode: this.livemode,
      pending_webhooks: 1, data: { object: JSON.parse(JSON.stringify(object)) } });
  }

  // Sends an event to the webhook. `changes`: what makes it another's: { secret, seconds, body }.
  deliver(event, changes = {}) {
    const body = changes.body ?? JSON.stringify(event);
    const secrets = changes.secret === undefined ? this.secrets : [changes.secret];
    const seconds = changes.seconds ?? Math.floor(Date.now() / 1000);
    const values = secrets.map((secret) => signatureHeader(body, secret, seconds).split(",")[1]);
    return new Promise((resolve, reject) => {
      const request = httpRequest(this.webhookUrl, {
        method: "POST",
        headers: { "Content-Type": "application/json", "Stripe-Signature": [`t=${seconds}`, ...values].join(","), "Content-Length": Buffer.byteLength(body) },
      }, (response) => {
        const parts = [];
        response.on("data", (part) => parts.push(part));
        response.on("end", () => resolve({ status: response.statusCode, body: Buffer.concat(parts).toString() }));
      });
      request.on("error", reject);
      request.end(body);
    });
  }
}
