// The parts of the page, each from what the daemon said.

import { figure } from './channels.js';
import {
  addDecimals,
  byId,
  bytes,
  cells,
  chip,
  clockTime,
  count,
  duration,
  element,
  facts,
  money,
  notice,
  partyName,
  plural,
  rows,
  serverNow,
  setText,
  shortHex,
  state,
  statementTones,
  symbolOf,
  timeNode,
  who,
} from './tools.js';

const kFeedMax = 60;
const kRecentMs = 8000;

export function chooseAsset(live) {
  const select = byId('asset');
  byId('asset-choice').hidden = live.assets.length < 2;
  if (select.options.length !== live.assets.length) {
    select.replaceChildren(...live.assets.map((asset) => new Option(asset.symbol, String(asset.id))));
    const busy = live.totals.assets.find((one) => Number(one.volume) > 0);
    select.value = String(busy?.asset ?? live.assets[0]?.id ?? '');
  }
  state.asset = select.value === '' ? null : Number(select.value);
}

export function showHeader(live) {
  setText(byId('network'), live.network);
  document.title = `${live.network} \u2013 tabd`;
  setText(byId('operator'), live.head.operator);
  setText(byId('version'), `tabd ${live.version}`);
  const causes = live.health.degraded;
  notice(
    causes.length ? `Degraded: ${causes[0]}${causes.length > 1 ? ` (and ${causes.length - 1} more)` : ''}` : '',
    'wait',
  );
}

const isCollection = (kind) => kind === 'collection';

export function showFlow(live) {
  const totals = live.totals.assets.find((one) => one.asset === state.asset);
  const open = live.totals.open_settlements;
  const mine = open.filter((one) => one.asset === state.asset);
  const underWay = (list) => list.reduce((sum, one) => sum + one.count, 0);
  const rate = live.rate.at(-1) ?? 0;
  const value = byId('flow-rate');
  value.replaceChildren(count(rate), element('span', 'unit', 'charges/s'));
  setText(
    byId('flow-rate-note'),
    `${plural(live.head.payers, 'payer')}, ${plural(live.head.mandates, 'mandate')}, ${plural(live.head.servers, 'server')}`,
  );
  setText(byId('flow-tab-note'), windowsNote(live.totals));
  setText(byId('flow-billed-note'), `${plural(live.head.statements, 'statement')} issued`);
  const waiting = underWay(open);
  setText(byId('flow-settling-note'), `${count(waiting)} under way, ${count(live.head.settlements - waiting)} done`);
  const now = serverNow();
  if (live.head.statements > state.seen.statements) {
    if (state.seen.statements > 0) state.seen.statementsAt = now;
    state.seen.statements = live.head.statements;
  }
  active(
    'promise',
    live.rate.slice(-3).some((one) => one > 0),
  );
  active('bill', now - state.seen.statementsAt < kRecentMs);
  active(
    'collect',
    open.some((one) => isCollection(one.kind) && one.state !== 'failed'),
  );
  active(
    'pay',
    open.some((one) => !isCollection(one.kind) && one.state !== 'failed'),
  );
  if (!totals) return;
  money(byId('flow-tab'), addDecimals(totals.unbilled, totals.held), state.asset);
  money(byId('flow-billed'), totals.billed, state.asset);
  const nothing = (0).toFixed(state.assets.get(state.asset)?.scale ?? 0);
  money(
    byId('flow-settling'),
    mine.reduce((sum, one) => addDecimals(sum, one.amount), nothing),
    state.asset,
  );
  money(byId('flow-paid'), totals.paid_out, state.asset);
  const note = byId('flow-paid-note');
  if (note.childNodes.length === 0) note.append(element('span'), ' owed to payees');
  money(note.firstChild, totals.payable, state.asset);
}

function active(pipe, yes) {
  document.querySelector(`[data-pipe="${pipe}"]`).dataset.active = yes ? 'yes' : 'no';
}

export function windowsNote(totals) {
  const open = plural(totals.open_windows, 'open window');
  if (!totals.next_close_us) return open;
  return `${open}, next closes in ${duration(totals.next_close_us / 1000 - serverNow())}`;
}

