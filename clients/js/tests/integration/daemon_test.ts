import { describe } from "vitest";

import { Daemon, whyNoDaemon } from "../support/daemon.js";
import { describeWorld } from "../support/scenarios.js";

const missing = whyNoDaemon();

describe.skipIf(missing !== undefined)("tabd", () => {
  describeWorld("the real daemon", async () => (await Daemon.make()).world());
});
