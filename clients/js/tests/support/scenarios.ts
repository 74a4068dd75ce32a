// What a paid server and a paying client must do together, whichever daemon is behind them.
import { decodePaymentResponseHeader, wrapFetchWithPayment, x402Client } from "@x402/fetch";
import { HTTPFacilitatorClient, x402ResourceServer } from "@x402/core/server";
import type { PaymentPayload, PaymentRequirements, SettleResponse } from "@x402/core/types";
import { afterAll, beforeAll, describe, expect, test } from "vitest";

import { refusalOf, TabClientScheme } from "../../src/client/index.js";
import type { TabClientOptions, TabSigner } from "../../src/client/index.js";
import { TabServerScheme } from "../../src/server/index.js";
import type { TabdFacilitatorOptions } from "../../src/server/index.js";
import { frameworks, startPaidServer } from "./servers.js";
import type { Framework, PaidServer } from "./servers.js";
import type { Party } from "./parties.js";

export interface World {
  network: `${string}:tab`;
  payer: Party;
  agent: Party;
  payee: Party;
  facilitator: TabdFacilitatorOptions;
  /** What the payer was charged since the world began, in ledger units. */
  charged(): Promise<bigint>;
  /** What is held and neither charged nor released. */
  held(): Promise<bigint>;
  /** Gives the agent a mandate, or takes it away. */
  allowAgent(): Promise<void>;
  revokeAgent(): Promise<void>;
  stop(): Promise<void>;
}

export const ASSETS = [{ asset: "USD", decimals: 6, symbol: "USD" }] as const;

export interface Paying {
  fetch: typeof fetch;
  /** The payments that were signed. */
  payments: PaymentPayload[];
}

export function paying(
  world: World,
  options: Partial<TabClientOptions> = {},
  signer: TabSigner = world.payer.signer,
): Paying {
  const payments: PaymentPayload[] = [];
  const scheme = new TabClientScheme(signer, { assets: ASSETS, ...options });
  const client = new x402Client().register(world.network, scheme).onAfterPaymentCreation(({ paymentPayload }) => {
    payments.push(paymentPayload);
    return Promise.resolve();
  });
  return { fetch: wrapFetchWithPayment(fetch, client), payments };
}

export function receiptOf(response: Response): SettleResponse {
  return decodePaymentResponseHeader(response.headers.get("PAYMENT-RESPONSE") ?? "");
}

export function headerOf(payment: PaymentPayload): Record<string, string> {
  return { "PAYMENT-SIGNATURE": Buffer.from(JSON.stringify(payment)).toString("base64") };
}

export function describeWorld(name: string, make: () => Promise<World>): void {
  describe.each(frameworks)(`${name}, %s server`, (framework) => {
    describeFramework(framework, make);
  });
}

