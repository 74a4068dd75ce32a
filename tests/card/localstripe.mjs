// localstripe (PyPI, pinned), another provider with state: somebody else's reading of the interface, with webhooks that
// are signed. Runs it as a program and stands before it, on an address that is printed; ends with its standard input.
//
// What is adapted here, and why. Nothing else is: amounts, customers, payment methods, metadata, states, charges, balance
// transactions, refunds, events and signatures are localstripe's.
//   GET /account                   it has no accounts: answered here
//   POST /payment_intents          description, statement_descriptor_suffix: real parameters that it refuses; left out
//   POST .../cancel                cancellation_reason: the same
//   GET /payment_intents           customer, created: the same; left out, and the list is narrowed here
//   POST /refunds                  reason: the same
//   GET /refunds                   created: the same
//   GET /events                    types: the same
//   payment intents                amount_received is missing there: what succeeded received its amount
// It knows no idempotency keys, disputes or transfers, and charges cards that real ones decline: see provider.mjs.
//
// Beside it:  POST /_webhooks/hook  is where its webhooks arrive;  GET /_webhooks  gives them as they came.

import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { createServer, request as httpRequest } from "node:http";
import { createServer as createSocket } from "node:net";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const here = dirname(fileURLToPath(import.meta.url));
const python = join(here, "..", "..", ".venv", "bin", "python");
const SECRET = "whsec_localstripe";
const START_TRIES_MAX = 300;

if (!existsSync(python)) process.exit(1);

const freePort = () =>
  new Promise((resolve) => {
    const socket = createSocket().listen(0, "127.0.0.1", () => {
      const { port } = socket.address();
      socket.close(() => resolve(port));
    });
  });

const ask = (port, method, path, headers = {}, body = "") =>
  new Promise((resolve, reject) => {
    const request = httpRequest({ host: "127.0.0.1", port, method, path, headers: { ...headers, "Content-Length": Buffer.byteLength(body) } }, (response) => {
      const parts = [];
      response.on("data", (part) => parts.push(part));
      response.on("end", () => resolve({ status: response.statusCode, body: Buffer.concat(parts).toString() }));
    });
    request.on("error", reject);
    request.end(body);
  });

const port = await freePort();
// Its address is fixed, every interface of the machine: loopback/sitecustomize.py keeps a Python program at home.
const provider = spawn(python, ["-B", "-m", "localstripe", "--from-scratch", "--port", String(port)], {
  stdio: ["ignore", "ignore", "pipe"],
  env: { ...process.env, PYTHONPATH: join(here, "loopback") },
});
let said = "";
provider.stderr.on("data", (part) => (said = (said + part).slice(-2000)));
process.once("exit", () => provider.kill("SIGKILL"));
for (let tries = 0; ; ++tries) {
  if (provider.exitCode !== null || tries === START_TRIES_MAX) {
    console.error(`localstripe did not start: ${said}`);
    process.exit(1);
  }
  if ((await ask(port, "GET", "/v1/balance", { Authorization: "Bearer sk_test_start" }).catch(() => undefined))?.status === 200) break;
  await new Promise((resolve) => setTimeout(resolve, 100));
}

const without = (text, names) => {
  const fields = new URLSearchParams(text);
  for (const name of [...fields.keys()]) if (names.includes(name.replace(/\[.*/, ""))) fields.delete(name);
  return fields.toString();
};
const received = (value) => {
  if (Array.isArray(value)) return value.map(received);
  if (typeof value !== "object" || value === null) return value;
  for (const key of Object.keys(value)) value[key] = received(value[key]);
  if (value.object === "payment_intent") value.amount_received ??= value.status === "succeeded" ? value.amount : 0;
  return value;
};

const webhooks = [];
async function answer(request, body) {
  const url = new URL(request.url, "http://provider");
  if (url.pathname === "/_webhooks/hook") {
    webhooks.push({ signature: request.headers["stripe-signature"], body });
    return { status: 200, body: "{}" };
  }
  if (url.pathname === "/_webhooks") return { status: 200, body: JSON.stringify(webhooks) };
  if (url.pathname === "/v1/account") return { status: 200, body: JSON.stringify({ id: "acct_1local", object: "account", charges_enabled: true }) };
  const intents = request.method === "GET" && url.pathname === "/v1/payment_intents";
  const events = request.method === "GET" && url.pathname === "/v1/events";
  let path = url.pathname;
  let form = body;
  const refunds = request.method === "GET" && url.pathname === "/v1/refunds";
  const narrow = refunds ? ["created"] : intents ? ["customer", "created"] : events ? ["types"] : [];
  if (url.search) path += `?${without(url.search.slice(1), narrow)}`;
  if (request.method === "POST" && url.pathname.startsWith("/v1/payment_intents"))
    form = without(body, ["description", "statement_descriptor_suffix", "cancellation_reason"]);
  if (request.method === "POST" && url.pathname === "/v1/refunds") form = without(body, ["reason"]);
  const headers = {};
  for (const name of ["authorization", "content-type", "idempotency-key", "stripe-version"]) if (request.headers[name]) headers[name] = request.headers[name];
  const result = await ask(port, request.method, path, headers, form);
  const value = received(JSON.parse(result.body));
  const types = url.searchParams.getAll("types[]");
  if (intents) value.data = value.data.filter((one) => !url.searchParams.has("customer") || one.customer === url.searchParams.get("customer"));
  if (events) value.data = value.data.filter((one) => types.length === 0 || types.includes(one.type));
  return { status: result.status, body: JSON.stringify(value) };
}

const server = createServer((request, response) => {
  const parts = [];
  request.on("data", (part) => parts.push(part));
  request.on("end", async () => {
    const result = await answer(request, Buffer.concat(parts).toString()).catch((failure) => ({
      status: 500,
      body: JSON.stringify({ error: { type: "api_error", message: `the adapter failed: ${failure.message}` } }),
    }));
    response.writeHead(result.status, { "Content-Type": "application/json" });
    response.end(result.body);
  });
});
await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
const address = `http://127.0.0.1:${server.address().port}`;
await ask(port, "POST", "/_config/webhooks/hook", { "Content-Type": "application/json" }, JSON.stringify({ url: `${address}/_webhooks/hook`, secret: SECRET }));
console.log(address);
process.stdin.resume();
process.stdin.on("end", () => process.exit(0));
