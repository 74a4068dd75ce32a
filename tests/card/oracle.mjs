// stripe-mock (fetch.sh makes it) knows the provider's interface from the provider's own description of it and nothing
// of tabd: it judges each request that the stand-in gets, URL, parameters and their values. It keeps no state, so its
// answers are of no use beyond that. Its description is of another version than ours; what is new since would be
// refused here, and is then to be looked at.

import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { request as httpRequest } from "node:http";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const here = dirname(fileURLToPath(import.meta.url));
const binary = join(here, "validators", "stripe-mock");
const START_LINES_MAX = 20;

export const MISSING = "stripe-mock is missing: run tools/setup.sh card";

// "GET /v1/payment_intents/{id}": a path without the names of objects.
export const endpoint = (method, path) => `${method} ${path.replace(/\/(?:[a-z]+_)[A-Za-z0-9_]*[0-9][A-Za-z0-9_]*/g, "/{id}")}`;

export class Oracle {
  // undefined: it was not made.
  static async start() {
    if (!existsSync(binary)) return undefined;
    const oracle = new Oracle();
    oracle.process = spawn(binary, ["-http-addr", "127.0.0.1:0", "-https-addr", "127.0.0.1:0"], { stdio: ["ignore", "pipe", "inherit"] });
    process.once("exit", () => oracle.process.kill("SIGKILL"));
    oracle.port = await new Promise((resolve, reject) => {
      let text = "";
      oracle.process.once("exit", (code) => reject(new Error(`stripe-mock ended with ${code}: ${text}`)));
      oracle.process.stdout.on("data", (part) => {
        text += part;
        const found = /HTTP at address: 127\.0\.0\.1:(\d+)/.exec(text);
        if (found) resolve(Number(found[1]));
        else if (text.split("\n").length > START_LINES_MAX) reject(new Error(`stripe-mock says no port: ${text}`));
      });
    });
    return oracle;
  }
  constructor() {
    this.pending = new Set();
    this.checked = 0;
    this.endpoints = new Set();
    this.refused = []; // { request, form, status, message }
  }
  stop() {
    if (this.process.exitCode !== null) return undefined;
    const ended = new Promise((resolve) => this.process.once("exit", resolve));
    this.process.kill("SIGTERM");
    return ended;
  }

  check(method, target, headers, body) {
    const one = this.ask(method, target, headers, body).then((answer) => {
      this.checked += 1;
      this.endpoints.add(endpoint(method, target.split("?")[0]));
      if (answer.status !== 200) this.refused.push({ request: `${method} ${target}`, form: body, ...answer });
    });
    this.pending.add(one);
    one.finally(() => this.pending.delete(one));
    return one;
  }
  ask(method, path, given, body) {
    const headers = { "Content-Length": Buffer.byteLength(body) };
    for (const name of ["authorization", "content-type", "idempotency-key", "stripe-version"]) if (given[name]) headers[name] = given[name];
    return new Promise((resolve, reject) => {
      const request = httpRequest({ host: "127.0.0.1", port: this.port, method, path, headers }, (response) => {
        const parts = [];
        response.on("data", (part) => parts.push(part));
        response.on("end", () => {
          const text = Buffer.concat(parts).toString();
          let message = text.slice(0, 300);
          try {
            message = JSON.parse(text).error?.message ?? "";
          } catch {} // not JSON: shown as it is
          resolve({ status: response.statusCode, message });
        });
      });
      request.on("error", reject);
      request.end(body);
    });
  }
  // When all that was asked is answered.
  async verdict() {
    while (this.pending.size > 0) await Promise.all(this.pending);
    return { checked: this.checked, refused: this.refused, endpoints: [...this.endpoints].sort() };
  }
}
