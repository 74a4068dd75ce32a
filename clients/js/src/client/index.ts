export * from "../common.js";
export {
  mandateFile,
  privateKeySigner,
  signCommitment,
  signedBody,
  signMandate,
  signRevocation,
  signVoucher,
} from "../signing.js";
export type { MandateRequest, SignedMandate, SignedRevocation } from "../signing.js";
export { refusalOf } from "./refusal.js";
export type { Refusal } from "./refusal.js";
export { TabClientScheme } from "./scheme.js";
export type { PayableAsset, TabClientOptions, VoucherOptions } from "./scheme.js";
export { MemoryTabStore } from "./tabs.js";
export type { TabRecord, TabStore } from "./tabs.js";
