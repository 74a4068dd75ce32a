import { x402Client } from "@x402/core/client";
import { x402ResourceServer } from "@x402/core/server";
import type { PaymentRequired, PaymentRequirements, SupportedKind } from "@x402/core/types";
import { describe, expect, test } from "vitest";

import {
  commitmentId,
  digest,
  MemoryTabStore,
  refusalOf,
  resourceHash,
  signCommitment,
  TabClientScheme,
  tabKey,
  TabServerScheme,
  ZERO_RESOURCE,
} from "../../src/index.js";
import type {
  Commitment,
  CommitmentPayload,
  Hex,
  TabClientOptions,
  TabState,
  VoucherPayload,
} from "../../src/index.js";
import { NETWORK, SUPPORTED_EXTRA } from "../support/fake_daemon.js";
import { party } from "../support/parties.js";
import { ASSETS } from "../support/scenarios.js";

const payer = party("payer");
const agent = party("agent");
const payee = party("payee");
const URL_ = "https://api.example/weather";
const [USD] = ASSETS;
const NOW = 1_800_000_000_000;

function requirements(fields: Partial<PaymentRequirements> = {}): PaymentRequirements {
  return {
    scheme: "batch-settlement",
    network: NETWORK,
    amount: "2500",
    asset: "USD",
    payTo: payee.address,
    maxTimeoutSeconds: 300,
    extra: { binding: "tab", version: "1", types: ["commitment", "voucher"], scale: 6 },
    ...fields,
  };
}

function required(fields: Partial<PaymentRequirements> = {}): PaymentRequired {
  return { x402Version: 2, resource: { url: URL_ }, accepts: [requirements(fields)] };
}

function clientWith(options: Partial<TabClientOptions> = {}, signer = payer.signer): x402Client {
  const scheme = new TabClientScheme(signer, { assets: ASSETS, now: () => NOW, ...options });
  return new x402Client().register("test:tab", scheme);
}

describe("a client that pays by commitments", () => {
  async function commitmentBy(
    client: x402Client,
    fields: Partial<PaymentRequirements> = {},
  ): Promise<CommitmentPayload> {
    return (await client.createPaymentPayload(required(fields))).payload as unknown as CommitmentPayload;
  }

  test("signs exactly what was asked, for the named resource, no longer than asked", async () => {
    const payload = await commitmentBy(clientWith());
    expect(payload.commitment).toMatchObject({
      payer: payer.address,
      payee: payee.address,
      asset: "USD",
      maximum: "2500",
      resource: resourceHash(URL_),
      validAfter: "0",
      validBefore: "1800000300",
    });
    expect(payload).not.toHaveProperty("signer");
    const { nonce, maximum, validAfter, validBefore, ...rest } = payload.commitment;
    const commitment: Commitment = {
      ...rest,
      nonce: BigInt(nonce),
      maximum: BigInt(maximum),
      validAfter: BigInt(validAfter),
      validBefore: BigInt(validBefore),
    };
    expect((await signCommitment(payer.signer, NETWORK, commitment)).signature).toBe(payload.signature);
    expect(commitmentId(NETWORK, payload)).toBe(digest(NETWORK, "Commitment", commitment));
  });

  test("never uses a nonce twice, names the agent, and can sign for any resource", async () => {
    const client = clientWith({ payer: payer.address, bindResource: false }, agent.signer);
    const [one, other] = [await commitmentBy(client), await commitmentBy(client)];
    expect(one.commitment.nonce).not.toBe(other.commitment.nonce);
    expect(one).toMatchObject({ signer: agent.address, commitment: { payer: payer.address, resource: ZERO_RESOURCE } });
  });

  test("signs for an hour at most, whatever the server asks", async () => {
    const { commitment } = await commitmentBy(clientWith(), { maxTimeoutSeconds: 2_592_000 });
    expect(commitment.validBefore).toBe("1800003600");
  });

  test.each<[string, Partial<PaymentRequirements>, Partial<TabClientOptions>, RegExp]>([
    ["an unknown asset", { asset: "EUR" }, {}, /spendControls/],
    [
      "more than the client's limit",
      {},
      { assets: [{ ...USD, maxPerRequest: "0.002" }] },
      /costs up to 0.0025 USD, more than the limit of 0.002 USD per request; nothing was signed/,
    ],
    ["more than x402Client's own limit", { amount: "1000001" }, {}, /spendControls.maxAmountPerPayment/],
    ["another binding", { extra: { binding: "credit", version: "1" } }, {}, /binding "credit" version "1"/],
    ["another version", { extra: { binding: "tab", version: "2" } }, {}, /version "2"; this is tab version "1"/],
    ["vouchers only", { extra: { types: ["voucher"] } }, {}, /takes vouchers only/],
    ["no address", { payTo: "merchant" }, {}, /payTo must be 0x and 40/],
    ["a hexadecimal amount", { amount: "0x10" }, {}, /amount/i],
    ["no time", { maxTimeoutSeconds: 0 }, {}, /maxTimeoutSeconds/],
  ])("refuses %s", async (_, fields, options, message) => {
    await expect(clientWith(options).createPaymentPayload(required(fields))).rejects.toThrow(message);
  });

  test("an asset that x402Client lets pass is refused by name", async () => {
    const client = clientWith().setSpendControls(false);
    await expect(client.createPaymentPayload(required({ asset: "EUR" }))).rejects.toThrow(/wants EUR; .*pays in: USD/);
  });

  test("missing extra is no reason to fail", async () => {
    const bare = { ...requirements(), extra: undefined as never };
    await expect(clientWith().createPaymentPayload({ ...required(), accepts: [bare] })).resolves.toBeDefined();
  });
});

