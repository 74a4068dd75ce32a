import { FacilitatorResponseError } from "@x402/core/server";
import type { PaymentPayload, PaymentRequirements } from "@x402/core/types";
import { afterEach, beforeEach, describe, expect, test } from "vitest";

import { signCommitment, signVoucher, ZERO_RESOURCE } from "../../src/client/index.js";
import { TabdFacilitator, TabdTimeoutError, TabdUnavailableError } from "../../src/server/index.js";
import type { LostSettle, TabdFacilitatorOptions } from "../../src/server/index.js";
import { CHANNEL_NETWORK } from "../support/fake_channels.js";
import { API_KEY, FakeDaemon, NETWORK } from "../support/fake_daemon.js";
import type { Fault } from "../support/fake_daemon.js";
import { party } from "../support/parties.js";

const payer = party("payer");
const payee = party("payee");
let daemon: FakeDaemon;
let facilitators: TabdFacilitator[];
let nonce = 0n;

beforeEach(async () => {
  daemon = await new FakeDaemon().start();
  daemon.payers.add(payer.address);
  facilitators = [];
});
afterEach(async () => {
  await Promise.all(facilitators.map((facilitator) => facilitator.close(0)));
  await daemon.stop();
});

function make(options: Partial<TabdFacilitatorOptions> = {}): TabdFacilitator {
  const facilitator = new TabdFacilitator({ url: daemon.url, apiKey: API_KEY, ...options });
  facilitators.push(facilitator);
  return facilitator;
}

function requirements(amount = "2500"): PaymentRequirements {
  const extra = { binding: "tab", version: "1" };
  const payTo = payee.address;
  return { scheme: "batch-settlement", network: NETWORK, amount, asset: "USD", payTo, maxTimeoutSeconds: 300, extra };
}

async function payment(seconds = 300): Promise<PaymentPayload> {
  const payload = await signCommitment(payer.signer, NETWORK, {
    payer: payer.address,
    payee: payee.address,
    asset: "USD",
    maximum: 2500n,
    resource: ZERO_RESOURCE,
    nonce: ++nonce,
    validAfter: 0n,
    validBefore: BigInt(Math.floor(Date.now() / 1000) + seconds),
  });
  return { x402Version: 2, accepted: requirements(), payload: { ...payload } };
}

async function voucher(maximum: bigint, index: bigint): Promise<PaymentPayload> {
  const parties = { payer: payer.address, payee: payee.address, asset: "USD", salt: ZERO_RESOURCE };
  const payload = await signVoucher(payer.signer, NETWORK, { ...parties, maximum, validBefore: 0n }, index);
  return { x402Version: 2, accepted: requirements(), payload: { ...payload } };
}

