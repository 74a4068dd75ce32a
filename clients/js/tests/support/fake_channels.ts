// The part of the daemon in memory that keeps payment channels, and the chain that it would watch. It follows the order of
// the real one's checks; signatures are for the real one alone.
export const CHANNEL_NETWORK = "eip155:31337";
export const RECEIVER_AUTHORIZER = "0x3C44CdDdB6a900fa2b585dd299e03d12FA4293BC";

const P = "invalid_batch_settlement_evm_";

export interface ChannelItem {
  op: string;
  requestId?: string;
  reservation?: string;
  paymentPayload: { payload: ChannelPayload };
  paymentRequirements: { amount: string; maxTimeoutSeconds: number };
}

interface ChannelPayload {
  type: "voucher" | "deposit" | "refund";
  channelConfig: { payer: string };
  voucher: { channelId: string; maxClaimableAmount: string; signature: string };
  deposit?: { amount: string };
  amount?: string;
}

interface Reservation {
  id: string;
  requestId: string | undefined;
  expires: number;
  amount: bigint;
  refund: boolean;
}

interface Channel {
  payer: string;
  balance: bigint;
  totalClaimed: bigint;
  refundNonce: bigint;
  charged: bigint;
  voucher: { signedMaxClaimable: string; signature: string } | undefined;
  reservation: Reservation | undefined;
  /** Answers of captures by reservation. */
  answers: Map<string, { amount: string; answer: unknown }>;
}

export class FakeChannels {
  readonly #channels = new Map<string, Channel>();
  #last = 0;
  /** The next captures are answered so. */
  captureFaults: ("pending" | "refused")[] = [];
  /** The chain is away for deposits and refunds; and for vouchers, whose channels are not known well enough. */
  chainAway = false;
  chainAwayForAll = false;
  secondsMin = 5;

  channel(id: string): Channel {
    let channel = this.#channels.get(id.toLowerCase());
    if (channel === undefined) {
      const [balance, totalClaimed, refundNonce, charged] = [0n, 0n, 0n, 0n];
      const numbers = { balance, totalClaimed, refundNonce, charged };
      channel = { payer: "", ...numbers, voucher: undefined, reservation: undefined, answers: new Map() };
      this.#channels.set(id.toLowerCase(), channel);
    }
    return channel;
  }

  charged(): bigint {
    return [...this.#channels.values()].reduce((sum, { charged }) => sum + charged, 0n);
  }

  reserved(): number {
    return [...this.#channels.values()].filter(({ reservation }) => reservation !== undefined).length;
  }

  run(item: ChannelItem): unknown {
    const { type } = item.paymentPayload.payload;
    if (this.chainAwayForAll || (this.chainAway && type !== "voucher")) {
      return { error: { code: "chain_unavailable", message: "The chain cannot be asked now.", hint: "Again." } };
    }
    return item.op === "reserve" ? this.#reserve(item) : this.#capture(item);
  }

  /** POST /verify and /settle, of a deposit: the relay alone. */
  settle({ paymentPayload: { payload } }: ChannelItem): unknown {
    const channel = this.channel(payload.voucher.channelId);
    channel.balance += BigInt(payload.deposit?.amount ?? 0);
    const extra = { channelState: this.#state(payload.voucher.channelId) };
    return this.#success({
      isValid: true,
      transaction: "0xd1",
      amount: payload.deposit?.amount ?? "",
      payer: channel.payer,
      extra,
    });
  }

  #state(id: string): Record<string, unknown> {
    const { balance, totalClaimed, refundNonce } = this.channel(id);
    const numbers = { balance: `${balance}`, totalClaimed: `${totalClaimed}`, refundNonce: `${refundNonce}` };
    return { channelId: id.toLowerCase(), ...numbers, withdrawRequestedAt: 0 };
  }

