// The stage of the HTTP benchmark (bench/x402.cpp):  node stage.mjs
// A local chain with funded channels, the official facilitator, the official server, tabd and a server with our package,
// each a process of its own. Prints one line of JSON, the manifest, and takes all of it down when its input ends.
//
// The manifest is a list of targets: {name, kind, port, head, expect, watch, parties}. A party signs promises that differ in
// one number; its request is its `body` with @NUMBER@ and @SIGNATURE@ filled in, after `head`, or as @BASE64@ inside it.
// `expect` stands in every good answer. `watch`: processes whose CPU counts.

import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";

const here = (path) => fileURLToPath(new URL(path, import.meta.url));
const PACKAGES = ["../../tests/x402/node_modules/@x402/evm", "../../clients/js/dist/esm/server/index.js"];
const CHANNELS = 32;
const DEPOSIT = 1_000_000_000n;
const START_TIMEOUT_MS = 60_000;
const VALID_BEFORE = String(Math.floor(Date.now() / 1000) + 600);

function fail(problem) {
  console.error(`bench/x402: ${problem}; run tools/setup.sh bench`);
  process.exit(1);
}
for (const path of PACKAGES) if (!existsSync(here(path))) fail(`${here(path)} is missing`);

const { resourceHash } = await import("../../clients/js/dist/esm/index.js");
const { LEDGER_NETWORK, missingDaemon, startTabd } = await import("../../tests/x402/tabd.mjs");
const { CHAIN_ID, NETWORK, account, missing, startChain } = await import("../../tests/x402/chain.mjs");
const { PRICE, refusal } = await import("../../tests/x402/official.mjs");
const { COLLECTOR, ZERO_HASH, channelConfig, depositArguments } = await import("../../tests/x402/payloads.mjs");
const gap = missing() || missingDaemon();
if (gap) fail(gap);

const RECEIVER = account(3).address;
const AUTHORIZER = account(2).address;
const secret = (of) => `0x${Buffer.from(of.getHdKey().privateKey).toString("hex")}`;

const children = [];
async function startParty(role, options) {
  const child = spawn(process.execPath, [here("party.mjs"), role, JSON.stringify(options)], {
    stdio: ["pipe", "pipe", "inherit"],
    env: { ...process.env, NODE_ENV: "production" },
  });
  children.push(child);
  const url = await new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error(`${role} does not start`)), START_TIMEOUT_MS);
    child.on("exit", (code) => reject(new Error(`${role} ended with ${code}`)));
    createInterface({ input: child.stdout }).once("line", (line) => {
      clearTimeout(timer);
      resolve(JSON.parse(line).url);
    });
  });
  return { url, pid: child.pid };
}

// One channel for each payer. The deposits go out together.
async function openChannels(chain, payers, salt) {
  const relayer = account(4);
  const wallet = chain.wallet(relayer);
  let nonce = await chain.reader.getTransactionCount({ address: relayer.address });
  const send = async (call) => chain.mined(await wallet.writeContract({ ...call, gas: 600_000n, nonce: nonce++ }));
  const channels = payers.map((payer) => ({ payer, ...channelConfig(chain, { payer: payer.address, receiver: RECEIVER,
    receiverAuthorizer: AUTHORIZER, salt: `0x${salt.toString(16).padStart(64, "0")}` }) }));
  const mint = ({ payer }) => send({ address: chain.token, abi: chain.tokenAbi, functionName: "mint",
    args: [payer.address, DEPOSIT] });
  const deposit = async ({ payer, config, id }) => send({ address: chain.settlement, abi: chain.settlementAbi,
    functionName: "deposit", args: [config, DEPOSIT, COLLECTOR, await depositArguments(chain, payer, id, DEPOSIT)] });
  await Promise.all(channels.map(mint));
  await Promise.all(channels.map(deposit));
  return channels;
}

const port = (url) => Number(new URL(url).port);
const headOf = (method, path, url, headers) =>
  [`${method} ${path} HTTP/1.1`, `Host: ${new URL(url).host}`,
    ...Object.entries(headers).map(([name, value]) => `${name}: ${value}`), ""].join("\r\n");
const withBodies = (parties, bodyOf) => parties.map(({ payload, ...party }) => ({ ...party, body: bodyOf(payload) }));

// What the server's 402 asks for: the client's payload repeats it.
async function termsOf(server) {
  const { accepts, resource } = refusal(await fetch(`${server.url}/fixed`));
  return { accepted: accepts[0], resource };
}
const verifyTarget = (name, { url, headers = {} }, { accepted, resource }, kind, parties, watch) => ({
  name, kind, watch, port: port(url), expect: '"isValid":true',
  head: headOf("POST", "/verify", url, { "Content-Type": "application/json", ...headers }),
  parties: withBodies(parties, (payload) => JSON.stringify({ x402Version: 2,
    paymentPayload: { x402Version: 2, resource, accepted, payload }, paymentRequirements: accepted })),
});
const paidTarget = (name, { url }, { accepted, resource }, kind, parties, watch) => ({
  name, kind, watch, port: port(url), expect: "PAYMENT-RESPONSE: ",
  head: headOf("GET", "/fixed", url, { "PAYMENT-SIGNATURE": "@BASE64@" }),
  parties: withBodies(parties, (payload) => JSON.stringify({ x402Version: 2, resource, accepted, payload })),
});

