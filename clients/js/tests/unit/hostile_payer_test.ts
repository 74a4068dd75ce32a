// Payers that want something for nothing, or to be in the way of others.
import { x402ResourceServer } from "@x402/core/server";
import type { PaymentPayload, PaymentRequirements } from "@x402/core/types";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";

import { signCommitment, signVoucher, TabError, tabKey, ZERO_RESOURCE } from "../../src/client/index.js";
import { TabdFacilitator, TabServerScheme } from "../../src/server/index.js";
import type { LostSettle } from "../../src/server/index.js";
import { API_KEY, FakeDaemon, NETWORK } from "../support/fake_daemon.js";
import { party } from "../support/parties.js";

const payer = party("payer");
const payee = party("payee");
const requirements: PaymentRequirements = {
  scheme: "batch-settlement",
  network: NETWORK,
  amount: "2500",
  asset: "USD",
  payTo: payee.address,
  maxTimeoutSeconds: 300,
  extra: { binding: "tab", version: "1" },
};
const parties = { payer: payer.address, payee: payee.address, asset: "USD" };

let daemon: FakeDaemon;
let facilitator: TabdFacilitator;
let nonce = 0n;

beforeEach(async () => {
  daemon = await new FakeDaemon().start();
  daemon.payers.add(payer.address);
  facilitator = new TabdFacilitator({ url: daemon.url, apiKey: API_KEY });
});
afterEach(async () => {
  vi.useRealTimers();
  vi.restoreAllMocks();
  await facilitator.close(0);
  await daemon.stop();
});

async function payment(): Promise<PaymentPayload> {
  const validBefore = BigInt(Math.floor(Date.now() / 1000) + 300);
  const terms = { maximum: 2500n, resource: ZERO_RESOURCE, nonce: ++nonce, validAfter: 0n, validBefore };
  const payload = await signCommitment(payer.signer, NETWORK, { ...parties, ...terms });
  return { x402Version: 2, accepted: requirements, payload: { ...payload } };
}

async function voucher(): Promise<PaymentPayload> {
  const terms = { ...parties, salt: ZERO_RESOURCE, maximum: 2500n, validBefore: 0n };
  const payload = await signVoucher(payer.signer, NETWORK, terms, 0n);
  return { x402Version: 2, accepted: requirements, payload: { ...payload } };
}

describe("a voucher that is sent again while a slow answer to the first one is made", () => {
  test("buys once, also after the time for which it kept its tab", async () => {
    const slow = await voucher();
    const copy = structuredClone(slow);
    expect(await facilitator.verify(slow, requirements)).toMatchObject({ isValid: true });
    vi.useFakeTimers({ toFake: ["Date"], now: Date.now() + 301_000 });
    expect(await facilitator.verify(copy, requirements)).toMatchObject({ isValid: true });
    expect(await facilitator.settle(slow, requirements)).toMatchObject({
      success: false,
      errorReason: "invalid_batch_settlement_tab_in_use",
      payer: payer.address,
    });
    // Nor does giving up the first one let in a third.
    facilitator.release(slow, requirements);
    expect(await facilitator.verify(structuredClone(slow), requirements)).toMatchObject({ isValid: false });
    expect(await facilitator.settle(copy, requirements)).toMatchObject({ success: true });
    expect(daemon.charged()).toBe(2500n);
  });

  test("a slow answer alone is charged", async () => {
    const slow = await voucher();
    await facilitator.verify(slow, requirements);
    vi.useFakeTimers({ toFake: ["Date"], now: Date.now() + 301_000 });
    expect(await facilitator.settle(slow, requirements)).toMatchObject({ success: true });
  });
});

describe("a payment that the daemon would refuse a whole batch for", () => {
  const nested = (levels: number): unknown => (levels === 0 ? 0 : [nested(levels - 1)]);

  test.each<[string, object, string]>([
    ["a text that is not Unicode", { note: "\ud800" }, "The payment has a text that is not Unicode."],
    ["a name that is not Unicode", { "\udc00": 1 }, "The payment has a text that is not Unicode."],
    ["12 levels below its payload", { note: nested(12) }, "The payment is nested too deeply; at most 13 levels are."],
    ["5 000 levels", { note: nested(5000) }, "The payment is nested too deeply; at most 13 levels are."],
  ])("is refused before it is in one: %s", async (_, more, invalidMessage) => {
    const good = await payment();
    const bad = { ...good, payload: { ...good.payload, ...more } };
    expect(await facilitator.verify(bad, requirements)).toEqual({
      isValid: false,
      invalidReason: "invalid_payload",
      invalidMessage,
    });
    expect(daemon.batches).toEqual([]);
  });

  test("what the daemon does read is left to it", async () => {
    const good = await payment();
    const odd = { ...good, payload: { ...good.payload, note: nested(11), "name 😀": "text 😀" } };
    expect(await facilitator.verify(odd, requirements)).toMatchObject({ isValid: true });
  });
});

describe("payments that are no payments", () => {
  async function verified(payload: unknown): Promise<unknown> {
    const server = new x402ResourceServer(facilitator).register(
      NETWORK,
      new TabServerScheme(facilitator, { vouchers: true }),
    );
    await server.initialize();
    const sent = { x402Version: 2, accepted: requirements, payload: payload as Record<string, unknown> };
    return server.verifyPayment(sent, requirements, undefined, {});
  }

  test.each<[string, unknown, string]>([
    ["an object that cannot be a text", { toString: 1 }, "object"],
    ["a list of the right type", ["commitment"], "object"],
    ["another type", "gift", "gift"],
    ["a very long type", "x".repeat(9000), "x".repeat(40)],
  ])("the type is %s: refused by its own check, which does not throw", async (_, type, given) => {
    const warned = vi.spyOn(console, "warn").mockReturnValue();
    const { payload } = await payment();
    expect(await verified({ ...payload, type })).toEqual({
      isValid: false,
      invalidReason: "invalid_payload",
      invalidMessage: `This server takes commitment and voucher payments, not ${given}.`,
    });
    expect(warned).not.toHaveBeenCalled();
  });

  test.each([5, null, {}])("an asset of %j has no tab, and says so", (asset) => {
    const tab = { ...parties, salt: ZERO_RESOURCE, asset: asset as never };
    expect(() => tabKey(tab)).toThrow(new TabError("invalid_argument", "asset must be a text"));
  });
});

describe("the user's own functions", () => {
  test("that throw are reported, and charges go on", async () => {
    const said = vi.spyOn(console, "error").mockReturnValue();
    const lost: LostSettle[] = [];
    const fail = (): never => {
      throw new Error("thrown by the test");
    };
    await facilitator.close(0);
    facilitator = new TabdFacilitator({
      url: daemon.url,
      apiKey: API_KEY,
      onTrouble: fail,
      onSettleLost: (what) => {
        lost.push(what);
        fail();
      },
    });
    const [kept, gone] = [await payment(), await payment()];
    for (const each of [kept, gone]) await facilitator.verify(each, requirements);
    daemon.faults = [{ kind: "status", status: 503, code: "overloaded" }];
    await facilitator.settle(kept, requirements);
    await facilitator.flush();
    expect(daemon.charged()).toBe(2500n);
    daemon.forget();
    await facilitator.settle(gone, requirements);
    await facilitator.flush();
    expect(lost).toHaveLength(1);
    expect(said).toHaveBeenCalledTimes(2);
  });
});
