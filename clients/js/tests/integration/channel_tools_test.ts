// An MCP client that pays a server's tools through a payment channel: the official client scheme with payForTools, PaidTools
// with TabdChannelScheme, the real daemon, and a real local chain.
import type { Client } from "@modelcontextprotocol/sdk/client/index.js";
import type { PaymentPayload } from "@x402/core/types";
import { BatchSettlementEvmScheme } from "@x402/evm/batch-settlement/client";
import { x402Client } from "@x402/core/client";
import { afterAll, beforeAll, describe, expect, test } from "vitest";

import { payForTools, PAYMENT_META, paymentRequiredOf, paymentResponseOf, toolRefusalOf } from "../../src/mcp/index.js";
import { loadChain, whyNoChain } from "../support/chain.js";
import { DEPOSIT, PRICE } from "../support/channel_scenarios.js";
import type { ChannelSigner, ChannelWorld } from "../support/channel_scenarios.js";
import { Daemon, whyNoDaemon } from "../support/daemon.js";
import { startToolServer, transports } from "../support/tools.js";
import type { ToolServer } from "../support/tools.js";

const missing = whyNoDaemon() ?? (await whyNoChain());
const CITY = { name: "forecast", arguments: { city: "Rome" } };

type Result = Awaited<ReturnType<Client["callTool"]>>;

interface Agent {
  client: Client;
  /** The payments that were signed. */
  payments: PaymentPayload[];
}

const stateOf = (result: Result): Record<string, unknown> =>
  paymentResponseOf(result)?.extra?.["channelState"] as Record<string, unknown>;