export function showRate(rate) {
  const width = 600 / rate.length;
  const peak = Math.max(...rate, 0);
  // A round number of at least the peak, so that the scale does not jump with every charge.
  const magnitude = 10 ** Math.floor(Math.log10(Math.max(peak, 4)));
  const top = [1, 1.5, 2, 3, 4, 6, 8, 10]
    .map((step) => step * magnitude)
    .find((step) => step >= Math.max(peak, 4) && step % 2 === 0);
  const bar = (value, index) =>
    `M${(index * width).toFixed(2)} 150V${(150 - (value / top) * 140).toFixed(1)}h${(width * 0.72).toFixed(2)}V150Z`;
  byId('chart-bars').setAttribute('d', rate.map(bar).join(''));
  setText(byId('chart-top'), count(top));
  setText(byId('chart-half'), count(top / 2));
  setText(byId('rate-now'), count(rate.at(-1) ?? 0));
  setText(byId('rate-peak'), `peak ${count(peak)}/s in two minutes`);
}

export function showPayments(payments) {
  const feed = byId('feed');
  const first = feed.childElementCount === 0;
  for (const payment of [...payments].reverse()) {
    const item = element('li', first ? '' : 'fresh');
    const parties = element('p', 'parties');
    parties.append(
      element('bdi', '', partyName(payment.payer)),
      element('span', 'arrow', '\u2192'),
      element('bdi', '', partyName(payment.payee)),
    );
    parties.title = `entry ${payment.sequence}`;
    const amount = figure(element('p'), payment.amount, payment.asset);
    const how = payment.channel === null ? payment.how : `channel ${payment.channel}`;
    const quantity = payment.unit ? `${count(payment.quantity)} ${payment.unit}` : '';
    const signer = payment.by_agent ? 'signed by an agent' : '';
    const many = payment.charges > 1 ? `${count(payment.charges)} charges` : '';
    const under = element('p', 'under', [how, many, quantity, signer].filter(Boolean).join(' \u00b7 '));
    item.append(parties, amount, under, timeNode(payment.time_us));
    feed.prepend(item);
  }
  while (feed.childElementCount > kFeedMax) feed.lastElementChild.remove();
  byId('feed-empty').hidden = feed.childElementCount > 0;
  feed.hidden = feed.childElementCount === 0;
  setText(byId('payments-count'), `${count(state.live.health.charges)} since start`);
}

function exposureRow() {
  const row = cells('', 'number', 'number wide', 'window-column');
  who(row.cells[0]);
  const stack = element('span', 'stack');
  stack.setAttribute('aria-hidden', 'true');
  for (const part of ['billed', 'unbilled', 'held']) {
    const piece = element('span');
    piece.dataset.part = part;
    stack.append(piece);
  }
  row.cells[0].append(stack);
  const left = element('div', 'left');
  const track = element('span', 'bar-left');
  track.setAttribute('aria-hidden', 'true');
  track.append(element('span'));
  left.append(element('span', 'left-text'), track);
  row.cells[3].append(left);
  return row;
}

export function showPayers(payers) {
  const largest = Math.max(...payers.map((payer) => Number(payer.exposure ?? 0)), 0);
  rows(
    byId('payers'),
    payers,
    (payer) => `${payer.id}/${payer.asset}`,
    exposureRow,
    (row, payer) => {
      const name = row.cells[0].querySelector('.name');
      setText(name, partyName(payer));
      name.title = payer.address;
      const standing = payer.standing === 'active' ? '' : ` \u00b7 ${payer.standing.replaceAll('_', ' ')}`;
      setText(
        row.cells[0].querySelector('.under'),
        `${shortHex(payer.address)}${payer.plan ? ` \u00b7 ${payer.plan}` : ''}${standing}`,
      );
      if (payer.asset === null) return;
      for (const piece of row.querySelectorAll('.stack span'))
        piece.style.width = largest > 0 ? `${(Number(payer[piece.dataset.part]) / largest) * 100}%` : '0';
      money(row.cells[1], payer.exposure, payer.asset);
      const share = Number(payer.limit) > 0 ? (Number(payer.exposure) / Number(payer.limit)) * 100 : 0;
      setText(row.cells[2], `${share < 10 ? share.toFixed(2) : share.toFixed(0)} %`);
      row.cells[2].title = `of ${payer.limit} ${symbolOf(payer.asset)}`;
      row.dataset.start = payer.window?.start_us ?? '';
      row.dataset.end = payer.window?.end_us ?? '';
      showTimeLeft(row);
    },
  );
  byId('payers-empty').hidden = payers.length > 0;
}

