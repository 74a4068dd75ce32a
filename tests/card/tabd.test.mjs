// The real daemon with the stand-in as its card provider: what it checks at the start, and webhooks to its port.

import assert from "node:assert/strict";
import { execFileSync, spawn, spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { after, before, test } from "node:test";
import { fileURLToPath } from "node:url";
import { Provider } from "../../playground/provider/provider.mjs";
import { MISSING, Oracle } from "./oracle.mjs";

const root = join(dirname(fileURLToPath(import.meta.url)), "..", "..");
const binary = process.env.TABD_BINARY ?? join(root, "build", "release", "daemon", "tabd");
const tabctl = process.env.TABCTL_BINARY ?? join(dirname(binary), "..", "cli", "tabctl");
const START_TIMEOUT_MS = 60_000;

let provider;
let folder;
let daemon;
let url;

async function freePort() {
  const server = createServer();
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address();
  await new Promise((resolve) => server.close(resolve));
  return port;
}

const secret = (name, text) => writeFileSync(join(folder, name), `${text}\n`, { mode: 0o400 });
const configure = (name, port, card) =>
  writeFileSync(
    join(folder, name),
    `network = "card:tab"
data_dir = "data"
operator_key_file = "operator.key"
[rpc]
unix_socket = "t.sock"
[http]
listen = ""
[x402]
listen = "127.0.0.1:${port}"
server_key_file = "operator.key"
[[asset]]
id = 1
text = "USD"
symbol = "USD"
scale = 6
rail_scale = 2
[rails.card]
enabled = true
base_url = "${provider.url}"
${card}
[[rails.card.asset]]
asset = "USD"
currency = "usd"
`,
  );
const run = (words) => spawnSync(binary, words, { encoding: "utf8", timeout: START_TIMEOUT_MS });
const operator = (words) =>
  execFileSync(tabctl, ["--socket", join(folder, "t.sock"), "--key", join(folder, "operator.key"), ...words], { encoding: "utf8" });

before(async () => {
  assert.ok(existsSync(binary), `${binary} is missing: build tabd, or set TABD_BINARY`);
  provider = await new Provider().start();
  provider.oracle = await Oracle.start();
  folder = mkdtempSync(join(tmpdir(), "tabd-card-"));
  // A key of the development accounts that everybody knows.
  secret("operator.key", "0xac0974bec39a17e36ba4a6b4d238ff944bacb478cbed5efcae784d7bf4f2ff80");
  secret("good.key", provider.apiKey);
  secret("live.key", "sk_live_provider");
  secret("wrong.key", "sk_test_somebody");
  secret("webhook.key", "whsec_old\nwhsec_provider");
});
after(async () => {
  if (daemon && daemon.exitCode === null) {
    const ended = new Promise((resolve) => daemon.once("exit", resolve));
    daemon.kill("SIGTERM");
    await ended;
  }
  await provider.stop();
  await provider.oracle?.stop();
  rmSync(folder, { recursive: true });
});

test("a configuration that cannot work is refused with the name of the key", async () => {
  const port = await freePort();
  const checked = (card) => {
    configure("bad.toml", port, card);
    const result = run(["--check-config", join(folder, "bad.toml")]);
    assert.notEqual(result.status, 0, card);
    return result.stdout + result.stderr;
  };
  assert.match(checked(""), /rails\.card\.api_key_file: missing/);
  assert.match(checked('api_key_file = "absent.key"'), /rails\.card\.api_key_file/);
  assert.match(checked('api_key_file = "live.key"'), /rails\.card\.livemode/);
  assert.match(checked('api_key_file = "webhook.key"'), /does not hold a secret key/);
  const text = checked('api_key_file = "live.key"');
  assert.ok(!text.includes("sk_live_provider"), "a key is never shown");
});

test("a key that the provider refuses, or of another account, stops the start", async () => {
  const port = await freePort();
  const started = (card) => {
    configure("bad.toml", port, card);
    // The provider answers from this process, so it must not be blocked.
    return new Promise((resolve) => {
      const child = spawn(binary, ["--config", join(folder, "bad.toml")], { stdio: ["ignore", "pipe", "pipe"] });
      let text = "";
      child.stdout.on("data", (part) => (text += part));
      child.stderr.on("data", (part) => (text += part));
      const timer = setTimeout(() => child.kill("SIGKILL"), START_TIMEOUT_MS);
      child.once("exit", (code) => {
        clearTimeout(timer);
        resolve({ code, text });
      });
    });
  };
  const wrong = await started('api_key_file = "wrong.key"');
  assert.notEqual(wrong.code, 0);
  assert.match(wrong.text, /rails\.card\.api_key_file: the provider refuses the key/);
  const other = await started('api_key_file = "good.key"\naccount = "acct_other"');
  assert.notEqual(other.code, 0);
  assert.match(other.text, /rails\.card\.account: it is acct_other, and the key belongs to acct_1platform/);
});

test("it starts, says whose account it is, and takes webhooks", async () => {
  const port = await freePort();
  configure("tabd.toml", port, 'api_key_file = "good.key"\nwebhook_secret_file = "webhook.key"\nevents_interval = "1s"');
  url = `http://127.0.0.1:${port}`;
  daemon = spawn(binary, ["--config", join(folder, "tabd.toml")], { stdio: ["ignore", "pipe", "pipe"] });
  let log = "";
  daemon.stdout.on("data", (part) => (log += part));
  daemon.stderr.on("data", (part) => (log += part));
  const killed = () => daemon.kill("SIGKILL");
  process.once("exit", killed);
  const deadline = Date.now() + START_TIMEOUT_MS;
  while (!(await fetch(`${url}/healthz`).then((response) => response.ok, () => false))) {
    assert.ok(daemon.exitCode === null && Date.now() < deadline, log);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  assert.match(operator(["status"]), /acct_1platform, test mode/);

  provider.webhookUrl = `${url}/webhooks/card`;
  provider.emit("payment_intent.succeeded", { id: "pi_elsewhere", object: "payment_intent", metadata: {} });
  const event = provider.events.at(-1);
  for (const changes of [{}, {}, { secret: "whsec_old" }]) {
    const answer = await provider.deliver(event, changes);
    assert.deepEqual([answer.status, answer.body], [200, '{"received":true}']);
  }
  const seconds = Math.floor(Date.now() / 1000);
  for (const [changes, why] of [
    [{ secret: "whsec_forged" }, /no signature fits/],
    [{ seconds: seconds - 400 }, /s old/],
    [{ body: "{" }, /not JSON/],
  ]) {
    const answer = await provider.deliver(event, changes);
    assert.equal(answer.status, 400);
    assert.match(answer.body, why);
    assert.match(answer.body, /webhook_refused/);
    await new Promise((resolve) => setTimeout(resolve, 1100)); // one a second is kept
  }
  const inbox = operator(["inbox", "list", "--state", "refused"]);
  assert.match(inbox, /no signature fits/);
  assert.match(operator(["status"]), /3 refused/);
  assert.ok(!log.includes(provider.apiKey) && !log.includes("whsec_provider"), "secrets are not logged");
});

test("what the daemon asked is what the provider's own description allows", async (t) => {
  if (!provider.oracle) {
    assert.notEqual(process.env.CI, "true", MISSING);
    console.error(`\n*** SKIPPED: ${MISSING}\n`);
    return t.skip(MISSING);
  }
  const deadline = Date.now() + START_TIMEOUT_MS;
  while (!provider.calls.some((call) => call.path === "/v1/events")) {
    assert.ok(Date.now() < deadline, "events are looked for every second");
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  const verdict = await provider.oracle.verdict();
  assert.deepEqual(verdict.refused, []);
  for (const name of ["GET /v1/balance", "GET /v1/account", "GET /v1/events"]) assert.ok(verdict.endpoints.includes(name), name);
});
