// POST /faucet: a wallet with test money for a new agent, registered as a payer. It pays on a tab, and through channels.
// Bounded in number and in rate: each one costs three transactions and an account in the ledger.
import {
  CHAIN_NETWORK,
  CREDIT_LIMIT,
  NETWORK,
  PLAN,
  TOKEN,
  WALLET_USDC,
  WALLETS_AT_ONCE,
  WALLETS_MAX,
  WALLETS_WAITING_MAX,
} from "./settings.mjs";
import { treasury } from "./daemon.mjs";

const LABEL = /^[A-Za-z0-9][A-Za-z0-9 ._-]{0,31}$/;

/** Refused, with an HTTP status and what to do. */
class Refusal extends Error {
  constructor(status, code, message, retryAfterSeconds) {
    super(message);
    Object.assign(this, { status, code, retryAfterSeconds });
  }
}

export class Faucet {
  #chain;
  #daemon;
  #now;
  #tokens = WALLETS_AT_ONCE;
  #countedAt;
  #waiting = 0;
  #count = 0;
  agents = [];

  /** `now`: milliseconds of a clock that never goes back. */
  constructor(chain, daemon, now = () => performance.now()) {
    this.#chain = chain;
    this.#daemon = daemon;
    this.#now = now;
    this.#countedAt = now();
  }

  async newAgent(body) {
    const label = (body ?? {}).label ?? "agent";
    if (typeof label !== "string" || !LABEL.test(label)) {
      throw new Refusal(
        400,
        "invalid_label",
        "label: 1 to 32 letters, digits, spaces, dots, dashes; not a space first.",
      );
    }
    this.#admit();
    try {
      return await this.#make(`${label}-${++this.#count}`);
    } finally {
      --this.#waiting;
    }
  }

  #admit() {
    const now = this.#now();
    this.#tokens = Math.min(WALLETS_AT_ONCE, this.#tokens + (now - this.#countedAt) / 1000);
    this.#countedAt = now;
    if (this.agents.length + this.#waiting >= WALLETS_MAX) {
      throw new Refusal(
        403,
        "faucet_empty",
        `There are ${WALLETS_MAX} wallets already. Restart the playground for new ones.`,
      );
    }
    if (this.#tokens < 1 || this.#waiting >= WALLETS_WAITING_MAX) {
      throw new Refusal(429, "too_many_requests", "One wallet a second. Ask again later.", 1);
    }
    this.#tokens -= 1;
    ++this.#waiting;
  }

  async #make(label) {
    const { address, key } = await this.#chain.newWallet(treasury.address);
    await this.#daemon.addPayer(address, label);
    const agent = { label, address };
    this.agents.push(agent);
    return {
      ...agent,
      privateKey: key,
      network: NETWORK,
      asset: { asset: this.#chain.asset, decimals: TOKEN.decimals, symbol: TOKEN.symbol },
      wallet: `${WALLET_USDC} ${TOKEN.symbol}`,
      plan: PLAN,
      creditLimit: `${CREDIT_LIMIT} ${TOKEN.symbol}`,
      channel: { network: CHAIN_NETWORK, asset: this.#chain.token, rpcUrl: this.#chain.url },
    };
  }
}

/** For Express. */
export function faucetRoute(faucet) {
  return async (request, response) => {
    try {
      response.status(201).json(await faucet.newAgent(request.body));
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      const { status, code, message, retryAfterSeconds } = error;
      if (retryAfterSeconds !== undefined) response.set("Retry-After", String(retryAfterSeconds));
      response.status(status).json({ error: { code, message } });
    }
  };
}
