// The official facilitator serves the official client and server on our contracts: the proof of the contracts, and the
// yardstick for any other facilitator.
import { describeFlows } from "./flows.mjs";
import { startFacilitator } from "./official.mjs";

describeFlows("the official facilitator", startFacilitator);
