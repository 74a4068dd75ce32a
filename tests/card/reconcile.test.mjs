// The card rail end to end: signed charges, the real daemon and ledger, the stand-in as provider. Then what can go wrong
// between two books is planted at the provider, one by one, and `tabctl reconcile` has to find it.

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { after, before, test } from "node:test";
import { fileURLToPath } from "node:url";
import { Provider } from "../../playground/provider/provider.mjs";

const root = join(dirname(fileURLToPath(import.meta.url)), "..", "..");
const binary = process.env.TABD_BINARY ?? join(root, "build", "release", "daemon", "tabd");
const tabctl = process.env.TABCTL_BINARY ?? join(dirname(binary), "..", "cli", "tabctl");
const TIMEOUT_MS = 60_000;

let provider;
let folder;
let daemon;
let log = "";

// The provider answers from this process, so nothing here may block it.
function run(program, words, input = "") {
  return new Promise((resolve) => {
    const child = spawn(program, words, { stdio: ["pipe", "pipe", "pipe"] });
    const finished = { code: null, out: "", errors: "" };
    child.stdout.on("data", (part) => (finished.out += part));
    child.stderr.on("data", (part) => (finished.errors += part));
    const timer = setTimeout(() => child.kill("SIGKILL"), TIMEOUT_MS);
    child.once("close", (code) => {
      clearTimeout(timer);
      resolve({ ...finished, code });
    });
    child.stdin.on("error", () => {});
    child.stdin.end(input);
  });
}
const as = (who, words, input) =>
  run(tabctl, ["--socket", join(folder, "t.sock"), "--key", join(folder, `${who}.key`), "--quiet", ...words], input);
