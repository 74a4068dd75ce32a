export { payForTools } from "./client.js";
export type { PayForToolsOptions, ToolPaymentRequest } from "./client.js";
export { PaidTools } from "./server.js";
export type {
  PaidCall,
  PaidToolCallback,
  PaidToolConfig,
  PaidToolHandler,
  ToolCall,
  ToolPayment,
  ToolPaymentOption,
} from "./server.js";
export { PAYMENT_META, PAYMENT_RESPONSE_META, paymentRequiredOf, paymentResponseOf, toolRefusalOf } from "./wire.js";
export type { ToolResultLike } from "./wire.js";
export type { Refusal } from "../client/refusal.js";
