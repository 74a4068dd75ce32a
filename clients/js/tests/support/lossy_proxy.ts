// Between a server and the daemon: forwards requests, and loses answers on request, after the daemon gave them.
import * as http from "node:http";
import type { AddressInfo } from "node:net";

export class LossyProxy {
  readonly #target: URL;
  readonly #agent = new http.Agent({ keepAlive: true });
  readonly #server = http.createServer((request, response) => {
    const { method, url, headers } = request;
    const onward = http.request(
      new URL(url ?? "/", this.#target),
      { method, headers, agent: this.#agent },
      (answer) => {
        const chunks: Buffer[] = [];
        answer.on("data", (chunk: Buffer) => chunks.push(chunk));
        answer.on("end", () => {
          if (url === "/v1/batch" && this.loseAnswers > 0) {
            --this.loseAnswers;
            ++this.lost;
            request.socket.destroy();
            return;
          }
          response.writeHead(answer.statusCode ?? 502, answer.headers).end(Buffer.concat(chunks));
        });
      },
    );
    onward.on("error", () => request.socket.destroy());
    request.pipe(onward);
  });
  /** So many of the next answers to /v1/batch are lost. */
  loseAnswers = 0;
  lost = 0;

  constructor(target: string) {
    this.#target = new URL(target);
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  async start(): Promise<this> {
    await new Promise<void>((resolve) => this.#server.listen(0, "127.0.0.1", resolve));
    return this;
  }

  async stop(): Promise<void> {
    this.#agent.destroy();
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }
}
