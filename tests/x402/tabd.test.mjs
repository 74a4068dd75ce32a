// tabd serves the official client and server by channels and by `exact`, and answers one payment once, however often it is
// asked.

import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { account, missing, startChain } from "./chain.mjs";
import { describeFlows } from "./flows.mjs";
import { exactRequest, post } from "./payloads.mjs";
import { missingDaemon, startTabd } from "./tabd.mjs";

const gap = missing() || missingDaemon();
if (gap && process.env.CI === "true") throw new Error(gap);
if (gap) console.warn(`SKIPPED: ${gap}`);
else describeFlows("tabd", startTabd);

describe("tabd under attack", { skip: gap || false }, () => {
  const receiver = account(3).address;
  const payer = account(50);
  let chain, tabd;
  before(async () => {
    chain = await startChain();
    tabd = await startTabd(chain, { sender: account(1), payees: [receiver] });
    await chain.mint(payer.address, 1_000_000n);
  });
  after(async () => {
    await tabd?.close();
    await chain?.close();
  });
  const settle = (request) => post(`${tabd.url}/settle`, request, tabd.headers);
  const nonce = (byte) => `0x${byte.repeat(32)}`;

  it("sends one transaction for 1,000 equal settles, and gives 1,000 equal answers", async () => {
    const request = await exactRequest(chain, payer, { to: receiver, nonce: nonce("31") });
    const sent = await chain.reader.getTransactionCount({ address: account(1).address });
    const held = await chain.balance(receiver);
    const answers = await Promise.all(
      // 200 at a time; the client opens more connections than that (tabd.mjs raises the cap for one address).
      Array.from({ length: 200 }, async () => {
        const all = [];
        for (let i = 0; i < 5; ++i) all.push(await settle(request));
        return all;
      }),
    ).then((lists) => lists.flat());
    assert.equal(answers.length, 1000);
    assert.equal(answers[0].body.success, true, JSON.stringify(answers[0]));
    for (const answer of answers) assert.deepEqual(answer, answers[0]);
    assert.equal(await chain.balance(receiver), held + 1000n);
    assert.equal(await chain.reader.getTransactionCount({ address: account(1).address }), sent + 1);
  });

  it("refuses when the wallet was emptied after verify, and pays when it is full again", async () => {
    const poor = account(51);
    await chain.mint(poor.address, 1000n);
    const request = await exactRequest(chain, poor, { to: receiver, nonce: nonce("32") });
    assert.equal((await post(`${tabd.url}/verify`, request, tabd.headers)).body.isValid, true);
    const other = await exactRequest(chain, poor, { to: receiver, nonce: nonce("33") });
    assert.equal((await settle(other)).body.success, true);
    const { status, body } = await settle(request);
    assert.deepEqual([status, body.success, body.errorReason], [200, false, "insufficient_funds"], JSON.stringify(body));
    await chain.mint(poor.address, 1000n);
    const again = await settle(request);
    assert.equal(again.body.success, true, JSON.stringify(again));
    assert.equal(await chain.balance(poor.address), 0n);
  });

  it("refuses a token that is not configured, and other terms for a settled authorisation", async () => {
    const request = await exactRequest(chain, payer, { to: receiver, nonce: nonce("34") });
    for (const part of [request.paymentPayload.accepted, request.paymentRequirements]) part.asset = chain.settlement;
    assert.equal((await settle(request)).body.errorReason, "invalid_exact_evm_eip3009_not_supported");
    assert.equal((await settle(await exactRequest(chain, payer, { to: receiver, nonce: nonce("34") }))).body.success, true);
    const held = await chain.balance(receiver);
    const dearer = await settle(await exactRequest(chain, payer, { to: receiver, value: 2000n, nonce: nonce("34") }));
    assert.equal(dearer.body.success, false);
    assert.equal(await chain.balance(receiver), held);
  });

  // Last: it ends the daemon.
  it("answers with the hash when it has to stop before the block comes", async () => {
    const sender = { address: account(1).address };
    const sent = await chain.reader.getTransactionCount(sender);
    await chain.node.setAutomine(false);
    const answer = settle(await exactRequest(chain, payer, { to: receiver, nonce: nonce("35") }));
    const deadline = Date.now() + 60_000;
    while ((await chain.reader.getTransactionCount({ ...sender, blockTag: "pending" })) === sent) {
      assert.ok(Date.now() < deadline, "nothing was sent");
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    await tabd.close();
    tabd = undefined;
    const { status, body } = await answer;
    assert.deepEqual([status, body.success, body.errorReason], [200, false, "settlement_pending"]);
    await chain.node.mine({ blocks: 1 });
    assert.equal((await chain.reader.getTransactionReceipt({ hash: body.transaction })).status, "success");
  });
});
