// Payment channels in the playground, to the last unit: an agent's wallet, the contract, the books and the sellers.
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";

import { openPurse as openChannels } from "../../playground/agents/channel_purse.mjs";
import { openPurse as openTab } from "../../playground/agents/tab_purse.mjs";
import { eventually, Playground } from "./playground.mjs";

const WALLET = 100_000_000n;
const DEPOSIT = 500_000n;
const ARTICLE = 2_000n;

describe("an agent with channels, alone in the playground", () => {
  const playground = new Playground();
  let mine, purse, library, id;
  let charged = 0n;

  before(async () => {
    await playground.running("--window", "3", "--crawlers", "0");
    mine = await (await playground.faucet("agent")).json();
    const { pay } = await (await fetch(playground.state.urls.front)).json();
    purse = openChannels(mine, pay.channel.refunds);
    library = await playground.payee("library");
  });
  after(() => playground.clean());

  const receiptOf = (answer) =>
    JSON.parse(Buffer.from(answer.headers.get("PAYMENT-RESPONSE") ?? "", "base64").toString());

  async function buy(path, price) {
    const answer = await purse.buy(playground.state.urls.front + path);
    assert.equal(answer.status, 200, `${path}: ${await answer.clone().text()}`);
    const receipt = receiptOf(answer);
    assert.equal(receipt.success, true);
    assert.equal(receipt.extra.chargedAmount, String(price));
    return receipt;
  }

  /** What the contract holds for the channel, and had claimed from it. */
  const onChain = () => playground.read("settlement", "channels", [id]);
  const inBooks = () => playground.tabctl("channel", "show", id);
  const earned = async () => {
    const { items } = await playground.tabctl("channel", "earnings");
    return items.find(({ receiver }) => receiver === library.address);
  };

  test("the first purchase deposits", async () => {
    const { transaction, amount, extra } = await buy("/articles/tabs", ARTICLE);
    charged += ARTICLE;
    assert.match(transaction, /^0x[0-9a-f]{64}$/);
    assert.equal(amount, String(DEPOSIT));
    id = extra.channelState.channelId;
    assert.equal((await onChain())[0], DEPOSIT);
    assert.equal(await playground.balance(playground.state.contracts.settlement), DEPOSIT);
    assert.equal(await playground.balance(mine.address), WALLET - DEPOSIT);
  });

  test("those after it are vouchers: signed for what was bought, and nothing goes to the chain", async () => {
    for (let count = 0; count < 20; ++count) {
      const { transaction, extra } = await buy("/articles/tabs", ARTICLE);
      charged += ARTICLE;
      assert.equal(transaction, "");
      assert.equal(extra.channelState.chargedCumulativeAmount, String(charged));
    }
    const book = await eventually("the last charge to be in the books", async () => {
      const one = await inBooks();
      return BigInt(one.charged) === charged ? one : undefined;
    });
    assert.equal(book.charges, 21);
    assert.equal(book.signed_maximum, String(charged));
    assert.equal(book.payer, mine.address);
    assert.equal(await playground.balance(mine.address), WALLET - DEPOSIT);
  });

  test("a metered thing is charged by what was used", async () => {
    const { extra } = await buy("/stream/84", 900);
    assert.notEqual(extra.channelState.channelId, id); // a channel with another seller
  });

  test("what sells nothing charges nothing", async () => {
    const answer = await purse.buy(`${playground.state.urls.front}/refunds/library`);
    assert.equal(answer.status, 409);
    assert.equal((await answer.json()).error.code, "refunds_only");
    assert.equal((await inBooks()).charged, String(charged));
  });

  test("what was charged is claimed, and paid out to the seller", async () => {
    await eventually("the claim", async () => (await onChain())[1] === charged);
    await eventually("the payout", async () => (await playground.balance(library.address)) === charged);
    await eventually("the books to have it", async () => (await earned()).settled === String(charged));
    const { claimed, charged: inAll } = await earned();
    assert.deepEqual([claimed, inAll], [String(charged), String(charged)]);
    const contract = await playground.read("settlement", "receivers", [
      library.address,
      playground.state.contracts.token,
    ]);
    assert.deepEqual([...contract], [charged, charged]);
    const [balance, totalClaimed] = await onChain();
    const book = await inBooks();
    assert.deepEqual([balance, totalClaimed], [DEPOSIT, charged]);
    assert.deepEqual([book.balance, book.claimed, book.put_aside], [String(DEPOSIT), String(charged), null]);
    await eventually("all transactions to be final", async () => {
      const { items } = await playground.tabctl("settlement", "list", "--all");
      return items.length > 0 && items.every(({ state }) => state === "final");
    });
  });

  test("what is left goes back to the wallet", async () => {
    const returned = Object.fromEntries((await purse.takeBack()).map(({ payee, amount }) => [payee, amount]));
    assert.deepEqual(returned, { library: String(DEPOSIT - charged), stream: String(DEPOSIT - 900n) });
    assert.equal(await playground.balance(mine.address), WALLET - charged - 900n);
    const [balance, totalClaimed] = await onChain();
    assert.equal(balance, totalClaimed);
    const book = await eventually("the books to have the refund", async () => {
      const one = await inBooks();
      return one.refund_nonce === "1" && one.reservation === null ? one : undefined;
    });
    assert.deepEqual([book.balance, book.claimed, book.charged], Array(3).fill(String(charged)));
    assert.deepEqual(await purse.takeBack(), []);
  });

  test("the channel can be used again, and beside it a tab", async () => {
    assert.equal((await buy("/articles/holds", ARTICLE)).amount, String(DEPOSIT));
    charged += ARTICLE;
    const tab = await openTab(mine).buy(`${playground.state.urls.front}/report`);
    assert.equal(tab.status, 200);
    assert.equal(receiptOf(tab).amount, "50000");
    await eventually("the payment of the tab", async () => (await playground.payee("library")).paidOut > 0n);
    await eventually("the payout of the channel", async () => (await earned()).settled === String(charged));
    const { paidOut } = await playground.payee("library");
    assert.equal(paidOut, 48_750n); // less the operator's fee, which channels have none of
    assert.equal(await playground.balance(library.address), charged + paidOut);
  });

  test("no unit is lost, and none is left in the contract", async () => {
    await purse.takeBack();
    assert.equal(await playground.balance(mine.address), WALLET - charged - 900n - 50_000n);
    await eventually("the contract to be empty", async () => {
      return (await playground.balance(playground.state.contracts.settlement)) === 0n;
    });
    const stream = await playground.payee("stream");
    assert.equal(await playground.balance(stream.address), 900n);
  });

  test("it stops", async () => {
    assert.equal(await playground.stop("SIGINT"), 0, playground.output);
    await playground.allGone();
  });
});
