import { privateKeyToAccount } from "viem/accounts";

import { describeChannels } from "../support/channel_scenarios.js";
import { CHANNEL_NETWORK } from "../support/fake_channels.js";
import { API_KEY, FakeDaemon } from "../support/fake_daemon.js";
import { party } from "../support/parties.js";

let payers = 0;

describeChannels("a daemon in memory", async () => {
  const daemon = await new FakeDaemon().start();
  const { channels } = daemon;
  return {
    network: CHANNEL_NETWORK,
    token: { asset: "0x5FbDB2315678afecb367f032d93F642f64180aa3", name: "USDC", version: "2" },
    payee: party("payee").address,
    facilitator: { url: daemon.url, apiKey: API_KEY },
    payer: () => {
      const account = privateKeyToAccount(party(`channel payer ${++payers}`).key);
      const readContract = ({ args }: { args?: readonly unknown[] }): Promise<unknown> => {
        const { balance, totalClaimed } = channels.channel(String(args?.[0]));
        return Promise.resolve([balance, totalClaimed]);
      };
      return Promise.resolve({
        address: account.address,
        signTypedData: (data) => account.signTypedData(data as never),
        readContract,
      });
    },
    charged: () => Promise.resolve(channels.charged()),
    reserved: () => Promise.resolve(channels.reserved()),
    channel: (id) => {
      const { balance, totalClaimed, refundNonce } = channels.channel(id);
      return Promise.resolve({ balance, totalClaimed, refundNonce });
    },
    stop: () => daemon.stop(),
  };
});
