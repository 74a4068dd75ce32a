// TabdFacilitator on channels, and TabdChannelScheme, where the official packages cannot bring them: faults and order.
import { x402ResourceServer } from "@x402/core/server";
import type { PaymentPayload, PaymentRequirements, SupportedKind } from "@x402/core/types";
import { BatchSettlementEvmScheme } from "@x402/evm/batch-settlement/server";
import { afterEach, beforeEach, describe, expect, test } from "vitest";

import { TabdChannelScheme, TabdFacilitator, TabdTimeoutError, TabdUnavailableError } from "../../src/server/index.js";
import type { LostSettle, TabdFacilitatorOptions } from "../../src/server/index.js";
import { CHANNEL_NETWORK, RECEIVER_AUTHORIZER } from "../support/fake_channels.js";
import { API_KEY, FakeDaemon } from "../support/fake_daemon.js";
import { party } from "../support/parties.js";

const P = "invalid_batch_settlement_evm_";
const payee = party("payee").address;
const payer = party("payer").address;
const ID = `0x${"C7".repeat(32)}`;
let daemon: FakeDaemon;
let facilitators: TabdFacilitator[];

beforeEach(async () => {
  daemon = await new FakeDaemon().start();
  daemon.channels.channel(ID).balance = 1_000_000n;
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
  const extra = { receiverAuthorizer: RECEIVER_AUTHORIZER, withdrawDelay: 900 };
  const [scheme, network, asset, payTo] = ["batch-settlement", CHANNEL_NETWORK, ID.slice(0, 42), payee] as const;
  return { scheme, network, amount, asset, payTo, maxTimeoutSeconds: 300, extra };
}

type Type = "voucher" | "deposit" | "refund";

function payment(type: Type, maxClaimableAmount: bigint, channelId = ID): PaymentPayload {
  const voucher = { channelId, maxClaimableAmount: `${maxClaimableAmount}`, signature: `0x${"5a".repeat(65)}` };
  const deposit = type === "deposit" ? { deposit: { amount: "25000", authorization: {} } } : {};
  const payload = { type, channelConfig: { payer, receiver: payee }, voucher, ...deposit };
  return { x402Version: 2, accepted: requirements(), payload };
}

/** A payment that TabdChannelScheme has seen. */
function kept(facilitator: TabdFacilitator, type: Type, maximum: bigint, channelId = ID): PaymentPayload {
  const made = payment(type, maximum, channelId);
  facilitator.keep(made);
  return made;
}

async function reserved(facilitator: TabdFacilitator, type: Type, maximum: bigint): Promise<PaymentPayload> {
  const made = kept(facilitator, type, maximum);
  expect(await facilitator.verify(made, requirements())).toMatchObject({ isValid: true, payer });
  return made;
}

function resourceServer(facilitator: TabdFacilitator): x402ResourceServer {
  const scheme = new TabdChannelScheme(facilitator, new BatchSettlementEvmScheme(payee));
  return new x402ResourceServer(facilitator).register(CHANNEL_NETWORK, scheme);
}

describe("order on a channel", () => {
  test("a charge and the next request share a batch, the charge first, in whatever case the id is", async () => {
    const facilitator = make({ flushMs: 60_000 });
    const first = await reserved(facilitator, "voucher", 2500n);
    expect(await facilitator.settle(first, requirements("1000"))).toMatchObject({
      success: true,
      payer,
      extra: { queued: true, chargedAmount: "1000", channelState: { chargedCumulativeAmount: "1000" } },
    });
    const next = kept(facilitator, "voucher", 3500n, ID.toLowerCase());
    expect(await facilitator.verify(next, requirements())).toMatchObject({ isValid: true });
    expect(daemon.batches).toEqual([["reserve"], ["capture", "reserve"]]);
  });

  test("a request waits for the charge before it that is under way", async () => {
    const facilitator = make({ flushMs: 0 });
    const first = await reserved(facilitator, "voucher", 2500n);
    let open = (): void => undefined;
    daemon.gate = new Promise((resolve) => (open = resolve));
    await facilitator.settle(first, requirements());
    await expect.poll(() => daemon.requests.length).toBe(2); // the capture is with the daemon
    const next = facilitator.verify(kept(facilitator, "voucher", 5000n), requirements());
    const other = `0x${"01".repeat(32)}`;
    daemon.channels.channel(other).balance = 10_000n;
    const elsewhere = facilitator.verify(kept(facilitator, "voucher", 2500n, other), requirements());
    await expect.poll(() => daemon.requests.length).toBe(3); // the other channel's does not wait
    open();
    expect(await elsewhere).toMatchObject({ isValid: true });
    expect(await next).toMatchObject({ isValid: true });
    expect(daemon.batches).toEqual([["reserve"], ["capture"], ["reserve"], ["reserve"]]);
  });

  test("with batches of one item the charge still goes first", async () => {
    const facilitator = make({ flushMs: 60_000, batchMax: 1, requestsMax: 1 });
    await facilitator.settle(await reserved(facilitator, "voucher", 2500n), requirements());
    expect(await facilitator.verify(kept(facilitator, "voucher", 5000n), requirements())).toMatchObject({
      isValid: true,
    });
    expect(daemon.batches).toEqual([["reserve"], ["capture"], ["reserve"]]);
  });

  test("a channel that another process holds for a moment is asked again", async () => {
    const [one, two] = [make({ flushMs: 20 }), make()];
    await one.settle(await reserved(one, "voucher", 2500n), requirements());
    expect(await two.verify(kept(two, "voucher", 5000n), requirements())).toMatchObject({ isValid: true });
    expect(daemon.channels.charged()).toBe(2500n);
  });

  test("a channel that stays busy is refused; the daemon is not asked about one that this process holds", async () => {
    const [one, two] = [make(), make()];
    const first = await reserved(one, "voucher", 2500n);
    expect(await one.verify(kept(one, "voucher", 2500n), requirements())).toMatchObject({
      isValid: false,
      invalidReason: `${P}channel_busy`,
    });
    expect(daemon.batches).toHaveLength(1);
    expect(await two.verify(kept(two, "voucher", 2500n), requirements())).toMatchObject({
      isValid: false,
      invalidReason: `${P}channel_busy`,
    });
    expect(daemon.batches).toHaveLength(5);
    one.release(first, requirements());
    expect(await two.verify(kept(two, "voucher", 2500n), requirements())).toMatchObject({ isValid: true });
  });
});

describe("strangers", () => {
  test("a voucher that is refused keeps nobody from the channel, however long its answer takes", async () => {
    const facilitator = make();
    let open = (): void => undefined;
    daemon.gate = new Promise((resolve) => (open = resolve));
    const forged = facilitator.verify(kept(facilitator, "voucher", 1n), requirements());
    await expect.poll(() => daemon.requests.length).toBe(1);
    const honest = facilitator.verify(kept(facilitator, "voucher", 2500n), requirements());
    await expect.poll(() => daemon.requests.length).toBe(2); // it did not wait
    open();
    expect(await honest).toMatchObject({ isValid: true });
    expect(await forged).toMatchObject({ isValid: false });
  });
});

describe("faults", () => {
  test.each(["reading", "deciding"] as const)("an answer lost after %s: reserved once, charged once", async (after) => {
    const facilitator = make({ flushMs: 0 });
    daemon.faults.push({ kind: "drop", after });
    const paid = await reserved(facilitator, "voucher", 2500n);
    daemon.faults.push({ kind: "drop", after });
    await facilitator.settle(paid, requirements());
    await facilitator.flush();
    expect(daemon.channels.charged()).toBe(2500n);
    expect(daemon.channels.reserved()).toBe(0);
    expect(facilitator.stats).toMatchObject({ settled: 1, lost: 0, queued: 0 });
  });

  test("a reserve whose answer never came is given back", async () => {
    const facilitator = make({ verifyTimeoutMs: 50 });
    let open = (): void => undefined;
    daemon.gate = new Promise((resolve) => (open = resolve));
    await expect(facilitator.verify(kept(facilitator, "voucher", 2500n), requirements())).rejects.toThrow(
      TabdTimeoutError,
    );
    open();
    await facilitator.flush();
    expect(daemon.channels.reserved()).toBe(0);
    expect(daemon.batches.flat()).toEqual(["reserve", "reserve", "capture"]);
    expect(facilitator.stats.lost).toBe(0);
  });

  test("a reserve that cannot have reached the daemon leaves nothing to be done", async () => {
    await daemon.stop();
    const facilitator = make({ verifyTimeoutMs: 1500 });
    await expect(facilitator.verify(kept(facilitator, "voucher", 2500n), requirements())).rejects.toThrow(/ECONN/);
    expect(facilitator.stats).toMatchObject({ queued: 0, waiting: 0 });
  });

  test("a charge whose reservation is gone is reported", async () => {
    const lost: LostSettle[] = [];
    const facilitator = make({ flushMs: 60_000, onSettleLost: (settle) => lost.push(settle) });
    const paid = await reserved(facilitator, "voucher", 2500n);
    await facilitator.settle(paid, requirements("700"));
    daemon.channels.channel(ID).reservation = undefined;
    await facilitator.flush();
    const [channelId, amount, reason] = [ID.toLowerCase(), "700", "reservation_ended"];
    expect(lost).toEqual([{ commitmentId: "1", channelId, payer, amount, reason, message: "It is gone." }]);
  });

  test.each(["queue", "await"] as const)(
    "a charge that is refused gives the channel back (settle: %s)",
    async (settle) => {
      const lost: LostSettle[] = [];
      const facilitator = make({ settle, onSettleLost: (one) => lost.push(one) });
      const server = resourceServer(facilitator);
      await server.initialize();
      const paid = payment("voucher", 2500n);
      await server.verifyPayment(paid, requirements());
      daemon.channels.captureFaults = ["refused"];
      expect((await server.settlePayment(paid, requirements())).success).toBe(settle === "queue");
      await facilitator.flush();
      expect(lost.map(({ reason }) => reason)).toEqual(settle === "queue" ? [`${P}refused`] : []);
      expect(daemon.channels.reserved()).toBe(0);
      expect(daemon.channels.charged()).toBe(0n);
    },
  );

  test("a reservation that ends soon is charged at once", async () => {
    const facilitator = make({ flushMs: 60_000 });
    const paid = kept(facilitator, "voucher", 2500n);
    const soon = { ...requirements(), maxTimeoutSeconds: 0 };
    daemon.channels.secondsMin = 1;
    await facilitator.verify(paid, soon);
    const settled = await facilitator.settle(paid, soon);
    expect(settled.extra).toMatchObject({ commitmentId: "9" }); // the ledger's own answer
    expect(daemon.channels.charged()).toBe(2500n);
  });

  test("without the chain a deposit is not verified: 502, and vouchers go on", async () => {
    const facilitator = make({ verifyTimeoutMs: 300 });
    daemon.channels.chainAway = true;
    const deposit = facilitator.verify(kept(facilitator, "deposit", 2500n), requirements());
    await expect(deposit).rejects.toThrow(TabdTimeoutError);
    await reserved(facilitator, "voucher", 2500n);
    daemon.channels.chainAwayForAll = true;
    const voucher = kept(facilitator, "voucher", 2500n, `0x${"02".repeat(32)}`);
    await expect(facilitator.verify(voucher, requirements())).rejects.toThrow(TabdUnavailableError);
  });

  test("a bad answer to a reserve is none", async () => {
    const facilitator = make();
    daemon.faults.push({ kind: "text", body: '{"results":[{"isValid":true,"payer":"0x1"}]}' });
    await expect(facilitator.verify(kept(facilitator, "voucher", 2500n), requirements())).rejects.toThrow(
      /without reservation/,
    );
    await reserved(facilitator, "voucher", 2500n);
  });

  test("what is queued on channels counts, and is delivered before the end", async () => {
    const facilitator = make({ flushMs: 60_000, queueMax: 1 });
    await facilitator.settle(await reserved(facilitator, "voucher", 2500n), requirements());
    expect(facilitator.stats.queued).toBe(1);
    await expect(facilitator.verify(kept(facilitator, "voucher", 5000n), requirements())).rejects.toThrow(/no more/);
    expect(await facilitator.close()).toEqual({ unsettled: 0 });
    expect(daemon.channels.charged()).toBe(2500n);
  });
});

describe("deposits and refunds", () => {
  test("each is in a request of its own", async () => {
    const facilitator = make({ flushMs: 60_000 });
    const deposit = await reserved(facilitator, "deposit", 2500n);
    expect(await facilitator.settle(deposit, requirements())).toMatchObject({ transaction: "0xd0", amount: "25000" });
    expect(daemon.batches).toEqual([["reserve"], ["capture"]]);
    expect(daemon.channels.charged()).toBe(2500n);
  });

  test("a refund is asked for after the charges before it", async () => {
    const facilitator = make({ flushMs: 60_000 });
    await facilitator.settle(await reserved(facilitator, "voucher", 2500n), requirements());
    const refund = kept(facilitator, "refund", 2500n);
    expect(await facilitator.verify(refund, requirements())).toMatchObject({ isValid: true });
    expect(daemon.batches).toEqual([["reserve"], ["capture"], ["reserve"]]);
  });

  test("a deposit that stays pending is asked for twice, then given back", async () => {
    const facilitator = make();
    const server = resourceServer(facilitator);
    await server.initialize();
    const deposit = payment("deposit", 2500n);
    expect(await server.verifyPayment(deposit, requirements())).toMatchObject({ isValid: true });
    daemon.channels.captureFaults = ["pending", "pending"];
    expect(await server.settlePayment(deposit, requirements())).toMatchObject({
      success: false,
      errorReason: "settlement_pending",
    });
    await facilitator.flush();
    expect(daemon.batches.flat()).toEqual(["reserve", "capture", "capture", "capture"]);
    expect(daemon.channels.reserved()).toBe(0);
    expect(daemon.channels.charged()).toBe(0n);
  });

  test("a pending deposit that arrives is charged on the second try", async () => {
    const facilitator = make();
    const server = resourceServer(facilitator);
    await server.initialize();
    const deposit = payment("deposit", 2500n);
    await server.verifyPayment(deposit, requirements());
    daemon.channels.captureFaults = ["pending"];
    expect(await server.settlePayment(deposit, requirements())).toMatchObject({ success: true, transaction: "0xd0" });
    expect(daemon.channels.charged()).toBe(2500n);
  });

  test("a refund that is pending keeps its reservation, and the payer's next try takes it up, here or elsewhere", async () => {
    daemon.channels.channel(ID).charged = 2500n;
    for (const facilitator of [make(), make()]) {
      const server = resourceServer(facilitator);
      await server.initialize();
      const refund = payment("refund", 2500n);
      expect(await server.verifyPayment(refund, requirements())).toMatchObject({
        isValid: true,
        skipHandler: { body: { message: "Refund acknowledged", channelId: ID.toLowerCase() } },
      });
      daemon.channels.captureFaults = facilitator === facilitators[0] ? ["pending", "pending"] : [];
      const settled = await server.settlePayment(refund, requirements());
      await facilitator.flush();
      expect(settled.success).toBe(facilitator !== facilitators[0]);
      expect(daemon.channels.reserved()).toBe(facilitator === facilitators[0] ? 1 : 0);
    }
    expect(daemon.channels.channel(ID)).toMatchObject({ balance: 2500n, totalClaimed: 2500n, refundNonce: 1n });
  });

  test("a refund that is refused gives the channel back", async () => {
    daemon.channels.channel(ID).charged = 2500n;
    const facilitator = make();
    const server = resourceServer(facilitator);
    await server.initialize();
    const refund = payment("refund", 2500n);
    await server.verifyPayment(refund, requirements());
    daemon.channels.captureFaults = ["refused"];
    expect(await server.settlePayment(refund, requirements())).toMatchObject({ success: false });
    await facilitator.flush();
    expect(daemon.channels.reserved()).toBe(0);
  });

  test("what a payer may not send, and too small a deposit, are refused without asking", async () => {
    const facilitator = make();
    const official = new BatchSettlementEvmScheme(payee, { enforceMinDeposit: true });
    const server = new x402ResourceServer(facilitator).register(
      CHANNEL_NETWORK,
      new TabdChannelScheme(facilitator, official),
    );
    await server.initialize();
    const claim = { ...payment("voucher", 2500n), payload: { type: "claim", claims: [] } };
    expect(await server.verifyPayment(claim, requirements())).toMatchObject({ invalidReason: `${P}payload_type` });
    const small = payment("deposit", 2500n);
    expect(await server.verifyPayment(small, requirements("2501"))).toMatchObject({
      invalidReason: `${P}deposit_below_min_deposit`,
      invalidMessage: "A deposit is at least 25010.",
    });
    expect(daemon.batches).toEqual([]);
    expect(await server.verifyPayment(small, requirements())).toMatchObject({ isValid: true });
  });
});

describe("what does not fit together", () => {
  test("another facilitator before this one: nothing is served", async () => {
    const other = {
      verify: () => Promise.resolve({ isValid: true, payer }),
      settle: () => Promise.reject(new Error("never")),
      getSupported: () => make().getSupported(),
    };
    const facilitator = make();
    const scheme = new TabdChannelScheme(facilitator, new BatchSettlementEvmScheme(payee));
    const server = new x402ResourceServer([other, facilitator]).register(CHANNEL_NETWORK, scheme);
    await server.initialize();
    expect(await server.verifyPayment(payment("voucher", 2500n), requirements())).toMatchObject({
      isValid: false,
      invalidReason: `${P}verification_state_unavailable`,
    });
  });

  test("without TabdChannelScheme a channel is the server's own: verify and settle pass through", async () => {
    const facilitator = make();
    await facilitator.verify(payment("voucher", 2500n), requirements());
    await facilitator.settle(payment("deposit", 2500n), requirements());
    expect(daemon.requests).toEqual(["POST /verify", "POST /settle"]);
    expect(daemon.batches).toEqual([]);
  });

  test("a server with a signer of its own is told so at the start; one with the daemon's is not", () => {
    const kind = (receiverAuthorizer?: string): SupportedKind => ({
      x402Version: 2,
      scheme: "batch-settlement",
      network: CHANNEL_NETWORK,
      extra: { receiverAuthorizer },
    });
    const signer = { address: RECEIVER_AUTHORIZER, signTypedData: () => Promise.resolve("0x") } as const;
    const check = (own: typeof signer | undefined, announced?: string): string | undefined => {
      const config = own === undefined ? {} : { receiverAuthorizerSigner: own };
      const scheme = new TabdChannelScheme(make(), new BatchSettlementEvmScheme(payee, config as never));
      return scheme.validateFacilitatorSupport(CHANNEL_NETWORK, kind(announced), []);
    };
    expect(check(signer, payee)).toMatch(/leave receiverAuthorizerSigner out/);
    expect(check(signer, RECEIVER_AUTHORIZER.toLowerCase())).toBeUndefined();
    expect(check(undefined, RECEIVER_AUTHORIZER)).toBeUndefined();
    expect(check(undefined)).toMatch(/does not advertise/);
  });

  test("only the official channel scheme can be wrapped", () => {
    const exact = Object.assign(Object.create(null) as object, { scheme: "exact" });
    expect(() => new TabdChannelScheme(make(), exact as never)).toThrow(/not exact/);
  });
});
