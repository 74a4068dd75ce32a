// What a newcomer is told when all is running.
import { root } from "./settings.mjs";

export function guide({ folder, chain, daemon, front, state }, { window, crawlers, seconds }) {
  const { url } = front;
  const article = `${url}/articles/tabs`;
  return `
All is running${seconds === undefined ? "; Ctrl-C stops it" : ` for ${seconds} seconds`}.

  web page      ${daemon.pageUrl}   payments, exposures, statements, settlements, live
  paid API      ${url}              GET / lists what is for sale
  MCP server    ${url}/mcp
  faucet        ${url}/faucet
  facilitator   ${daemon.x402Url}
  chain         ${chain.url}        test USDC at ${chain.token}
  files         ${folder}

${crawlers} crawlers are on their way. Windows close every ${window} seconds: then there are statements, and money moves.

Try it:

  curl -s ${url}/                                  # what there is
  curl -si ${article} | head -20             # 402: what it costs
  curl -s -X POST ${url}/faucet -H 'Content-Type: application/json' -d '{"label": "me"}'   # a wallet
  node ${root}playground/agents/crawler.mjs ${url} --label me --rounds 1   # a crawler of your own

Pay from a program (in playground/agents, with the key that the faucet gave you):

  import { privateKeySigner, TabClientScheme } from "@tabd/x402/client";
  import { wrapFetchWithPayment, x402Client } from "@x402/fetch";
  const { privateKey, network, asset } = await (await fetch("${url}/faucet", { method: "POST" })).json();
  const scheme = new TabClientScheme(privateKeySigner(privateKey), { assets: [asset] });
  const buy = wrapFetchWithPayment(fetch, new x402Client().register(network, scheme));
  console.log(await (await buy("${article}")).json());

Look behind it:

  export TABCTL_SOCKET=${state.socket} TABCTL_KEY_FILE=${state.operatorKey}
  alias tabctl=${state.tabctl}
  tabctl payer list ; tabctl statement list ; tabctl settlement list ; tabctl top
`;
}
