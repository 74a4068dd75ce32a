// The stand-in as a process of its own: prints its address, and serves until its standard input ends or, with
// --until-stopped, until SIGTERM.
//
// Beside the provider's interface:  POST /_test  {"faults": [...], "advance": seconds, "dispute": "pi_...",
// "closeDispute": ["du_...", "won"], "settle": ["pi_...", true], "availableAfter": seconds, "refundStatus": "pending",
// "closeRefund": ["re_...", "lost_or_stolen_card"]}  and  GET /_test  which tells what there is. With --judge MODULE each
// request is also shown to its Oracle (tests/card/oracle.mjs); "oracle" in the answer is what that said of the requests so
// far, null without one.

import { pathToFileURL } from "node:url";
import { Provider } from "./provider.mjs";

const provider = new Provider();
const judge = process.argv.indexOf("--judge");
if (judge >= 0) {
  const { Oracle } = await import(pathToFileURL(process.argv[judge + 1]));
  provider.oracle = await Oracle.start();
}
const receive = provider.receive.bind(provider);
provider.receive = (request, response) => {
  if (request.url !== "/_test") return receive(request, response);
  const parts = [];
  request.on("data", (part) => parts.push(part));
  request.on("end", async () => {
    const asked = parts.length > 0 ? JSON.parse(Buffer.concat(parts).toString()) : {};
    if (asked.faults) provider.faults = asked.faults;
    if (asked.advance) provider.advance(asked.advance);
    if (asked.dispute) provider.dispute(asked.dispute);
    if (asked.closeDispute) provider.closeDispute(...asked.closeDispute);
    if (asked.refundStatus) provider.refundStatus = asked.refundStatus;
    if (asked.closeRefund) provider.closeRefund(...asked.closeRefund);
    if (asked.settle) provider.settle(...asked.settle);
    if (asked.availableAfter !== undefined) provider.availableAfter = asked.availableAfter;
    const oracle = (await provider.oracle?.verdict()) ?? null;
    response.writeHead(200, { "Content-Type": "application/json" });
    response.end(
      JSON.stringify({
        now: provider.now(),
        balance: provider.balance,
        intents: [...provider.intents.values()],
        charges: [...provider.charges.values()],
        transfers: [...provider.transfers.values()],
        refunds: [...provider.refunds.values()],
        disputes: [...provider.disputes.values()],
        calls: provider.calls.length,
        oracle,
        replayed: provider.calls.filter((call) => call.replayed).length,
      }),
    );
  });
};
await provider.start();
console.log(provider.url);
if (!process.argv.includes("--until-stopped")) {
  process.stdin.resume();
  process.stdin.on("end", () => process.exit(0));
}
