// The dialog that shows one statement and its lines; its address is #statement-NUMBER.

import {
  ask,
  byId,
  cells,
  chip,
  count,
  element,
  facts,
  money,
  partyName,
  setText,
  shortHex,
  state,
  statementTones,
  timeNode,
  who,
} from './tools.js';

async function openStatement(id) {
  const dialog = byId('statement');
  state.statement = id;
  setText(byId('statement-title'), `Statement ${id}`);
  byId('statement-problem').hidden = true;
  byId('statement-body').hidden = true;
  byId('lines').replaceChildren();
  if (!dialog.open) dialog.showModal();
  try {
    const statement = await ask(`statements/${id}`);
    if (state.statement !== id) return;
    fillStatement(statement);
    await moreLines(id, statement.asset, 0);
    byId('statement-body').hidden = false;
  } catch (failure) {
    setText(byId('statement-problem'), failure.message);
    byId('statement-problem').hidden = false;
  }
}

function fillStatement(statement) {
  const asset = statement.asset;
  const amount = (decimal) => money(element('span'), decimal, asset);
  const zero = (decimal) => /^[0.]*$/.test(decimal);
  const span = element('span');
  span.append(
    timeNode(statement.window.start_us),
    ' \u2013 ',
    timeNode(statement.window.end_us),
    `, no. ${statement.window.number}`,
  );
  facts(byId('statement-facts'), [
    ['Payer', element('bdi', '', partyName(statement.payer))],
    ['Address', element('code', '', statement.payer?.address ?? '')],
    ['State', chip(statement.state.replaceAll('_', ' '), statementTones[statement.state] ?? '')],
    ...(statement.invoice ? [['Invoice', element('bdi', '', statement.invoice)]] : []),
    ['Net', amount(statement.net)],
    [statement.tax_label || 'Tax', amount(statement.tax)],
    ['Billed', amount(statement.billed)],
    ['Charges and what was carried in', amount(statement.total)],
    ...(zero(statement.credit_applied) ? [] : [['Credit applied', amount(statement.credit_applied)]]),
    ...(zero(statement.credited) ? [] : [['Credit notes', amount(statement.credited)]]),
    ...(zero(statement.paid) ? [] : [['Paid by itself, or in part', amount(statement.paid)]]),
    ...(zero(statement.refunded) ? [] : [['Refunded', amount(statement.refunded)]]),
    ['Window', span],
    ['Issued', timeNode(statement.issued_us)],
    ['Entries under the root', count(statement.entries)],
    ['Merkle root', element('code', '', statement.root)],
  ]);
  byId('shares').replaceChildren(
    ...statement.shares.map((share) => {
      const item = element('li');
      item.append(element('bdi', '', partyName(share.payee)), amount(share.amount));
      return item;
    }),
  );
}

async function moreLines(id, asset, after) {
  const page = await ask(`statements/${id}/lines?limit=50&after=${after}`);
  if (state.statement !== id) return;
  for (const line of page.items) {
    const row = cells('', 'number wide', 'number', 'number');
    const { name, under } = who(row.cells[0]);
    setText(name, partyName(line.payee));
    under.append(line.resource ? element('code', '', shortHex(line.resource)) : 'further resources');
    under.title = line.resource ?? '';
    setText(row.cells[1], count(line.quantity));
    setText(row.cells[2], count(line.charges));
    money(row.cells[3], line.amount, asset);
    byId('lines').append(row);
  }
  byId('lines-pager').hidden = page.next === null;
  byId('lines-more').onclick = () => moreLines(id, asset, page.next);
}

export function followAddress() {
  const match = /^#statement-(\d{1,19})$/.exec(location.hash);
  if (match) openStatement(match[1]);
  else if (byId('statement').open) byId('statement').close();
}
