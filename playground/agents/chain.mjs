// A local chain (anvil) with a test token. Everything that needs its owner's key is signed here.
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
import { CHAIN_ID, root, TOKEN, WALLET_USDC } from "./settings.mjs";

const anvil = process.env.TABD_ANVIL ?? `${root}tests/chain/node_modules/@foundry-rs/anvil-linux-amd64/bin/anvil`;
const artifact = (name) => `${root}tests/chain/build/${name}.json`;

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
  #abi;
  /** Transactions of the deployer, one after the other: its nonces are counted by the node. */
  #line = Promise.resolve();
  program;
  url;
  token;

  static missing() {
    for (const file of [anvil, artifact("TestUSDC")]) {
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
    this.token = await this.#deploy("TestUSDC", [TOKEN.name, TOKEN.version]);
    // From here on a block every second, as on a real chain, so that confirmations take their time.
    await this.#node.setIntervalMining({ interval: 1 });
  }

  async #deploy(name, args) {
    const { abi, bytecode } = JSON.parse(readFileSync(artifact(name), "utf8"));
    this.#abi = abi;
    const { contractAddress } = await this.#mined(await this.#wallet(deployer).deployContract({ abi, bytecode, args }));
    return contractAddress.toLowerCase();
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
    return this.#wallet(owner).writeContract({ address: this.token, abi: this.#abi, functionName, args });
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
    return `eip155:${CHAIN_ID}/erc20:${this.token}`;
  }
}
