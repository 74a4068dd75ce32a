// The unmodified official client, the official servers with TabdChannelScheme, the real daemon, and a real local chain.
import { afterAll, beforeAll, describe, expect, test } from "vitest";

import { refusalOf } from "../../src/client/index.js";
import { TabdFacilitator } from "../../src/server/index.js";
import type { TabdFacilitatorOptions } from "../../src/server/index.js";
import { loadChain, whyNoChain } from "../support/chain.js";
import type { Chain } from "../support/chain.js";
import { channelClient, describeChannels, PRICE } from "../support/channel_scenarios.js";
import type { ChannelClient, ChannelWorld } from "../support/channel_scenarios.js";
import { Daemon, whyNoDaemon } from "../support/daemon.js";
import { LossyProxy } from "../support/lossy_proxy.js";
import { receiptOf } from "../support/scenarios.js";
import { startPaidServer } from "../support/servers.js";
import type { PaidServer } from "../support/servers.js";

const missing = whyNoDaemon() ?? (await whyNoChain());

describe.skipIf(missing !== undefined)("tabd keeps channels", () => {
  describeChannels("on a real chain", async () => {
    const chain = await (await loadChain()).startChain();
    return (await Daemon.make("50", chain)).channelWorld();
  });
});

describe.skipIf(missing !== undefined)("channels and a daemon that is killed", () => {
  let chain: Chain;
  let daemon: Daemon;
  let world: ChannelWorld;
  let server: PaidServer;

  const start = (options: Partial<TabdFacilitatorOptions>): Promise<PaidServer> => {
    const { network, payee, token } = world;
    return startPaidServer("express", { network, payee, token, facilitator: { ...world.facilitator, ...options } });
  };
  beforeAll(async () => {
    chain = await (await loadChain()).startChain();
    daemon = await Daemon.make("50", chain);
    world = await daemon.channelWorld();
    server = await start({ verifyTimeoutMs: 60_000 });
  });
  afterAll(async () => {
    await server.stop();
    await world.stop();
  });

  async function opened(): Promise<ChannelClient> {
    const client = channelClient(world.network, await world.payer());
    const response = await client.fetch(`${server.url}/weather`);
    expect(response.status, JSON.stringify(refusalOf(response))).toBe(200);
    return client;
  }

  test("between reserve and capture: the charge arrives after the restart, once, and the client goes on", async () => {
    const client = await opened();
    const before = await world.charged();
    const slow = client.fetch(`${server.url}/slow`);
    await expect.poll(() => server.slow.length, { timeout: 60_000 }).toBe(1);
    await daemon.end("SIGKILL");
    server.slow.pop()?.();
    const response = await slow; // the charge is queued: the payer gets what it paid for
    expect(response.status).toBe(200);
    expect(server.facilitator.stats.queued).toBe(1);
    await daemon.start();
    expect((await client.fetch(`${server.url}/weather`)).status).toBe(200);
    await server.facilitator.flush();
    expect(await world.charged()).toBe(before + 2n * PRICE);
    expect(server.facilitator.stats.lost).toBe(0);
  });

  test("after a handler failed: the reservation is given back, before the crash or after the restart", async () => {
    const client = await opened();
    const before = await world.charged();
    await client.fetch(`${server.url}/fails`);
    await daemon.end("SIGKILL");
    await daemon.start();
    await server.facilitator.flush();
    expect(await world.reserved()).toBe(0);
    expect(await world.charged()).toBe(before);
  });

  test("lost answers: each request is reserved and charged once", async () => {
    const proxy = await new LossyProxy(daemon.url).start();
    const lossy = await start({ url: proxy.url, verifyTimeoutMs: 60_000 });
    const client = await opened();
    const before = await world.charged();
    for (let paid = 0; paid < 4; ++paid) {
      proxy.loseAnswers = 1; // of the reserve, which brings the charge before it
      const response = await client.fetch(`${lossy.url}/weather`);
      expect(response.status, JSON.stringify(refusalOf(response))).toBe(200);
    }
    proxy.loseAnswers = 1; // of the last charge
    await lossy.facilitator.flush();
    expect(await world.charged()).toBe(before + 4n * PRICE);
    expect(await world.reserved()).toBe(0);
    expect(proxy.lost).toBe(5);
    await lossy.stop();
    await proxy.stop();
  });

  test("a deposit whose answer was lost is sent once", async () => {
    const proxy = await new LossyProxy(daemon.url).start();
    const lossy = await start({ url: proxy.url, verifyTimeoutMs: 60_000, settleTimeoutMs: 60_000 });
    const signer = await world.payer();
    const client = channelClient(world.network, signer);
    proxy.loseAnswers = 2; // of the reserve, and of the capture
    const response = await client.fetch(`${lossy.url}/weather`);
    expect(response.status, JSON.stringify(refusalOf(response))).toBe(200);
    expect(proxy.lost).toBe(2);
    const { channelId } = receiptOf(response).extra?.["channelState"] as { channelId: string };
    expect(await chain.channel(channelId)).toEqual({ balance: 25_000n, totalClaimed: 0n, refundNonce: 0n });
    expect(await chain.balance(signer.address)).toBe(10_000_000n - 25_000n);
    await lossy.stop();
    await proxy.stop();
  });

  test("two server processes serve one client, one request each in turn", async () => {
    const other = await start({});
    const client = await opened();
    const before = await world.charged();
    for (let paid = 0; paid < 6; ++paid) {
      const response = await client.fetch(`${paid % 2 === 0 ? other.url : server.url}/weather`);
      expect(response.status, JSON.stringify(refusalOf(response))).toBe(200);
    }
    await Promise.all([server.facilitator.flush(), other.facilitator.flush()]);
    expect(await world.charged()).toBe(before + 6n * PRICE);
    await other.stop();
  });

  test("an unknown API key is refused at once", async () => {
    const stranger = new TabdFacilitator({ url: daemon.url, apiKey: "tabd_no_such_key" });
    const client = await opened();
    const payment = structuredClone(client.payments.at(-1));
    expect(payment).toBeDefined();
    if (payment === undefined) return;
    stranger.keep(payment);
    await expect(stranger.verify(payment, payment.accepted)).rejects.toThrow(/tabd/);
    await stranger.close(0);
  });
});

