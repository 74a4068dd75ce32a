// The web page in a real browser, over the real daemon:  node page_test.mjs DEMO CHROMIUM SCREENSHOTS
//
// One story from start to end; each test goes on where the one before ended.

import assert from 'node:assert/strict';
import { mkdir, readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { Story, Watched, browser, eventually, sleep } from './harness.mjs';

const [demo, chromium, screenshots] = process.argv.slice(2);
const hostile = '<img src=x onerror="window.hacked=1"><script>window.hacked=1</script>';
const axe = await readFile(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');

let story;
let window_;
let page;
let watched;

// A step of the story: the later ones make no sense when one has failed.
let broken = false;
function step(name, run) {
  test(name, async (context) => {
    if (broken) return context.skip('a step before has failed');
    broken = true;
    await run();
    broken = false;
  });
}

const number = (text) => Number(text.replace(/[^0-9]/g, ''));
const text = (selector) => page.textContent(selector);
const live = () =>
  eventually('the page to be live', () => page.evaluate(() => document.body.dataset.connection === 'live'));

before(async () => {
  await mkdir(screenshots, { recursive: true });
  story = await Story.start(demo);
  window_ = await browser(chromium);
  page = await window_.context.newPage();
  watched = new Watched(new URL(story.url).origin);
  watched.attach(page);
});

after(async () => {
  await window_?.close();
  await story?.stop();
});

step('charges grow while one looks', async () => {
  await page.goto(story.url);
  await live();
  const charges = async () => number(await text('#payments-count'));
  const first = await charges();
  await eventually('more charges', async () => (await charges()) > first);
  await eventually('payments in the list', async () => (await page.locator('#feed li').count()) > 3);
  assert.match(await text('#feed li:first-child'), /payer-\d+.*→.*(weather-api|news-archive|model-host)/);
  assert.match(await text('#feed li:first-child .money'), /^0\.\d{8}USD$/);
  const line = await page.getAttribute('#chart-bars', 'd');
  await eventually('the bars of the chart to move', async () => (await page.getAttribute('#chart-bars', 'd')) !== line);
  assert.equal(await page.locator('#payers tr').count(), 12);
  await eventually('windows with time left', async () => /\d:\d\d left/.test(await text('#payers')));
  assert.match(await text('#network'), /^demo:tab$/);
  assert.match(await text('#health-chip'), /all is well/);
});

step('a hostile label is text', async () => {
  const addresses = (await story.tabctl('payer', 'list')).match(/0x[0-9a-f]{40}/g);
  await story.tabctl('payer', 'add', addresses[4], '--label', hostile, '--plan', 'demo');
  await eventually('the label', async () => (await text('#payers')).includes(hostile));
  assert.equal(await page.locator('#payers img, #payers script, #feed img, #statements img').count(), 0);
  assert.equal(await page.evaluate(() => window.hacked), undefined);
});

step('a statement appears, waits for its rail, and is settled', async () => {
  await story.tabctl('rails', 'disable', 'sandbox');
  await eventually('the cause', async () => (await text('#notice')).includes('kill switch'));
  assert.match(await text('#health-chip'), /degraded/);
  const before_ = number(await text('#statements-count'));
  // Its last window may just have ended, and the next one begins with its next charge.
  await eventually('a window to close', () => story.tabctl('close', '5').then(() => true, () => false));
  await eventually('a statement', async () => number(await text('#statements-count')) > before_);
  await eventually('its payer', async () => (await text('#statements')).includes(hostile));
  const mine = page.locator('#settlements tr', { hasText: hostile }).first();
  await eventually('its collection', async () => (await mine.count()) > 0);
  assert.equal(await mine.getAttribute('data-kind'), 'collection');
  assert.equal(await mine.getAttribute('data-state'), 'ready');
  const number_ = await mine.locator('td').first().textContent();
  await story.tabctl('rails', 'enable', 'sandbox');
  const row = page.locator(`#settlements tr[data-key="${number_}"]`);
  await eventually('the collection to be final', async () => (await row.getAttribute('data-state')) === 'final');
  await eventually('the statement to be paid', async () =>
    /paid/.test(await page.locator('#statements tr', { hasText: hostile }).first().textContent()),
  );
  await eventually('a payout', async () => (await page.locator('#settlements tr[data-kind="payout"]').count()) > 0);
  await eventually('no complaint any more', async () => page.locator('#notice').isHidden());
});

step('a statement leads to its lines', async () => {
  const row = page.locator('#statements tr', { hasText: hostile }).first();
  const lines = number(await row.locator('td').nth(2).textContent());
  const id = number(await row.locator('td').first().textContent());
  await row.locator('a').first().click();
  await eventually('the lines', async () => (await page.locator('#lines tr').count()) === lines);
  assert.equal(await text('#statement-title'), `Statement ${id}`);
  const told = await (await fetch(new URL(`statements/${id}/lines?limit=100`, story.url))).json();
  assert.deepEqual(
    await page.locator('#lines tr td:last-child').allTextContents(),
    told.items.map((line) => `${line.amount}USD`),
  );
  assert.match(await text('#statement-facts'), /Invoice\s*INV-\d{6}\s*Net\s*[\d.]+.*Tax\s*0\.0+/);
  assert.match(await row.textContent(), /INV-\d{6}/);
  assert.equal(await page.locator('dialog img').count(), 0);
  await page.screenshot({ path: path.join(screenshots, 'statement.png') });
  await page.keyboard.press('Escape');
  await eventually(
    'the dialog to close',
    async () => !(await page.evaluate(() => document.querySelector('dialog').open)),
  );
  // The dialog's close event, which clears the address, comes after `open` is false.
  await eventually('the address to be clear', async () => (await page.evaluate(() => location.hash)) === '');
  await page.goto(`${story.url}#statement-${id}`);
  await page.reload();
  await eventually('the statement by its address', async () => (await text('#statement-title')) === `Statement ${id}`);
  await page.click('#statement-close');
  await eventually('the address to be clear', async () => (await page.evaluate(() => location.hash)) === '');
  await page.goto(`${story.url}#statement-999999`);
  await eventually('an answer for a wrong number', async () => (await text('#statement-problem')).includes('999999'));
  await page.keyboard.press('Escape');
});

step('it can be paused', async () => {
  await live();
  await page.click('#pause');
  assert.equal(await page.getAttribute('#pause', 'aria-pressed'), 'true');
  await sleep(1500); // what was under way ends
  const asked = watched.requests.length;
  await sleep(2500);
  assert.equal(watched.requests.length, asked);
  await page.click('#pause');
  await live();
});

step('keys reach everything', async () => {
  await page.reload();
  await live();
  await page.keyboard.press('Tab');
  assert.equal(await page.evaluate(() => document.activeElement.className), 'skip');
  const reached = new Set();
  for (let i = 0; i < 40; ++i) {
    await page.keyboard.press('Tab');
    reached.add(
      await page.evaluate(() => document.activeElement.id || document.activeElement.closest('[id]')?.id || ''),
    );
  }
  for (const id of ['pause', 'theme', 'feed', 'statements']) assert.ok(reached.has(id), id);
  await page.focus('#theme');
  for (const theme of ['light', 'dark', undefined]) {
    await page.keyboard.press('Enter');
    assert.equal(await page.evaluate(() => document.documentElement.dataset.theme), theme);
  }
});

step('it fits every width, in both colours, and is accessible', async () => {
  for (const [name, width, height] of [
    ['phone', 390, 844],
    ['narrow', 320, 640],
    ['tablet', 820, 1180],
    ['laptop', 1120, 800],
    ['desktop', 1440, 900],
  ]) {
    for (const colorScheme of ['light', 'dark']) {
      await page.setViewportSize({ width, height });
      await page.emulateMedia({ colorScheme });
      await live();
      const wide = await page.evaluate(() => document.documentElement.scrollWidth);
      assert.ok(wide <= width, `${name}: the page is ${wide} wide`);
      const cut = await page.evaluate(() =>
        [...document.querySelectorAll('.stage, .card')]
          .filter((one) => one.scrollWidth > one.clientWidth)
          .map((one) => one.className),
      );
      assert.deepEqual(cut, [], `${name}: something is wider than its box`);
      await page.screenshot({ path: path.join(screenshots, `${name}-${colorScheme}.png`), fullPage: true });
      if (name !== 'phone' && name !== 'desktop') continue;
      await page.evaluate(axe);
      const found = await page.evaluate(() => axe.run(document));
      assert.deepEqual(
        found.violations.map((one) => `${one.id}: ${one.nodes[0].html}`),
        [],
        `${name}, ${colorScheme}`,
      );
    }
  }
  await page.emulateMedia({ reducedMotion: 'reduce' });
  assert.equal(
    await page.evaluate(() => document.getAnimations().filter((one) => one.playState === 'running').length),
    0,
  );
  await page.emulateMedia({ reducedMotion: 'no-preference' });
});

// What the demo does not bring about: an empty ledger, a kind of settlement that is new, a start that takes long.
step('empty, starting, and settlements of any kind', async () => {
  const other = await window_.context.newPage();
  watched.attach(other);
  const answers = { ready: false };
  await other.route('**/page/live*', async (route) => {
    if (!answers.ready)
      return route.fulfill({ json: { ready: false, cause: 'opening the ledger: journal 5 of 10', version: '0' } });
    const body = await (await route.fetch()).json();
    body.payments = [];
    body.assets = [];
    body.totals = { ...body.totals, assets: [], open_settlements: [], open_windows: 0, next_close_us: null };
    return route.fulfill({ json: body });
  });
  const relay = {
    id: 7,
    kind: 'relay',
    state: 'sending',
    payer: null,
    payee: null,
    statement: null,
    asset: null,
    amount: null,
    rail: 'stablecoin',
    relay: { kind: 'settle', label: `settle to ${hostile}` },
    attempt: 1,
    dunning_step: 0,
    failure: 'none',
    detail: '',
    reference: '0xabcdef0123456789',
    created_us: 1,
    next_action_us: 1,
  };
  for (const list of ['payers', 'statements', 'settlements'])
    await other.route(`**/page/${list}?*`, (route) =>
      route.fulfill({ json: { items: list === 'settlements' ? [relay] : [], next: null } }),
    );
  await other.goto(story.url);
  await eventually('the cause', async () => (await other.textContent('#notice')).includes('journal 5 of 10'));
  answers.ready = true;
  await eventually(
    'the empty lists',
    async () =>
      (await other.locator('#payers-empty').isVisible()) && (await other.locator('#statements-empty').isVisible()),
  );
  assert.ok(await other.locator('#feed-empty').isVisible());
  assert.equal(await other.getAttribute('#settlements tr', 'data-kind'), 'relay');
  assert.match(await other.textContent('#settlements tr'), /settle to .*relay: settle.*stablecoin.*sending/);
  assert.equal(await other.locator('#settlements img').count(), 0);
  await other.close();
});

// The demo has no chain with channels: they are put into the daemon's answers. tests/unit/ops/page_test.cpp says that
// the answers look like this.
step('payment channels, when there are any', async () => {
  assert.ok(await page.locator('#channels-card').isHidden());
  const other = await window_.context.newPage();
  watched.attach(other);
  const address = (digit) => `0x${digit.repeat(40)}`;
  const deadline = (Date.now() + 5 * 3_600_000) * 1000;
  const channel = {
    id: 1,
    key: `0x${'a'.repeat(64)}`,
    state: 'open',
    chain_id: 84532,
    contract: address('4'),
    payer: { id: null, label: hostile, address: address('1') },
    receiver: { id: 1, label: 'weather-api', address: address('2') },
    token: address('5'),
    asset: null,
    balance: '5000000',
    charged: '1200000',
    unclaimed: '1200000',
    claimed: '0',
    charges: 3,
    reservation: null,
    withdrawal: null,
    put_aside: null,
    block: 12,
    opened_us: 1,
    charged_at_us: 1,
  };
  const huge = '340282366920938463463374607431768211455';
  const channels = [
    { ...channel, state: 'reserved', reservation: { id: 9, kind: 'charge', amount: '7', deposit: '0', expires_us: 1 } },
    { ...channel, id: 2, state: 'withdrawal', withdrawal: { amount: '3', deadline_us: deadline } },
    { ...channel, id: 3, state: 'put_aside', put_aside: `claim: ${hostile}${'x'.repeat(400)}` },
    { ...channel, id: 4, balance: huge, charged: huge, unclaimed: huge },
  ];
  const paid = {
    sequence: 5,
    time_us: Date.now() * 1000,
    how: 'channel',
    channel: 3,
    payer: channel.payer,
    payee: channel.receiver,
    by_agent: false,
    asset: null,
    amount: huge,
    charges: 1,
    quantity: 1,
    unit: 'request',
  };
  await other.route('**/page/live*', async (route) => {
    const body = await (await route.fetch()).json();
    const token = { chain_id: 84532, token: channel.token, asset: null, channels: 4, escrow: huge, charged: '4800000' };
    const more = { unclaimed: '4800000', claimed: '0', settled: '0', unsettled: '0' };
    const counts = { channels: 4, put_aside: 1, withdrawals: 1, withdrawals_unclaimed: 1 };
    const nearest = { next_deadline_us: deadline, next_channel: 2 };
    body.totals.channels = { ...counts, ...nearest, tokens: [{ ...token, ...more }] };
    body.payments = [paid];
    return route.fulfill({ json: body });
  });
  await other.route('**/page/channels?*', (route) => route.fulfill({ json: { items: channels, next: null } }));
  await other.goto(story.url);
  await eventually('the channels', async () => (await other.locator('#channels tr').count()) === 4);
  assert.match(await other.textContent('#channels-chips'), /4 channels.*1 withdrawal, no. 2 in [45] h.*1 put aside/);
  const row = (id) => other.textContent(`#channels tr[data-key="${id}"]`);
  assert.match(await row(1), /weather-api.*charge of 7/);
  assert.match(await row(2), /withdrawal in [45] h/);
  assert.ok((await row(3)).includes(`claim: ${hostile}`));
  assert.ok((await row(1)).includes(hostile));
  assert.match(await other.textContent('#feed li:first-child'), /→\s*weather-api.*units.*channel 3 · 1 request/);
  assert.ok((await other.textContent('#feed li:first-child .parties')).includes(hostile));
  assert.ok(await other.locator('#feed').evaluate((one) => one.scrollWidth <= one.clientWidth), 'wider than the feed');
  for (const part of ['#channels-card', '#feed']) {
    assert.equal(await other.locator(`${part} img, ${part} script`).count(), 0);
  }
  assert.equal(await other.evaluate(() => window.hacked), undefined);
  for (const [name, width] of [
    ['phone', 390],
    ['narrow', 320],
    ['desktop', 1440],
  ]) {
    await other.setViewportSize({ width, height: 900 });
    const card = other.locator('#channels-card');
    assert.ok(await card.evaluate((one) => one.scrollWidth <= one.clientWidth), `${name}: wider than its card`);
    await card.screenshot({ path: path.join(screenshots, `channels-${name}.png`) });
  }
  await other.evaluate(axe);
  const found = await other.evaluate(() => axe.run('#channels-card'));
  assert.deepEqual(
    found.violations.map((one) => `${one.id}: ${one.nodes[0].html}`),
    [],
  );
  await other.close();
});

step('nothing left the origin, nobody complained', async () => {
  assert.ok(watched.requests.length > 20);
  assert.deepEqual(watched.foreign(), []);
  assert.deepEqual(
    watched.complaints.filter((one) => !one.includes('404 (Not Found)')),
    [],
  );
});

step('it says when the connection is lost', async () => {
  await live();
  await story.stop();
  await eventually('the loss', async () => (await page.evaluate(() => document.body.dataset.connection)) === 'lost');
  assert.match(await text('#notice'), /Connection lost: no answer from tabd since \d.* Trying again/);
  assert.ok(await page.locator('#retry').isVisible());
  await page.screenshot({ path: path.join(screenshots, 'lost.png') });
});
