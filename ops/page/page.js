// The web page of tabd: asks the daemon once a second and shows what it says. Everything that comes from outside is set
// as text, never as markup. ops/page.h describes the data.

import { showChannels, showChannelTotals, showDeadline } from './channels.js';
import {
  chooseAsset,
  showFlow,
  showHeader,
  showHealth,
  showPayers,
  showPayments,
  showRate,
  showSettlements,
  showStatements,
  showTimeLeft,
  windowsNote,
} from './parts.js';
import { followAddress } from './statement.js';
import { ask, byId, notice, setText, state, timeFormat } from './tools.js';

const kPollMs = 1000;
const kRetryMaxMs = 8000;

function setConnection(connection, text) {
  state.connection = connection;
  document.body.dataset.connection = connection;
  setText(byId('connection-text'), text);
}

let timer = 0;
let failures = 0;
let asking = false;

function again(ms) {
  clearTimeout(timer);
  timer = setTimeout(tick, ms);
}

async function tick() {
  if (asking || state.connection === 'paused' || document.hidden) return;
  asking = true;
  try {
    const live = await ask(`live?after=${state.cursor}`);
    failures = 0;
    state.lastAnswer = Date.now();
    if (live.ready) await show(live);
    else showStarting(live);
    again(kPollMs);
  } catch (failure) {
    failures += 1;
    const wait = Math.min(kRetryMaxMs, 500 * 2 ** failures);
    showLost(failure);
    again(wait);
  } finally {
    asking = false;
  }
}

function showStarting(live) {
  setConnection('starting', 'Not ready');
  notice(`tabd is not ready: ${live.cause || 'starting'}`, 'wait');
}

// The text stays the same from try to try, so that it is read out once.
function showLost(failure) {
  setConnection('lost', 'Connection lost');
  const since = state.lastAnswer ? ` since ${timeFormat.format(state.lastAnswer)}` : '';
  const why = failure.status ? ` (${failure.message})` : '';
  notice(`Connection lost: no answer from tabd${since}${why}. Trying again every few seconds.`, 'bad', true);
}

async function show(live) {
  if (state.connection === 'paused') return;
  // Another ledger than before, or an older copy of it: begin anew.
  const restarted =
    state.live && (live.head.sequence < state.live.head.sequence || live.network !== state.live.network);
  if (restarted) {
    location.reload();
    return;
  }
  setConnection('live', 'Live');
  state.live = live;
  state.clockSkewMs = live.now_us / 1000 - Date.now();
  state.cursor = live.next;
  for (const asset of live.assets) state.assets.set(asset.id, asset);
  chooseAsset(live);
  showHeader(live);
  showFlow(live);
  showRate(live.rate);
  showHealth(live);
  showPayments(live.payments);
  showChannelTotals(live.totals.channels);
  const at = `${live.head.sequence} ${hasChannels()}`;
  if (state.listsAt !== at) {
    await showLists();
    state.listsAt = at;
  }
}

const hasChannels = () => state.live.totals.channels.channels > 0;

async function showLists() {
  const lists = {
    payers: ['after', showPayers],
    statements: ['before', showStatements],
    settlements: ['before', showSettlements],
  };
  if (hasChannels()) lists.channels = ['after', showChannels];
  for (const [name, [cursor, showList]] of Object.entries(lists)) {
    const at = state.pages[name];
    const page = await ask(`${name}?limit=12${at === null ? '' : `&${cursor}=${at}`}`);
    state.next[name] = page.next;
    showList(page.items);
    const pager = byId(`${name}-pager`);
    pager.hidden = page.next === null && at === null;
    pager.querySelector('[data-page="first"]').disabled = at === null;
    pager.querySelector('[data-page="next"]').disabled = page.next === null;
  }
}

// ---- what people can do

function setPaused(paused) {
  setConnection(paused ? 'paused' : 'connecting', paused ? 'Paused' : 'Connecting');
  byId('pause').setAttribute('aria-pressed', String(paused));
  setText(byId('pause-text'), paused ? 'Continue' : 'Pause');
  byId('pause-icon').setAttribute('d', paused ? 'M5 3l8 5-8 5z' : 'M4.5 3v10M11.5 3v10');
  clearTimeout(timer);
  if (paused) notice('');
  else tick();
}

const themes = ['system', 'light', 'dark'];
function setTheme(theme) {
  if (theme === 'system') delete document.documentElement.dataset.theme;
  else document.documentElement.dataset.theme = theme;
  const text = `Colours: ${theme === 'system' ? 'as the system' : theme}`;
  setText(byId('theme-text'), text);
  byId('theme').title = text;
  byId('theme').dataset.choice = theme;
}

// Private windows may have no storage: then the choice lasts as long as the page.
function remembered() {
  try {
    const theme = localStorage.getItem('tabd-theme');
    return themes.includes(theme) ? theme : 'system';
  } catch {
    return 'system';
  }
}
function remember(theme) {
  try {
    localStorage.setItem('tabd-theme', theme);
  } catch {
    // nothing to do
  }
}

byId('pause').addEventListener('click', () => setPaused(state.connection !== 'paused'));
byId('retry').addEventListener('click', () => tick());
byId('theme').addEventListener('click', () => {
  const theme = themes[(themes.indexOf(byId('theme').dataset.choice) + 1) % themes.length];
  setTheme(theme);
  remember(theme);
});
byId('asset').addEventListener('change', () => {
  state.asset = Number(byId('asset').value);
  if (state.live) showFlow(state.live);
});
for (const name of Object.keys(state.pages)) {
  byId(`${name}-pager`).addEventListener('click', async (event) => {
    const to = event.target.closest('button')?.dataset.page;
    if (!to) return;
    state.pages[name] = to === 'first' ? null : state.next[name];
    byId(name).dataset.filled = 'no';
    try {
      await showLists();
    } catch {
      again(0);
    }
  });
}
byId('statement').addEventListener('close', () => {
  if (byId('statement').open) return; // opened again before the event came
  state.statement = null;
  if (location.hash) history.replaceState(null, '', location.pathname + location.search);
});
byId('statement').addEventListener('click', (event) => {
  if (event.target === byId('statement')) byId('statement').close(); // beside it
});
window.addEventListener('hashchange', followAddress);
document.addEventListener('visibilitychange', () => {
  if (!document.hidden) again(0);
});
document.addEventListener('animationend', (event) => event.target.closest('.fresh')?.classList.remove('fresh'));
setInterval(() => {
  if (state.connection !== 'live') return;
  for (const row of byId('payers').children) showTimeLeft(row);
  for (const chip of byId('channels-card').querySelectorAll('[data-deadline]')) showDeadline(chip);
  if (state.live) setText(byId('flow-tab-note'), windowsNote(state.live.totals));
}, 1000);

setTheme(remembered());
followAddress();
tick();