describe.skipIf(missing !== undefined)("what was charged on channels", () => {
  let chain: Chain;
  let daemon: Daemon;
  let world: ChannelWorld;

  beforeAll(async () => {
    chain = await (await loadChain()).startChain();
    daemon = await Daemon.make("50", chain, "1s");
    world = await daemon.channelWorld();
  });
  afterAll(async () => {
    await world.stop();
  });

  test("is what the daemon claims on the contract, channel by channel, and what the payee is paid", async () => {
    const { network, payee, token } = world;
    const server = await startPaidServer("hono", { network, payee, token, facilitator: world.facilitator });
    const clients: ChannelClient[] = [];
    for (let count = 0; count < 3; ++count) clients.push(channelClient(network, await world.payer()));
    const receipts = new Map<string, bigint>();
    for (const path of ["weather", "metered?use=1234", "fails", "metered?use=0", "weather"]) {
      for (const client of clients) {
        const response = await client.fetch(`${server.url}/${path}`);
        if (path === "fails") continue;
        const { chargedAmount, channelState } = receiptOf(response).extra as {
          chargedAmount: string;
          channelState: { channelId: string };
        };
        const id = channelState.channelId;
        receipts.set(id, (receipts.get(id) ?? 0n) + BigInt(chargedAmount));
      }
    }
    await server.stop();
    const charged = 2n * PRICE + 1234n;
    expect([...receipts.values()]).toEqual([charged, charged, charged]);

    const bound = { timeout: 60_000, interval: 100 };
    await expect.poll(() => chain.balance(payee), bound).toBe(3n * charged); // claimed, then settled
    for (const id of receipts.keys()) {
      expect(await chain.channel(id)).toMatchObject({ totalClaimed: charged });
    }
    await expect
      .poll(async () => (await daemon.channels()).map((one) => [one.charged, one.claimed]), bound)
      .toEqual([...receipts.keys()].map(() => [`${charged}`, `${charged}`]));
    const claimed = new Map<string, bigint>();
    for (const { eventName, args } of await chain.events(0n)) {
      const { channelId, claimAmount } = args as { channelId: string; claimAmount: bigint };
      if (eventName === "Claimed") claimed.set(channelId, (claimed.get(channelId) ?? 0n) + claimAmount);
    }
    expect(claimed).toEqual(receipts);
    expect(await chain.read("receivers", [payee, chain.token])).toEqual([3n * charged, 3n * charged]);
  });
});