describe("a client that pays by vouchers", () => {
  const salt: Hex = `0x${"11".repeat(32)}`;
  const tab = tabKey({ payer: payer.address, payee: payee.address, asset: "USD", salt });

  async function voucherBy(client: x402Client): Promise<VoucherPayload> {
    return (await client.createPaymentPayload(required())).payload as unknown as VoucherPayload;
  }

  async function answered(client: x402Client, payload: VoucherPayload, fields: object): Promise<boolean> {
    const chosen = requirements();
    const paymentPayload = { x402Version: 2, accepted: chosen, payload: { ...payload } };
    const result = await client.handlePaymentResponse({ paymentPayload, requirements: chosen, ...fields });
    return result?.recovered === true;
  }

  function settled(amount: string, tabState?: TabState): object {
    const extra = tabState === undefined ? {} : { tabState };
    return { settleResponse: { success: true, transaction: "", network: NETWORK, amount, extra } };
  }

  function corrected(charged: string, charges: string, of: Hex = tab): object {
    const tabState: TabState = { tab: of, charged, charges, maximum: charged };
    return { paymentRequired: required({ extra: { ...requirements().extra, tabState } }) };
  }

  test("adds up what was charged, not what was allowed", async () => {
    const client = clientWith({ vouchers: { salt } });
    const first = await voucherBy(client);
    expect(first).toMatchObject({ index: "0", voucher: { maximum: "2500", salt, validBefore: "1800000300" } });
    await answered(client, first, settled("1000"));
    const second = await voucherBy(client);
    expect(second).toMatchObject({ index: "1", voucher: { maximum: "3500" } });
    await answered(client, second, settled("500", { tab, charged: "1500", charges: "2", maximum: "3500" }));
    expect(await voucherBy(client)).toMatchObject({ index: "2", voucher: { maximum: "4000" } });
  });

  test("a failed handler leaves the tab as it was", async () => {
    const client = clientWith({ vouchers: { salt, tabs: 1 } });
    const first = await voucherBy(client);
    expect(await answered(client, first, {})).toBe(false);
    expect(await voucherBy(client)).toMatchObject({ index: "0", voucher: { maximum: "2500", salt } });
  });

  test("adopts a state that its own records allow, and asks for one more try", async () => {
    const store = new MemoryTabStore();
    store.set(tab, { charged: "1000", charges: "1", maximum: "3500" });
    const client = clientWith({ vouchers: { salt, store } });
    const stale = await voucherBy(client);
    expect(stale).toMatchObject({ index: "1", voucher: { maximum: "3500" } });
    expect(await answered(client, stale, corrected("3500", "2"))).toBe(true);
    expect(await voucherBy(client)).toMatchObject({ index: "2", voucher: { maximum: "6000" } });
    expect(store.get(tab)).toEqual({ charged: "3500", charges: "2", maximum: "6000" });
  });

  test.each([
    ["more than was ever signed", "3501", "2", tab, /most that this client signed is 3500/],
    ["less than was charged", "999", "2", tab, /charged fell/],
    ["fewer charges", "1000", "0", tab, /charges fell/],
    ["another tab", "1000", "2", `0x${"22".repeat(32)}`, /another tab/],
    ["no number", "-5", "2", tab, /tabState.charged/],
  ] as const)("refuses a state with %s, and leaves that tab", async (_, charged, charges, of, message) => {
    const store = new MemoryTabStore();
    store.set(tab, { charged: "1000", charges: "1", maximum: "1000" });
    const client = clientWith({ vouchers: { salt, store, tabs: 1 } });
    const stale = await voucherBy(client);
    await expect(answered(client, stale, corrected(charged, charges, of))).rejects.toThrow(message);
    const next = await voucherBy(client);
    expect(next.voucher.salt).not.toBe(salt);
    expect(next).toMatchObject({ index: "0", voucher: { maximum: "2500" } });
  });

  test("a server that claims too much after it served is left silently", async () => {
    const client = clientWith({ vouchers: { salt, tabs: 1 } });
    const first = await voucherBy(client);
    await answered(client, first, settled("2500", { tab, charged: "9999", charges: "1", maximum: "9999" }));
    expect((await voucherBy(client)).voucher.salt).not.toBe(salt);
  });

  test("payments at once use several tabs; when all are taken the next waits, and fails in the end", async () => {
    let now = NOW;
    const client = clientWith({ vouchers: { salt, tabs: 2, leaseMs: 50 }, now: () => now });
    const [one, other] = await Promise.all([voucherBy(client), voucherBy(client)]);
    expect(one.voucher.salt).not.toBe(other.voucher.salt);
    const third = voucherBy(client);
    await answered(client, one, settled("2500"));
    expect(await third).toMatchObject({ index: "1", voucher: { salt } });
    const fourth = voucherBy(client);
    now += 60;
    expect((await fourth).index).toMatch(/^[01]$/); // a lease that ended
  });

  test("never signs beyond the limit of a tab", async () => {
    const client = clientWith({ vouchers: { salt, maxPerTab: "0.004" } });
    await answered(client, await voucherBy(client), settled("2500"));
    await expect(voucherBy(client)).rejects.toThrow(/tab would reach 0.005 USD, more than the limit of 0.004 USD/);
  });

  test("a store that fails stops the payment, and the tab is free again", async () => {
    const store = new MemoryTabStore();
    let broken = true;
    const set = store.set.bind(store);
    store.set = (key, record) => {
      if (broken) throw new Error("disk full");
      set(key, record);
    };
    const client = clientWith({ vouchers: { salt, store, tabs: 1 } });
    await expect(voucherBy(client)).rejects.toThrow("disk full");
    broken = false;
    expect(await voucherBy(client)).toMatchObject({ index: "0" });
  });

  test("falls back to commitments where no vouchers are taken", async () => {
    const client = clientWith({ vouchers: true });
    const { payload } = await client.createPaymentPayload(required({ extra: { types: ["commitment"] } }));
    expect(payload["type"]).toBe("commitment");
  });
});

