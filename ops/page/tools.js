// What the parts of the page share: its state, and how text, times and money become nodes.

const kTimeoutMs = 5000;

export const byId = (id) => document.getElementById(id);
export const state = {
  connection: 'connecting', // live, starting, paused, lost
  cursor: '0',
  listsAt: null, // the journal's sequence for which the lists were read, and whether there were channels
  assets: new Map(),
  asset: null, // of the totals, as chosen
  live: null,
  clockSkewMs: 0,
  lastAnswer: null,
  seen: { statements: 0, settlements: 0, statementsAt: 0 },
  pages: { payers: null, statements: null, settlements: null, channels: null }, // cursors; null: the first page
  next: { payers: null, statements: null, settlements: null, channels: null },
  statement: null, // the one that the dialog shows
};

export function element(tag, className, text) {
  const made = document.createElement(tag);
  if (className) made.className = className;
  if (text !== undefined) made.textContent = text;
  return made;
}

export function setText(node, text) {
  if (node.textContent !== text) node.textContent = text;
}

export const groups = (digits) => digits.replace(/\B(?=(\d{3})+$)/g, '\u202f');
export const count = (number) => groups(String(number));
export const plural = (number, one, many = `${one}s`) => `${count(number)} ${number === 1 ? one : many}`;
export const serverNow = () => Date.now() + state.clockSkewMs;
export const timeFormat = new Intl.DateTimeFormat(undefined, {
  hour: '2-digit',
  minute: '2-digit',
  second: '2-digit',
  hourCycle: 'h23',
});
export const dateFormat = new Intl.DateTimeFormat(undefined, { dateStyle: 'medium', timeStyle: 'medium' });
export const clockTime = (us) => timeFormat.format(new Date(us / 1000));

// The time of the day; with the date when that is another one.
export function timeNode(us) {
  const date = new Date(us / 1000);
  const today = Math.abs(serverNow() - date) < 20 * 3600 * 1000;
  const node = element('time', '', (today ? timeFormat : dateFormat).format(date));
  node.dateTime = date.toISOString();
  node.title = dateFormat.format(date);
  return node;
}

export function duration(ms) {
  const seconds = Math.max(0, Math.round(ms / 1000));
  if (seconds < 3600) return `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, '0')}`;
  if (seconds < 86400) return `${Math.floor(seconds / 3600)} h ${Math.floor((seconds % 3600) / 60)} min`;
  return `${Math.floor(seconds / 86400)} d ${Math.floor((seconds % 86400) / 3600)} h`;
}

export function bytes(number) {
  const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB'];
  let unit = 0;
  let value = number;
  for (; value >= 1024 && unit + 1 < units.length; ++unit) value /= 1024;
  return `${unit === 0 || value >= 100 ? Math.round(value) : value.toFixed(1)} ${units[unit]}`;
}

export const shortHex = (text) =>
  text && text.length > 14 ? `${text.slice(0, 8)}\u2026${text.slice(-4)}` : text || '';
export const partyName = (party) => (party ? party.label || shortHex(party.address) || `no. ${party.id}` : '\u2013');
export const symbolOf = (asset) => state.assets.get(asset)?.symbol ?? '';

// How much of a fraction matters at first sight: two decimals; below one, until two digits that count.
export const leading = (whole, fraction) => (/^-?0$/.test(whole) ? Math.max(2, fraction.search(/[1-9]/) + 2) : 2);

// A decimal string as what matters first, and the quiet rest. Nothing is rounded: money is shown as it is.
export function money(node, decimal, asset) {
  const key = `${decimal} ${asset}`;
  if (node.dataset.money === key) return node;
  node.dataset.money = key;
  node.classList.add('money');
  const [whole, fraction = ''] = decimal.split('.');
  const sign = whole.startsWith('-') ? '\u2212' : '';
  const shown = leading(whole, fraction);
  node.replaceChildren(sign + groups(whole.replace('-', '')) + (fraction ? `.${fraction.slice(0, shown)}` : ''));
  const rest = fraction.slice(shown).replace(/0+$/, '');
  if (rest) node.append(element('span', 'rest', rest));
  const zeros = fraction.slice(shown + rest.length);
  if (zeros) node.append(element('span', 'rest zeros', zeros));
  if (asset !== undefined) node.append(element('span', 'symbol', symbolOf(asset)));
  return node;
}

// Exact sums of decimal strings with the same number of decimals.
export function addDecimals(a, b) {
  const digits = Math.max((a.split('.')[1] ?? '').length, (b.split('.')[1] ?? '').length);
  const units = (text) => {
    const [whole, fraction = ''] = text.split('.');
    return BigInt(whole + fraction.padEnd(digits, '0'));
  };
  const sum = String(units(a) + units(b)).padStart(digits + 1, '0');
  return digits ? `${sum.slice(0, -digits)}.${sum.slice(-digits)}` : sum;
}

// Rows by key: what is there stays (so focus and selection survive), what is new is made, what is gone goes.
export function rows(body, items, keyOf, make, update) {
  const old = new Map([...body.children].map((row) => [row.dataset.key, row]));
  const first = body.dataset.filled !== 'yes';
  let place = body.firstElementChild;
  for (const item of items) {
    const key = String(keyOf(item));
    let row = old.get(key);
    old.delete(key);
    if (!row) {
      row = make(item);
      row.dataset.key = key;
      if (!first) row.classList.add('fresh');
    }
    if (row === place) place = place.nextElementSibling;
    else body.insertBefore(row, place);
    update(row, item);
  }
  for (const row of old.values()) row.remove();
  body.dataset.filled = 'yes';
}

export function cells(...classNames) {
  const row = element('tr');
  for (const name of classNames) row.append(element('td', name));
  return row;
}

// A cell with a name and something smaller below it.
export function who(cell) {
  cell.classList.add('who');
  const name = element('bdi', 'name');
  const under = element('span', 'under');
  cell.append(name, under);
  return { name, under };
}

export function chip(text, tone) {
  const made = element('span', 'chip', text);
  made.dataset.tone = tone;
  return made;
}

export function facts(list, pairs) {
  list.replaceChildren(
    ...pairs.flatMap(([name, value]) => {
      const detail = element('dd');
      detail.append(value);
      return [element('dt', '', name), detail];
    }),
  );
}

export const statementTones = { open: 'wait', paid: 'good', written_off: 'bad', credited: 'good' };

export async function ask(path) {
  const response = await fetch(path, { signal: AbortSignal.timeout(kTimeoutMs), cache: 'no-store' });
  const body = await response.json();
  if (!response.ok)
    throw Object.assign(new Error(body.error?.message ?? response.statusText), { status: response.status });
  return body;
}

export function notice(text, kind, withRetry = false) {
  byId('notice').hidden = !text;
  byId('notice').dataset.kind = kind ?? '';
  byId('retry').hidden = !withRetry;
  setText(byId('notice-text'), text ?? '');
}
