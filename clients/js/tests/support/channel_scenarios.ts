// What a server that sells through channels and the official client must do together, whichever daemon is behind them.
import { BatchSettlementEvmScheme } from "@x402/evm/batch-settlement/client";
import { wrapFetchWithPayment, x402Client } from "@x402/fetch";
import type { PaymentPayload } from "@x402/core/types";
import { webcrypto } from "node:crypto";
import { afterAll, beforeAll, describe, expect, test } from "vitest";

import { refusalOf } from "../../src/client/index.js";
import type { Address } from "../../src/index.js";
import type { TabdFacilitatorOptions } from "../../src/server/index.js";
import { headerOf, receiptOf } from "./scenarios.js";
import { frameworks, startPaidServer } from "./servers.js";
import type { Framework, PaidServer } from "./servers.js";

// The official client wants Web Crypto as a global, which Node.js 18 has not.
(globalThis as { crypto?: unknown }).crypto ??= webcrypto;

export type ChannelSigner = ConstructorParameters<typeof BatchSettlementEvmScheme>[0];

export interface ChannelWorld {
  network: `${string}:${string}`;
  token: { asset: Address; name: string; version: string };
  payee: Address;
  facilitator: TabdFacilitatorOptions;
  /** A payer that has some dollars of the token and no channel. */
  payer(): Promise<ChannelSigner>;
  /** What was charged on all channels since the world began, as the ledger has it. */
  charged(): Promise<bigint>;
  /** Channels that are reserved for a request. */
  reserved(): Promise<number>;
  /** As the contract has it. */
  channel(id: string): Promise<{ balance: bigint; totalClaimed: bigint; refundNonce: bigint }>;
  stop(): Promise<void>;
}

export const PRICE = 2500n;
export const DEPOSIT = 25_000n; // ten times the price, as the official server asks

export interface ChannelClient {
  fetch: typeof fetch;
  refund(url: string, amount?: string): ReturnType<BatchSettlementEvmScheme["refund"]>;
  /** The payments that were signed, without refunds. */
  payments: PaymentPayload[];
}

export function channelClient(network: `${string}:${string}`, signer: ChannelSigner): ChannelClient {
  const payments: PaymentPayload[] = [];
  const scheme = new BatchSettlementEvmScheme(signer);
  const client = new x402Client()
    .register(network, scheme)
    .setSpendControls(false)
    .onAfterPaymentCreation(({ paymentPayload }) => {
      payments.push(paymentPayload);
      return Promise.resolve();
    });
  return {
    fetch: wrapFetchWithPayment(fetch, client),
    refund: (url, amount) => scheme.refund(url, amount === undefined ? {} : { amount }),
    payments,
  };
}

function stateOf(response: Response): Record<string, unknown> {
  return receiptOf(response).extra?.["channelState"] as Record<string, unknown>;
}

export function describeChannels(name: string, make: () => Promise<ChannelWorld>): void {
  describe.each(frameworks)(`${name}, %s server`, (framework) => {
    describeFramework(framework, make);
  });
}

