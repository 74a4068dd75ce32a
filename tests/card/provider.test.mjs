// The stand-in, checked with the provider's own library: what it accepts, refuses, remembers and signs.

import assert from "node:assert/strict";
import { after, before, beforeEach, test } from "node:test";
import Stripe from "stripe";
import { API_VERSION, Provider, signatureHeader } from "../../playground/provider/provider.mjs";

let provider;
let stripe;

before(async () => {
  provider = await new Provider().start();
  const { port } = new URL(provider.url);
  stripe = new Stripe(provider.apiKey, { host: "127.0.0.1", port, protocol: "http", maxNetworkRetries: 0, telemetry: false });
});
after(() => provider.stop());
beforeEach(() => {
  provider.faults = [];
  provider.fault = () => undefined;
});

const customer = () => stripe.customers.create({ metadata: { a: "b" } });
const charge = async (paymentMethod, options = {}, more = {}) =>
  stripe.paymentIntents.create(
    {
      amount: 1250, currency: "usd", customer: (more.customer ?? (await customer())).id, payment_method: paymentMethod,
      payment_method_types: ["card"], off_session: true, confirm: true, metadata: { tabd_key: "k" },
      expand: ["latest_charge.balance_transaction"],
    },
    options,
  );

test("the library pins the version that tabd pins", async () => {
  await stripe.balance.retrieve();
  assert.equal(provider.calls.at(-1).version, API_VERSION);
});

test("customer, saved card, payment off session, refund in parts", async () => {
  const one = await customer();
  const method = await stripe.paymentMethods.attach("pm_card_visa", { customer: one.id });
  const intent = await charge(method.id, {}, { customer: one });
  assert.equal(intent.status, "succeeded");
  assert.equal(intent.metadata.tabd_key, "k");
  assert.equal(intent.latest_charge.balance_transaction.net, 1250 - intent.latest_charge.balance_transaction.fee);
  const found = await stripe.paymentIntents.list({ customer: one.id, created: { gte: intent.created } });
  assert.deepEqual(found.data.map((item) => item.id), [intent.id]);
  const refund = await stripe.refunds.create({ payment_intent: intent.id, amount: 250, reason: "requested_by_customer", metadata: { a: "b" } });
  assert.deepEqual([refund.status, refund.amount, refund.metadata.a], ["succeeded", 250, "b"]);
  assert.equal((await stripe.refunds.retrieve(refund.id)).payment_intent, intent.id);
  assert.deepEqual((await stripe.refunds.list({ payment_intent: intent.id })).data.map((item) => item.id), [refund.id]);
  await stripe.refunds.create({ payment_intent: intent.id });
  await assert.rejects(stripe.refunds.create({ payment_intent: intent.id }), { code: "charge_already_refunded" });
  const again = await stripe.paymentIntents.retrieve(intent.id, { expand: ["latest_charge"] });
  assert.equal(again.latest_charge.refunded, true);
});

test("declines are 402 with the intent in the error", async () => {
  for (const [card, code, decline] of [
    ["pm_card_chargeDeclined", "card_declined", "generic_decline"],
    ["pm_card_chargeDeclinedInsufficientFunds", "card_declined", "insufficient_funds"],
    ["pm_card_chargeDeclinedExpiredCard", "expired_card", "expired_card"],
    ["pm_card_authenticationRequired", "authentication_required", "authentication_required"],
  ]) {
    const error = await charge(card).catch((caught) => caught);
    assert.ok(error instanceof Stripe.errors.StripeCardError, card);
    assert.equal(error.statusCode, 402);
    assert.equal(error.code, code);
    assert.equal(error.decline_code, decline);
    assert.equal(error.payment_intent.status, "requires_payment_method");
    const closed = await stripe.paymentIntents.cancel(error.payment_intent.id);
    assert.equal(closed.status, "canceled");
    assert.equal(closed.last_payment_error.decline_code, decline);
    await assert.rejects(stripe.paymentIntents.cancel(error.payment_intent.id), { code: "payment_intent_unexpected_state" });
  }
});

test("a wrong parameter is named", async () => {
  const { id } = await customer();
  const base = { amount: 1250, currency: "usd", customer: id, payment_method: "pm_card_visa", off_session: true, confirm: true };
  await assert.rejects(stripe.paymentIntents.create({ ...base, amount: 49 }), { code: "amount_too_small", param: "amount" });
  await assert.rejects(stripe.paymentIntents.create({ ...base, customer: "cus_x" }), { code: "resource_missing", param: "customer" });
  await assert.rejects(stripe.paymentIntents.create({ ...base, nonsense: "1" }), { code: "parameter_unknown", param: "nonsense" });
  await assert.rejects(stripe.paymentIntents.retrieve("pi_x"), { code: "resource_missing" });
  await assert.rejects(new Stripe("sk_test_wrong", { host: "127.0.0.1", port: new URL(provider.url).port, protocol: "http" }).balance.retrieve(), {
    type: "StripeAuthenticationError",
  });
});

