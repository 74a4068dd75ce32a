// The local chain of tests/x402: anvil, with the token and the settlement contract where the official packages expect them.
import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";

import type { Address, Hex } from "../../src/index.js";
import type { ChannelSigner } from "./channel_scenarios.js";

const module = fileURLToPath(new URL("../../../../tests/x402/chain.mjs", import.meta.url));
const packages = fileURLToPath(new URL("../../../../tests/x402/node_modules/@x402/evm", import.meta.url));

export interface ChainEvent {
  eventName: string;
  args: Record<string, unknown>;
}

/** What is used of what tests/x402/chain.mjs gives. */
export interface Chain {
  url: string;
  token: Address;
  settlement: Address;
  mint(to: Address, value: bigint): Promise<unknown>;
  balance(owner: Address): Promise<bigint>;
  channel(id: string): Promise<{ balance: bigint; totalClaimed: bigint; refundNonce: bigint }>;
  read(functionName: string, args: unknown[]): Promise<unknown>;
  events(fromBlock: bigint): Promise<ChainEvent[]>;
  reader: { readContract(args: Parameters<NonNullable<ChannelSigner["readContract"]>>[0]): Promise<unknown> };
  close(): Promise<void>;
}

interface Account {
  address: Address;
  signTypedData(data: unknown): Promise<Hex>;
  getHdKey(): { privateKey: Uint8Array };
}

interface ChainModule {
  CHAIN_ID: number;
  NETWORK: `${string}:${string}`;
  TOKEN_NAME: string;
  TOKEN_VERSION: string;
  account: (addressIndex: number) => Account;
  missing: () => string;
  startChain: () => Promise<Chain>;
}

export async function loadChain(): Promise<ChainModule> {
  return (await import(module)) as ChainModule;
}

/** Undefined if there is a chain to test with; otherwise what is missing. Missing is a failure where CI=true. */
export async function whyNoChain(): Promise<string | undefined> {
  const gap = existsSync(packages) ? (await loadChain()).missing() : "the npm packages of tests/x402 are missing";
  if (gap === "") return undefined;
  const text = `${gap}; run tools/setup.sh full`;
  if (process.env["CI"] === "true") throw new Error(text);
  console.warn(`SKIPPED: ${text}`);
  return text;
}

/** An account of the chain as the official client takes it. */
export function signerOf(account: Account, chain: Chain): ChannelSigner {
  return {
    address: account.address,
    signTypedData: (data) => account.signTypedData(data),
    readContract: (args) => chain.reader.readContract(args),
  };
}

export function secretOf(account: Account): Hex {
  return `0x${Buffer.from(account.getHdKey().privateKey).toString("hex")}`;
}