describe("one round trip", () => {
  test("a settle is answered before the daemon hears of it, and arrives with the next flush", async () => {
    const facilitator = make({ flushMs: 60_000 });
    const paid = await payment();
    expect(await facilitator.verify(paid, requirements())).toMatchObject({ isValid: true, payer: payer.address });
    expect(await facilitator.settle(paid, requirements("1000"))).toMatchObject({
      success: true,
      amount: "1000",
      extra: { queued: true, chargedAmount: "1000" },
    });
    expect(facilitator.stats.queued).toBe(1);
    expect(daemon.charged()).toBe(0n);
    await facilitator.flush();
    expect(daemon.charged()).toBe(1000n);
    expect(facilitator.stats).toMatchObject({ queued: 0, settled: 1, lost: 0, batches: 2 });
  });

  test("queued settles ride with the next verify", async () => {
    const facilitator = make({ flushMs: 60_000 });
    const first = await payment();
    await facilitator.verify(first, requirements());
    await facilitator.settle(first, requirements());
    await facilitator.verify(await payment(), requirements());
    expect(daemon.batches).toEqual([["verify"], ["verify", "settle"]]);
  });

  test("what arrives while requests are under way shares the next one", async () => {
    const facilitator = make();
    let open = (): void => undefined;
    daemon.gate = new Promise((resolve) => (open = resolve));
    const verifies: Promise<unknown>[] = [];
    for (let index = 0; index < 40; ++index) {
      verifies.push(facilitator.verify(await payment(), requirements())); // each in a turn of its own
      await new Promise((resolve) => setImmediate(resolve));
    }
    open();
    await Promise.all(verifies);
    expect(daemon.batches.map(({ length }) => length)).toEqual([1, 1, 38]);
  });

  test("settle twice is one charge and one answer", async () => {
    const facilitator = make();
    const paid = await payment();
    await facilitator.verify(paid, requirements());
    const answers = await Promise.all([
      facilitator.settle(paid, requirements()),
      facilitator.settle(paid, requirements("1")),
    ]);
    expect(answers[0]).toEqual(answers[1]);
    await facilitator.flush();
    expect(daemon.charged()).toBe(2500n);
  });

  test("with settle: await the answer is the ledger's", async () => {
    const facilitator = make({ settle: "await" });
    const paid = await payment();
    await facilitator.verify(paid, requirements());
    expect((await facilitator.settle(paid, requirements())).extra).toEqual({ commitmentId: "1" });
    expect(daemon.charged()).toBe(2500n);
  });

  test("a settle is awaited when the hold is about to end, or was not made here", async () => {
    const facilitator = make({ flushMs: 60_000 });
    const soon = await payment(1);
    await facilitator.verify(soon, requirements());
    await facilitator.settle(soon, requirements());
    expect(daemon.charged()).toBe(2500n);
    expect(await facilitator.settle(await payment(), requirements())).toMatchObject({
      success: false,
      errorReason: "invalid_batch_settlement_tab_hold_unknown",
    });
  });

  test("other schemes pass through, and null members are left out", async () => {
    const facilitator = make();
    const paid = await payment();
    const exact = { ...requirements(), scheme: "exact", network: "eip155:31337" as const };
    expect(await facilitator.verify(paid, exact)).not.toHaveProperty("payer");
    expect(await facilitator.settle(paid, exact)).toMatchObject({ success: true, transaction: "0x12" });
    expect(daemon.requests).toEqual(["POST /verify", "POST /settle"]);
  });
});

describe("replays", () => {
  test("a payment that is verified twice is valid once", async () => {
    const facilitator = make();
    const paid = await payment();
    expect((await facilitator.verify(paid, requirements())).isValid).toBe(true);
    expect(await facilitator.verify(structuredClone(paid), requirements())).toMatchObject({
      isValid: false,
      invalidReason: "invalid_batch_settlement_tab_already_accepted",
    });
    await facilitator.settle(paid, requirements());
    await facilitator.flush();
    expect((await facilitator.verify(structuredClone(paid), requirements())).isValid).toBe(false);
    expect(daemon.charged()).toBe(2500n);
  });

  test("a voucher keeps its tab until it is settled or given up", async () => {
    const facilitator = make();
    const paid = await voucher(2500n, 0n);
    const busy = { isValid: false, invalidReason: "invalid_batch_settlement_tab_in_use" };
    expect((await facilitator.verify(paid, requirements())).isValid).toBe(true);
    expect(await facilitator.verify(structuredClone(paid), requirements())).toMatchObject(busy);
    facilitator.release(paid, requirements());
    expect((await facilitator.verify(paid, requirements())).isValid).toBe(true);
    expect(await facilitator.verify(structuredClone(paid), requirements())).toMatchObject(busy);
    expect((await facilitator.settle(paid, requirements())).success).toBe(true);
    expect(await facilitator.verify(structuredClone(paid), requirements())).toMatchObject({
      isValid: false,
      invalidReason: "invalid_payload",
      extra: { tabState: { charged: "2500", charges: "1" } },
    });
    expect((await facilitator.verify(await voucher(5000n, 1n), requirements())).isValid).toBe(true);
  });
});

