// HTTP to the daemon over kept-alive connections, by node:http: several times cheaper in CPU than Node's own fetch.
import * as http from "node:http";
import * as https from "node:https";

import { TabdUnavailableError } from "./errors.js";

export interface TransportOptions {
  url: string;
  apiKey: string | undefined;
  /** Who signed the daemon's certificate (PEM), if it is not a public authority. */
  ca: string | undefined;
  connections: number;
}

export interface Answer {
  status: number;
  body: string;
  /** From Retry-After, in milliseconds; 0 without. */
  retryAfterMs: number;
}

/** A connection that failed. `sent` tells whether the daemon may have received the request. */
export class ConnectionError extends Error {
  readonly code: string;
  readonly sent: boolean;

  constructor(code: string, message: string, sent: boolean) {
    super(message);
    this.code = code;
    this.sent = sent;
  }
}

const ANSWER_BYTES_MAX = 16 * 1024 * 1024; // 256 results of a few KiB, with room
const NOT_CONNECTED = new Set(["ECONNREFUSED", "ENOTFOUND", "EAI_AGAIN", "EHOSTUNREACH", "ENETUNREACH"]);

export class Transport {
  readonly #base: URL;
  readonly #agent: http.Agent;
  readonly #request: typeof http.request;
  readonly #headers: Record<string, string>;

  constructor(options: TransportOptions) {
    this.#base = new URL(options.url);
    if (this.#base.protocol !== "http:" && this.#base.protocol !== "https:") {
      throw new TypeError(`url must begin with http:// or https://, not ${options.url}`);
    }
    const secure = this.#base.protocol === "https:";
    const agentOptions = { keepAlive: true, noDelay: true, maxSockets: options.connections };
    this.#agent = secure
      ? new https.Agent({ ...agentOptions, ...(options.ca === undefined ? {} : { ca: options.ca }) })
      : new http.Agent(agentOptions);
    this.#request = secure ? https.request : http.request;
    this.#headers = { Accept: "application/json" };
    if (options.apiKey !== undefined) this.#headers["Authorization"] = `Bearer ${options.apiKey}`;
  }

  /** Rejects with a ConnectionError. The timeout covers everything up to the last byte of the answer. */
  send(method: "GET" | "POST", path: string, body: string | undefined, timeoutMs: number): Promise<Answer> {
    return new Promise((resolve, reject) => {
      const bytes = body === undefined ? undefined : Buffer.from(body);
      const headers: Record<string, string | number> = { ...this.#headers };
      if (bytes !== undefined)
        Object.assign(headers, { "Content-Type": "application/json", "Content-Length": bytes.length });
      const prefix = this.#base.pathname.replace(/\/+$/, "");
      const target = { host: this.#base.hostname.replace(/^\[|\]$/g, ""), port: this.#base.port, path: prefix + path };
      const request = this.#request({ ...target, method, headers, agent: this.#agent });
      const timer = setTimeout(() => {
        request.destroy(new ConnectionError("timeout", `no answer within ${timeoutMs} ms`, true));
      }, timeoutMs);
      const fail = (error: NodeJS.ErrnoException): void => {
        clearTimeout(timer);
        const code = error.code ?? "connection_failed";
        reject(
          error instanceof ConnectionError ? error : new ConnectionError(code, error.message, !NOT_CONNECTED.has(code)),
        );
      };
      request.on("error", fail);
      request.on("response", (response) => {
        readAnswer(response, request, fail, (answer) => {
          clearTimeout(timer);
          resolve(answer);
        });
      });
      request.end(bytes);
    });
  }

  /** Closes idle connections. */
  close(): void {
    this.#agent.destroy();
  }
}

function readAnswer(
  response: http.IncomingMessage,
  request: http.ClientRequest,
  fail: (error: Error) => void,
  done: (answer: Answer) => void,
): void {
  const chunks: Buffer[] = [];
  let size = 0;
  response.on("data", (chunk: Buffer) => {
    size += chunk.length;
    if (size > ANSWER_BYTES_MAX) {
      request.destroy(new ConnectionError("answer_too_large", `an answer above ${ANSWER_BYTES_MAX} bytes`, true));
      return;
    }
    chunks.push(chunk);
  });
  response.on("error", fail);
  response.on("aborted", () => {
    fail(new ConnectionError("ECONNRESET", "the connection was closed within an answer", true));
  });
  response.on("end", () => {
    const seconds = Number(response.headers["retry-after"] ?? 0);
    const retryAfterMs = Number.isFinite(seconds) && seconds > 0 ? seconds * 1000 : 0;
    done({ status: response.statusCode ?? 0, body: Buffer.concat(chunks).toString("utf8"), retryAfterMs });
  });
}

/** The answer's JSON; throws a TabdUnavailableError if it is none. */
export function parseAnswer(answer: Answer): unknown {
  try {
    return JSON.parse(answer.body) as unknown;
  } catch {
    const start = answer.body.slice(0, 100).replace(/\s+/g, " ");
    throw new TabdUnavailableError("bad_answer", `tabd answered ${answer.status} without JSON: ${start || "(empty)"}`);
  }
}

export interface ErrorBody {
  code: string;
  message: string;
  hint: string | undefined;
}

/** `{"error": {code, message, hint}}` of an answer, or of one item in a batch. */
export function errorBody(value: unknown): ErrorBody | undefined {
  if (typeof value !== "object" || value === null) return undefined;
  const { error } = value as { error?: unknown };
  if (typeof error !== "object" || error === null) return undefined;
  const { code, message, hint } = error as Record<string, unknown>;
  return {
    code: typeof code === "string" ? code : "unknown",
    message: typeof message === "string" ? message : "no message",
    hint: typeof hint === "string" && hint !== "" ? hint : undefined,
  };
}
