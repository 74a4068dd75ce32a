// A local chain (anvil) with a test token, and x402's settlement contract for payment channels. Everything that needs its
// owner's key is signed here.
import { BATCH_SETTLEMENT_ADDRESS, ERC3009_DEPOSIT_COLLECTOR_ADDRESS } from "@x402/evm";
import { existsSync, readFileSync } from "node:fs";
import {
  createPublicClient,
  createTestClient,
  createWalletClient,
  defineChain,
  http,
  parseEther,
  parseUnits,
} from "viem";
import { generatePrivateKey, mnemonicToAccount, privateKeyToAccount } from "viem/accounts";

import { Program } from "./processes.mjs";
import { CHAIN_ID, CHAIN_NETWORK, root, TOKEN, WALLET_USDC } from "./settings.mjs";

const MULTICALL3_ADDRESS = "0xcA11bde05977b3631167028862bE2a173976CA11";
/** Where the official packages, and tabd, look for x402's contracts and for a batch reader, on any chain. */
const PLACES = [
  [BATCH_SETTLEMENT_ADDRESS, "BatchSettlement", []],
  [ERC3009_DEPOSIT_COLLECTOR_ADDRESS, "ERC3009Collector", [BATCH_SETTLEMENT_ADDRESS]],
  [MULTICALL3_ADDRESS, "ReadBatcher", []],
];

const anvil = process.env.TABD_ANVIL ?? `${root}tests/chain/node_modules/@foundry-rs/anvil-linux-amd64/bin/anvil`;
const artifact = (name) => `${root}tests/chain/build/${name}.json`;
const compiled = (name) => JSON.parse(readFileSync(artifact(name), "utf8"));

/** The publicly known accounts of anvil: test ether, and no secrets. */
export const account = (addressIndex) =>
  mnemonicToAccount("test test test test test test test test test test test junk", { addressIndex });
const deployer = account(9);

/** In the token's smallest units. */
export const units = (decimal) => parseUnits(decimal, TOKEN.decimals);

export class Chain {
  #reader;
  #node;
  #transport;
  #chain;
  #tokenAbi;
  /** Transactions of the deployer, one after the other: its nonces are counted by the node. */
  #line = Promise.resolve();
  program;
  url;
  token;
  /** Of payment channels: who holds the escrow, and who moves deposits into it. */
  settlement = BATCH_SETTLEMENT_ADDRESS.toLowerCase();
  collector = ERC3009_DEPOSIT_COLLECTOR_ADDRESS.toLowerCase();

  static missing() {
    for (const file of [anvil, artifact("TestUSDC"), ...PLACES.map(([, name]) => artifact(name))]) {
      if (!existsSync(file)) return `${file} is missing: run tools/setup.sh playground`;
    }
    return undefined;
  }

  static async start(folder, port) {
    const chain = new Chain();
    const words = [
      "--host",
      "127.0.0.1",
      "--port",
      String(port),
      "--chain-id",
      String(CHAIN_ID),
      "--slots-in-an-epoch",
      "1",
    ];
    chain.program = new Program("anvil", anvil, words, `${folder}/anvil.log`);
    try {
      const address = await chain.program.says((text) => /Listening on (127\.0\.0\.1:\d+)/.exec(text)?.[1]);
      await chain.#open(`http://${address}`);
    } catch (error) {
      await chain.program.stop();
      throw error;
    }
    return chain;
  }

  async #open(url) {
    this.url = url;
    this.#chain = defineChain({
      id: CHAIN_ID,
      name: "playground",
      nativeCurrency: { name: "Ether", symbol: "ETH", decimals: 18 },
      rpcUrls: { default: { http: [url] } },
    });
    this.#transport = http(url);
    this.#reader = createPublicClient({ chain: this.#chain, transport: this.#transport, pollingInterval: 50 });
    this.#node = createTestClient({ mode: "anvil", chain: this.#chain, transport: this.#transport });
    this.token = (await this.#deploy("TestUSDC", [TOKEN.name, TOKEN.version])).toLowerCase();
    this.#tokenAbi = compiled("TestUSDC").abi;
    for (const place of PLACES) await this.#place(...place);
    // From here on a block every second, as on a real chain, so that confirmations take their time.
    await this.#node.setIntervalMining({ interval: 1 });
  }

  async #deploy(name, args) {
    const { abi, bytecode } = compiled(name);
    const { contractAddress } = await this.#mined(await this.#wallet(deployer).deployContract({ abi, bytecode, args }));
    return contractAddress;
  }

  /** Deployed by the constructor first, so that what it binds is in the code that moves. */
  async #place(address, name, args) {
    const bytecode = await this.#reader.getCode({ address: await this.#deploy(name, args) });
    await this.#node.setCode({ address, bytecode });
  }

  #wallet(owner) {
    return createWalletClient({ account: owner, chain: this.#chain, transport: this.#transport });
  }

  async #mined(hash) {
    const receipt = await this.#reader.waitForTransactionReceipt({ hash, timeout: 30_000 });
    if (receipt.status !== "success") throw new Error(`the transaction ${hash} was reverted`);
    return receipt;
  }

  #write(owner, functionName, args) {
    return this.#wallet(owner).writeContract({ address: this.token, abi: this.#tokenAbi, functionName, args });
  }

  async mint(to, decimal) {
    const sent = this.#line.then(() => this.#write(deployer, "mint", [to, units(decimal)]));
    this.#line = sent.catch(() => undefined);
    await this.#mined(await sent);
  }

  /** A new wallet with money, gas, and a permission for `spender` to collect. */
  async newWallet(spender) {
    const key = generatePrivateKey();
    const owner = privateKeyToAccount(key);
    await this.#node.setBalance({ address: owner.address, value: parseEther("1") });
    const approved = this.#write(owner, "approve", [spender, units("1000000")]).then((hash) => this.#mined(hash));
    await Promise.all([this.mint(owner.address, WALLET_USDC), approved]);
    return { address: owner.address.toLowerCase(), key };
  }

  /** The token as it is signed for: CAIP-19. */
  get asset() {
    return `${CHAIN_NETWORK}/erc20:${this.token}`;
  }
}
