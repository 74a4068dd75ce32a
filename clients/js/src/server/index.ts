export * from "../common.js";
export { TabdChannelScheme } from "./channel_scheme.js";
export type { OfficialChannelScheme } from "./channel_scheme.js";
export { TabdRequestError, TabdTimeoutError, TabdUnavailableError } from "./errors.js";
export { TabdFacilitator } from "./facilitator.js";
export type { LostSettle, TabdFacilitatorOptions, TabdFacilitatorStats } from "./facilitator.js";
export { TabServerScheme } from "./scheme.js";
export type { TabServerOptions } from "./scheme.js";
