// What a facilitator must do for the official client and the official server, as one suite for any facilitator.
//
//   describeFlows(name, start, { channels = true })
//
// `channels`: false leaves the flows of batch-settlement out, for a facilitator that has `exact` alone.
// `start(chain, { sender, authorizer, payees })` gives { url, headers?, close() }: a facilitator for `chain` that pays gas
// from `sender` and signs claims and refunds of servers without a key of their own by `authorizer` (viem accounts). `payees` are
// the addresses that payments go to. `headers` go with every request of the server, an API key for example.

import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { account, missing, startChain, NETWORK } from "./chain.mjs";
import { METERED_MAXIMUM, MIN_DEPOSIT, PRICE, makeClient, receipt, startServer } from "./official.mjs";
import { channelConfig, exactRequest, post, settleRequest, voucherRequest } from "./payloads.mjs";

const P = "invalid_batch_settlement_evm_";
const sender = account(1);
const authorizer = account(2);
const receiver = account(3).address;
const ownReceiver = account(6).address; // of the server that signs its claims itself
const stranger = account(8);
const payees = [receiver, ownReceiver, stranger.address];
const FUNDS = 1_000_000n;

export function describeFlows(name, start, { channels = true } = {}) {
  const gap = missing();
  if (gap && process.env.CI === "true") throw new Error(gap);

  describe(name, { skip: gap || false }, () => {
    let chain, facilitator, server, headers;
    before(async () => {
      chain = await startChain();
      facilitator = await start(chain, { sender, authorizer, payees });
      headers = facilitator.headers;
      server = await startServer(chain, facilitator.url, { receiver, headers, channels });
    });
    after(async () => {
      await server?.close();
      await facilitator?.close();
      await chain?.close();
    });
    let payers = 10;
    const funded = async () => {
      const payer = account(payers++);
      await chain.mint(payer.address, FUNDS);
      return payer;
    };
    const ask = (path, body) => post(facilitator.url + path, body, headers);
    const eventsSince = async (block) => (await chain.events(block + 1n)).map((event) => event.eventName);

    it("says what it supports", async () => {
      const supported = await (await fetch(`${facilitator.url}/supported`)).json();
      const kind = (scheme) => supported.kinds.find((k) => k.scheme === scheme && k.network === NETWORK);
      if (channels) {
        assert.equal(kind("batch-settlement").x402Version, 2);
        const { receiverAuthorizer } = kind("batch-settlement").extra;
        assert.equal(receiverAuthorizer.toLowerCase(), authorizer.address.toLowerCase());
      }
      assert.equal(kind("exact").x402Version, 2);
      const signers = supported.signers["eip155:*"].map((address) => address.toLowerCase());
      assert.ok(signers.includes(sender.address.toLowerCase()));
    });

    describe("a channel", { skip: !channels }, () => {
      let payer, client, id;
      const paid = async (path) => {
        const response = await client.pay(server.url + path);
        assert.equal(response.status, 200, await response.clone().text());
        return receipt(response);
      };

      it("opens with the first request", async () => {
        payer = await funded();
        client = makeClient(chain, { payer });
        const block = await chain.reader.getBlockNumber();
        const answer = await paid("/fixed");
        id = answer.extra.channelState.channelId;
        assert.equal(answer.amount, String(MIN_DEPOSIT));
        assert.equal(answer.extra.chargedAmount, String(PRICE));
        assert.equal(answer.extra.channelState.chargedCumulativeAmount, String(PRICE));
        assert.deepEqual(await eventsSince(block), ["ChannelCreated", "Deposited"]);
        const mined = await chain.reader.getTransactionReceipt({ hash: answer.transaction });
        assert.equal(mined.from, sender.address.toLowerCase());
        assert.deepEqual(await chain.channel(id), { balance: MIN_DEPOSIT, totalClaimed: 0n, refundNonce: 0n });
        assert.equal(await chain.balance(payer.address), FUNDS - MIN_DEPOSIT);
        assert.equal(await chain.balance(chain.settlement), MIN_DEPOSIT);
      });

      it("takes vouchers without touching the chain", async () => {
        const block = await chain.reader.getBlockNumber();
        for (let n = 2n; n <= 4n; ++n) {
          const answer = await paid("/fixed");
          assert.equal(answer.transaction, "");
          assert.equal(answer.amount, "");
          assert.equal(answer.extra.channelState.chargedCumulativeAmount, String(PRICE * n));
        }
        assert.equal(await chain.reader.getBlockNumber(), block);
      });

      it("charges what was used", async () => {
        const answer = await paid("/metered?use=400");
        assert.equal(answer.extra.chargedAmount, "400");
        assert.equal(answer.extra.channelState.chargedCumulativeAmount, String(4n * PRICE + 400n));
        assert.ok(400n < METERED_MAXIMUM);
      });

      it("charges nothing when the handler fails, and goes on", async () => {
        const failed = await client.pay(`${server.url}/failing`);
        assert.equal(failed.status, 500);
        assert.equal(receipt(failed), null);
        assert.equal((await paid("/metered?use=600")).extra.channelState.chargedCumulativeAmount, String(5n * PRICE));
      });

      it("is topped up when it runs low", async () => {
        for (let n = 6n; n <= 10n; ++n) assert.equal((await paid("/fixed")).transaction, "");
        const answer = await paid("/fixed");
        assert.notEqual(answer.transaction, "");
        const { balance } = await chain.channel(id);
        assert.ok(balance > MIN_DEPOSIT);
        assert.equal(answer.extra.channelState.balance, String(balance));
      });

      it("is claimed together with another one, then settled", async () => {
        const other = makeClient(chain, { payer: await funded() });
        assert.equal((await other.pay(`${server.url}/fixed`)).status, 200);
        const block = await chain.reader.getBlockNumber();
        const claims = await server.manager.claim();
        assert.deepEqual(claims.map((claim) => claim.vouchers), [2]);
        assert.deepEqual(await eventsSince(block), ["Claimed", "Claimed"]);
        assert.equal((await chain.channel(id)).totalClaimed, 11n * PRICE);
        assert.equal(await chain.balance(receiver), 0n);
        assert.deepEqual(await chain.read("receivers", [receiver, chain.token]), [12n * PRICE, 0n]);

        const { transaction } = await server.manager.settle();
        assert.equal(await chain.balance(receiver), 12n * PRICE);
        assert.deepEqual(await chain.read("receivers", [receiver, chain.token]), [12n * PRICE, 12n * PRICE]);
        assert.equal((await chain.reader.getTransactionReceipt({ hash: transaction })).status, "success");
        await assert.rejects(server.manager.settle(), new RegExp(`${P}nothing_to_settle`));
        assert.deepEqual(await server.manager.claim(), []);
      });

      it("gives a part back, then the rest, claiming what is owed first", async () => {
        assert.equal((await paid("/fixed")).extra.chargedAmount, String(PRICE));
        const before = await chain.channel(id);
        const part = await client.refund(`${server.url}/fixed`, { amount: "1500" });
        assert.equal(part.amount, "1500");
        assert.equal(part.extra.channelState.refundNonce, "1");
        let now = await chain.channel(id);
        assert.deepEqual(now, { balance: before.balance - 1500n, totalClaimed: 12n * PRICE, refundNonce: 1n });

        const rest = await client.refund(`${server.url}/fixed`);
        assert.equal(rest.amount, String(now.balance - now.totalClaimed));
        now = await chain.channel(id);
        assert.equal(now.balance, now.totalClaimed);
        assert.equal(await chain.balance(payer.address), FUNDS - 12n * PRICE);
        await assert.rejects(client.refund(`${server.url}/fixed`));
      });

      it("can be used again after a refund", async () => {
        const answer = await paid("/fixed");
        assert.notEqual(answer.transaction, "");
        assert.equal((await chain.channel(id)).totalClaimed, 12n * PRICE);
      });
    });

    it("relays claims and refunds that the server signed itself", { skip: !channels }, async () => {
      const own = await startServer(chain, facilitator.url, { receiver: ownReceiver, receiverAuthorizer: account(7), headers });
      try {
        const payer = await funded();
        const client = makeClient(chain, { payer });
        for (let i = 0; i < 2; ++i) assert.equal((await client.pay(`${own.url}/fixed`)).status, 200);
        const { claims, settle } = await own.manager.claimAndSettle();
        assert.equal(claims.length, 1);
        assert.ok(settle.transaction);
        assert.equal(await chain.balance(ownReceiver), 2n * PRICE);
        assert.equal((await client.refund(`${own.url}/fixed`)).amount, String(MIN_DEPOSIT - 2n * PRICE));
        assert.equal(await chain.balance(payer.address), FUNDS - 2n * PRICE);
      } finally {
        await own.close();
      }
    });

    it("pays by exact, once", async () => {
      const payer = await funded();
      const client = makeClient(chain, { payer });
      const held = await chain.balance(receiver);
      const response = await client.pay(`${server.url}/exact`);
      assert.equal(response.status, 200, await response.clone().text());
      const answer = receipt(response);
      assert.equal(answer.success, true);
      assert.equal((await chain.reader.getTransactionReceipt({ hash: answer.transaction })).status, "success");
      assert.equal(await chain.balance(receiver), held + PRICE);
      assert.equal(await chain.balance(payer.address), FUNDS - PRICE);
    });

    const refused = async (request, reasons) => {
      const { status, body } = await ask("/verify", request);
      assert.equal(status, 200, JSON.stringify(body));
      assert.equal(body.isValid, false);
      assert.ok([reasons].flat().includes(body.invalidReason), `${body.invalidReason} is not ${reasons}`);
    };

    describe("refuses of a channel", { skip: !channels }, () => {
      // One funded channel with 10000 of which 2000 are claimed, by direct requests.
      let payer, channel;
      before(async () => {
        payer = await funded();
        const client = makeClient(chain, { payer });
        for (let i = 0; i < 2; ++i) assert.equal((await client.pay(`${server.url}/fixed`)).status, 200);
        await server.manager.claim();
        channel = channelConfig(chain, { payer: payer.address, receiver, receiverAuthorizer: authorizer.address });
        const state = await chain.channel(channel.id);
        assert.deepEqual([state.balance, state.totalClaimed], [MIN_DEPOSIT, 2n * PRICE]);
      });
      const voucher = (maximum, mutate, more) => voucherRequest(chain, payer, channel, maximum, { mutate, ...more });

      it("nothing of a good voucher", async () => {
        const { body } = await ask("/verify", await voucher(3000n));
        assert.deepEqual(body, { isValid: true, payer: payer.address, extra: { channelId: channel.id, balance: "10000",
          totalClaimed: "2000", withdrawRequestedAt: 0, refundNonce: "0" } });
      });
      it("a voucher of a stranger", async () =>
        refused(await voucherRequest(chain, stranger, channel, 3000n), `${P}voucher_signature`));
      it("a voucher whose amount was changed", async () =>
        refused(await voucher(3000n, (_, payload) => (payload.voucher.maxClaimableAmount = "3001")), `${P}voucher_signature`));
      it("a voucher above the balance", async () => refused(await voucher(10_001n), `${P}cumulative_exceeds_balance`));
      it("a voucher at what is claimed", async () => refused(await voucher(2000n), `${P}cumulative_below_claimed`));
      it("a voucher of a channel without money", async () => {
        const empty = channelConfig(chain, { ...channel.config, salt: `0x${"11".repeat(32)}` });
        await refused(await voucherRequest(chain, payer, empty, 1000n), `${P}channel_not_found`);
      });
      it("a configuration that is not the channel's", async () =>
        refused(await voucher(3000n, (_, payload) => (payload.channelConfig.withdrawDelay = 901)), `${P}channel_id_mismatch`));
      it("a voucher for another receiver, authorizer, token or delay than asked for", async () => {
        const change = (field) => (request) => field(request.paymentRequirements);
        // A facilitator may look first whether the client accepted what the server asks for.
        const differs = "invalid_payment_requirements";
        await refused(await voucher(3000n, change((r) => (r.payTo = stranger.address))), [`${P}receiver_mismatch`, differs]);
        await refused(await voucher(3000n, change((r) => (r.extra.receiverAuthorizer = stranger.address))),
          `${P}receiver_authorizer_mismatch`);
        await refused(await voucher(3000n, change((r) => (r.asset = stranger.address))), [`${P}token_mismatch`, differs]);
        await refused(await voucher(3000n, change((r) => (r.extra.withdrawDelay = 1000))), `${P}withdraw_delay_mismatch`);
      });
      it("a payload of an unknown type", async () =>
        refused(await voucher(3000n, (_, payload) => (payload.type = "gift")), `${P}payload_type`));
      it("to claim what the balance does not cover", async () => {
        const row = { voucher: { channel: channel.config, maxClaimableAmount: "20000" }, totalClaimed: "20000",
          signature: (await voucherRequest(chain, payer, channel, 20_000n)).paymentPayload.payload.voucher.signature };
        const { status, body } = await ask("/settle", settleRequest(chain, receiver, { type: "claim", claims: [row] }));
        assert.equal(status, 200);
        assert.deepEqual([body.success, body.transaction], [false, ""]);
        // The specification has a code for it; the packages give what the simulation says.
        assert.ok([`${P}claim_simulation_failed`, `${P}cumulative_exceeds_balance`].includes(body.errorReason));
      });
    });

    describe("refuses of exact", () => {
      let payer;
      before(async () => {
        payer = await funded();
      });
      // The specification names the codes of `exact` with payload_; the packages leave it out in some.
      const exact = (more) => exactRequest(chain, payer, { to: receiver, ...more });
      const codes = (code) => [`invalid_exact_evm_${code}`, `invalid_exact_evm_payload_${code}`];
      it("an exact payment of a stranger, another amount or another recipient", async () => {
        await refused(await exactRequest(chain, stranger, { to: receiver,
          mutate: (_, payload) => (payload.authorization.from = payer.address) }), codes("signature"));
        await refused(await exact({ price: 1001n }), codes("authorization_value_mismatch").concat(codes("authorization_value")));
        await refused(await exact({ payTo: stranger.address }), codes("recipient_mismatch"));
      });
      it("an exact payment outside its time", async () => {
        const now = BigInt(Math.floor(Date.now() / 1000));
        await refused(await exact({ validBefore: now - 10n }), codes("authorization_valid_before"));
        await refused(await exact({ validAfter: now + 1000n }), codes("authorization_valid_after"));
      });
      it("an exact payment that the payer cannot make", async () =>
        refused(await exact({ value: FUNDS * 2n }), ["insufficient_funds", ...codes("insufficient_balance")]));
      it("an exact payment that was made before", async () => {
        const request = await exact({ nonce: `0x${"22".repeat(32)}` });
        assert.equal((await ask("/settle", request)).body.success, true);
        const held = await chain.balance(receiver);
        await refused(request, codes("nonce_already_used"));
        await ask("/settle", request); // either the first answer again, or a refusal
        assert.equal(await chain.balance(receiver), held);
      });
    });
  });
}
