// One party of the benchmark, as a process of its own:  node party.mjs ROLE OPTIONS
// Prints {"url"} once it listens, and ends when its input does. OPTIONS is JSON: chain {url, token}, receiver,
// facilitator (a URL), apiKey, network, asset.

import { account, connectChain } from "../../tests/x402/chain.mjs";
import { PRICE, officialChannels, startFacilitator, startFixedPrice } from "../../tests/x402/official.mjs";

const [role, json] = process.argv.slice(2);
const options = JSON.parse(json);
const chain = connectChain(options.chain);

// The same Express stack with our package, on a tab.
async function tabServer() {
  const { TabServerScheme, TabdFacilitator } = await import("../../clients/js/dist/esm/server/index.js");
  const { apiKey, asset, facilitator: url, network, receiver } = options;
  const facilitator = new TabdFacilitator({ url, apiKey });
  const price = { asset, amount: String(PRICE) };
  return startFixedPrice({
    facilitator,
    network,
    scheme: new TabServerScheme(facilitator),
    accepts: { scheme: "batch-settlement", network, payTo: receiver, price, maxTimeoutSeconds: 300 },
  });
}

// The same, through channels that tabd keeps: the official scheme says the prices, ours does the rest.
async function keptChannels() {
  const { TabdChannelScheme, TabdFacilitator } = await import("../../clients/js/dist/esm/server/index.js");
  const { apiKey, facilitator: url, receiver } = options;
  const facilitator = new TabdFacilitator({ url, apiKey });
  const official = officialChannels(chain, url, receiver);
  return startFixedPrice({ ...official, facilitator, scheme: new TabdChannelScheme(facilitator, official.scheme) });
}

const start = {
  facilitator: () => startFacilitator(chain, { sender: account(1), authorizer: account(2) }),
  channels: () => startFixedPrice(officialChannels(chain, options.facilitator, options.receiver)),
  kept: keptChannels,
  tab: tabServer,
};
const { url } = await start[role]();
console.log(JSON.stringify({ url }));
process.stdin.on("end", () => process.exit(0)).resume();