test("a key is remembered for a day, declines and errors included", async () => {
  const one = await customer();
  const first = await charge("pm_card_visa", { idempotencyKey: "day" }, { customer: one });
  const second = await charge("pm_card_visa", { idempotencyKey: "day" }, { customer: one });
  assert.equal(second.id, first.id);
  assert.equal(second.lastResponse.headers["idempotent-replayed"], "true");
  await assert.rejects(charge("pm_card_chargeDeclined", { idempotencyKey: "day" }, { customer: one }), { type: "StripeIdempotencyError" });
  const count = provider.intents.size;
  for (let i = 0; i < 2; ++i)
    await assert.rejects(charge("pm_card_chargeDeclined", { idempotencyKey: "no" }, { customer: one }), { code: "card_declined" });
  assert.equal(provider.intents.size, count + 1);
  provider.advance(24 * 3600);
  assert.notEqual((await charge("pm_card_visa", { idempotencyKey: "day" }, { customer: one })).id, first.id);
});

test("faults, as the library sees them", async () => {
  const one = await customer();
  const count = () => provider.intents.size;
  const met = async (fault, expected, made) => {
    const before_ = count();
    // A connection that was closed is tried once more by the library, whatever its settings.
    provider.faults = fault.startsWith("drop") ? [fault, fault] : [fault];
    await assert.rejects(charge("pm_card_visa", { idempotencyKey: fault }, { customer: one }), expected, fault);
    assert.equal(count() - before_, made, fault);
  };
  await met("drop-before", { type: "StripeConnectionError" }, 0);
  await met("drop-after", { type: "StripeConnectionError" }, 1);
  await met("500", { type: "StripeAPIError" }, 0);
  await met("500-stored", { type: "StripeAPIError" }, 1);
  await met("in-use", { statusCode: 409 }, 0);
  await met("limited", { statusCode: 429 }, 0);
  await met("locked", { code: "lock_timeout" }, 0);
  // What was stored is replayed, the rest is done now.
  await assert.rejects(charge("pm_card_visa", { idempotencyKey: "500-stored" }, { customer: one }), { type: "StripeAPIError" });
  assert.equal((await charge("pm_card_visa", { idempotencyKey: "500" }, { customer: one })).status, "succeeded");
  // The library repeats by itself, with its own key: once is paid once.
  const patient = new Stripe(provider.apiKey, { host: "127.0.0.1", port: new URL(provider.url).port, protocol: "http", maxNetworkRetries: 2 });
  const before_ = count();
  provider.faults = ["drop-after", "in-use"];
  const paid = await patient.paymentIntents.create({
    amount: 1250, currency: "usd", customer: one.id, payment_method: "pm_card_visa", off_session: true, confirm: true,
  });
  assert.equal(paid.status, "succeeded");
  assert.equal(count() - before_, 1);
});

test("disputes, transfers and their reversal", async () => {
  const intent = await charge("pm_card_createDispute");
  const disputes = await stripe.disputes.list({ payment_intent: intent.id });
  assert.equal(disputes.data[0].status, "needs_response");
  await assert.rejects(stripe.refunds.create({ payment_intent: intent.id }), { code: "charge_disputed" });
  provider.closeDispute(disputes.data[0].id, "won");
  const account = await stripe.accounts.create({ type: "express" });
  const transfer = await stripe.transfers.create({ amount: 500, currency: "usd", destination: account.id, transfer_group: "g" });
  assert.deepEqual((await stripe.transfers.list({ transfer_group: "g", destination: account.id })).data.map((item) => item.id), [transfer.id]);
  await stripe.transfers.createReversal(transfer.id, { amount: 500 });
  assert.equal((await stripe.transfers.retrieve(transfer.id)).reversed, true);
  await assert.rejects(stripe.transfers.create({ amount: 10 ** 12, currency: "usd", destination: account.id }), { code: "balance_insufficient" });
});

test("events are listed newest first, page by page, and signed as the library demands", async () => {
  const all = [];
  for await (const event of stripe.events.list({ limit: 2 })) all.push(event.id);
  assert.deepEqual(all, provider.events.map((event) => event.id).reverse());
  const body = JSON.stringify(provider.events[0]);
  const seconds = Math.floor(Date.now() / 1000);
  const read = stripe.webhooks.constructEvent(body, signatureHeader(body, "whsec_provider", seconds), "whsec_provider");
  assert.equal(read.id, provider.events[0].id);
  const theirs = stripe.webhooks.generateTestHeaderString({ payload: body, secret: "whsec_provider", timestamp: seconds });
  assert.ok(theirs.startsWith(signatureHeader(body, "whsec_provider", seconds)), "the same signature");
  assert.throws(() => stripe.webhooks.constructEvent(body, signatureHeader(body, "whsec_provider", seconds - 301), "whsec_provider"));
});