function describeFramework(framework: Framework, make: () => Promise<ChannelWorld>): void {
  let world: ChannelWorld;
  let server: PaidServer;

  const start = (options: Partial<TabdFacilitatorOptions> = {}): Promise<PaidServer> => {
    const { network, payee, token } = world;
    return startPaidServer(framework, { network, payee, token, facilitator: { ...world.facilitator, ...options } });
  };
  beforeAll(async () => {
    world = await make();
    server = await start();
  });
  afterAll(async () => {
    await server.stop();
    await world.stop();
  });

  /** What `action` charged, and that it left no channel reserved. */
  async function chargedBy(action: () => Promise<unknown>, through = server): Promise<bigint> {
    await through.facilitator.flush();
    const before = await world.charged();
    await action();
    await through.facilitator.flush();
    expect(await world.reserved()).toBe(0);
    return (await world.charged()) - before;
  }

  /** A client whose channel is open, with one request paid. */
  async function opened(): Promise<ChannelClient & { id: string; signer: ChannelSigner }> {
    const signer = await world.payer();
    const client = channelClient(world.network, signer);
    const response = await client.fetch(`${server.url}/weather`);
    expect(response.status, JSON.stringify(refusalOf(response))).toBe(200);
    return { ...client, id: String(stateOf(response)["channelId"]), signer };
  }

  const send = (payment: PaymentPayload | undefined, path = "weather"): Promise<Response> =>
    fetch(`${server.url}/${path}`, { headers: headerOf(payment as PaymentPayload) });

  test("the first request opens the channel with a deposit, and is charged", async () => {
    const signer = await world.payer();
    const charged = await chargedBy(async () => {
      const response = await channelClient(world.network, signer).fetch(`${server.url}/weather`);
      expect(response.status, JSON.stringify(refusalOf(response))).toBe(200);
      expect(await response.json()).toEqual({ weather: "sunny" });
      const receipt = receiptOf(response);
      expect(receipt).toMatchObject({ success: true, network: world.network, amount: `${DEPOSIT}` });
      expect(receipt.transaction).toMatch(/^0x/);
      expect(receipt.extra).toMatchObject({
        chargedAmount: `${PRICE}`,
        channelState: { balance: `${DEPOSIT}`, totalClaimed: "0", chargedCumulativeAmount: `${PRICE}` },
      });
      const onChain = await world.channel(String(stateOf(response)["channelId"]));
      expect(onChain).toEqual({ balance: DEPOSIT, totalClaimed: 0n, refundNonce: 0n });
    });
    expect(charged).toBe(PRICE);
  });

  test("a voucher costs one request to the daemon: its charge rides with the next one", async () => {
    const steady = await start({ flushMs: 60_000 });
    const client = await opened();
    const charged = await chargedBy(async () => {
      const before = steady.facilitator.stats.batches;
      for (let paid = 2n; paid <= 6n; ++paid) {
        const response = await client.fetch(`${steady.url}/weather`);
        expect(response.status).toBe(200);
        const receipt = receiptOf(response);
        expect(receipt).toMatchObject({ success: true, transaction: "", amount: "" });
        expect(receipt.extra).toMatchObject({ chargedAmount: `${PRICE}` });
        expect(stateOf(response)).toMatchObject({
          channelId: client.id,
          balance: `${DEPOSIT}`,
          chargedCumulativeAmount: `${PRICE * paid}`,
        });
      }
      expect(steady.facilitator.stats.batches - before).toBe(5);
    }, steady);
    expect(charged).toBe(5n * PRICE);
    expect(steady.facilitator.stats).toMatchObject({ settled: 5, lost: 0, queued: 0 });
    await steady.stop();
  });

  test("with settle: await the charge is in the ledger before the answer", async () => {
    const careful = await start({ settle: "await" });
    const client = await opened();
    const before = await world.charged();
    const response = await client.fetch(`${careful.url}/weather`);
    expect(await world.charged()).toBe(before + PRICE);
    expect(receiptOf(response)).toMatchObject({ success: true, transaction: "", amount: "" });
    expect(stateOf(response)).toMatchObject({ chargedCumulativeAmount: `${2n * PRICE}` });
    expect((await client.fetch(`${careful.url}/weather`)).status).toBe(200);
    await careful.stop();
  });

  test.each([
    ["1200", 1200n],
    ["50%", 5000n],
    ["0", 0n],
  ])("a metered request is charged %s of at most 10000", async (use, expected) => {
    const client = await opened();
    const charged = await chargedBy(async () => {
      const response = await client.fetch(`${server.url}/metered?use=${encodeURIComponent(use)}`);
      expect(response.status).toBe(200);
      expect(receiptOf(response).extra).toMatchObject({ chargedAmount: `${expected}` });
      expect((await client.fetch(`${server.url}/weather`)).status).toBe(200);
    });
    expect(charged).toBe(expected + PRICE);
  });

  test("a first request that is charged nothing still opens the channel", async () => {
    const client = channelClient(world.network, await world.payer());
    const charged = await chargedBy(async () => {
      const response = await client.fetch(`${server.url}/metered?use=0`);
      expect(response.status, JSON.stringify(refusalOf(response))).toBe(200);
      expect(receiptOf(response)).toMatchObject({ amount: "100000", extra: { chargedAmount: "0" } });
      expect(stateOf(response)).toMatchObject({ balance: "100000", chargedCumulativeAmount: "0" });
      expect(receiptOf(await client.fetch(`${server.url}/weather`))).toMatchObject({ transaction: "" });
    });
    expect(charged).toBe(PRICE);
    expect(client.payments.map(({ payload }) => payload["type"])).toEqual(["deposit", "voucher"]);
  });

  test("a charge above what was signed is refused, and nothing is charged", async () => {
    const client = await opened();
    const charged = await chargedBy(async () => {
      const response = await client.fetch(`${server.url}/metered?use=10001`);
      expect(response.status).toBe(402);
      expect(refusalOf(response)).toMatchObject({
        reason: "invalid_batch_settlement_evm_charge_exceeds_signed_cumulative",
        message: expect.stringContaining("at most 10000") as string,
      });
    });
    expect(charged).toBe(0n);
  });

  test.each(["fails", "throws"])("a handler that %s costs nothing, and the same voucher works again", async (path) => {
    const client = await opened();
    const charged = await chargedBy(async () => {
      const response = await client.fetch(`${server.url}/${path}`);
      expect(response.status).toBe(500);
      expect(response.headers.get("PAYMENT-RESPONSE")).toBeNull();
      expect((await send(client.payments.at(-1))).status).toBe(200);
    });
    expect(charged).toBe(PRICE);
  });

  test("a handler that fails at the first request costs nothing, and nothing is deposited", async () => {
    const client = channelClient(world.network, await world.payer());
    const charged = await chargedBy(async () => {
      expect((await client.fetch(`${server.url}/fails`)).status).toBe(500);
      const response = await client.fetch(`${server.url}/weather`);
      expect(response.status).toBe(200);
      expect(stateOf(response)).toMatchObject({ balance: `${DEPOSIT}`, chargedCumulativeAmount: `${PRICE}` });
    });
    expect(charged).toBe(PRICE);
  });

  test("a client that lost its records is told how far the channel is, and goes on", async () => {
    const { signer, id } = await opened();
    const client = channelClient(world.network, signer); // it knows what the chain says: a deposit, nothing claimed
    const charged = await chargedBy(async () => {
      const response = await client.fetch(`${server.url}/weather`);
      expect(response.status, JSON.stringify(refusalOf(response))).toBe(200);
      expect(stateOf(response)).toMatchObject({ channelId: id, chargedCumulativeAmount: `${2n * PRICE}` });
    });
    expect(charged).toBe(PRICE);
    expect(client.payments).toHaveLength(2); // the first one was corrected
  });

  test("a voucher that was charged is refused when it is sent again, with what the client needs to go on", async () => {
    const client = await opened();
    await client.fetch(`${server.url}/weather`);
    const handled = server.handled.length;
    const charged = await chargedBy(async () => {
      const again = await send(client.payments.at(-1));
      expect(again.status).toBe(402);
      expect(refusalOf(again)?.reason).toBe("invalid_batch_settlement_evm_cumulative_amount_mismatch");
      const header = Buffer.from(again.headers.get("PAYMENT-REQUIRED") ?? "", "base64").toString();
      const { voucher } = client.payments.at(-1)?.payload as { voucher: Record<string, string> };
      expect(JSON.parse(header)).toMatchObject({
        accepts: [
          {
            extra: {
              channelState: { channelId: client.id, chargedCumulativeAmount: `${2n * PRICE}` },
              voucherState: { signedMaxClaimable: voucher["maxClaimableAmount"], signature: voucher["signature"] },
            },
          },
        ],
      });
    });
    expect(charged).toBe(0n);
    expect(server.handled.length).toBe(handled);
  });

  test("while one request is under way another one finds the channel busy; afterwards it is served", async () => {
    const client = await opened();
    const charged = await chargedBy(async () => {
      const first = client.fetch(`${server.url}/slow`);
      while (server.slow.length === 0) await new Promise((resolve) => setTimeout(resolve, 5));
      const second = await client.fetch(`${server.url}/weather`);
      expect(second.status).toBe(402);
      expect(refusalOf(second)?.reason).toBe("invalid_batch_settlement_evm_channel_busy");
      server.slow.pop()?.();
      expect((await first).status).toBe(200);
      expect((await client.fetch(`${server.url}/weather`)).status).toBe(200);
    });
    expect(charged).toBe(2n * PRICE);
  });

  test("of copies that come at once, one is served", async () => {
    const client = await opened();
    await client.fetch(`${server.url}/fails`); // signed, and not charged
    const charged = await chargedBy(async () => {
      const copies = Array.from({ length: 20 }, () => send(client.payments.at(-1)));
      const statuses = (await Promise.all(copies)).map(({ status }) => status);
      expect(statuses.filter((status) => status === 200)).toHaveLength(1);
      expect(statuses.filter((status) => status === 402)).toHaveLength(19);
    });
    expect(charged).toBe(PRICE);
  });

  test("requests that come at once on one channel are served one by one or refused, and those served are charged", async () => {
    const client = await opened();
    let served = 0;
    const charged = await chargedBy(async () => {
      const responses = await Promise.all([1, 2, 3].map(() => client.fetch(`${server.url}/weather`)));
      served = responses.filter(({ status }) => status === 200).length;
      expect(responses.filter(({ status }) => status === 402)).toHaveLength(3 - served);
    });
    expect(served).toBeGreaterThan(0);
    expect(charged).toBe(PRICE * BigInt(served));
    expect((await client.fetch(`${server.url}/weather`)).status).toBe(200);
  });

  test("a channel that runs low is topped up on the way", async () => {
    const client = await opened();
    for (let paid = 2n; paid <= 10n; ++paid) await client.fetch(`${server.url}/weather`);
    const response = await client.fetch(`${server.url}/weather`);
    expect(response.status, JSON.stringify(refusalOf(response))).toBe(200);
    expect(receiptOf(response).transaction).toMatch(/^0x/);
    expect(stateOf(response)).toMatchObject({ balance: `${2n * DEPOSIT}`, chargedCumulativeAmount: `${11n * PRICE}` });
  });

  test("a part is refunded, then the rest, and the channel can be used again", async () => {
    const client = await opened();
    const charged = await chargedBy(async () => {
      const part = await client.refund(`${server.url}/weather`, "1500");
      expect(part).toMatchObject({ success: true, amount: "1500" });
      expect(part.transaction).toMatch(/^0x/);
      expect(await world.channel(client.id)).toEqual({
        balance: DEPOSIT - 1500n,
        totalClaimed: PRICE,
        refundNonce: 1n,
      });
      expect((await client.fetch(`${server.url}/weather`)).status).toBe(200);
      const rest = await client.refund(`${server.url}/weather`);
      expect(rest).toMatchObject({ success: true, amount: `${DEPOSIT - 1500n - 2n * PRICE}` });
      const { balance, totalClaimed } = await world.channel(client.id);
      expect([balance, totalClaimed]).toEqual([2n * PRICE, 2n * PRICE]);
      const response = await client.fetch(`${server.url}/weather`);
      expect(response.status, JSON.stringify(refusalOf(response))).toBe(200);
      expect(receiptOf(response).transaction).toMatch(/^0x/);
    });
    expect(charged).toBe(2n * PRICE);
  });
}
