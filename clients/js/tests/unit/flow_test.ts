// Both kinds of paid servers, on a daemon in memory.
import { API_KEY, FakeDaemon, NETWORK } from "../support/fake_daemon.js";
import { party } from "../support/parties.js";
import { describeWorld } from "../support/scenarios.js";
import type { World } from "../support/scenarios.js";
import { describeTools } from "../support/tool_scenarios.js";

async function makeWorld(): Promise<World> {
  const daemon = await new FakeDaemon().start();
  const [payer, agent, payee] = [party("payer"), party("agent"), party("payee")];
  daemon.payers.add(payer.address);
  daemon.creditLimit = 50_000_000n;
  return {
    network: NETWORK,
    payer,
    agent,
    payee,
    facilitator: { url: daemon.url, apiKey: API_KEY },
    charged: () => Promise.resolve(daemon.charged()),
    held: () => Promise.resolve(BigInt(daemon.openHolds())),
    allowAgent: () => {
      daemon.agents.set(agent.address, payer.address);
      return Promise.resolve();
    },
    revokeAgent: () => {
      daemon.agents.delete(agent.address);
      return Promise.resolve();
    },
    stop: () => daemon.stop(),
  };
}

describeWorld("a daemon in memory", makeWorld);
describeTools("a daemon in memory", "memory", makeWorld);
