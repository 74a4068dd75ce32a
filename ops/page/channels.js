// Payment channels: what they hold, and how each stands.

import {
  byId,
  cells,
  chip,
  count,
  dateFormat,
  duration,
  element,
  money,
  partyName,
  plural,
  rows,
  serverNow,
  setText,
  shortHex,
  symbolOf,
  who,
} from './tools.js';

// In whole units of the asset, or in the smallest units of a token that is none.
export function figure(node, decimal, asset) {
  if (asset !== null) return money(node, decimal, asset);
  money(node, decimal);
  if (!node.querySelector('.symbol')) node.append(element('span', 'symbol', 'units'));
  return node;
}
const tokenName = (of) => (of.asset === null ? `token ${shortHex(of.token)}` : symbolOf(of.asset));
const isZero = (decimal) => !/[1-9]/.test(decimal);

// How long the payer still has to wait for the money.
export function showDeadline(mark) {
  const left = Number(mark.dataset.deadline) / 1000 - serverNow();
  setText(mark, `${mark.dataset.text} ${left > 0 ? `in ${duration(left)}` : 'possible now'}`);
}

function deadlineChip(text, us, tone) {
  const mark = chip('', tone);
  mark.dataset.text = text;
  mark.dataset.deadline = String(us);
  mark.title = dateFormat.format(new Date(us / 1000));
  showDeadline(mark);
  return mark;
}

function sumsOf(token) {
  const list = element('dl', 'sums');
  const sum = (name, decimal, note) => {
    const box = element('div');
    const value = figure(element('dd'), decimal, token.asset);
    box.append(element('dt', '', name), value);
    if (note) box.append(element('dd', 'under', note));
    list.append(box);
  };
  const unit = token.asset === null ? 'units' : symbolOf(token.asset);
  sum('In escrow', token.escrow, `${plural(token.channels, 'channel')}, chain ${token.chain_id}, ${tokenName(token)}`);
  sum('Charged', token.charged, 'through them so far');
  sum('Not claimed yet', token.unclaimed, 'charged, still in escrow');
  sum('Claimed', token.claimed, `${token.unsettled} ${unit} to be settled`);
  sum('Settled', token.settled, 'paid out to receivers');
  return list;
}

export function showChannelTotals(totals) {
  byId('channels-card').hidden = totals.channels === 0;
  if (totals.channels === 0) return;
  const key = JSON.stringify(totals);
  const list = byId('channels-tokens');
  if (list.dataset.key === key) return;
  list.dataset.key = key;
  list.replaceChildren(...totals.tokens.map(sumsOf));
  const chips = [element('span', '', plural(totals.channels, 'channel'))];
  if (totals.withdrawals > 0) {
    const danger = totals.withdrawals_unclaimed > 0;
    const text = `${plural(totals.withdrawals, 'withdrawal')}, no. ${totals.next_channel}`;
    chips.push(deadlineChip(text, totals.next_deadline_us, danger ? 'bad' : 'wait'));
  }
  if (totals.put_aside > 0) chips.push(chip(`${count(totals.put_aside)} put aside`, 'bad'));
  byId('channels-chips').replaceChildren(...chips);
}

function channelRow(channel) {
  const row = cells('id', '', 'number wide', 'number wide', 'number', 'state');
  setText(row.cells[0], String(channel.id));
  const { name } = who(row.cells[1]);
  name.append(
    element('bdi', '', partyName(channel.payer)),
    element('span', 'arrow', ' \u2192 '),
    element('bdi', '', partyName(channel.receiver)),
  );
  name.title = `payer ${channel.payer.address}\nreceiver ${channel.receiver.address}`;
  row.cells[1].append(element('span', 'under problem'));
  for (const cell of [row.cells[2], row.cells[3], row.cells[4]]) cell.append(element('span', 'figure'));
  row.cells[4].append(element('span', 'under'));
  return row;
}

function stateChip(channel) {
  if (channel.state === 'put_aside') return chip('put aside', 'bad');
  if (channel.withdrawal)
    return deadlineChip('withdrawal', channel.withdrawal.deadline_us, isZero(channel.unclaimed) ? 'wait' : 'bad');
  return chip(channel.state, channel.state === 'open' ? 'good' : 'busy');
}

export function showChannels(channels) {
  rows(
    byId('channels'),
    channels,
    (one) => one.id,
    channelRow,
    (row, channel) => {
      row.dataset.state = channel.state;
      const [under, problem] = row.cells[1].querySelectorAll('.under');
      setText(under, `${shortHex(channel.key)} \u00b7 ${tokenName(channel)} \u00b7 block ${count(channel.block)}`);
      under.title = [
        `channel ${channel.key}`,
        `token ${channel.token}`,
        `contract ${channel.contract}`,
        `chain ${channel.chain_id}`,
      ].join('\n');
      problem.hidden = channel.put_aside === null;
      setText(problem, channel.put_aside ?? '');
      problem.title = channel.put_aside ?? '';
      [channel.balance, channel.claimed, channel.charged].forEach((decimal, index) => {
        const node = figure(row.cells[2 + index].firstChild, decimal, channel.asset);
        node.title = decimal;
      });
      const due = isZero(channel.unclaimed) ? 'all claimed' : `${channel.unclaimed} to claim`;
      setText(row.cells[4].lastChild, due);
      const chips = [stateChip(channel)];
      if (channel.state === 'put_aside' && channel.withdrawal)
        chips.push(deadlineChip('withdrawal', channel.withdrawal.deadline_us, 'bad'));
      if (channel.reservation)
        chips.push(element('span', 'under', `${channel.reservation.kind} of ${channel.reservation.amount}`));
      row.cells[5].replaceChildren(...chips);
    },
  );
}