describe("trouble", () => {
  test.each([
    ["the request is lost", { kind: "drop", after: "reading" }],
    ["the answer is lost", { kind: "drop", after: "deciding" }],
    ["overload", { kind: "status", status: 503, code: "overloaded" }],
    ["a quota", { kind: "status", status: 429, code: "quota_exceeded" }],
    ["a proxy's page", { kind: "text", body: "<html>" }],
    ["fewer results than items", { kind: "text", body: '{"results":[]}' }],
  ] as const)("%s: the verify is sent again and succeeds", async (_, fault) => {
    const trouble: string[] = [];
    const facilitator = make({ onTrouble: (error) => trouble.push(error.message) });
    daemon.faults.push(fault);
    const paid = await payment();
    expect((await facilitator.verify(paid, requirements())).isValid).toBe(true);
    expect(trouble).toHaveLength(1);
    expect(daemon.batches).toHaveLength(2);
  });

  test.each(["reading", "deciding"] as const)("a settle that is cut off after %s is charged once", async (after) => {
    const facilitator = make();
    const paid = await payment();
    await facilitator.verify(paid, requirements());
    daemon.faults.push({ kind: "drop", after });
    await facilitator.settle(paid, requirements());
    await facilitator.flush();
    expect(daemon.charged()).toBe(2500n);
    expect(facilitator.stats).toMatchObject({ settled: 1, queued: 0 });
  });

  test("a daemon that is away: the verify fails in time and says why, the settle waits for its return", async () => {
    const facilitator = make({ verifyTimeoutMs: 300 });
    const paid = await payment();
    await facilitator.verify(paid, requirements());
    await daemon.stop();
    expect((await facilitator.settle(paid, requirements())).success).toBe(true);
    const failure = await facilitator.verify(await payment(), requirements()).catch((error: unknown) => error);
    expect(failure).toBeInstanceOf(TabdTimeoutError);
    expect(failure).toBeInstanceOf(FacilitatorResponseError);
    expect((failure as Error).message).toMatch(/did not answer verify within 300 ms.*ECONNREFUSED/);
    await daemon.start();
    await facilitator.flush();
    expect(daemon.charged()).toBe(2500n);
  });

  test("an API key that is refused fails at once, with the daemon's hint, and loses no settle", async () => {
    const facilitator = make();
    const paid = await payment();
    await facilitator.verify(paid, requirements());
    daemon.faults.push({ kind: "status", status: 401, code: "unauthorized" });
    await facilitator.settle(paid, requirements());
    await facilitator.flush();
    expect(daemon.charged()).toBe(2500n);
    const stranger = make({ apiKey: "tabd_other" });
    const failure = await stranger.verify(await payment(), requirements()).catch((error: unknown) => error);
    expect(failure).toBeInstanceOf(TabdUnavailableError);
    expect((failure as Error).message).toBe("tabd: It was unauthorized. Mend it. (unauthorized)");
  });

  test("a request that is too large is halved", async () => {
    const facilitator = make({ requestsMax: 1 });
    daemon.faults.push({ kind: "status", status: 413, code: "too_large" });
    const payments = await Promise.all([payment(), payment(), payment()]);
    const answers = await Promise.all(payments.map((paid) => facilitator.verify(paid, requirements())));
    expect(answers.map(({ isValid }) => isValid)).toEqual([true, true, true]);
    expect(daemon.batches.map(({ length }) => length).sort()).toEqual([1, 2, 3]);
  });

  test("one that the daemon calls malformed fails alone", async () => {
    const facilitator = make({ requestsMax: 1 });
    daemon.faults.push(
      { kind: "status", status: 400, code: "malformed" },
      { kind: "status", status: 400, code: "malformed" },
    );
    const payments = await Promise.all([payment(), payment()]);
    const answers = await Promise.allSettled(payments.map((paid) => facilitator.verify(paid, requirements())));
    expect(answers.map(({ status }) => status).sort()).toEqual(["fulfilled", "rejected"]);
    const failed = answers.find(({ status }) => status === "rejected") as PromiseRejectedResult;
    expect(failed.reason).toMatchObject({ name: "TabdRequestError", code: "malformed", hint: "Mend it." });
  });

  test("a charge that the ledger refuses for good is reported", async () => {
    const lost: LostSettle[] = [];
    const [facilitator, other] = [make({ onSettleLost: (one) => lost.push(one) }), make({ settle: "await" })];
    const paid = await payment();
    await facilitator.verify(paid, requirements());
    await other.settle(paid, requirements("0"));
    await facilitator.settle(paid, requirements("1000"));
    await facilitator.flush();
    expect(lost).toMatchObject([
      { payer: payer.address, amount: "1000", reason: "invalid_batch_settlement_tab_hold_released" },
    ]);
    expect(facilitator.stats.lost).toBe(1);
  });

  test("an awaited settle without an answer is given up, and the hold with it", async () => {
    const facilitator = make({ settle: "await", settleTimeoutMs: 150 });
    const paid = await payment();
    await facilitator.verify(paid, requirements());
    await daemon.stop();
    await expect(facilitator.settle(paid, requirements())).rejects.toThrow(TabdTimeoutError);
    await daemon.start();
    await facilitator.flush();
    expect([daemon.charged(), daemon.openHolds()]).toEqual([0n, 0]);
  });
});