async function good(who, words, input) {
  const done = await as(who, words, input);
  assert.equal(done.code, 0, `${words.join(" ")}: ${done.out}${done.errors}`);
  return done.out;
}
async function eventually(what, condition) {
  const deadline = Date.now() + TIMEOUT_MS;
  for (;;) {
    const value = await condition();
    if (value) return value;
    assert.ok(Date.now() < deadline, `${what}\n${log}`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}
// With the differences as "kind settlement ours theirs".
async function reconcile(...words) {
  const done = await as("operator", ["reconcile", "--json", ...words]);
  const made = JSON.parse(done.out);
  assert.equal(done.code, made.differences_total === 0 ? 0 : 4, done.errors);
  assert.deepEqual(made.rails.map((rail) => [rail.rail, rail.problem]), [["card", ""]]);
  return made;
}
const found = (made) => made.differences.map((one) => `${one.kind} ${one.settlement} ${one.ours} ${one.theirs}`).sort();

async function customer(name, address, card) {
  const api = (path, form) =>
    fetch(`${provider.url}/v1/${path}`, {
      method: "POST",
      headers: { Authorization: `Bearer ${provider.apiKey}`, "Content-Type": "application/x-www-form-urlencoded" },
      body: new URLSearchParams(form).toString(),
    }).then((answer) => answer.json());
  const made = await api("customers", { "metadata[tabd_payer]": address });
  const method = await api(`payment_methods/${card}/attach`, { customer: made.id });
  await good("operator", ["payer", "add", address, "--label", name, "--plan", "cards"]);
  await good(name, ["mandate", "rail", "--rail", "card", "--text", `${made.id};${method.id}`]);
  return { id: made.id, api };
}
async function charge(name, payee, amount) {
  const item = await good(name, ["sign", "commitment", "--payee", payee, "--maximum", amount]);
  await good("server", ["submit", "-", "--json", "--results"], item);
  await good("operator", ["close", name]);
}

before(async () => {
  assert.ok(existsSync(binary), `${binary} is missing: build tabd, or set TABD_BINARY`);
  provider = await new Provider().start();
  provider.availableAfter = 0;
  folder = mkdtempSync(join(tmpdir(), "tabd-reconcile-"));
  writeFileSync(join(folder, "provider.key"), `${provider.apiKey}\n`, { mode: 0o400 });
  // A key of the development accounts that everybody knows.
  writeFileSync(join(folder, "operator.key"), "0xac0974bec39a17e36ba4a6b4d238ff944bacb478cbed5efcae784d7bf4f2ff80\n", { mode: 0o400 });
  writeFileSync(
    join(folder, "tabd.toml"),
    `network = "card:tab"
data_dir = "data"
operator_key_file = "operator.key"
[rpc]
unix_socket = "t.sock"
[http]
listen = ""
[[asset]]
id = 1
text = "USD"
symbol = "USD"
scale = 6
rail_scale = 2
[settlement]
poll_interval = "50ms"
[rails.card]
enabled = true
base_url = "${provider.url}"
api_key_file = "provider.key"
final_after = "0s"
poll_interval = "1h"
[[rails.card.asset]]
asset = "USD"
currency = "usd"
`,
  );
  daemon = spawn(binary, ["--config", join(folder, "tabd.toml")], { stdio: ["ignore", "pipe", "pipe"] });
  daemon.stdout.on("data", (part) => (log += part));
  daemon.stderr.on("data", (part) => (log += part));
  const killed = () => daemon.kill("SIGKILL");
  process.once("exit", killed);
  await eventually("the daemon is not ready", () => {
    assert.equal(daemon.exitCode, null, log);
    return log.includes("ready ");
  });
});
after(async () => {
  if (daemon && daemon.exitCode === null) {
    const ended = new Promise((resolve) => daemon.once("exit", resolve));
    daemon.kill("SIGTERM");
    await ended;
  }
  await provider.stop();
  rmSync(folder, { recursive: true });
});

test("collections by card are in both books, and every planted difference is found", async () => {
  const address = {};
  for (const name of ["server", "payee", "alice", "bob", "carol", "dora"])
    address[name] = (await run(tabctl, ["keygen", join(folder, `${name}.key`), "--quiet"])).out.split("\n")[0];
  await good("operator", ["plan", "add", "cards", "--window", "day", "--credit-limit", "500", "--minimum", "1", "--rail", "card"]);
  await good("operator", ["payee", "add", address.payee, "--label", "weather", "--rail", "card"]);
  await good("operator", ["server", "add", address.server, "--label", "eu-1", "--payee", "weather"]);
  for (const name of ["alice", "bob", "carol"]) await customer(name, address[name], "pm_card_visa");
  const dora = await customer("dora", address.dora, "pm_processing");
  const amounts = { alice: "10.00", bob: "20.00", carol: "30.00", dora: "40.00" };
  for (const [name, amount] of Object.entries(amounts)) await charge(name, address.payee, amount);
  const settlements = async () => JSON.parse(await good("operator", ["settlement", "list", "--all", "--json"])).items;
  const collections = await eventually("not all were collected", async () => {
    const all = (await settlements()).filter((one) => one.kind === "collection");
    const states = all.map((one) => one.state).sort().join(" ");
    return states === "accepted final final final" ? all : null;
  });
  const of = (name) => collections.find((one) => one.party === name);
  const number = (name) => of(name).id;
  const intent = (name) => provider.intents.get(of(name).reference);
  assert.equal(provider.paid().length, 3);
  for (const name of ["alice", "bob", "carol"]) assert.equal(intent(name).amount_received, Number(amounts[name]) * 100);

  // The payout to an account that does not exist fails and is in neither book.
  const clean = await reconcile();
  assert.deepEqual(found(clean), []);
  assert.equal(clean.rails[0].matched, 3);
  assert.equal(clean.rails[0].movements, 3);

  // Under way for too long. The provider's word comes late: neither book has moved money.
  await new Promise((resolve) => setTimeout(resolve, 1100));
  assert.deepEqual(found(await reconcile("--stuck", "1s")), [`stuck ${number("dora")} 40.000000 null`]);

  // In our books, and not at the provider.
  const lost = intent("alice");
  provider.intents.delete(lost.id);
  // Another amount than ours, and a part that went back.
  intent("bob").amount_received += 1;
  const back = await dora.api("refunds", { payment_intent: intent("carol").id, amount: "500" });
  // At the provider, and not in our books: made by hand; made by a ledger of our name that has no such settlement; and
  // one of another ledger, which is not ours to judge.
  const pay = (metadata) =>
    dora.api("payment_intents", {
      amount: "777", currency: "usd", customer: dora.id, payment_method: "pm_card_visa", confirm: "true", off_session: "true",
      ...Object.fromEntries(Object.entries(metadata).map(([key, value]) => [`metadata[${key}]`, value])),
    });
  const byHand = await pay({});
  const stray = await pay({ tabd_ledger: intent("bob").metadata.tabd_ledger, tabd_key: "00", tabd_settlement: "4711" });
  const foreign = await pay({ tabd_ledger: "another", tabd_key: "00", tabd_settlement: "1" });
  assert.deepEqual([byHand.status, stray.status, foreign.status], ["succeeded", "succeeded", "succeeded"]);

  const made = await reconcile("--since", "1d");
  assert.deepEqual(found(made), [
    `amount ${number("bob")} 20.000000 20.010000`,
    `amount ${number("carol")} 30.000000 25.000000`,
    `not_at_rail ${number("alice")} 10.000000 null`,
    "not_in_books 4711 null 7.770000",
    "not_in_books null null 7.770000",
  ].sort());
  for (const one of made.differences) {
    assert.equal(one.rail, "card");
    assert.equal(one.asset, "USD");
    assert.equal(one.direction, "in");
    assert.ok(one.since !== null && one.age_seconds < 3600, one.since);
  }
  assert.ok(made.differences.some((one) => one.reference === byHand.id && one.detail.includes("not made by tabd")));
  assert.ok(made.differences.some((one) => one.reference === stray.id && one.detail.includes("no such settlement")));
  assert.match((await as("operator", ["reconcile", "--last"])).out, /not at rail +card/);
  assert.match(log, /the books and the rails differ/);

  // Put right, nothing is left; a provider that does not answer is a rail that could not be read, and proves nothing.
  provider.intents.set(lost.id, lost);
  intent("bob").amount_received -= 1;
  provider.refunds.delete(back.id);
  provider.intents.delete(byHand.id);
  provider.intents.delete(stray.id);
  assert.deepEqual(found(await reconcile()), []);

  // After it was final: all of one payment is disputed, and a part of another.
  const whole = provider.dispute(intent("carol").id);
  const part = provider.dispute(intent("bob").id, "fraudulent", "lost", 500);
  const disputed = await reconcile();
  assert.deepEqual(found(disputed), [`not_at_rail ${number("carol")} 30.000000 null`, "not_in_books null null 5.000000"].sort());
  assert.ok(disputed.differences.every((one) => one.detail.includes("disputed, du_")), JSON.stringify(disputed.differences));
  assert.ok(disputed.differences.some((one) => one.reference === part.id && one.direction === "out"));
  // Won: the money is back.
  whole.status = part.status = "won";
  assert.deepEqual(found(await reconcile()), []);

  provider.fault = (call) => (call.path === "/v1/transfers" ? "500" : undefined);
  const unread = JSON.parse((await as("operator", ["reconcile", "--json"])).out);
  assert.equal(unread.differences_total, 0);
  assert.notEqual(unread.rails[0].problem, "");
});
