// What clients and servers share.
export * from "./types.js";
export {
  commitmentId,
  digest,
  domainSalt,
  domainSeparator,
  isTabPayload,
  resourceHash,
  structHash,
  tabKey,
  tabTypeHash,
  typedData,
  ZERO_RESOURCE,
} from "./binding.js";
export type { TabMessages, TabType } from "./binding.js";
export { fromDecimal, toDecimal } from "./money.js";
