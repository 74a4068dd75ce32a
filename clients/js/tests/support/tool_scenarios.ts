// What an MCP server with paid tools and a paying MCP client must do together, whichever daemon is behind them.
import type { Client } from "@modelcontextprotocol/sdk/client/index.js";
import { x402Client } from "@x402/core/client";
import type { PaymentPayload } from "@x402/core/types";
import { afterAll, beforeAll, describe, expect, test } from "vitest";

import { TabClientScheme } from "../../src/client/index.js";
import type { TabClientOptions, TabSigner } from "../../src/client/index.js";
import { payForTools, PAYMENT_META, paymentRequiredOf, paymentResponseOf, toolRefusalOf } from "../../src/mcp/index.js";
import type { PayForToolsOptions } from "../../src/mcp/index.js";
import { ASSETS } from "./scenarios.js";
import type { World } from "./scenarios.js";
import { startToolServer } from "./tools.js";
import type { ToolServer, TransportKind } from "./tools.js";

type Result = Awaited<ReturnType<Client["callTool"]>>;

interface Agent {
  client: Client;
  /** The payments that were signed. */
  payments: PaymentPayload[];
}

export function describeTools(name: string, transport: TransportKind, make: () => Promise<World>): void {
  describe(`${name}, tools over ${transport}`, () => {
    describeTransport(transport, make);
  });
}

const CITY = { name: "forecast", arguments: { city: "Rome" } };