function describeFramework(framework: Framework, make: () => Promise<World>): void {
  let world: World;
  let server: PaidServer;

  beforeAll(async () => {
    world = await make();
    const { network, payee, facilitator } = world;
    server = await startPaidServer(framework, {
      network,
      payee: payee.address,
      facilitator,
      scheme: { vouchers: true },
    });
  });
  afterAll(async () => {
    await server.stop();
    await world.stop();
  });

  /** What `action` charged, and that it left no hold behind. */
  async function chargedBy(action: () => Promise<unknown>): Promise<bigint> {
    await server.facilitator.flush();
    const before = await world.charged();
    await action();
    await server.facilitator.flush();
    expect(await world.held()).toBe(0n);
    return (await world.charged()) - before;
  }

  const pay = (payment: PaymentPayload): Promise<Response> =>
    fetch(`${server.url}/weather`, { headers: headerOf(payment) });

  /** Payments for /weather that were signed and not sent. */
  async function signed(count: number, options: Partial<TabClientOptions> = {}): Promise<PaymentPayload[]> {
    const kept: PaymentPayload[] = [];
    const keep: typeof fetch = (input, init) => {
      const header = new Request(input, init).headers.get("PAYMENT-SIGNATURE");
      if (header === null) return fetch(input, init);
      kept.push(JSON.parse(Buffer.from(header, "base64").toString()) as PaymentPayload);
      return Promise.resolve(new Response("kept"));
    };
    const scheme = new TabClientScheme(world.payer.signer, { assets: ASSETS, ...options });
    const client = wrapFetchWithPayment(keep, new x402Client().register(world.network, scheme));
    for (let index = 0; index < count; ++index) await client(`${server.url}/weather`);
    return kept;
  }

  test("a paid request is served and charged once", async () => {
    const charged = await chargedBy(async () => {
      const response = await paying(world).fetch(`${server.url}/weather`);
      expect(await response.json()).toEqual({ weather: "sunny" });
      expect(response.status).toBe(200);
      const receipt = receiptOf(response);
      expect(receipt).toMatchObject({ success: true, transaction: "", network: world.network, amount: "2500" });
      expect(receipt.payer).toBe(world.payer.address);
      expect(receipt.extra?.["commitmentId"]).toMatch(/^0x[0-9a-f]{64}$/);
    });
    expect(charged).toBe(2500n);
  });

  test.each([
    ["1200", 1200n],
    ["50%", 5000n],
    ["$0.003", 3000n],
    ["0", 0n],
  ])("a metered request is charged %s of at most 10000", async (use, expected) => {
    const charged = await chargedBy(async () => {
      const response = await paying(world).fetch(`${server.url}/metered?use=${encodeURIComponent(use)}`);
      expect(response.status).toBe(200);
      expect(receiptOf(response).amount).toBe(String(expected));
    });
    expect(charged).toBe(expected);
  });

  test("a charge above what was signed is refused, and nothing is charged", async () => {
    const charged = await chargedBy(async () => {
      const response = await paying(world).fetch(`${server.url}/metered?use=10001`);
      expect(response.status).toBe(402);
      expect(refusalOf(response)).toMatchObject({
        reason: "invalid_batch_settlement_tab_charge_above_maximum",
        message: expect.stringContaining("at most 10000") as string,
      });
    });
    expect(charged).toBe(0n);
  });

  test.each(["fails", "throws"])("a handler that %s costs nothing", async (path) => {
    const charged = await chargedBy(async () => {
      const response = await paying(world).fetch(`${server.url}/${path}`);
      expect(response.status).toBe(500);
    });
    expect(charged).toBe(0n);
  });

  test("a payment that is sent again is refused, however it ended the first time", async () => {
    for (const path of ["weather", "fails"]) {
      const client = paying(world);
      await client.fetch(`${server.url}/${path}`);
      const handled = server.handled.length;
      const [payment] = client.payments;
      expect(payment).toBeDefined();
      const charged = await chargedBy(async () => {
        const again = await fetch(`${server.url}/${path}`, { headers: headerOf(payment as PaymentPayload) });
        expect(again.status).toBe(402);
      });
      expect(charged).toBe(0n);
      expect(server.handled.length).toBe(handled);
    }
  });

  test.each([false, true])("of copies that come at once, one is served (voucher: %s)", async (vouchers) => {
    const [payment] = await signed(1, { vouchers });
    const charged = await chargedBy(async () => {
      const copies = Array.from({ length: 20 }, () => pay(payment as PaymentPayload));
      const statuses = (await Promise.all(copies)).map(({ status }) => status);
      expect(statuses.filter((status) => status === 200)).toHaveLength(1);
      expect(statuses.filter((status) => status === 402)).toHaveLength(19);
    });
    expect(charged).toBe(2500n);
  });

  test("a payment for one resource buys no other at the same price", async () => {
    const [payment] = await signed(1);
    const charged = await chargedBy(async () => {
      const response = await fetch(`${server.url}/fails`, { headers: headerOf(payment as PaymentPayload) });
      expect(response.status).toBe(402);
      expect(refusalOf(response)).toEqual({
        reason: "invalid_payload",
        message: `The payment is for ${server.url}/weather, the request for ${server.url}/fails.`,
      });
    });
    expect(charged).toBe(0n);
  });

  test("nor does it when the resource is not named: what was signed counts", async () => {
    const [first, second] = await signed(2);
    const unnamed = ({ resource: _, ...payment }: PaymentPayload): PaymentPayload => payment as PaymentPayload;
    const charged = await chargedBy(async () => {
      const headers = headerOf(unnamed(first as PaymentPayload));
      const refused = await fetch(`${server.url}/fails`, { headers });
      expect(refused.status).toBe(402);
      expect(refusalOf(refused)?.message).toBe(`The payment is for another resource than ${server.url}/fails.`);
      const response = await pay(unnamed(second as PaymentPayload));
      expect(response.status).toBe(200);
    });
    expect(charged).toBe(2500n);
  });

  test("a payload that is null is refused, like any other that is no payment", async () => {
    const [payment] = await signed(1);
    const response = await pay({ ...(payment as PaymentPayload), payload: null as never });
    expect(response.status).toBe(402);
    expect(refusalOf(response)?.reason).toBe("invalid_payload");
  });

  test("the official facilitator client does too, with a payment refused while it is under way", async () => {
    const { network, payee, facilitator } = world;
    const headers = { Authorization: `Bearer ${facilitator.apiKey ?? ""}` };
    const official = new HTTPFacilitatorClient({
      url: facilitator.url,
      createAuthHeaders: () => Promise.resolve({ verify: headers, settle: headers, supported: headers }),
    });
    const plain = new x402ResourceServer(official).register(network, new TabServerScheme());
    await plain.initialize();
    const [option] = await plain.buildPaymentRequirements({
      scheme: "batch-settlement",
      network,
      payTo: payee.address,
      price: "$0.0025",
    });
    const [payment] = await signed(1);
    const charged = await chargedBy(async () => {
      const verify = (): Promise<unknown> =>
        plain.verifyPayment(structuredClone(payment) as PaymentPayload, option as PaymentRequirements);
      expect(await verify()).toMatchObject({ isValid: true });
      expect(await verify()).toMatchObject({
        isValid: false,
        invalidReason: "invalid_batch_settlement_tab_already_accepted",
      });
      const settled = await plain.settlePayment(
        payment as PaymentPayload,
        option as PaymentRequirements,
        undefined,
        undefined,
        { amount: "10%" },
      );
      expect(settled).toMatchObject({ success: true, amount: "250" });
      expect(await verify()).toMatchObject({ isValid: false });
    });
    expect(charged).toBe(250n);
  });

  test("a request beyond the credit limit is refused and says so", async () => {
    const charged = await chargedBy(async () => {
      const scheme = new TabClientScheme(world.payer.signer, { assets: ASSETS });
      const client = new x402Client().register(world.network, scheme).setSpendControls({ maxAmountPerPayment: false });
      const response = await wrapFetchWithPayment(fetch, client)(`${server.url}/dear`);
      expect(response.status).toBe(402);
      const refusal = refusalOf(response);
      expect(refusal?.reason).toBe("insufficient_funds");
      expect(refusal?.message).toMatch(/limit/);
    });
    expect(charged).toBe(0n);
  });

  test("an agent pays under a mandate, and no longer when it is revoked", async () => {
    const agent = paying(world, { payer: world.payer.address }, world.agent.signer);
    await world.allowAgent();
    const charged = await chargedBy(async () => {
      const response = await agent.fetch(`${server.url}/weather`);
      expect(response.status).toBe(200);
      expect(receiptOf(response).payer).toBe(world.payer.address);
    });
    expect(charged).toBe(2500n);
    await world.revokeAgent();
    const refused = await chargedBy(async () => {
      const response = await agent.fetch(`${server.url}/weather`);
      expect(response.status).toBe(402);
      expect(refusalOf(response)?.reason).toBe("invalid_signature");
    });
    expect(refused).toBe(0n);
  });

  test("100 requests at once are served and charged, and share requests to the daemon", async () => {
    const payments = await signed(100);
    const before = server.facilitator.stats.batches;
    const charged = await chargedBy(async () => {
      const responses = await Promise.all(payments.map(pay));
      expect(responses.map(({ status }) => status)).toEqual(Array(100).fill(200));
    });
    expect(charged).toBe(250_000n);
    // Two calls each. How many share a request is a matter of speed; that some do is not.
    expect(server.facilitator.stats.batches - before).toBeLessThan(200);
  });

  test("a client that is wrapped by the official package pays 20 at once", async () => {
    const client = paying(world);
    const charged = await chargedBy(async () => {
      const responses = await Promise.all(Array.from({ length: 20 }, () => client.fetch(`${server.url}/weather`)));
      expect(responses.map(({ status }) => status)).toEqual(Array(20).fill(200));
    });
    expect(charged).toBe(50_000n);
  });

  test("vouchers: one after the other, metered, and a lost answer is made up for", async () => {
    const lose = { next: false };
    const unsteady: typeof fetch = async (input, init) => {
      const response = await fetch(input, init);
      if (lose.next && response.headers.has("PAYMENT-RESPONSE")) {
        lose.next = false;
        throw new TypeError("the connection was lost");
      }
      return response;
    };
    const scheme = new TabClientScheme(world.payer.signer, { assets: ASSETS, vouchers: { tabs: 1, leaseMs: 200 } });
    const client = wrapFetchWithPayment(unsteady, new x402Client().register(world.network, scheme));
    const charged = await chargedBy(async () => {
      for (const use of ["1000", "2000"]) {
        const response = await client(`${server.url}/metered?use=${use}`);
        expect(receiptOf(response)).toMatchObject({ success: true, amount: use });
      }
      lose.next = true;
      await expect(client(`${server.url}/weather`)).rejects.toThrow("lost");
      const response = await client(`${server.url}/weather`); // its first try has a stale index
      expect(response.status).toBe(200);
    });
    expect(charged).toBe(8000n);
  });

  test("vouchers: many at once share some tabs", async () => {
    const client = paying(world, { vouchers: { tabs: 4 } });
    const charged = await chargedBy(async () => {
      const responses = await Promise.all(Array.from({ length: 20 }, () => client.fetch(`${server.url}/weather`)));
      expect(responses.map(({ status }) => status)).toEqual(Array(20).fill(200));
    });
    expect(charged).toBe(50_000n);
    const salts = client.payments.map(({ payload }) => (payload["voucher"] as { salt: string }).salt);
    expect(new Set(salts).size).toBe(4);
  });
}