export function showTimeLeft(row) {
  const start = Number(row.dataset.start) / 1000;
  const end = Number(row.dataset.end) / 1000;
  const text = row.querySelector('.left-text');
  const track = row.querySelector('.bar-left');
  track.hidden = !end;
  if (!end) {
    setText(text, 'none open');
    text.className = 'left-text under';
    return;
  }
  text.className = 'left-text';
  const left = end - serverNow();
  setText(text, left > 0 ? `${duration(left)} left` : 'closing');
  track.firstChild.style.width = `${Math.min(100, Math.max(0, 100 - (left / (end - start)) * 100))}%`;
}

export function showStatements(statements) {
  const make = (statement) => {
    const row = cells('id', '', 'number wide', 'number', '');
    const link = element('a', '', String(statement.id));
    link.href = `#statement-${statement.id}`;
    link.setAttribute('aria-label', `Statement ${statement.id}`);
    row.cells[0].append(link);
    const { name, under } = who(row.cells[1]);
    setText(name, partyName(statement.payer));
    under.append(timeNode(statement.issued_us), ` \u00b7 ${plural(statement.entries, 'entry', 'entries')}`);
    if (statement.invoice) under.append(' \u00b7 ', element('bdi', '', statement.invoice));
    const lines = element('a', '', count(statement.lines));
    lines.href = link.href;
    lines.setAttribute('aria-label', `${plural(statement.lines, 'line')} of statement ${statement.id}`);
    row.cells[2].append(lines);
    money(row.cells[3], statement.billed, statement.asset);
    return row;
  };
  rows(
    byId('statements'),
    statements,
    (one) => one.id,
    make,
    (row, statement) => {
      const shown = row.dataset.state;
      if (shown === statement.state) return;
      row.dataset.state = statement.state;
      row.cells[4].replaceChildren(chip(statement.state.replaceAll('_', ' '), statementTones[statement.state] ?? ''));
    },
  );
  byId('statements-empty').hidden = statements.length > 0;
  setText(byId('statements-count'), `${count(state.live.head.statements)} in all`);
}

// How far along the usual way a state is, of six steps; failures stop it where it was.
const kSteps = {
  ready: 1,
  sending: 2,
  unknown: 2,
  accepted: 3,
  confirmed: 4,
  disputed: 4,
  returned: 4,
  settled: 5,
  final: 6,
  failed: 2,
  written_off: 6,
  cancelled: 6,
};
const settlementTones = {
  ready: 'wait',
  final: 'good',
  failed: 'bad',
  unknown: 'wait',
  returned: 'bad',
  disputed: 'bad',
  written_off: 'bad',
  cancelled: 'bad',
};
const toneOf = (settlement) => settlementTones[settlement.state] ?? 'busy';
// Money to the operator, and from it. Of relays: past the operator, into escrow, what was claimed there, out of it, and
// back to the payer.
const arrows = {
  collection: '\u2199',
  payout: '\u2197',
  exact: '\u2192',
  deposit: '\u2193',
  claim: '\u2713',
  settle: '\u2191',
  refund: '\u2190',
};
// What a relay does is said by `relay.kind`.
const doing = (settlement) => (known(settlement.relay?.kind) ? settlement.relay.kind : settlement.kind);
const known = (kind) => Object.hasOwn(arrows, kind ?? '');

function settlementRow(settlement) {
  const row = cells('id', '', 'number', 'state');
  setText(row.cells[0], String(settlement.id));
  const { name } = who(row.cells[1]);
  const side = element('span', 'side', arrows[doing(settlement)] ?? '\u2022');
  side.setAttribute('aria-hidden', 'true');
  const party = settlement.payer ?? settlement.payee;
  name.append(side, element('bdi', '', party ? partyName(party) : settlement.relay?.label || settlement.kind));
  if (settlement.amount !== null) money(row.cells[2], settlement.amount, settlement.asset);
  else setText(row.cells[2], '\u2013');
  const steps = element('div', 'steps');
  steps.setAttribute('aria-hidden', 'true');
  for (let i = 0; i < 6; ++i) steps.append(element('span'));
  row.cells[3].append(element('span', 'chip'), steps);
  return row;
}