function describeTransport(transport: TransportKind, make: () => Promise<World>): void {
  let world: World;
  let server: ToolServer;
  let plain: Client;

  beforeAll(async () => {
    world = await make();
    const { network, payee, facilitator } = world;
    server = await startToolServer(transport, {
      network,
      payee: payee.address,
      facilitator,
      scheme: { vouchers: true },
    });
    plain = await server.connect();
  });
  afterAll(async () => {
    await server.stop();
    await world.stop();
  });

  async function agent(
    options: Partial<TabClientOptions> = {},
    more: PayForToolsOptions & { signer?: TabSigner; anyAmount?: boolean } = {},
  ): Promise<Agent> {
    const payments: PaymentPayload[] = [];
    const scheme = new TabClientScheme(more.signer ?? world.payer.signer, { assets: ASSETS, ...options });
    const paying = new x402Client().register(world.network, scheme).onAfterPaymentCreation(({ paymentPayload }) => {
      payments.push(paymentPayload);
      return Promise.resolve();
    });
    if (more.anyAmount === true) paying.setSpendControls({ maxAmountPerPayment: false });
    return { client: payForTools(await server.connect(), paying, more), payments };
  }

  /** A payment for a call that was signed and not sent. */
  async function signed(call: { name: string; arguments: Record<string, unknown> }): Promise<PaymentPayload> {
    const required = paymentRequiredOf(await plain.callTool(call));
    expect(required).toBeDefined();
    const scheme = new TabClientScheme(world.payer.signer, { assets: ASSETS });
    return new x402Client().register(world.network, scheme).createPaymentPayload(required as never);
  }

  const pay = (call: { name: string; arguments: Record<string, unknown> }, payment: unknown): Promise<Result> =>
    plain.callTool({ ...call, _meta: { [PAYMENT_META]: payment } });

  /** What `action` charged, and that it left no hold behind. */
  async function chargedBy(action: () => Promise<unknown>): Promise<bigint> {
    await server.facilitator.flush();
    const before = await world.charged();
    await action();
    await server.facilitator.flush();
    expect(await world.held()).toBe(0n);
    return (await world.charged()) - before;
  }

  test("an unpaid call is told what to pay, twice the same, and does nothing", async () => {
    const handled = server.handled.length;
    const charged = await chargedBy(async () => {
      const result = await plain.callTool(CITY);
      expect(result.isError).toBe(true);
      const required = result.structuredContent as Record<string, unknown>;
      expect(required).toMatchObject({
        x402Version: 2,
        error: "Payment required",
        resource: { url: "mcp://tool/forecast", description: "The weather" },
        accepts: [{ scheme: "batch-settlement", network: world.network, amount: "2500", payTo: world.payee.address }],
      });
      const [first] = result.content as { type: string; text: string }[];
      expect(JSON.parse(first?.text ?? "")).toEqual(required);
      expect(paymentResponseOf(result)).toBeUndefined();
    });
    expect(charged).toBe(0n);
    expect(server.handled.length).toBe(handled);
  });

  test("a paid call is served and charged once", async () => {
    const { client, payments } = await agent();
    const charged = await chargedBy(async () => {
      const result = await client.callTool(CITY);
      expect(result.content).toEqual([{ type: "text", text: "sunny in Rome" }]);
      expect(result.isError).toBeFalsy();
      const receipt = paymentResponseOf(result);
      expect(receipt).toMatchObject({ success: true, transaction: "", network: world.network, amount: "2500" });
      expect(receipt?.payer).toBe(world.payer.address);
    });
    expect(charged).toBe(2500n);
    expect(payments).toHaveLength(1);
  });

  test("calls cost one round trip to the daemon each", async () => {
    const { client } = await agent();
    const charged = await chargedBy(async () => {
      const before = server.facilitator.stats.batches;
      for (let call = 0; call < 10; ++call) await client.callTool(CITY);
      await server.facilitator.flush();
      // A verify each. The charges ride along or, when the next call comes late, leave in a request that nobody waits for.
      const { batches } = server.facilitator.stats;
      expect(batches - before).toBeLessThanOrEqual(20);
      expect(batches - before).toBeGreaterThanOrEqual(10);
    });
    expect(charged).toBe(25_000n);
  });

  test.each([
    ["1200", 1200n],
    ["50%", 5000n],
    ["$0.003", 3000n],
    ["0", 0n],
  ])("a metered call is charged %s of at most 10000", async (use, expected) => {
    const { client } = await agent();
    const charged = await chargedBy(async () => {
      const result = await client.callTool({ name: "metered", arguments: { use } });
      expect(result.content).toEqual([{ type: "text", text: world.payer.address }]);
      expect(result._meta?.["own"]).toBe("kept");
      expect(paymentResponseOf(result)?.amount).toBe(String(expected));
    });
    expect(charged).toBe(expected);
  });

  test.each(["10001", "$a lot"])("a charge of %s is refused: no result, no charge", async (use) => {
    const { client } = await agent();
    const charged = await chargedBy(async () => {
      const result = await client.callTool({ name: "metered", arguments: { use } });
      expect(result.isError).toBe(true);
      expect(JSON.stringify(result.content)).not.toContain(`"text":"${world.payer.address}"`);
      expect(paymentResponseOf(result)).toMatchObject({ success: false });
      expect(toolRefusalOf(result)?.reason).toBe("invalid_batch_settlement_tab_charge_above_maximum");
    });
    expect(charged).toBe(0n);
  });

  test.each([
    ["fails", "no weather"],
    ["throws", "thrown by the test's tool"],
    ["misfit", "against its own output schema"],
  ])("a tool that %s costs nothing", async (name, words) => {
    const { client } = await agent();
    const charged = await chargedBy(async () => {
      const result = await client.callTool({ name, arguments: {} });
      expect(result.isError).toBe(true);
      expect(JSON.stringify(result.content)).toContain(words);
      expect(paymentRequiredOf(result)).toBeUndefined();
      expect(paymentResponseOf(result)).toBeUndefined();
    });
    expect(charged).toBe(0n);
  });

  test("arguments that the tool's schema refuses cost nothing, and are refused before a payment is asked for", async () => {
    const { client, payments } = await agent();
    const charged = await chargedBy(async () => {
      const result = await client.callTool({ name: "forecast", arguments: { city: 7 } });
      expect(result.isError).toBe(true);
      expect(paymentRequiredOf(result)).toBeUndefined();
    });
    expect(charged).toBe(0n);
    expect(payments).toHaveLength(0);
  });

  test("a tool with an output schema can be paid for by a client that knows it", async () => {
    const { client } = await agent();
    const { tools } = await client.listTools();
    expect(tools.find(({ name }) => name === "typed")?.outputSchema).toBeDefined();
    const charged = await chargedBy(async () => {
      const result = await client.callTool({ name: "typed" });
      expect(result.structuredContent).toEqual({ degrees: 20 });
    });
    expect(charged).toBe(2500n);
  });

  test.each(["forecast", "fails"])("a payment for %s that is sent again is refused", async (name) => {
    const { client, payments } = await agent();
    const call = { name, arguments: { city: "Rome" } };
    await client.callTool(call);
    const handled = server.handled.length;
    const charged = await chargedBy(async () => {
      const again = await pay(call, payments[0]);
      expect(again.isError).toBe(true);
      expect(toolRefusalOf(again)?.reason).toMatch(/already_accepted|hold_|invalid/);
    });
    expect(charged).toBe(0n);
    expect(server.handled.length).toBe(handled);
  });

  test("of copies that come at once, one is served", async () => {
    const payment = await signed(CITY);
    const handled = server.handled.length;
    const charged = await chargedBy(async () => {
      const results = await Promise.all(Array.from({ length: 20 }, () => pay(CITY, payment)));
      expect(results.filter(({ isError }) => isError !== true)).toHaveLength(1);
    });
    expect(charged).toBe(2500n);
    expect(server.handled.length).toBe(handled + 1);
  });

  test("a payment for one tool buys no other at the same price", async () => {
    const payment = await signed(CITY);
    const charged = await chargedBy(async () => {
      const result = await pay({ name: "history", arguments: {} }, payment);
      expect(toolRefusalOf(result)).toEqual({
        reason: "invalid_payload",
        message: "The payment is for mcp://tool/forecast, the request for mcp://tool/history.",
      });
    });
    expect(charged).toBe(0n);
  });

  test("a price that depends on the arguments: a payment for few pages buys no more of them", async () => {
    const few = { name: "sized", arguments: { pages: 2 } };
    const many = { name: "sized", arguments: { pages: 50 } };
    const payment = await signed(few);
    const { client } = await agent();
    const charged = await chargedBy(async () => {
      expect(toolRefusalOf(await pay(many, payment))?.reason).toBe("invalid_payment_requirements");
      expect((await pay(few, payment)).isError).toBeFalsy();
      expect(paymentResponseOf(await client.callTool(many))?.amount).toBe("50000");
    });
    expect(charged).toBe(52_000n);
  });

  test.each([
    ["nothing", null, "invalid_payload", /_meta\["x402\/payment"\]/],
    ["a text", "pay later", "invalid_payload", /_meta\["x402\/payment"\]/],
    ["a list", [], "invalid_payload", /_meta\["x402\/payment"\]/],
    ["an empty object", {}, "invalid_payload", /x402Version/],
    [
      "version 1",
      { x402Version: 1, scheme: "exact", network: "base", payload: {} },
      "invalid_x402_version",
      /version 2/,
    ],
    ["no payload", { x402Version: 2, accepted: {} }, "invalid_payload", /accepted\.scheme/],
  ])("a payment that is %s is refused, with the place", async (_name, payment, reason, message) => {
    const charged = await chargedBy(async () => {
      const refusal = toolRefusalOf(await pay(CITY, payment));
      expect(refusal?.reason).toBe(reason);
      expect(refusal?.message).toMatch(message);
    });
    expect(charged).toBe(0n);
  });

  test("a payload that is not one of a tab, and a signature of somebody else, are refused", async () => {
    const payment = await signed(CITY);
    const charged = await chargedBy(async () => {
      const odd = { ...payment, payload: { type: "gift" } };
      expect(toolRefusalOf(await pay(CITY, odd))?.reason).toBe("invalid_payload");
      const commitment = payment.payload["commitment"] as Record<string, unknown>;
      const forged = { ...payment, payload: { ...payment.payload, commitment: { ...commitment, nonce: "7" } } };
      expect(toolRefusalOf(await pay(CITY, forged))?.reason).toBe("invalid_signature");
    });
    expect(charged).toBe(0n);
  });

  test("a call beyond the credit limit is refused and says so", async () => {
    const { client } = await agent({}, { anyAmount: true });
    const charged = await chargedBy(async () => {
      const refusal = toolRefusalOf(await client.callTool({ name: "dear" }));
      expect(refusal?.reason).toBe("insufficient_funds");
      expect(refusal?.message).toMatch(/limit/);
    });
    expect(charged).toBe(0n);
  });

  test("a call beyond the client's own limit is not signed", async () => {
    const { client, payments } = await agent({ assets: [{ ...ASSETS[0], maxPerRequest: "0.001" }] });
    await expect(client.callTool(CITY)).rejects.toThrow(/limit of 0.001 USD per request; nothing was signed/);
    expect(payments).toHaveLength(0);
  });

  test("nobody pays without approval", async () => {
    const asked: string[] = [];
    const approve: NonNullable<PayForToolsOptions["approve"]> = ({ tool, required, arguments: { city } }) => {
      asked.push(`${tool} ${String(city)} ${required.accepts[0]?.amount ?? ""}`);
      return city === "Rome";
    };
    const { client, payments } = await agent({}, { approve });
    const charged = await chargedBy(async () => {
      const refused = await client.callTool({ name: "forecast", arguments: { city: "Paris" } });
      expect(paymentRequiredOf(refused)?.error).toBe("Payment required");
      expect((await client.callTool(CITY)).isError).toBeFalsy();
    });
    expect(charged).toBe(2500n);
    expect(asked).toEqual(["forecast Paris 2500", "forecast Rome 2500"]);
    expect(payments).toHaveLength(1);
  });

  test("an agent pays under a mandate, and no longer when it is revoked", async () => {
    const { client } = await agent({ payer: world.payer.address }, { signer: world.agent.signer });
    await world.allowAgent();
    const charged = await chargedBy(async () => {
      expect(paymentResponseOf(await client.callTool(CITY))?.payer).toBe(world.payer.address);
    });
    expect(charged).toBe(2500n);
    await world.revokeAgent();
    expect(
      await chargedBy(async () => {
        expect(toolRefusalOf(await client.callTool(CITY))?.reason).toBe("invalid_signature");
      }),
    ).toBe(0n);
  });

  test("vouchers: one after the other, metered, and after a lost answer", async () => {
    const { client } = await agent({ vouchers: { tabs: 1 } });
    const charged = await chargedBy(async () => {
      for (const use of ["1000", "2000"]) {
        const result = await client.callTool({ name: "metered", arguments: { use } });
        expect(paymentResponseOf(result)).toMatchObject({ success: true, amount: use });
      }
      // The server charges; the answer does not reach the payer, whose next voucher then has a stale index.
      const lost = client as unknown as { _transport: { onmessage: unknown } };
      const { onmessage } = lost._transport;
      let dropped = 0;
      lost._transport.onmessage = (message: { result?: { _meta?: object } }, ...rest: unknown[]): void => {
        if (message.result?._meta !== undefined && dropped++ === 0) return;
        (onmessage as (...all: unknown[]) => void)(message, ...rest);
      };
      await expect(client.callTool(CITY, undefined, { timeout: 500 })).rejects.toThrow(/timed out/);
      lost._transport.onmessage = onmessage;
      expect(paymentResponseOf(await client.callTool(CITY))?.success).toBe(true);
    });
    expect(charged).toBe(8000n);
  });

  test("20 agents' calls at once", async () => {
    const { client } = await agent();
    const charged = await chargedBy(async () => {
      const results = await Promise.all(Array.from({ length: 20 }, () => client.callTool(CITY)));
      expect(results.map(({ isError }) => isError === true)).toEqual(Array(20).fill(false));
    });
    expect(charged).toBe(50_000n);
  });

  if (transport === "memory") {
    test("a call that the client gives up is not charged", async () => {
      const { client } = await agent();
      const charged = await chargedBy(async () => {
        const handled = server.handled.length;
        const given = new AbortController();
        const called = client.callTool({ name: "slow" }, undefined, { signal: given.signal });
        while (server.handled.length === handled) await new Promise((resolve) => setTimeout(resolve, 5));
        given.abort("enough");
        await expect(called).rejects.toThrow();
      });
      expect(charged).toBe(0n);
    });
  }
}
