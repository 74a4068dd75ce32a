import type { PaymentPayload, PaymentRequired } from "@x402/core/types";
import { x402Client } from "@x402/fetch";
import { afterEach, beforeEach, describe, expect, test } from "vitest";

import { TabClientScheme } from "../../src/client/index.js";
import { TabdFacilitator } from "../../src/server/index.js";
import type { TabdFacilitatorOptions } from "../../src/server/index.js";
import { Daemon, whyNoDaemon } from "../support/daemon.js";
import { ASSETS, receiptOf } from "../support/scenarios.js";
import { startPaidServer } from "../support/servers.js";

const missing = whyNoDaemon();
const URL_ = "https://api.example/weather";

describe.skipIf(missing !== undefined)("a daemon that is killed", () => {
  let daemon: Daemon;
  let facilitators: TabdFacilitator[];

  beforeEach(async () => {
    daemon = await Daemon.make();
    facilitators = [];
  });
  afterEach(async () => {
    await Promise.all(facilitators.map((facilitator) => facilitator.close(0)));
    await daemon.stop();
  });

  function make(options: Partial<TabdFacilitatorOptions> = {}): TabdFacilitator {
    const facilitator = new TabdFacilitator({ url: daemon.url, apiKey: daemon.apiKey, ...options });
    facilitators.push(facilitator);
    return facilitator;
  }

  async function payment(): Promise<PaymentPayload> {
    const scheme = new TabClientScheme(daemon.payer.signer, { assets: ASSETS });
    const required: PaymentRequired = {
      x402Version: 2,
      resource: { url: URL_ },
      accepts: [
        {
          scheme: "batch-settlement",
          network: daemon.network,
          amount: "2500",
          asset: "USD",
          payTo: daemon.payee.address,
          maxTimeoutSeconds: 300,
          extra: { binding: "tab", version: "1" },
        },
      ],
    };
    return new x402Client().register(daemon.network, scheme).createPaymentPayload(required);
  }

  test.each(["after", "before"])(
    "between verify and flush: a charge sent %s its return arrives, once",
    async (when) => {
      const facilitator = make({ flushMs: 60_000 });
      const paid = await payment();
      expect(await facilitator.verify(paid, paid.accepted)).toMatchObject({ isValid: true });
      expect(await facilitator.settle(paid, paid.accepted)).toMatchObject({ success: true, extra: { queued: true } });
      await daemon.end("SIGKILL");
      const early = when === "before" ? facilitator.flush() : undefined; // tried in vain until the daemon is back
      await daemon.start();
      if (early === undefined) expect(await daemon.figures()).toEqual({ charged: 0n, held: 2500n }); // kept by the hold
      await (early ?? facilitator.flush());
      expect(await daemon.figures()).toEqual({ charged: 2500n, held: 0n });
      expect(facilitator.stats).toMatchObject({ settled: 1, lost: 0, queued: 0 });
    },
  );

  test("in the middle of traffic: what was served is charged, each once", async () => {
    const { network, payee } = daemon;
    const options = { network, payee: payee.address, facilitator: { url: daemon.url, apiKey: daemon.apiKey } };
    const server = await startPaidServer("express", options);
    const payments = await Promise.all(Array.from({ length: 60 }, () => signedFor(server.url)));
    const responses = payments.map((header) => fetch(`${server.url}/weather`, { headers: header }));
    await Promise.race(responses);
    await daemon.end("SIGKILL");
    await daemon.start();
    const served = (await Promise.all(responses)).filter(({ status }) => status === 200);
    await server.facilitator.flush();
    const { charged } = await daemon.figures();
    expect(charged).toBe(2500n * BigInt(served.length));
    expect(new Set(served.map((response) => receiptOf(response).extra?.["commitmentId"])).size).toBe(served.length);
    await server.stop();
  });

  async function signedFor(url: string): Promise<Record<string, string>> {
    const unpaid = await fetch(`${url}/weather`);
    const header = Buffer.from(unpaid.headers.get("PAYMENT-REQUIRED") ?? "", "base64").toString();
    const scheme = new TabClientScheme(daemon.payer.signer, { assets: ASSETS });
    const client = new x402Client().register(daemon.network, scheme);
    const payload = await client.createPaymentPayload(JSON.parse(header) as PaymentRequired);
    return { "PAYMENT-SIGNATURE": Buffer.from(JSON.stringify(payload)).toString("base64") };
  }

  test("an awaited settle whose answer is lost succeeds on the second try", async () => {
    const facilitator = make({ settle: "await" });
    const paid = await payment();
    await facilitator.verify(paid, paid.accepted);
    await daemon.end("SIGKILL");
    const settled = facilitator.settle(paid, paid.accepted);
    await daemon.start();
    expect(await settled).toMatchObject({ success: true, amount: "2500" });
    expect(await daemon.figures()).toEqual({ charged: 2500n, held: 0n });
  });
});
