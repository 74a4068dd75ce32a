// The rules of our settlement contract, one by one, and its interface against the ABI of the official package.

import assert from "node:assert/strict";
import { after, before, beforeEach, describe, it } from "node:test";
import { concat, encodeFunctionData, numberToHex, parseSignature, toEventSelector, toFunctionSelector } from "viem";
import { BATCH_SETTLEMENT_ADDRESS, ERC3009_DEPOSIT_COLLECTOR_ADDRESS } from "@x402/evm";
import { account, artifact, missing, startChain } from "./chain.mjs";
import { ZERO_HASH, channelConfig, depositArguments, signClaims, signRefund, signVoucher } from "./payloads.mjs";

const gap = missing();
if (gap && process.env.CI === "true") throw new Error(gap);
const GROUP_ORDER = 0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141n;

describe("the settlement contract", { skip: gap || false }, () => {
  const [relayer, payer, authorizer, receiver, stranger] = [1, 2, 3, 4, 5].map(account);
  let chain, snapshot;
  before(async () => {
    chain = await startChain();
    await chain.mint(payer.address, 1_000_000n);
    snapshot = await chain.node.snapshot();
  });
  beforeEach(async () => {
    await chain.node.revert({ id: snapshot });
    snapshot = await chain.node.snapshot();
  });
  after(() => chain?.close());

  const channelOf = (more) => channelConfig(chain, { payer: payer.address, receiver: receiver.address,
    receiverAuthorizer: authorizer.address, ...more });
  // Simulates first, as an error's name comes from there.
  const send = async (functionName, args, from = relayer) => {
    const call = { address: chain.settlement, abi: chain.settlementAbi, functionName, args, account: from };
    await chain.reader.simulateContract(call);
    return chain.mined(await chain.wallet(from).writeContract(call));
  };
  const fails = (error, work) => assert.rejects(work, (thrown) => {
    const data = thrown.walk?.((cause) => cause.data?.errorName)?.data?.errorName;
    assert.equal(data ?? thrown.message, error);
    return true;
  });
  const deposit = async ({ config, id }, amount, salt = 1n) =>
    send("deposit", [config, amount, ERC3009_DEPOSIT_COLLECTOR_ADDRESS, await depositArguments(chain, payer, id, amount, salt)]);
  const row = async ({ config, id }, totalClaimed, maxClaimableAmount = totalClaimed, signer = payer) => ({
    voucher: { channel: config, maxClaimableAmount }, totalClaimed,
    signature: await signVoucher(chain, signer, id, maxClaimableAmount) });
  const claim = async (rows, signer = authorizer) =>
    send("claimWithSignature", [rows, await signClaims(chain, signer, rows)]);
  const names = async (receipt) =>
    (await chain.reader.getContractEvents({ address: chain.settlement, abi: chain.settlementAbi,
      fromBlock: receipt.blockNumber, toBlock: receipt.blockNumber })).map((event) => event.eventName);

  it("has the selectors, topics and type hashes that are published", async () => {
    const find = (name) => chain.settlementAbi.find((item) => item.name === name);
    const selectors = { claim: "0x29237b0c", claimWithSignature: "0xe43ce1f2", settle: "0x9db32a8f", refund: "0xdce4bfae",
      refundWithSignature: "0xb77433e9", deposit: "0x140f1e75", multicall: "0xac9650d8", initiateWithdraw: "0xcf5cf3dc",
      finalizeWithdraw: "0xe88377b1", channels: "0x7a7ebd7b", receivers: "0x21ff6389", refundNonce: "0xf0dc792e",
      pendingWithdrawals: "0xb7f06ebe", getChannelId: "0x5e5e0b87", getVoucherDigest: "0x862bb199",
      getRefundDigest: "0xe25cf189", getClaimBatchDigest: "0x488ccc3b" };
    for (const [name, selector] of Object.entries(selectors)) assert.equal(toFunctionSelector(find(name)), selector, name);
    const errors = { ClaimExceedsBalance: "0x7d8242b6", ClaimExceedsCeiling: "0xf1789775", InvalidSignature: "0x8baa579f",
      NotReceiverAuthorizer: "0xf5e2237d", EmptyBatch: "0xc2e5347d", InvalidRefundNonce: "0x164f1afe",
      ZeroRefund: "0xd758525c", ECDSAInvalidSignature: "0xf645eedf", ECDSAInvalidSignatureS: "0xd78bce0c" };
    for (const [name, selector] of Object.entries(errors))
      assert.equal(toFunctionSelector({ ...find(name), type: "function", outputs: [] }), selector, name);
    assert.match(toEventSelector(find("Claimed")), /^0x36bd546b.*eddd$/);
    assert.match(toEventSelector(find("Refunded")), /^0xa84286cf.*394b$/);
    assert.equal(toEventSelector(find("Settled")), "0x7337b4386b690fdb8ba66905b92b9d45d33bc6626ee2620c905fb150ec0cc47d");
    const hashes = { CHANNEL_CONFIG: "0x1c9a06ceab9b0ebbd3301dc56c9111bb6d9af421356dc9ccb3b7084c755db308",
      VOUCHER: "0x1e1bd6ff84c3e0d9029a292b212e039c0ca97ec497c55191a4a5874294609a69",
      CLAIM_ENTRY: "0x30b9a0367528fca13c3e8ec6134c3113f1887ebe7a1ad61de0955aac288b0cf5",
      CLAIM_BATCH: "0x42bd57c010b870c2e96203c66341f28a6a19b4d56a74533a8eb5f706b9fd6d57",
      REFUND: "0xbe23ad087435072cd69b49cc5b92de10ee610fce7ae0ab428307972d764bb216" };
    for (const [name, hash] of Object.entries(hashes)) assert.equal(await chain.read(`${name}_TYPEHASH`), hash, name);
  });

  it("gives the identity and digests that the official package signs", async () => {
    const { config, id } = channelOf();
    assert.equal(await chain.read("getChannelId", [config]), id);
    const voucher = await row({ config, id }, 7n, 9n);
    const digest = await chain.read("getClaimBatchDigest", [[voucher, { ...voucher, totalClaimed: 8n }]]);
    assert.match(digest, /^0x[0-9a-f]{64}$/);
    assert.notEqual(digest, await chain.read("getClaimBatchDigest", [[voucher]]));
  });

  it("takes a deposit only as the payer signed it", async () => {
    const channel = channelOf();
    assert.deepEqual(await names(await deposit(channel, 5000n)), ["ChannelCreated", "Deposited"]);
    assert.deepEqual(await names(await deposit(channel, 1000n, 2n)), ["Deposited"]);
    assert.deepEqual(await chain.read("channels", [channel.id]), [6000n, 0n]);
    // The same authorisation again, for another channel, of another amount.
    const good = await depositArguments(chain, payer, channel.id, 500n, 3n);
    const collector = ERC3009_DEPOSIT_COLLECTOR_ADDRESS;
    const other = channelOf({ salt: `0x${"01".repeat(32)}` });
    await assert.rejects(deposit(channel, 1000n, 2n), /authorization is used or canceled/);
    await assert.rejects(send("deposit", [other.config, 500n, collector, good]), /invalid signature/);
    await assert.rejects(send("deposit", [channel.config, 501n, collector, good]), /invalid signature/);
    assert.equal(await chain.balance(chain.settlement), 6000n);
  });

  it("refuses incomplete channels and empty deposits", async () => {
    const nobody = "0x0000000000000000000000000000000000000000";
    for (const field of ["payer", "receiver", "receiverAuthorizer", "token"])
      await fails("InvalidChannel", () => deposit(channelOf({ [field]: nobody }), 1n));
    for (const withdrawDelay of [899, 2_592_001])
      await fails("WithdrawDelayOutOfRange", () => deposit(channelOf({ withdrawDelay }), 1n));
    await fails("ZeroDeposit", () => deposit(channelOf(), 0n));
    await fails("InvalidCollector", () => send("deposit", [channelOf().config, 1n, nobody, "0x"]));
  });

  it("keeps the collector for itself", async () => {
    const { abi } = artifact("ERC3009Collector");
    const collector = { address: ERC3009_DEPOSIT_COLLECTOR_ADDRESS, abi };
    assert.equal(await chain.reader.readContract({ ...collector, functionName: "x402BatchSettlement" }),
      BATCH_SETTLEMENT_ADDRESS);
    await fails("OnlyX402BatchSettlement", async () => chain.reader.simulateContract({ ...collector, functionName: "collect",
      args: [payer.address, chain.token, 1n, ZERO_HASH, "0x"], account: stranger }));
  });

  it("claims cumulatively: an old row is passed over", async () => {
    const channel = channelOf();
    await deposit(channel, 5000n);
    assert.deepEqual(await names(await claim([await row(channel, 1000n, 3000n)])), ["Claimed"]);
    assert.deepEqual(await names(await claim([await row(channel, 1000n)])), []);
    const unsigned = { ...(await row(channel, 900n)), signature: "0x" };
    assert.deepEqual(await names(await claim([unsigned, await row(channel, 2500n, 3000n)])), ["Claimed"]);
    assert.deepEqual(await chain.read("channels", [channel.id]), [5000n, 2500n]);
    assert.deepEqual(await chain.read("receivers", [receiver.address, chain.token]), [2500n, 0n]);
  });

  it("fails a whole batch for one bad row", async () => {
    const good = channelOf();
    const bad = channelOf({ salt: `0x${"02".repeat(32)}` });
    await deposit(good, 5000n);
    await deposit(bad, 100n, 2n);
    const fine = await row(good, 1000n);
    await fails("ClaimExceedsBalance", async () => claim([fine, await row(bad, 101n)]));
    await fails("ClaimExceedsCeiling", async () => claim([fine, await row(bad, 100n, 99n)]));
    await fails("InvalidSignature", async () => claim([fine, await row(bad, 100n, 100n, stranger)]));
    await fails("NotReceiverAuthorizer", async () =>
      claim([fine, await row(channelOf({ receiverAuthorizer: stranger.address }), 1n)]));
    await fails("InvalidSignature", async () => claim([fine], stranger));
    await fails("EmptyBatch", () => claim([]));
    await fails("NotAuthorizedToClaim", () => send("claim", [[fine]], stranger));
    assert.deepEqual(await names(await send("claim", [[fine]], receiver)), ["Claimed"]);
  });

  it("takes no twin of a signature", async () => {
    const channel = channelOf();
    await deposit(channel, 5000n);
    const fine = await row(channel, 1000n);
    const { r, s, v } = parseSignature(fine.signature);
    const high = numberToHex(GROUP_ORDER - BigInt(s), { size: 32 });
    const twin = concat([r, high, numberToHex(v === 27n ? 28 : 27)]);
    const parity = concat([r, s, numberToHex(Number(v) - 27, { size: 1 })]);
    await fails("ECDSAInvalidSignatureS", async () => claim([{ ...fine, signature: twin }]));
    await fails("ECDSAInvalidSignature", async () => claim([{ ...fine, signature: parity }]));
    await fails("ECDSAInvalidSignatureLength", async () => claim([{ ...fine, signature: fine.signature.slice(0, -2) }]));
    await fails("InvalidSignature", async () =>
      claim([{ ...fine, signature: concat([r, s, numberToHex(v === 27n ? 28 : 27)]) }]));
  });

  it("settles to the receiver, and silently nothing", async () => {
    const channel = channelOf();
    await deposit(channel, 5000n);
    const rows = [await row(channel, 3000n)];
    const calls = [["claimWithSignature", [rows, await signClaims(chain, authorizer, rows)]],
      ["settle", [receiver.address, chain.token]]];
    const data = calls.map(([functionName, args]) => encodeFunctionData({ abi: chain.settlementAbi, functionName, args }));
    assert.deepEqual(await names(await send("multicall", [data])), ["Claimed", "Settled"]);
    assert.equal(await chain.balance(receiver.address), 3000n);
    assert.deepEqual(await names(await send("settle", [receiver.address, chain.token], stranger)), []);
  });

  it("refunds what is not claimed, once for each nonce", async () => {
    const channel = channelOf();
    await deposit(channel, 5000n);
    await claim([await row(channel, 2000n)]);
    const refund = async (amount, nonce, signer = authorizer) => send("refundWithSignature",
      [channel.config, amount, nonce, await signRefund(chain, signer, channel.id, nonce, amount)]);
    await fails("InvalidRefundNonce", () => refund(1n, 1n));
    await fails("InvalidSignature", () => refund(1n, 0n, payer));
    await fails("ZeroRefund", () => refund(0n, 0n));
    assert.deepEqual(await names(await refund(1000n, 0n)), ["Refunded"]);
    await fails("NotAuthorizedToRefund", () => send("refund", [channel.config, 1n], payer));
    assert.deepEqual(await names(await send("refund", [channel.config, 9999n], receiver)), ["Refunded"]);
    assert.deepEqual(await names(await refund(1n, 2n)), []); // nothing is left; the nonce advances all the same
    assert.equal(await chain.read("refundNonce", [channel.id]), 3n);
    assert.deepEqual(await chain.read("channels", [channel.id]), [2000n, 2000n]);
    assert.equal(await chain.balance(payer.address), 1_000_000n - 2000n);
  });

  it("closes a channel that is emptied before any claim, and opens it again", async () => {
    const channel = channelOf();
    await deposit(channel, 5000n);
    assert.deepEqual(await names(await send("refund", [channel.config, 5000n], authorizer)), ["Refunded", "ChannelClosed"]);
    assert.deepEqual(await names(await deposit(channel, 10n, 2n)), ["ChannelCreated", "Deposited"]);
  });

  it("lets the payer withdraw after the delay, and claims win until then", async () => {
    const channel = channelOf();
    await deposit(channel, 5000n);
    const start = (amount, from = payer) => send("initiateWithdraw", [channel.config, amount], from);
    const finish = (from = payer) => send("finalizeWithdraw", [channel.config], from);
    await fails("InvalidChannel", () => start(1n, stranger));
    await fails("NothingToWithdraw", () => start(0n));
    await fails("WithdrawAmountExceedsAvailable", () => start(5001n));
    await fails("WithdrawalNotPending", () => finish());
    const started = await start(4000n);
    assert.deepEqual(await names(started), ["WithdrawInitiated"]);
    const [amount, initiatedAt] = await chain.read("pendingWithdrawals", [channel.id]);
    const { timestamp } = await chain.reader.getBlock({ blockNumber: started.blockNumber });
    assert.deepEqual([amount, BigInt(initiatedAt)], [4000n, timestamp]);
    await fails("WithdrawalAlreadyPending", () => start(1n));
    await fails("WithdrawDelayNotElapsed", () => finish());
    await fails("NotAuthorizedToFinalizeWithdraw", () => finish(stranger));

    await claim([await row(channel, 3000n)]);
    await send("refund", [channel.config, 500n], authorizer); // counts towards the withdrawal
    assert.deepEqual((await chain.read("pendingWithdrawals", [channel.id]))[0], 3500n);
    await chain.node.increaseTime({ seconds: 900 });
    await chain.node.mine({ blocks: 1 });
    assert.deepEqual(await names(await finish()), ["WithdrawFinalized"]);
    assert.deepEqual(await chain.read("channels", [channel.id]), [3000n, 3000n]);
    assert.equal(await chain.balance(payer.address), 1_000_000n - 3000n);
    await fails("ClaimExceedsBalance", async () => claim([await row(channel, 3001n)]));
  });
});
