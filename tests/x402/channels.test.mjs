// Channels under attack, and channels that tabd keeps (`reserve` and `capture`), on the daemon and a real chain.

import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { numberToHex } from "viem";
import { account, missing, startChain } from "./chain.mjs";
import { MIN_DEPOSIT } from "./official.mjs";
import { channelConfig, depositRequest, post, settleRequest, signVoucher, voucherRequest } from "./payloads.mjs";
import { missingDaemon, startTabd } from "./tabd.mjs";

const gap = missing() || missingDaemon();
if (gap && process.env.CI === "true") throw new Error(gap);
if (gap) console.warn(`SKIPPED: ${gap}`);

const P = "invalid_batch_settlement_evm_";
const GROUP_ORDER = 0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141n;
const [sender, authorizer] = [1, 2].map(account);
const receiver = account(3).address;

describe("tabd and channels", { skip: gap || false }, () => {
  let chain, tabd, stranger;
  let payers = 60;
  before(async () => {
    chain = await startChain();
    tabd = await startTabd(chain, { sender, authorizer, payees: [receiver] });
    stranger = { authorization: "Bearer tabd_key_of_nobody" };
  });
  after(async () => {
    await tabd?.close();
    await chain?.close();
  });
  const ask = (path, request, headers = tabd.headers) => post(tabd.url + path, request, headers);
  const sent = () => chain.reader.getTransactionCount({ address: sender.address });
  const newChannel = async (more) => {
    const payer = account(payers++);
    await chain.mint(payer.address, 1_000_000n);
    const channel = channelConfig(chain, { payer: payer.address, receiver, receiverAuthorizer: authorizer.address, ...more });
    return { payer, channel };
  };
  const funded = async (more) => {
    const made = await newChannel(more);
    const { body } = await ask("/settle", await depositRequest(chain, made.payer, made.channel, 1000n, MIN_DEPOSIT));
    assert.equal(body.success, true, JSON.stringify(body));
    return made;
  };
  const refused = async (request, reason) => {
    const { status, body } = await ask("/verify", request);
    assert.deepEqual([status, body.isValid, body.invalidReason], [200, false, P + reason], JSON.stringify(body));
  };

  it("makes one deposit of 200 equal settles, and gives equal answers", async () => {
    const { payer, channel } = await newChannel();
    const request = await depositRequest(chain, payer, channel, 1000n, MIN_DEPOSIT);
    const before = await sent();
    const answers = await Promise.all(Array.from({ length: 200 }, () => ask("/settle", request)));
    assert.equal(answers[0].body.success, true, JSON.stringify(answers[0]));
    for (const answer of answers) assert.deepEqual(answer, answers[0]);
    assert.equal(await sent(), before + 1);
    assert.equal((await chain.channel(channel.id)).balance, MIN_DEPOSIT);
    assert.deepEqual(await ask("/settle", request), answers[0]);
  });

  it("refuses vouchers that the contract would refuse", async () => {
    const { payer, channel } = await funded();
    const good = await voucherRequest(chain, payer, channel, 3000n);
    assert.equal((await ask("/verify", good)).body.isValid, true);
    const signature = good.paymentPayload.payload.voucher.signature;
    const bent = (change) => {
      const request = structuredClone(good);
      change(request.paymentPayload.payload, request);
      return request;
    };
    const v = Number.parseInt(signature.slice(130), 16);
    const s = BigInt(`0x${signature.slice(66, 130)}`);
    const high = `${signature.slice(0, 66)}${numberToHex(GROUP_ORDER - s, { size: 32 }).slice(2)}${(55 - v).toString(16)}`;
    await refused(bent((payload) => (payload.voucher.signature = high)), "voucher_signature");
    await refused(bent((payload) => (payload.voucher.signature = `${signature.slice(0, 130)}0${v - 27}`)), "voucher_signature");
    await refused(bent((payload) => (payload.voucher.signature = signature.slice(0, 130))), "voucher_signature");
    for (const amount of [3000, "0xbb8", "3e3", "-3000", "+3000", "03000", "", "3000.0", null, String(2n ** 128n)])
      await refused(bent((payload) => (payload.voucher.maxClaimableAmount = amount)), "voucher_payload");
    // A voucher for the same channel on another chain, and of another contract.
    const elsewhere = async (domain) => payer.signTypedData({ primaryType: "Voucher",
      domain: { name: "x402 Batch Settlement", version: "1", ...domain },
      types: { Voucher: [{ name: "channelId", type: "bytes32" }, { name: "maxClaimableAmount", type: "uint128" }] },
      message: { channelId: channel.id, maxClaimableAmount: 3000n } });
    for (const domain of [{ chainId: 1, verifyingContract: chain.settlement }, { chainId: 31337, verifyingContract: chain.token }]) {
      const foreign = await elsewhere(domain);
      await refused(bent((payload) => (payload.voucher.signature = foreign)), "voucher_signature");
    }
    const other = bent((_, request) => {
      for (const part of [request.paymentRequirements, request.paymentPayload.accepted]) part.network = "eip155:1";
    });
    assert.equal((await ask("/verify", other)).status, 400);
    const foreignPayee = bent((_, request) => {
      for (const part of [request.paymentRequirements, request.paymentPayload.accepted]) part.payTo = account(8).address;
    });
    assert.equal((await ask("/verify", foreignPayee)).body.error.code, "payee_not_allowed");
  });

  it("refunds for the receiver's server alone, with the payer's voucher", async () => {
    const { payer, channel } = await funded();
    const before = await sent();
    const refund = async (more, signer = payer) => {
      const request = await voucherRequest(chain, signer, channel, 0n);
      Object.assign(request.paymentPayload.payload, { type: "refund", amount: String(MIN_DEPOSIT), refundNonce: "0", claims: [], ...more });
      return request;
    };
    assert.equal((await ask("/settle", await refund({}), stranger)).status, 401);
    assert.equal((await ask("/settle", await refund({}), {})).status, 401);
    assert.equal((await ask("/settle", await refund({}, account(8)))).body.errorReason, `${P}voucher_signature`);
    assert.equal((await ask("/settle", await refund({ refundNonce: "1" }))).body.errorReason, `${P}refund_simulation_failed`);
    assert.equal(await sent(), before);
    assert.equal((await chain.channel(channel.id)).balance, MIN_DEPOSIT);
  });

  it("settles no token that is not configured, for nobody else", async () => {
    const before = await sent();
    const settle = (receiver_, token) => ask("/settle", settleRequest(chain, receiver, { type: "settle", receiver: receiver_, token }));
    assert.equal((await settle(receiver, chain.settlement)).body.errorReason, `${P}token_mismatch`);
    assert.equal((await settle(account(8).address, chain.token)).body.errorReason, `${P}receiver_mismatch`);
    assert.equal((await settle(receiver, chain.token)).body.errorReason, `${P}nothing_to_settle`);
    assert.equal(await sent(), before);
  });

  describe("that it keeps", () => {
    const batch = async (...items) => (await ask("/v1/batch", { items })).body.results;
    const reserve = async (request, more) => (await batch({ op: "reserve", ...more, ...request }))[0];
    const priced = (request, amount) => {
      const copy = structuredClone(request);
      for (const part of [copy.paymentRequirements, copy.paymentPayload.accepted]) part.amount = String(amount);
      return copy;
    };
    const capture = async (request, reservation, amount = 1000n) =>
      (await batch({ op: "capture", reservation, ...priced(request, amount) }))[0];
    const read = async (id) => (await fetch(`${tabd.url}/v1/channels/${id}`, { headers: tabd.headers })).json();
    let payer, channel;

    it("opens with a deposit that is made when the first charge is", async () => {
      ({ payer, channel } = await newChannel());
      const request = await depositRequest(chain, payer, channel, 1000n, MIN_DEPOSIT);
      const before = await sent();
      const reserved = await reserve(request);
      assert.equal(reserved.isValid, true, JSON.stringify(reserved));
      assert.equal(reserved.extra.chargedCumulativeAmount, "0");
      assert.equal(await sent(), before);
      const captured = await capture(request, reserved.extra.reservation, 700n);
      assert.equal(captured.success, true, JSON.stringify(captured));
      assert.equal(captured.amount, String(MIN_DEPOSIT));
      assert.equal(captured.extra.chargedAmount, "700");
      assert.equal(captured.extra.channelState.balance, String(MIN_DEPOSIT));
      assert.equal(captured.extra.channelState.chargedCumulativeAmount, "700");
      assert.equal((await chain.reader.getTransactionReceipt({ hash: captured.transaction })).status, "success");
      assert.equal(await sent(), before + 1);
    });

    it("charges what was used, once", async () => {
      const request = await voucherRequest(chain, payer, channel, 1700n);
      const reserved = await reserve(request, { requestId: "00112233445566778899aabbccddeeff" });
      assert.equal(reserved.isValid, true, JSON.stringify(reserved));
      const again = await reserve(request, { requestId: "00112233445566778899aabbccddeeff" });
      assert.deepEqual(again, { ...reserved, extra: { ...reserved.extra, repeated: true } });
      const captured = await capture(request, reserved.extra.reservation, 400n);
      assert.deepEqual([captured.success, captured.transaction, captured.amount], [true, "", ""], JSON.stringify(captured));
      assert.equal(captured.extra.channelState.chargedCumulativeAmount, "1100");
      assert.deepEqual(await capture(request, reserved.extra.reservation, 400n), captured);
      assert.equal((await read(channel.id)).chargedCumulativeAmount, "1100");
    });

    it("tells a client that lost its way where the channel is", async () => {
      const replayed = await reserve(await voucherRequest(chain, payer, channel, 1700n));
      assert.equal(replayed.invalidReason, `${P}cumulative_amount_mismatch`);
      assert.equal(replayed.extra.channelState.chargedCumulativeAmount, "1100");
      assert.equal(replayed.extra.voucherState.signedMaxClaimable, "1700");
      assert.equal(replayed.extra.voucherState.signature, await signVoucher(chain, payer, channel.id, 1700n));
    });

    it("reserves one of many copies at once", async () => {
      const request = await voucherRequest(chain, payer, channel, 2100n);
      const answers = await Promise.all(Array.from({ length: 50 }, () => reserve(request)));
      const valid = answers.filter((answer) => answer.isValid);
      assert.equal(valid.length, 1);
      for (const answer of answers) if (!answer.isValid) assert.equal(answer.invalidReason, `${P}channel_busy`);
      const released = await capture(request, valid[0].extra.reservation, 0n);
      assert.equal(released.success, true, JSON.stringify(released));
      assert.equal((await capture(request, valid[0].extra.reservation)).errorReason, `${P}reservation_ended`);
    });

    it("gives back what is left, claiming what is owed first", async () => {
      const request = await voucherRequest(chain, payer, channel, 1100n);
      request.paymentPayload.payload.type = "refund";
      const reserved = await reserve(request);
      assert.equal(reserved.isValid, true, JSON.stringify(reserved));
      const block = await chain.reader.getBlockNumber();
      const captured = await capture(request, reserved.extra.reservation);
      assert.equal(captured.success, true, JSON.stringify(captured));
      assert.equal(captured.amount, String(MIN_DEPOSIT - 1100n));
      assert.deepEqual((await chain.events(block + 1n)).map((event) => event.eventName), ["Claimed", "Refunded"]);
      assert.deepEqual(await chain.channel(channel.id), { balance: 1100n, totalClaimed: 1100n, refundNonce: 1n });
      assert.equal((await capture(request, reserved.extra.reservation)).transaction, captured.transaction);
    });

    it("lists them for their receiver", async () => {
      const { items, next } = await (await fetch(`${tabd.url}/v1/channels`, { headers: tabd.headers })).json();
      assert.deepEqual([items.length, items[0].channelId, next], [1, channel.id, null]);
      assert.equal((await fetch(`${tabd.url}/v1/channels/${channel.id}`)).status, 401);
      assert.equal((await fetch(`${tabd.url}/v1/channels/0x12`, { headers: tabd.headers })).status, 404);
    });
  });
});