/** A small generator of numbers, so that a failure can be repeated by its seed. */
function random(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return (state >>> 8) % below;
  };
}

describe.each([1, 2, 3, 4, 5])("any order of faults, seed %i", (seed) => {
  test("what was settled is charged exactly once, what was given up is released", async () => {
    const below = random(seed);
    const faults: Fault[] = [
      { kind: "drop", after: "reading" },
      { kind: "drop", after: "deciding" },
      { kind: "status", status: 503, code: "overloaded" },
      { kind: "text", body: "" },
    ];
    const bounds = { batchMax: 1 + below(20), requestsMax: 1 + below(4), flushMs: below(10) };
    const facilitator = make({ ...bounds, verifyTimeoutMs: 120_000 });
    let expected = 0n;
    const one = async (): Promise<void> => {
      const paid = await payment();
      const fault = faults[below(30)];
      if (fault !== undefined) daemon.faults.push(fault);
      expect((await facilitator.verify(paid, requirements())).isValid).toBe(true);
      if (below(4) === 0) {
        facilitator.release(paid, requirements());
        return;
      }
      const amount = BigInt(below(2501));
      expect((await facilitator.settle(paid, requirements(amount.toString()))).success).toBe(true);
      expected += amount;
    };
    for (let round = 0; round < 3; ++round) await Promise.all(Array.from({ length: 15 }, one));
    await facilitator.flush();
    expect([daemon.charged(), daemon.openHolds()]).toEqual([expected, 0]);
    expect(facilitator.stats).toMatchObject({ queued: 0, waiting: 0, lost: 0 });
  });
});

describe("bounds and the end", () => {
  test("with a full queue no new payment is taken, and a settle waits for the ledger", async () => {
    const facilitator = make({ queueMax: 1, flushMs: 60_000 });
    const [first, second] = [await payment(), await payment()];
    await facilitator.verify(first, requirements());
    await facilitator.verify(second, requirements());
    await facilitator.settle(first, requirements());
    await expect(facilitator.verify(await payment(), requirements())).rejects.toThrow(/1 requests wait for tabd/);
    expect((await facilitator.settle(second, requirements())).extra).not.toHaveProperty("queued");
    expect(daemon.charged()).toBe(5000n);
  });

  test("close sends what is queued, then refuses", async () => {
    const facilitator = make({ flushMs: 60_000 });
    const [paid, late] = [await payment(), await payment()];
    await facilitator.verify(paid, requirements());
    await facilitator.verify(late, requirements());
    await facilitator.settle(paid, requirements());
    expect(await facilitator.close()).toEqual({ unsettled: 0 });
    expect(daemon.charged()).toBe(2500n);
    await expect(facilitator.verify(await payment(), requirements())).rejects.toThrow("shutting down");
  });

  test("close says how much is left when the daemon is away", async () => {
    const lost: LostSettle[] = [];
    const facilitator = make({ onSettleLost: (one) => lost.push(one) });
    const paid = await payment();
    await facilitator.verify(paid, requirements());
    await daemon.stop();
    await facilitator.settle(paid, requirements());
    expect(await facilitator.close(100)).toEqual({ unsettled: 1 });
    await expect.poll(() => lost.length).toBe(1); // a try may have been under way
    expect(lost).toMatchObject([{ amount: "2500" }]);
  });

  test.each([
    [{ batchMax: 257 }, /batchMax must be a whole number from 1 to 256, not 257/],
    [{ flushMs: -1 }, /flushMs/],
    [{ verifyTimeoutMs: 0 }, /verifyTimeoutMs/],
    [{ apiKey: "tabd_key\n" }, /line break/],
    [{ url: "ftp://x" }, /http:\/\/ or https:\/\//],
    [{ url: "tabd.example" }, /URL/],
  ])("options are checked: %o", (options, message) => {
    expect(() => make(options)).toThrow(message);
  });

  test("supported kinds are read without a key, and a missing daemon is named", async () => {
    const supported = await make().getSupported();
    expect(supported.kinds).toMatchObject([
      { network: NETWORK, extra: { binding: "tab" } },
      { network: CHANNEL_NETWORK },
    ]);
    await daemon.stop();
    await expect(make().getSupported()).rejects.toThrow(
      /tabd at http:\/\/127.0.0.1:\d+ cannot be reached: .*ECONNREFUSED/,
    );
  });
});