describe.skipIf(missing !== undefined).each(transports)("tools paid through a channel, over %s", (transport) => {
  let world: ChannelWorld;
  let server: ToolServer;

  beforeAll(async () => {
    const chain = await (await loadChain()).startChain();
    world = await (await Daemon.make("50", chain)).channelWorld();
    const { network, payee, token, facilitator } = world;
    // No charge leaves on its own: it rides with the next call, or when it is flushed.
    server = await startToolServer(transport, {
      network,
      payee,
      token,
      facilitator: { ...facilitator, flushMs: 60_000, verifyTimeoutMs: 60_000 },
    });
  });
  afterAll(async () => {
    await server.stop();
    await world.stop();
  });

  async function agent(signer?: ChannelSigner): Promise<Agent> {
    const payments: PaymentPayload[] = [];
    const scheme = new BatchSettlementEvmScheme(signer ?? (await world.payer()));
    const paying = new x402Client()
      .register(world.network, scheme)
      .setSpendControls(false)
      .onAfterPaymentCreation(({ paymentPayload }) => {
        payments.push(paymentPayload);
        return Promise.resolve();
      });
    return { client: payForTools(await server.connect(), paying), payments };
  }

  function served(result: Result): Result {
    expect(result.isError, JSON.stringify(toolRefusalOf(result) ?? result)).toBeFalsy();
    return result;
  }

  /** What `action` charged, and that it left no channel reserved. */
  async function chargedBy(action: () => Promise<unknown>): Promise<bigint> {
    await server.facilitator.flush();
    const before = await world.charged();
    await action();
    await server.facilitator.flush();
    expect(await world.reserved()).toBe(0);
    return (await world.charged()) - before;
  }

  test("the first call deposits and is charged; each one after it is a voucher and one request to the daemon", async () => {
    const { client, payments } = await agent();
    const charged = await chargedBy(async () => {
      const first = served(await client.callTool(CITY));
      expect(first.content).toEqual([{ type: "text", text: "sunny in Rome" }]);
      const receipt = paymentResponseOf(first);
      expect(receipt).toMatchObject({ success: true, network: world.network, amount: `${DEPOSIT}` });
      expect(receipt?.transaction).toMatch(/^0x/);
      const id = String(stateOf(first)["channelId"]);
      expect(await world.channel(id)).toEqual({ balance: DEPOSIT, totalClaimed: 0n, refundNonce: 0n });

      const { batches } = server.facilitator.stats;
      for (let paid = 2n; paid <= 6n; ++paid) {
        const result = served(await client.callTool(CITY));
        expect(paymentResponseOf(result)).toMatchObject({ success: true, transaction: "" });
        expect(stateOf(result)).toMatchObject({ channelId: id, chargedCumulativeAmount: `${paid * PRICE}` });
      }
      expect(server.facilitator.stats.batches - batches).toBe(5);
    });
    expect(charged).toBe(6n * PRICE);
    expect(payments.map(({ payload }) => payload["type"])).toEqual(["deposit", ...Array<string>(5).fill("voucher")]);
  });

  test.each([
    ["1200", 1200n],
    ["30%", 3000n],
    ["0", 0n],
  ])(
    "a metered call is charged %s of at most 10000, and the next voucher goes on from there",
    async (use, expected) => {
      const { client } = await agent();
      const charged = await chargedBy(async () => {
        served(await client.callTool(CITY));
        const result = served(await client.callTool({ name: "metered", arguments: { use } }));
        expect(result._meta?.["own"]).toBe("kept");
        expect(paymentResponseOf(result)?.extra).toMatchObject({ chargedAmount: `${expected}` });
        served(await client.callTool(CITY));
      });
      expect(charged).toBe(2n * PRICE + expected);
    },
  );

  test("a charge above what was signed is refused: no result, no charge", async () => {
    const { client } = await agent();
    served(await client.callTool(CITY));
    const charged = await chargedBy(async () => {
      const result = await client.callTool({ name: "metered", arguments: { use: "10001" } });
      expect(result.isError).toBe(true);
      expect(paymentResponseOf(result)).toMatchObject({ success: false });
      expect(toolRefusalOf(result)?.reason).toBe("invalid_batch_settlement_evm_charge_exceeds_signed_cumulative");
    });
    expect(charged).toBe(0n);
  });

  test.each(["fails", "throws", "misfit"])("a tool that %s costs nothing, and the channel goes on", async (name) => {
    const { client } = await agent();
    served(await client.callTool(CITY));
    const charged = await chargedBy(async () => {
      const result = await client.callTool({ name, arguments: {} });
      expect(result.isError).toBe(true);
      expect(paymentRequiredOf(result)).toBeUndefined();
      expect(paymentResponseOf(result)).toBeUndefined();
      served(await client.callTool(CITY));
    });
    expect(charged).toBe(PRICE);
  });

  test("a tool that fails at the first call costs nothing, and nothing is deposited", async () => {
    const { client, payments } = await agent();
    const charged = await chargedBy(async () => {
      expect((await client.callTool({ name: "fails" })).isError).toBe(true);
      const { voucher } = payments[0]?.payload as { voucher: { channelId: string } };
      expect((await world.channel(voucher.channelId)).balance).toBe(0n);
      served(await client.callTool(CITY));
    });
    expect(charged).toBe(PRICE);
    expect(payments.map(({ payload }) => payload["type"])).toEqual(["deposit", "deposit"]);
  });

  test("a voucher that was charged is refused when it is sent again; its tool does not run", async () => {
    const { client, payments } = await agent();
    served(await client.callTool(CITY));
    served(await client.callTool(CITY));
    const handled = server.handled.length;
    const charged = await chargedBy(async () => {
      const plain = await server.connect();
      const again = await plain.callTool({ ...CITY, _meta: { [PAYMENT_META]: payments.at(-1) } });
      expect(toolRefusalOf(again)?.reason).toBe("invalid_batch_settlement_evm_cumulative_amount_mismatch");
      const [option] = paymentRequiredOf(again)?.accepts ?? [];
      expect(option?.extra["channelState"]).toMatchObject({ chargedCumulativeAmount: `${2n * PRICE}` });
    });
    expect(charged).toBe(0n);
    expect(server.handled.length).toBe(handled);
  });

  test("a client that lost its records is told how far the channel is, and goes on", async () => {
    const signer = await world.payer();
    served(await (await agent(signer)).client.callTool(CITY));
    const { client, payments } = await agent(signer);
    const charged = await chargedBy(async () => {
      expect(stateOf(served(await client.callTool(CITY)))).toMatchObject({ chargedCumulativeAmount: `${2n * PRICE}` });
    });
    expect(charged).toBe(PRICE);
    expect(payments).toHaveLength(2); // the first one was corrected
  });
});
