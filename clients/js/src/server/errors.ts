import { FacilitatorResponseError, FacilitatorTimeoutError } from "@x402/core/server";

/** tabd could not be asked, or will not work for this server: the middleware answers 502. */
export class TabdUnavailableError extends FacilitatorResponseError {
  /** tabd's code (`overloaded`, `forbidden`, ...) or the system's (`ECONNREFUSED`, ...). */
  readonly code: string;

  constructor(code: string, message: string) {
    super(message);
    this.name = "TabdUnavailableError";
    this.code = code;
  }
}

/** No answer in time. The daemon may have done it all the same: asking again is safe. */
export class TabdTimeoutError extends FacilitatorTimeoutError {
  /** False if the daemon cannot have received it. */
  readonly sent: boolean;

  constructor(operation: string, timeoutMs: number, cause: string, sent = true) {
    super(operation, timeoutMs);
    this.name = "TabdTimeoutError";
    this.sent = sent;
    this.message = `tabd did not answer ${operation} within ${timeoutMs} ms (${cause})`;
  }
}

/** tabd says that the request itself is wrong: usually what the payer sent. The middleware answers 402 with the text. */
export class TabdRequestError extends Error {
  readonly code: string;
  readonly hint: string | undefined;

  constructor(code: string, message: string, hint: string | undefined) {
    super(hint === undefined ? `${code}: ${message}` : `${code}: ${message} ${hint}`);
    this.name = "TabdRequestError";
    this.code = code;
    this.hint = hint;
  }
}
