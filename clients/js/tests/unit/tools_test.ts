// Paid tools under schemes that this package does not bring, and without a facilitator.
import { Client } from "@modelcontextprotocol/sdk/client/index.js";
import { InMemoryTransport } from "@modelcontextprotocol/sdk/inMemory.js";
import { McpServer } from "@modelcontextprotocol/sdk/server/mcp.js";
import type { CallToolResult } from "@modelcontextprotocol/sdk/types.js";
import { x402Client } from "@x402/core/client";
import { x402ResourceServer } from "@x402/core/server";
import type { FacilitatorClient, SettlePhase } from "@x402/core/server";
import type { PaymentFlowName, SchemeNetworkServer, SchemeServerHooks, SettleResponse } from "@x402/core/types";
import { describe, expect, test } from "vitest";

import { TabClientScheme } from "../../src/client/index.js";
import { PaidTools, payForTools, paymentRequiredOf, paymentResponseOf, toolRefusalOf } from "../../src/mcp/index.js";
import { TabdFacilitator, TabServerScheme } from "../../src/server/index.js";
import { API_KEY, FakeDaemon, NETWORK } from "../support/fake_daemon.js";
import { party } from "../support/parties.js";
import { ASSETS } from "../support/scenarios.js";
import { startToolServer } from "../support/tools.js";

interface Step {
  did: "verify" | "settle" | "handler" | "cancel";
  phase?: SettlePhase;
}

interface Shop {
  client: Client;
  steps: Step[];
}

/** A scheme "test" on "test:1" whose payments are all good, unless `settle` says otherwise. */
async function shop(
  flow: PaymentFlowName,
  handler: () => CallToolResult,
  more: { hooks?: SchemeServerHooks; settle?: (steps: Step[]) => Partial<SettleResponse>; refund?: boolean } = {},
): Promise<Shop> {
  const steps: Step[] = [];
  const facilitator: FacilitatorClient = {
    getSupported: () =>
      Promise.resolve({
        kinds: [{ x402Version: 2, scheme: "test", network: "test:1" }],
        extensions: [],
        signers: {},
      }),
    verify: () => {
      steps.push({ did: "verify" });
      return Promise.resolve({ isValid: true, payer: "somebody" });
    },
    settle: () => {
      const answer = { success: true, transaction: `0x${steps.length}`, network: "test:1" as const };
      return Promise.resolve({ ...answer, ...more.settle?.(steps) });
    },
  };
  const scheme: SchemeNetworkServer = {
    scheme: "test",
    defaultAssetTransferMethod: "default",
    paymentFlows: { default: { supported: [flow], default: flow } },
    parsePrice: () => Promise.resolve({ asset: "coin", amount: "5" }),
    enhancePaymentRequirements: (requirements) => Promise.resolve(requirements),
    ...(more.refund === true
      ? { settleOnCancel: ({ requirements }) => Promise.resolve({ ...requirements, amount: "0" } as never) }
      : {}),
    schemeHooks: {
      ...more.hooks,
      onBeforeSettle: ({ phase }) => {
        steps.push({ did: "settle", phase });
        return Promise.resolve();
      },
      onVerifiedPaymentCanceled: () => {
        steps.push({ did: "cancel" });
        return Promise.resolve();
      },
    },
  };
  const server = new McpServer({ name: "shop", version: "1.0.0" });
  const paid = new PaidTools(new x402ResourceServer(facilitator).register("test:1", scheme));
  const accepts = [{ scheme: "test", network: "test:1", payTo: "me", price: "$1" }] as const;
  paid.register(server, "buy", { accepts, resource: "https://shop.example/buy" }, () => {
    steps.push({ did: "handler" });
    return handler();
  });
  const payments = new x402Client()
    .register("test:1", {
      scheme: "test",
      createPaymentPayload: (x402Version) => Promise.resolve({ x402Version, payload: { good: true } }),
    })
    .setSpendControls(false);
  const client = payForTools(new Client({ name: "agent", version: "1.0.0" }), payments);
  const [ours, theirs] = InMemoryTransport.createLinkedPair();
  await server.connect(theirs);
  await client.connect(ours);
  return { client, steps };
}

const goods = (): CallToolResult => ({ content: [{ type: "text", text: "goods" }] });
const broken = (): CallToolResult => ({ content: [{ type: "text", text: "sold out" }], isError: true });
const thrown = (): CallToolResult => {
  throw new Error("the shop is on fire");
};
const nothing = (): CallToolResult => undefined as unknown as CallToolResult;
const settle = (phase: SettlePhase): Step => ({ did: "settle", phase });
const [verify, handler, cancel] = [{ did: "verify" }, { did: "handler" }, { did: "cancel" }] as const;