describe("a server scheme", () => {
  const kind: SupportedKind = { x402Version: 2, scheme: "batch-settlement", network: NETWORK, extra: SUPPORTED_EXTRA };
  const eur = { asset: "EUR", symbol: "EUR", decimals: 2 };

  function schemeWith(assets: object[] = SUPPORTED_EXTRA.assets, asset?: string): TabServerScheme {
    const scheme = new TabServerScheme(undefined, asset === undefined ? {} : { asset });
    scheme.validateFacilitatorSupport(NETWORK, { ...kind, extra: { ...SUPPORTED_EXTRA, assets } });
    return scheme;
  }

  test.each([
    ["$0.001", "1000"],
    ["0.001", "1000"],
    [0.001, "1000"],
    ["2 USD", "2000000"],
    ["$1.50", "1500000"],
    ["0", "0"],
  ])("price %s is %s units", async (price, amount) => {
    expect(await schemeWith().parsePrice(price, NETWORK)).toEqual({ asset: "USD", amount });
  });

  test.each([
    ["$0.0000001", /finer than the asset, which has 6 decimals/],
    ["1e-3", /must look like/],
    ["-1", /must look like/],
    ["1 EUR", /fits no asset of this network. Its assets: USD \(USD\)/],
    [{ asset: "USD", amount: "1.5" }, /amount must be a decimal string/],
  ])("price %o is refused", async (price, message) => {
    await expect(schemeWith().parsePrice(price, NETWORK)).rejects.toThrow(message);
  });

  test("dollars mean the asset that is in dollars; what is ambiguous is refused or chosen by option", async () => {
    const both = [...SUPPORTED_EXTRA.assets, eur];
    expect((await schemeWith(both).parsePrice("$1", NETWORK)).asset).toBe("USD");
    expect(await schemeWith(both).parsePrice("1 EUR", NETWORK)).toEqual({ asset: "EUR", amount: "100" });
    expect((await schemeWith(both, "EUR").parsePrice("1", NETWORK)).asset).toBe("EUR");
    await expect(schemeWith(both).parsePrice("1", NETWORK)).rejects.toThrow(/more than one asset/);
    await expect(schemeWith([eur]).parsePrice("$1", NETWORK)).rejects.toThrow(/fits no asset/);
  });

  test("an amount in units is taken as it is, without knowing the assets", async () => {
    const price = { asset: "EUR", amount: "7" };
    expect(await new TabServerScheme().parsePrice(price, NETWORK)).toEqual(price);
    await expect(new TabServerScheme().parsePrice("$1", NETWORK)).rejects.toThrow(/exactly that network/);
  });

  test("a facilitator of another binding is named at the start", () => {
    const scheme = new TabServerScheme();
    expect(scheme.validateFacilitatorSupport(NETWORK, { ...kind, extra: { binding: "tab", version: "2" } })).toMatch(
      /binding tab version 1, the facilitator tab version 2/,
    );
    expect(scheme.validateFacilitatorSupport(NETWORK, kind)).toBeUndefined();
  });

  test("requirements say binding, types and decimals; a payee that is no address or an unknown asset is refused", async () => {
    const scheme = schemeWith();
    const plain = requirements({ extra: { note: "kept" } });
    const { extra } = await scheme.enhancePaymentRequirements(plain, kind, []);
    expect(extra).toEqual({ note: "kept", binding: "tab", version: "1", types: ["commitment"], scale: 6 });
    await expect(scheme.enhancePaymentRequirements({ ...plain, payTo: "merchant" }, kind, [])).rejects.toThrow(/payTo/);
    await expect(scheme.enhancePaymentRequirements({ ...plain, asset: "EUR" }, kind, [])).rejects.toThrow(
      /no asset EUR/,
    );
  });

  test("vouchers are refused where they are not offered, before the daemon is asked", async () => {
    const scheme = new TabServerScheme();
    const facilitator = {
      verify: () => Promise.reject(new Error("asked")),
      settle: () => Promise.reject(new Error("asked")),
      getSupported: () => Promise.resolve({ kinds: [kind], extensions: [], signers: {} }),
    };
    const server = new x402ResourceServer(facilitator).register(NETWORK, scheme);
    const paymentPayload = { x402Version: 2, accepted: requirements(), payload: { type: "voucher", voucher: {} } };
    expect(await server.verifyPayment(paymentPayload, requirements())).toMatchObject({
      isValid: false,
      invalidMessage: "This server takes commitment payments, not voucher.",
    });
  });
});

describe("refusalOf", () => {
  const encode = (value: object): string => Buffer.from(JSON.stringify(value)).toString("base64");

  test("reads both headers, and nothing from other answers", () => {
    expect(refusalOf(new Response("", { status: 200 }))).toBeUndefined();
    expect(refusalOf(new Response("", { status: 402 }))).toBeUndefined();
    const accepts = [{ extra: {} }, { extra: { refusal: { message: "Größer als das Limit." } } }];
    const verify = new Response("", {
      status: 402,
      headers: { "PAYMENT-REQUIRED": encode({ error: "code", accepts }) },
    });
    expect(refusalOf(verify)).toEqual({ reason: "code", message: "Größer als das Limit." });
    const settle = new Response("", { status: 402, headers: { "PAYMENT-RESPONSE": encode({ errorReason: "late" }) } });
    expect(refusalOf(settle)).toEqual({ reason: "late" });
    expect(refusalOf(new Response("", { status: 402, headers: { "PAYMENT-REQUIRED": "%%%" } }))).toBeUndefined();
  });
});
