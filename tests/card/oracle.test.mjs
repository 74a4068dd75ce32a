// The judge of our requests really judges: what is right passes, and each kind of mistake is refused.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { MISSING, Oracle, endpoint } from "./oracle.mjs";

let oracle;
before(async () => {
  oracle = await Oracle.start();
});
after(() => oracle?.stop());

const headers = { authorization: "Bearer sk_test_provider", "content-type": "application/x-www-form-urlencoded" };
const refused = async (method, target, form = "") => {
  const before_ = oracle.refused.length;
  await oracle.check(method, target, headers, form);
  return oracle.refused.slice(before_).map((one) => one.status);
};

test("requests that are right pass, and mistakes are refused", async (t) => {
  if (!oracle) {
    assert.notEqual(process.env.CI, "true", MISSING);
    console.error(`\n*** SKIPPED: ${MISSING}\n`);
    return t.skip(MISSING);
  }
  const intent = "amount=1250&currency=usd&customer=cus_1&payment_method=pm_1&off_session=true&confirm=true&metadata[a]=b";
  assert.deepEqual(await refused("POST", "/v1/payment_intents", intent), []);
  assert.deepEqual(await refused("POST", "/v1/payment_intents", `${intent}&nonsense=1`), [400], "an unknown parameter");
  assert.deepEqual(await refused("POST", "/v1/payment_intents", intent.replace("1250", "12.5x")), [400], "no number");
  assert.deepEqual(await refused("POST", "/v1/payment_intents/pi_1/cancel", "cancellation_reason=bored"), [400], "no word of the list");
  assert.deepEqual(await refused("GET", "/v1/transfers?nonsense=1"), [400], "an unknown parameter in a URL");
  assert.deepEqual(await refused("GET", "/v1/payment_intent/pi_1"), [404], "a misspelt path");
  assert.deepEqual(await refused("PUT", "/v1/payment_intents/pi_1"), [404], "the wrong method");
  assert.equal(endpoint("GET", "/v1/payment_intents/pi_00000001ab"), "GET /v1/payment_intents/{id}");
  assert.equal(endpoint("POST", "/v1/payment_intents/pi_1/cancel"), "POST /v1/payment_intents/{id}/cancel");
});