export function showSettlements(settlements) {
  rows(
    byId('settlements'),
    settlements,
    (one) => one.id,
    settlementRow,
    (row, settlement) => {
      const tone = toneOf(settlement);
      const state_ = row.querySelector('.chip');
      setText(state_, settlement.state.replaceAll('_', ' '));
      state_.dataset.tone = tone;
      row.dataset.state = settlement.state;
      row.dataset.kind = settlement.kind;
      row.dataset.relay = settlement.relay?.kind ?? '';
      row.querySelector('.steps').dataset.tone = tone;
      [...row.querySelector('.steps').children].forEach((step, index) =>
        step.toggleAttribute('data-on', index < (kSteps[settlement.state] ?? 1)),
      );
      const under = row.querySelector('.under');
      const statement = settlement.statement ? `statement ${settlement.statement}` : '';
      const trouble =
        settlement.failure !== 'none' && settlement.state !== 'final'
          ? `${settlement.failure.replaceAll('_', ' ')}${settlement.detail ? `: ${settlement.detail}` : ''}`
          : '';
      const does = doing(settlement);
      const what = does === settlement.kind ? does : `${settlement.kind}: ${does}`;
      const text = [what, statement, settlement.rail, trouble || shortHex(settlement.reference)]
        .filter(Boolean)
        .join(' \u00b7 ');
      setText(under, text);
      under.title = [settlement.relay?.label, settlement.reference, settlement.detail, `attempt ${settlement.attempt}`]
        .filter(Boolean)
        .join('\n');
    },
  );
  byId('settlements-empty').hidden = settlements.length > 0;
  setText(byId('settlements-count'), `${count(state.live.head.settlements)} in all`);
}

function meter(queue) {
  const part = queue.limit > 0 ? queue.waiting / queue.limit : 0;
  const box = element('div', 'meter');
  if (part > 0.5) box.dataset.tone = part > 0.9 ? 'bad' : 'wait';
  const line = element('p');
  line.append(
    element('span', '', `Queue: ${queue.name}`),
    element('span', '', `${count(queue.waiting)} of ${count(queue.limit)}`),
  );
  const track = element('div', 'track');
  track.append(element('span'));
  track.firstChild.style.width = `${Math.min(100, part * 100)}%`;
  box.append(line, track);
  return box;
}

function railBox(rail) {
  const box = element('div', 'rail');
  const head = element('p', 'rail-head');
  let [text, tone] = ['running', 'good'];
  if (rail.dry_run) [text, tone] = ['dry run', 'wait'];
  if (rail.breaker !== 'closed') [text, tone] = [`breaker ${rail.breaker.replaceAll('_', ' ')}`, 'bad'];
  if (!rail.enabled) [text, tone] = ['switched off', 'bad'];
  head.append(element('span', '', `Rail: ${rail.name}`), chip(text, tone));
  box.append(
    head,
    element(
      'p',
      'under',
      `${rail.in_flight} of ${rail.in_flight_max} in flight \u00b7 ${count(rail.sent)} sent \u00b7 ${plural(rail.faults, 'fault')}`,
    ),
  );
  if (rail.description) box.append(element('p', 'under', rail.description));
  if (rail.last_error)
    box.append(
      element(
        'p',
        'under problem',
        `${rail.last_error_us ? `${clockTime(rail.last_error_us)} ` : ''}${rail.last_error}`,
      ),
    );
  return box;
}

export function showHealth(live) {
  const health = live.health;
  const bad = health.degraded.length > 0;
  const mark = byId('health-chip');
  setText(mark, bad ? 'degraded' : 'all is well');
  mark.dataset.tone = bad ? 'wait' : 'good';
  byId('causes').hidden = !bad;
  byId('causes').replaceChildren(...health.degraded.map((cause) => element('li', '', cause)));
  byId('queues').replaceChildren(...health.queues.map(meter));
  byId('rails').replaceChildren(
    ...(health.rails.length
      ? health.rails.map(railBox)
      : [element('p', 'empty', 'No rail is enabled: nothing is collected.')]),
  );
  facts(byId('facts'), [
    ['Last commit on disk in', `${(health.commit_write_us / 1000).toFixed(1)} ms`],
    ['Journal', `entry ${count(live.head.sequence)}`],
    ['Refused since start', count(health.refused)],
    ['Suspended payers', count(live.totals.payers_suspended)],
    ['Connections', count(health.connections)],
    ['Disk', bytes(health.disk_bytes)],
    ['Up', duration(live.now_us / 1000 - health.started_us / 1000)],
  ]);
}