const channelParty = (chain) => ({ config, id, payer }) => ({
  key: secret(payer), chainId: CHAIN_ID, contract: chain.settlement, channel: id,
  payload: { type: "voucher", channelConfig: config,
    voucher: { channelId: id, maxClaimableAmount: "@NUMBER@", signature: "@SIGNATURE@" } },
});
const tabSides = (payer, asset) => ({ payer: payer.address, payee: RECEIVER, asset });
const tabVoucherParty = (asset) => (payer) => {
  const voucher = { ...tabSides(payer, asset), salt: ZERO_HASH, validBefore: VALID_BEFORE };
  return { key: secret(payer), network: LEDGER_NETWORK, fields: voucher,
    payload: { type: "voucher", voucher: { ...voucher, maximum: "@NUMBER@" }, index: "0", signature: "@SIGNATURE@" } };
};
const commitmentParty = (asset, url) => (payer) => {
  const commitment = { ...tabSides(payer, asset), maximum: String(PRICE), resource: resourceHash(url), validAfter: "0",
    validBefore: VALID_BEFORE };
  return { key: secret(payer), network: LEDGER_NETWORK, fields: commitment,
    payload: { type: "commitment", commitment: { ...commitment, nonce: "@NUMBER@" }, signature: "@SIGNATURE@" } };
};

const ledger = `
[log]
level = "warning"
[rails.sandbox]
enabled = true
[[plan]]
label = "bench"
asset = "USDC"
credit_limit = "100000000"
rails = ["sandbox"]
window = "day"
`;

const payers = Array.from({ length: CHANNELS }, (_, i) => account(20 + i));
const chain = await startChain();
let tabd;
async function takeDown() {
  for (const child of children) child.stdin.end();
  await tabd?.close();
  await chain.close();
}
process.once("SIGTERM", () => takeDown().finally(() => process.exit(1)));
try {
  const official = await openChannels(chain, payers, 1);
  const kept = await openChannels(chain, payers, 2);
  tabd = await startTabd(chain, { sender: account(5), authorizer: account(2), payees: [RECEIVER], more: ledger });
  tabd.operator(["payee", "add", RECEIVER, "--label", "payee", "--rail", "sandbox"]);
  payers.forEach(({ address }, i) => tabd.operator(["payer", "add", address, "--label", `p${i}`, "--plan", "bench"]));

  const asset = `${NETWORK}/erc20:${chain.token.toLowerCase()}`;
  const common = { chain: { url: chain.url, token: chain.token }, receiver: RECEIVER };
  const facilitator = await startParty("facilitator", common);
  const channels = await startParty("channels", { ...common, facilitator: facilitator.url });
  const apiKey = tabd.headers.authorization.slice("Bearer ".length);
  const tab = await startParty("tab", { ...common, facilitator: tabd.url, apiKey, network: LEDGER_NETWORK, asset });

  const keeper = await startParty("kept", { ...common, facilitator: tabd.url, apiKey });

  const channelTerms = await termsOf(channels);
  const keptTerms = await termsOf(keeper);
  const tabTerms = await termsOf(tab);
  const officialParties = official.map(channelParty(chain));
  const targets = [
    verifyTarget("official_verify", facilitator, channelTerms, "channel", officialParties,
      { facilitator: facilitator.pid, chain: chain.pid }),
    verifyTarget("channel_verify", tabd, channelTerms, "channel", officialParties, { tabd: tabd.pid, chain: chain.pid }),
    verifyTarget("tab_verify", tabd, tabTerms, "tab_voucher", payers.map(tabVoucherParty(asset)), { tabd: tabd.pid }),
    paidTarget("official_paid", channels, channelTerms, "channel", officialParties,
      { server: channels.pid, facilitator: facilitator.pid }),
    paidTarget("channel_paid", keeper, keptTerms, "channel", kept.map(channelParty(chain)),
      { server: keeper.pid, tabd: tabd.pid }),
    paidTarget("tab_paid", tab, tabTerms, "commitment", payers.map(commitmentParty(asset, tabTerms.resource.url)),
      { server: tab.pid, tabd: tabd.pid }),
  ];
  console.log(JSON.stringify(targets));
  await new Promise((resolve) => process.stdin.on("end", resolve).resume());
} finally {
  await takeDown();
}