  #reserve({ requestId, paymentPayload: { payload }, paymentRequirements }: ChannelItem): unknown {
    const { channelId, maxClaimableAmount } = payload.voucher;
    const payer = payload.channelConfig.payer;
    const channel = this.channel(channelId);
    const refuse = (code: string, extra: object = {}): unknown => ({
      isValid: false,
      invalidReason: P + code,
      invalidMessage: `It is ${code}.`,
      payer,
      extra,
    });
    const present = channel.reservation;
    const again = present !== undefined && present.requestId === requestId;
    if (present !== undefined && !again && (present.refund || present.expires > Date.now())) {
      return refuse("channel_busy");
    }
    const refund = payload.type === "refund";
    const amount = refund ? 0n : BigInt(paymentRequirements.amount);
    const state = { ...this.#state(channelId), chargedCumulativeAmount: `${channel.charged}` };
    if (BigInt(maxClaimableAmount) !== channel.charged + amount) {
      const voucherState = channel.voucher === undefined ? {} : { voucherState: channel.voucher };
      return refuse("cumulative_amount_mismatch", { channelState: state, ...voucherState });
    }
    if (BigInt(maxClaimableAmount) > channel.balance + BigInt(payload.deposit?.amount ?? 0)) {
      return refuse("cumulative_exceeds_balance");
    }
    const seconds = Math.min(600, Math.max(this.secondsMin, paymentRequirements.maxTimeoutSeconds));
    const made = { id: `${++this.#last}`, requestId, expires: Date.now() + seconds * 1000, amount, refund };
    const reservation = again ? present : made;
    channel.payer = payer;
    channel.reservation = reservation;
    const expiresAt = refund ? 0 : Math.floor(reservation.expires / 1000);
    return { isValid: true, payer, extra: { ...state, reservation: reservation.id, expiresAt } };
  }

  #success(more: object): unknown {
    return { success: true, network: CHANNEL_NETWORK, transaction: "", amount: "", ...more };
  }

  #capture({ reservation, paymentPayload: { payload }, paymentRequirements: { amount } }: ChannelItem): unknown {
    const { channelId, maxClaimableAmount, signature } = payload.voucher;
    const channel = this.channel(channelId);
    const { payer } = channel;
    const failure = { success: false, transaction: "", network: CHANNEL_NETWORK, payer };
    const known = channel.answers.get(reservation ?? "");
    if (known !== undefined) {
      return known.amount === amount ? known.answer : { ...failure, errorReason: "reservation_conflict" };
    }
    const present = channel.reservation;
    if (present === undefined || present.id !== reservation) {
      if (amount === "0") return this.#success({ payer });
      return { ...failure, errorReason: "reservation_ended", errorMessage: "It is gone." };
    }
    if (amount === "0") {
      channel.reservation = undefined;
      return this.#success({ payer });
    }
    const fault = this.captureFaults.shift();
    if (fault === "pending") return { ...failure, errorReason: "settlement_pending", transaction: "0xaa" };
    if (fault === "refused") return { ...failure, errorReason: `${P}refused` };
    const chain = { transaction: "", amount: "" };
    if (payload.type === "deposit") {
      chain.transaction = "0xd0";
      chain.amount = payload.deposit?.amount ?? "0";
      channel.balance += BigInt(chain.amount);
    }
    if (payload.type === "refund") {
      chain.transaction = "0xf0";
      chain.amount = payload.amount ?? `${channel.balance - channel.charged}`;
      channel.totalClaimed = channel.charged;
      channel.balance -= BigInt(chain.amount);
      channel.refundNonce += 1n;
    } else {
      channel.charged += BigInt(amount);
      channel.voucher = { signedMaxClaimable: maxClaimableAmount, signature };
    }
    channel.reservation = undefined;
    const channelState = { ...this.#state(channelId), chargedCumulativeAmount: `${channel.charged}` };
    const extra = { channelState, ...(payload.type === "refund" ? {} : { chargedAmount: amount }), commitmentId: "9" };
    const answer = this.#success({ payer, ...chain, extra });
    channel.answers.set(reservation, { amount, answer });
    return answer;
  }
}