describe("payment flows of any scheme", () => {
  test.each<[PaymentFlowName, Step[]]>([
    ["authorization", [verify, handler, settle("after-handler")]],
    ["upfront", [settle("before-handler"), handler]],
    ["escrow", [settle("before-handler"), handler, settle("after-handler")]],
  ])("%s: a good call", async (flow, steps) => {
    const { client, steps: done } = await shop(flow, goods);
    const result = await client.callTool({ name: "buy" });
    expect(result.content).toEqual([{ type: "text", text: "goods" }]);
    expect(paymentResponseOf(result)).toMatchObject({ success: true, network: "test:1" });
    expect(done).toEqual(steps);
  });

  test.each([
    ["fails", broken, "sold out"],
    ["throws", thrown, "the shop is on fire"],
    ["gives nothing", nothing, "the tool buy gave no result"],
  ])("escrow: the deposit goes back when the tool %s, and the receipt says so", async (_name, tool, words) => {
    const { client, steps } = await shop("escrow", tool, { refund: true });
    const result = await client.callTool({ name: "buy" });
    expect(result).toMatchObject({ isError: true, content: [{ type: "text", text: words }] });
    expect(paymentResponseOf(result)).toMatchObject({ success: true });
    expect(steps).toEqual([settle("before-handler"), handler, cancel, settle("cancel")]);
  });

  test("upfront: a payment that cannot be settled does not reach the tool", async () => {
    const refused = { success: false, errorReason: "insufficient_funds", errorMessage: "The wallet is empty." };
    const { client, steps } = await shop("upfront", goods, { settle: () => refused });
    const result = await client.callTool({ name: "buy" });
    expect(toolRefusalOf(result)).toEqual({ reason: "insufficient_funds", message: "The wallet is empty." });
    expect(steps).toEqual([settle("before-handler")]);
  });

  test("authorization: what was made is not given away when the settlement fails", async () => {
    const refused = { success: false, errorReason: "insufficient_funds" };
    const { client } = await shop("authorization", goods, { settle: () => refused });
    const result = await client.callTool({ name: "buy" });
    expect(JSON.stringify(result)).not.toContain("goods");
    expect(paymentResponseOf(result)).toMatchObject({ success: false });
    expect(paymentRequiredOf(result)?.accepts).toHaveLength(1);
  });

  test("a scheme that does all there is to do answers in place of the tool", async () => {
    const skipped = { skipHandler: true, response: { body: { refunded: "5" } } } as const;
    const { client, steps } = await shop("authorization", goods, {
      hooks: { onAfterVerify: () => Promise.resolve(skipped) },
    });
    const result = await client.callTool({ name: "buy" });
    expect(result.structuredContent).toEqual({ refunded: "5" });
    expect(steps).toEqual([verify, settle("after-handler")]);
  });

  test("a hook of the resource server that aborts is a refusal with its reason", async () => {
    const abort = { abort: true, reason: "closed_today", message: "Come back tomorrow." } as const;
    const { client, steps } = await shop("authorization", goods, {
      hooks: { onBeforeVerify: () => Promise.resolve(abort) },
    });
    const refusal = toolRefusalOf(await client.callTool({ name: "buy" }));
    expect(refusal).toEqual({ reason: "closed_today", message: "Come back tomorrow." });
    expect(steps).toEqual([]);
  });

  test("a tool that accepts nothing is a mistake", () => {
    const paid = new PaidTools(new x402ResourceServer());
    expect(() => paid.wrap("free", { accepts: [] }, goods)).toThrow(/accepts no payment/);
  });
});

describe("without a daemon", () => {
  test("nothing is served, nothing is asked for; when it is there, all is well", async () => {
    const daemon = await new FakeDaemon().start();
    const [payer, payee] = [party("payer"), party("payee")];
    daemon.payers.add(payer.address);
    const facilitator = { url: daemon.url, apiKey: API_KEY, verifyTimeoutMs: 3_000 };
    const server = await startToolServer("memory", { network: NETWORK, payee: payee.address, facilitator });
    const payments = new x402Client().register(NETWORK, new TabClientScheme(payer.signer, { assets: ASSETS }));
    const client = payForTools(await server.connect(), payments);
    const buy = (): ReturnType<Client["callTool"]> =>
      client.callTool({ name: "forecast", arguments: { city: "Rome" } });
    await daemon.stop();
    for (const when of ["from the start", "later"]) {
      const result = await buy();
      expect(result.isError, when).toBe(true);
      expect(paymentRequiredOf(result), when).toBeUndefined();
      expect(JSON.stringify(result.content), when).toContain("Payments cannot be taken now");
      await daemon.start();
      expect(paymentResponseOf(await buy()), when).toMatchObject({ success: true });
      await daemon.stop();
    }
    expect(server.handled).toHaveLength(2);
    await daemon.start();
    await server.stop();
    expect(daemon.charged()).toBe(5000n);
    await daemon.stop();
  });

  test("initialize() says at the start what is wrong", async () => {
    const facilitator = new TabdFacilitator({ url: "http://127.0.0.1:9", verifyTimeoutMs: 200 });
    const server = new x402ResourceServer(facilitator).register(NETWORK, new TabServerScheme(facilitator));
    await expect(new PaidTools(server).initialize()).rejects.toThrow(/Failed to initialize/);
    await facilitator.close();
  });
});
