// A local chain as x402 software expects one: the test token, the settlement contract and its deposit collector at the
// addresses that the official packages have built in, and a batch reader at Multicall3's. All code is our own
// (tests/chain/contracts).

import { spawn } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { createPublicClient, createTestClient, createWalletClient, defineChain, http, publicActions } from "viem";
import { mnemonicToAccount } from "viem/accounts";
import { BATCH_SETTLEMENT_ADDRESS, ERC3009_DEPOSIT_COLLECTOR_ADDRESS } from "@x402/evm";

const folder = join(dirname(fileURLToPath(import.meta.url)), "..", "chain");
const MULTICALL3_ADDRESS = "0xcA11bde05977b3631167028862bE2a173976CA11";
const START_TIMEOUT_MS = 30_000;

export const TOKEN_NAME = "USDC";
export const TOKEN_VERSION = "2";
export const CHAIN_ID = 31337;
export const NETWORK = `eip155:${CHAIN_ID}`;

// The publicly known accounts of anvil; each owns test ether and nothing else.
export const account = (addressIndex) =>
  mnemonicToAccount("test test test test test test test test test test test junk", { addressIndex });

export const anvilPath = () =>
  process.env.TABD_ANVIL ?? join(folder, "node_modules", "@foundry-rs", "anvil-linux-amd64", "bin", "anvil");
const artifactPath = (name) => join(folder, "build", `${name}.json`);
export const artifact = (name) => JSON.parse(readFileSync(artifactPath(name), "utf8"));

// What is absent, and how to get it; empty if the chain can be started.
export function missing() {
  if (!existsSync(anvilPath())) return "anvil is missing: cd tests/chain && npm ci";
  for (const name of ["TestUSDC", "BatchSettlement", "ERC3009Collector", "ReadBatcher"]) {
    if (!existsSync(artifactPath(name))) return `build/${name}.json is missing: cd tests/chain && npm run build`;
  }
  return "";
}

// A free port is chosen by the node; it tells which on its output.
function startAnvil() {
  const child = spawn(anvilPath(), ["--port", "0", "--chain-id", String(CHAIN_ID), "--slots-in-an-epoch", "1"], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => {
      child.kill("SIGKILL");
      reject(new Error("anvil does not listen"));
    }, START_TIMEOUT_MS);
    let output = "";
    child.on("error", reject);
    child.on("exit", (code) => reject(new Error(`anvil ended at once (${code}): ${output}`)));
    child.stdout.on("data", (text) => {
      output = (output + text).slice(-10_000);
      const listening = /Listening on (127\.0\.0\.1:\d+)/.exec(output);
      if (!listening) return;
      clearTimeout(timer);
      resolve({ child, url: `http://${listening[1]}` });
    });
  });
}

const clientsOf = (url) => {
  const chain = defineChain({
    id: CHAIN_ID,
    name: "local",
    nativeCurrency: { name: "Ether", symbol: "ETH", decimals: 18 },
    rpcUrls: { default: { http: [url] } },
  });
  const transport = http(url);
  return {
    reader: createPublicClient({ chain, transport, pollingInterval: 20 }),
    node: createTestClient({ mode: "anvil", chain, transport }),
    wallet: (signer) =>
      createWalletClient({ account: signer, chain, transport, pollingInterval: 20 }).extend(publicActions),
  };
};

// A chain that another process started: what startChain() gives but close().
export function connectChain({ url, token }) {
  const { reader, node, wallet } = clientsOf(url);
  const mined = async (hash) => {
    const receipt = await reader.waitForTransactionReceipt({ hash });
    if (receipt.status !== "success") throw new Error(`${hash} reverted`);
    return receipt;
  };
  const tokenAbi = artifact("TestUSDC").abi;
  const settlementAbi = artifact("BatchSettlement").abi;
  const deployer = wallet(account(9));
  const read = (functionName, args) =>
    reader.readContract({ address: BATCH_SETTLEMENT_ADDRESS, abi: settlementAbi, functionName, args });
  return {
    url,
    token,
    tokenAbi,
    settlement: BATCH_SETTLEMENT_ADDRESS,
    settlementAbi,
    reader,
    node,
    wallet,
    mined,
    read,
    mint: async (to, value) =>
      mined(await deployer.writeContract({ address: token, abi: tokenAbi, functionName: "mint", args: [to, value] })),
    balance: (owner) => reader.readContract({ address: token, abi: tokenAbi, functionName: "balanceOf", args: [owner] }),
    channel: async (id) => {
      const [balance, totalClaimed] = await read("channels", [id]);
      return { balance, totalClaimed, refundNonce: await read("refundNonce", [id]) };
    },
    // All events of the settlement contract since `fromBlock`, oldest first.
    events: (fromBlock) =>
      reader.getContractEvents({ address: BATCH_SETTLEMENT_ADDRESS, abi: settlementAbi, fromBlock, toBlock: "latest" }),
  };
}

export async function startChain() {
  const anvil = await startAnvil();
  const { reader, node, wallet } = clientsOf(anvil.url);
  const deployer = wallet(account(9));
  const deploy = async (name, args = []) => {
    const { abi, bytecode } = artifact(name);
    const hash = await deployer.deployContract({ abi, bytecode, args });
    const { status, contractAddress } = await reader.waitForTransactionReceipt({ hash });
    if (status !== "success") throw new Error(`${hash} reverted`);
    return contractAddress;
  };
  // Deployed by the constructor first, so that what it binds is in the code that moves.
  const place = async (address, name, args = []) => {
    await node.setCode({ address, bytecode: await reader.getCode({ address: await deploy(name, args) }) });
  };

  const token = await deploy("TestUSDC", [TOKEN_NAME, TOKEN_VERSION]);
  await place(BATCH_SETTLEMENT_ADDRESS, "BatchSettlement");
  await place(ERC3009_DEPOSIT_COLLECTOR_ADDRESS, "ERC3009Collector", [BATCH_SETTLEMENT_ADDRESS]);
  await place(MULTICALL3_ADDRESS, "ReadBatcher");
  return {
    ...connectChain({ url: anvil.url, token }),
    pid: anvil.child.pid,
    close: () =>
      new Promise((resolve) => {
        anvil.child.removeAllListeners("exit");
        anvil.child.on("exit", resolve);
        anvil.child.kill("SIGTERM");
      }),
  };
}
