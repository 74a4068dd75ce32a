// What a newcomer is told when all is running.
import { claimSeconds, DEPOSIT, payoutSeconds, root } from "./settings.mjs";

const plural = (count, what) => `${count} ${what}${count === 1 ? "" : "s"}`;

function crawlersOf(count) {
  if (count === 0) return "No crawler is on its way: the first agent is yours.";
  const byChannel = Math.floor(count / 2);
  return `${plural(count, "crawler")} on the way: ${count - byChannel} with a tab, ${byChannel} with channels.`;
}

export function guide({ folder, chain, daemon, front, state }, { window, crawlers, seconds }) {
  const { url } = front;
  const article = `${url}/articles/tabs`;
  const crawler = `node ${root}playground/agents/crawler.mjs ${url}`;
  const examples = `${root}playground/agents/examples`;
  return `
All is running${seconds === undefined ? "; Ctrl-C stops it" : ` for ${seconds} seconds`}.

  web page      ${daemon.pageUrl}   payments, statements, channels, settlements, live
  paid API      ${url}              GET / lists what is for sale
  MCP server    ${url}/mcp
  faucet        ${url}/faucet
  facilitator   ${daemon.x402Url}
  chain         ${chain.url}        test USDC at ${chain.token}
  files         ${folder}

${crawlersOf(crawlers)} Everything is sold in two ways, which the page shows side by side:

  on a tab            Credit. An agent signs a promise for each thing; tabd writes it down. Every ${window} seconds the window
                      closes: one statement, one payment out of the agent's wallet, one to each seller.
  through a channel   Prepaid. An agent deposits $${DEPOSIT} in a contract on the chain, then signs a voucher for each thing.
                      Every ${plural(claimSeconds(window), "second")} tabd claims what was charged, every ${plural(payoutSeconds(window), "second")} the sellers are paid.
                      What is left the agent takes back whenever it likes.

Try it:

  curl -s ${url}/                                  # what there is
  curl -si ${article} | head -20             # 402: what it costs, and the ways to pay
  curl -s -X POST ${url}/faucet -H 'Content-Type: application/json' -d '{"label": "me"}'   # a wallet, for both ways
  ${crawler} --label me --rounds 1                 # a crawler of your own
  ${crawler} --label me --rounds 1 --pay channel   # and one that pays through channels

Pay from a program of your own; these two are as short as it gets:

  node ${examples}/tab.mjs ${url}
  node ${examples}/channel.mjs ${url}

Look behind it:

  export TABCTL_SOCKET=${state.socket} TABCTL_KEY_FILE=${state.operatorKey}
  alias tabctl=${state.tabctl}
  tabctl payer list ; tabctl statement list ; tabctl settlement list ; tabctl top
  tabctl channel list ; tabctl channel earnings
`;
}
