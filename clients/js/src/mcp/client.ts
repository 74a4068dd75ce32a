import type { PaymentResponseContext, x402Client } from "@x402/core/client";
import type { PaymentPayload, PaymentRequired, PaymentRequirements } from "@x402/core/types";
import type { Client } from "@modelcontextprotocol/sdk/client/index.js";
import { CallToolResultSchema } from "@modelcontextprotocol/sdk/types.js";

import { PAYMENT_META, paymentRequiredOf, paymentResponseOf } from "./wire.js";

export interface ToolPaymentRequest {
  tool: string;
  arguments: Readonly<Record<string, unknown>>;
  /** All that the server asks for: one of `required.accepts` is enough. */
  required: PaymentRequired;
  /** The one that would be paid: what is signed is this, whatever else the server offered. */
  chosen: PaymentRequirements;
}

export interface PayForToolsOptions {
  /** Asked before anything is signed. If it says no, the caller gets the server's demand for payment as the result. */
  approve?: (request: ToolPaymentRequest) => boolean | Promise<boolean>;
}

type CallTool = Client["callTool"];
type ToolParameters = Parameters<CallTool>[0];
type ToolResultSchema = NonNullable<Parameters<CallTool>[1]>;

interface Answer {
  result: Awaited<ReturnType<CallTool>>;
  /** What is asked for, if it was not served. */
  required: PaymentRequired | undefined;
}

/**
 * Lets an MCP client pay: from now on its `callTool` answers a demand for payment with a payment that `payments` makes,
 * and calls again. Everything else stays as it was. Returns the same client.
 *
 * Errors of `payments` (no scheme for what is asked, over a limit) are thrown; nothing was signed then. A payment that
 * the server refused comes back as the tool's result: `toolRefusalOf(result)` says why. `paymentResponseOf(result)` is
 * the receipt of a payment that was taken.
 */
export function payForTools(client: Client, payments: x402Client, options: PayForToolsOptions = {}): Client {
  const original = client.callTool.bind(client);
  client.callTool = async (params, resultSchema = CallToolResultSchema, requestOptions) => {
    const call = (sent: ToolParameters): Promise<Answer> => ask(original, sent, resultSchema, requestOptions);
    const { result, required } = await call(params);
    if (required === undefined || params._meta?.[PAYMENT_META] !== undefined) return result;
    const request = { tool: params.name, arguments: params.arguments ?? {}, required };
    const approval = approvalOf(payments, required, (chosen) => options.approve?.({ ...request, chosen }) ?? true);
    try {
      return await pay(payments, required, (payload) =>
        call({ ...params, _meta: { ...params._meta, [PAYMENT_META]: payload } }),
      );
    } catch (error) {
      if (approval.refused) return result;
      throw error;
    }
  };
  return client;
}

interface Approval {
  ask: (chosen: PaymentRequirements) => boolean | Promise<boolean>;
  /** What it was given for. */
  given: PaymentRequirements | undefined;
  refused: boolean;
}

/** Approvals by demand for payment, of each paying client whose choices are watched. */
const watched = new WeakMap<x402Client, WeakMap<object, Approval>>();

/** Asks once it is known which option would be signed for: only the paying client knows, so that a hook of it asks. */
function approvalOf(payments: x402Client, required: PaymentRequired, ask: Approval["ask"]): Approval {
  let approvals = watched.get(payments);
  if (approvals === undefined) {
    const known = new WeakMap<object, Approval>();
    payments.onBeforePaymentCreation(async ({ paymentRequired, selectedRequirements }) => {
      const approval = known.get(paymentRequired);
      if (approval === undefined || approval.given === selectedRequirements) return undefined; // also the second try
      approval.refused = !(await approval.ask(selectedRequirements));
      approval.given = selectedRequirements;
      return approval.refused ? { abort: true, reason: "not approved" } : undefined;
    });
    watched.set(payments, (approvals = known));
  }
  const approval: Approval = { ask, given: undefined, refused: false };
  approvals.set(required, approval);
  return approval;
}

/** Signs, calls, and tells the scheme how it ended. One that learned its mistake from the refusal gets a second try. */
async function pay(
  payments: x402Client,
  required: PaymentRequired,
  call: (payload: PaymentPayload) => Promise<Answer>,
): Promise<Answer["result"]> {
  for (let left = 1; ; --left) {
    const payload = await payments.createPaymentPayload(required);
    const report = (outcome: Partial<PaymentResponseContext>): Promise<{ recovered: true } | undefined> =>
      payments.handlePaymentResponse({ paymentPayload: payload, requirements: payload.accepted, ...outcome });
    let answer: Answer;
    try {
      answer = await call(payload);
    } catch (error) {
      await report({ error: error instanceof Error ? error : new Error(String(error)) });
      throw error;
    }
    const settleResponse = paymentResponseOf(answer.result);
    if (settleResponse !== undefined) {
      await report({ settleResponse });
      return answer.result;
    }
    const recovered = await report(answer.required === undefined ? {} : { paymentRequired: answer.required });
    if (recovered === undefined || left === 0) return answer.result;
  }
}

/**
 * One call. The SDK checks `structuredContent` against the tool's output schema, also in errors, and would throw away a
 * demand for payment in its place: so that is taken out before the check, and put back.
 */
async function ask(
  original: CallTool,
  params: ToolParameters,
  schema: ToolResultSchema,
  options: Parameters<CallTool>[2],
): Promise<Answer> {
  const seen: { required?: PaymentRequired } = {};
  const watching = schema.transform((result) => {
    const required = paymentRequiredOf(result);
    if (required === undefined) return result;
    seen.required = { ...required }; // one object for each call
    const rest = { ...result };
    delete rest["structuredContent"];
    return rest;
  }) as unknown as ToolResultSchema;
  const result = await original(params, watching, options);
  const { required } = seen;
  return { result: required === undefined ? result : { ...result, structuredContent: { ...required } }, required };
}
