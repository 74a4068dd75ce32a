import { describe } from "vitest";

import { Daemon, whyNoDaemon } from "../support/daemon.js";
import { describeTools } from "../support/tool_scenarios.js";
import { transports } from "../support/tools.js";

const missing = whyNoDaemon();

describe.skipIf(missing !== undefined).each(transports)("tabd, %s", (transport) => {
  describeTools("the real daemon", transport, async () => (await Daemon.make()).world());
});
