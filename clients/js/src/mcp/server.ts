import { FacilitatorResponseError, resolveFailurePathSettlement, resolvePaymentFlowPhases } from "@x402/core/server";
import type {
  PaymentCancellationDispatcher,
  SettlementOverrides,
  SettlePhase,
  x402ResourceServer,
} from "@x402/core/server";
import { parsePaymentPayload } from "@x402/core/schemas";
import { SettleError } from "@x402/core/types";
import type {
  Network,
  PaymentPayload,
  PaymentRequired,
  PaymentRequirements,
  Price,
  ResourceInfo,
  SettleResponse,
} from "@x402/core/types";
import type { McpServer, RegisteredTool, ToolCallback } from "@modelcontextprotocol/sdk/server/mcp.js";
import {
  getParseErrorMessage,
  normalizeObjectSchema,
  safeParseAsync,
} from "@modelcontextprotocol/sdk/server/zod-compat.js";
import type {
  AnySchema,
  SchemaOutput,
  ShapeOutput,
  ZodRawShapeCompat,
} from "@modelcontextprotocol/sdk/server/zod-compat.js";
import type { RequestHandlerExtra } from "@modelcontextprotocol/sdk/shared/protocol.js";
import type {
  CallToolResult,
  ServerNotification,
  ServerRequest,
  ToolAnnotations,
} from "@modelcontextprotocol/sdk/types.js";

import { PAYMENT_META, PAYMENT_RESPONSE_META } from "./wire.js";

type Extra = RequestHandlerExtra<ServerRequest, ServerNotification>;
type Schema = ZodRawShapeCompat | AnySchema;
type Arguments<Input> = Input extends ZodRawShapeCompat
  ? ShapeOutput<Input>
  : Input extends AnySchema
    ? SchemaOutput<Input>
    : Record<string, never>;

/** What a price or payee may depend on. */
export interface ToolCall {
  tool: string;
  /** Checked against the tool's input schema. */
  arguments: Readonly<Record<string, unknown>>;
}

/** One way to pay, as in the routes of the HTTP middleware. */
export interface ToolPaymentOption {
  scheme: string;
  network: Network;
  payTo: string | ((call: ToolCall) => string | Promise<string>);
  /** The most that a call can cost. The same call has to have the same price when it is paid for. */
  price: Price | ((call: ToolCall) => Price | Promise<Price>);
  maxTimeoutSeconds?: number;
  extra?: Record<string, unknown>;
}

export interface PaidToolConfig<Input extends Schema | undefined = Schema | undefined, Output extends Schema = Schema> {
  accepts: ToolPaymentOption | readonly ToolPaymentOption[];
  title?: string;
  description?: string;
  inputSchema?: Input;
  /** A result that does not fit is an error, and costs nothing. */
  outputSchema?: Output;
  annotations?: ToolAnnotations;
  _meta?: Record<string, unknown>;
  /** What a payment is for; `mcp://tool/NAME` if left out. */
  resource?: string;
  /** Of x402, by key: declarations of extensions that the resource server has registered. */
  extensions?: Record<string, unknown>;
}

/** The payment for a call, for the tool's handler. */
export interface ToolPayment {
  payer: string | undefined;
  requirements: PaymentRequirements;
  payload: PaymentPayload;
  /** Charges less than the price: ledger units ("1200"), a part of the price ("50%"), or money ("$0.0012"). */
  charge(amount: string): void;
}

export interface PaidCall {
  tool: string;
  payment: ToolPayment;
  /** Of the MCP SDK: signal, session, notifications. */
  extra: Extra;
}

export type PaidToolHandler<Input> = (
  args: Arguments<Input>,
  call: PaidCall,
) => CallToolResult | Promise<CallToolResult>;

/** A tool, ready for any server: also for one that handles `tools/call` itself. */
export type PaidToolCallback = (args: Record<string, unknown>, extra: Extra) => Promise<CallToolResult>;

/** A call under way. */
interface Sale {
  config: PaidToolConfig;
  /** Also what x402's hooks get as transport context: one object a call. */
  call: ToolCall & { meta: Record<string, unknown> };
  resource: ResourceInfo;
  requirements: PaymentRequirements[];
}

interface Verified {
  sale: Sale;
  payload: PaymentPayload;
  requirements: PaymentRequirements;
  payer: string | undefined;
  cancellation: PaymentCancellationDispatcher;
  /** The scheme did all there is to do; the handler is not asked. */
  skip: { body?: unknown } | undefined;
}

/** Ends a call with this result. */
class Refused extends Error {
  constructor(readonly result: CallToolResult) {
    super("refused");
  }
}

/**
 * Sells the tools of MCP servers, over x402's MCP transport and by whatever schemes the resource server has:
 * `new PaidTools(resourceServer).register(mcpServer, "forecast", { accepts, inputSchema }, handler)`. One object serves
 * any number of McpServers, such as one for each session.
 *
 * The handler runs when the payment is verified; its result is sent when the payment is settled. A handler that throws,
 * a result with `isError` or against the output schema, and a call that the client gave up cost nothing.
 */
export class PaidTools {
  readonly #server: x402ResourceServer;
  #ready: Promise<void> | undefined;

  constructor(server: x402ResourceServer) {
    this.#server = server;
  }

  /** Asks the facilitator what it supports. The first call does it otherwise; done here, mistakes are seen at the start. */
  initialize(): Promise<void> {
    this.#ready ??= this.#server.initialize().catch((error: unknown) => {
      this.#ready = undefined; // the next call tries again
      throw error;
    });
    return this.#ready;
  }

  /** Registers a paid tool, like `server.registerTool`. */
  register<Output extends Schema, Input extends Schema | undefined = undefined>(
    server: McpServer,
    name: string,
    config: PaidToolConfig<Input, Output>,
    handler: PaidToolHandler<Input>,
  ): RegisteredTool {
    const { accepts, resource, extensions, ...shown } = config;
    const paid = this.wrap(name, config, handler);
    const callback =
      config.inputSchema === undefined
        ? (extra: Extra) => paid({}, extra)
        : (args: Record<string, unknown>, extra: Extra) => paid(args, extra);
    return server.registerTool(name, shown, callback as unknown as ToolCallback<Input>);
  }

  /** The same without registering: for servers that handle `tools/call` themselves and have checked the arguments. */
  wrap<Input extends Schema | undefined>(
    name: string,
    config: PaidToolConfig<Input>,
    handler: PaidToolHandler<Input>,
  ): PaidToolCallback {
    const options = [config.accepts].flat();
    if (options.length === 0) throw new TypeError(`the tool ${name} accepts no payment at all`);
    return async (args, extra) => {
      const meta: Record<string, unknown> = { ...extra._meta };
      const call = { tool: name, arguments: args, meta };
      try {
        const sale = await this.#offer(config as PaidToolConfig, options, call);
        const verified = await this.#verify(sale, meta[PAYMENT_META]);
        return await this.#serve(
          verified,
          (payment) => handler(args as Arguments<Input>, { tool: name, payment, extra }),
          extra.signal,
        );
      } catch (error) {
        if (error instanceof Refused) return error.result;
        if (error instanceof FacilitatorResponseError) return unavailable(error);
        throw error;
      }
    };
  }

  async #offer(config: PaidToolConfig, options: ToolPaymentOption[], call: Sale["call"]): Promise<Sale> {
    await this.initialize().catch((error: unknown) => {
      throw new Refused(unavailable(error));
    });
    const requirements = await this.#server.buildPaymentRequirementsFromOptions<ToolCall>(options, call);
    const resource: ResourceInfo = { url: config.resource ?? `mcp://tool/${encodeURIComponent(call.tool)}` };
    if (config.description !== undefined) resource.description = config.description;
    return { config, call, resource, requirements };
  }

  #required(sale: Sale, error: string | undefined, payload?: PaymentPayload): Promise<PaymentRequired> {
    const { requirements, resource, config, call } = sale;
    return this.#server.createPaymentRequiredResponse(requirements, resource, error, config.extensions, call, payload);
  }

  /** `message`: a sentence besides the code, if the scheme does not tell one. */
  async #refuse(sale: Sale, error: string, payload?: PaymentPayload, message?: string): Promise<never> {
    throw new Refused(requiredResult(await this.#required(sale, error, payload), message));
  }

  async #verify(sale: Sale, sent: unknown): Promise<Verified> {
    if (sent === undefined) return this.#refuse(sale, "Payment required");
    const payload = await this.#read(sale, sent);
    const offered = await this.#required(sale, undefined);
    const requirements = this.#server.findMatchingRequirements(offered.accepts, payload);
    if (requirements === undefined) {
      return this.#refuse(
        sale,
        "invalid_payment_requirements",
        undefined,
        "What was accepted is not what this call of the tool asks for. Pay for one of `accepts`.",
      );
    }
    const extensions = this.#server.validateExtensions(offered, payload);
    if (!extensions.valid) return this.#refuse(sale, extensions.invalidReason, payload);
    const { config, call } = sale;
    let result;
    try {
      result = await this.#server.verifyPayment(payload, requirements, config.extensions, call);
    } catch (error) {
      if (error instanceof FacilitatorResponseError) throw error;
      return this.#refuse(sale, error instanceof Error ? error.message : "Payment verification failed");
    }
    if (!result.isValid) return this.#refuse(sale, result.invalidReason ?? "unknown", payload, result.invalidMessage);
    const cancellation = this.#server.createPaymentCancellationDispatcher(
      payload,
      requirements,
      config.extensions,
      call,
    );
    return { sale, payload, requirements, payer: result.payer, cancellation, skip: result.skipHandler };
  }

  async #read(sale: Sale, sent: unknown): Promise<PaymentPayload> {
    const read = parsePaymentPayload(sent);
    const version = (sent as { x402Version?: unknown } | null)?.x402Version;
    if (typeof version === "number" && version !== 2) {
      return this.#refuse(
        sale,
        "invalid_x402_version",
        undefined,
        `_meta["${PAYMENT_META}"].x402Version is ${version}; version 2 is spoken here.`,
      );
    }
    if (read.success) return sent as PaymentPayload;
    const [issue] = read.error.issues;
    const place = [`_meta["${PAYMENT_META}"]`, ...(issue?.path ?? [])].join(".");
    return this.#refuse(sale, "invalid_payload", undefined, `${place}: ${issue?.message ?? "not a payment"}.`);
  }

  async #serve(
    verified: Verified,
    handler: (payment: ToolPayment) => CallToolResult | Promise<CallToolResult>,
    signal: AbortSignal,
  ): Promise<CallToolResult> {
    const { skip, sale, payload, requirements } = verified;
    if (skip !== undefined) return withReceipt(bodyResult(skip.body), await this.#settle(verified, "after-handler"));
    const phases = resolvePaymentFlowPhases(this.#server.getPaymentFlow(payload, requirements));
    const before = phases.settleBeforeHandler ? await this.#settle(verified, "before-handler") : undefined;
    const cancellation = before === undefined ? verified.cancellation : this.#cancellation(verified);
    const given: { overrides?: SettlementOverrides } = {};
    const giveUp = async (
      reason: "handler_threw" | "handler_failed",
      error?: unknown,
    ): Promise<SettleResponse | undefined> => {
      const canceled = await cancellation.cancel({ reason, ...(error === undefined ? {} : { error }) });
      return resolveFailurePathSettlement(canceled, before && { result: before }, payload);
    };

    let result: CallToolResult;
    let problem: string | undefined;
    try {
      const charge = (amount: string): void => {
        given.overrides = { amount };
      };
      result = await handler({ payer: verified.payer ?? before?.payer, requirements, payload, charge });
      problem = signal.aborted ? "the call was given up" : await misfit(sale, result);
    } catch (error) {
      const receipt = await giveUp("handler_threw", error);
      if (receipt === undefined) throw error;
      return withReceipt(failure(error instanceof Error ? error.message : String(error)), receipt);
    }
    if (problem !== undefined || result.isError === true) {
      const receipt = await giveUp("handler_failed");
      return withReceipt(problem === undefined ? result : failure(problem), receipt);
    }
    if (!phases.settleAfterHandler) return withReceipt(result, before);
    return withReceipt(result, await this.#settle({ ...verified, cancellation }, "after-handler", given.overrides));
  }

  #cancellation({ sale, payload, requirements }: Verified): PaymentCancellationDispatcher {
    const { config, call } = sale;
    const settled: SettlePhase[] = ["before-handler"];
    return this.#server.createPaymentCancellationDispatcher(payload, requirements, config.extensions, call, settled);
  }

  /** The receipt. Throws Refused, with the scheme's reason and without what the tool made, if it cannot be had. */
  async #settle(verified: Verified, phase: SettlePhase, overrides?: SettlementOverrides): Promise<SettleResponse> {
    const { sale, payload, requirements, cancellation } = verified;
    const { config, call } = sale;
    let failed: SettleResponse;
    try {
      const settled = await this.#server.settlePayment(
        payload,
        requirements,
        config.extensions,
        call,
        overrides,
        phase,
      );
      if (settled.success) return settled;
      failed = settled;
    } catch (error) {
      if (error instanceof FacilitatorResponseError) throw error;
      if (error instanceof SettleError) {
        const { errorReason, errorMessage, payer, transaction, network } = error;
        failed = { success: false, transaction, network };
        if (errorReason !== undefined) failed.errorReason = errorReason;
        if (errorMessage !== undefined) failed.errorMessage = errorMessage;
        if (payer !== undefined) failed.payer = payer;
      } else {
        // Nothing was asked of the facilitator (an override that cannot be read, for one): what is held is given back.
        await cancellation.cancel({ reason: "handler_failed", error });
        const errorMessage = error instanceof Error ? error.message : String(error);
        failed = {
          success: false,
          errorReason: "unexpected_settle_error",
          errorMessage,
          transaction: "",
          network: requirements.network,
        };
      }
    }
    const required = await this.#required(sale, failed.errorReason ?? "Settlement failed");
    throw new Refused(withReceipt(requiredResult(required, failed.errorMessage), failed));
  }
}

function requiredResult(required: PaymentRequired, message: string | undefined): CallToolResult {
  const content: CallToolResult["content"] = [{ type: "text", text: JSON.stringify(required) }];
  if (message !== undefined) content.push({ type: "text", text: message });
  return { isError: true, structuredContent: { ...required }, content };
}

function withReceipt(result: CallToolResult, receipt: SettleResponse | undefined): CallToolResult {
  if (receipt === undefined) return result;
  return { ...result, _meta: { ...result._meta, [PAYMENT_RESPONSE_META]: receipt } };
}

function failure(text: string): CallToolResult {
  return { isError: true, content: [{ type: "text", text }] };
}

/** Not a demand for payment: another payment would not help. */
function unavailable(error: unknown): CallToolResult {
  const why = error instanceof Error ? error.message : String(error);
  return failure(`Payments cannot be taken now, so the tool did not answer. Try again later. (${why})`);
}

function bodyResult(body: unknown): CallToolResult {
  const text = typeof body === "string" ? body : JSON.stringify(body ?? {});
  const result: CallToolResult = { content: [{ type: "text", text }] };
  if (typeof body === "object" && body !== null && !Array.isArray(body)) result.structuredContent = { ...body };
  return result;
}

/** The SDK checks a result against the output schema after this; by then it would be paid. */
async function misfit({ config, call }: Sale, result: CallToolResult): Promise<string | undefined> {
  const given: unknown = result; // by a handler that may be plain JavaScript
  if (typeof given !== "object" || given === null) throw new TypeError(`the tool ${call.tool} gave no result`);
  const schema = normalizeObjectSchema(config.outputSchema);
  if (schema === undefined || result.isError === true) return undefined;
  const checked = await safeParseAsync(schema, result.structuredContent);
  if (checked.success) return undefined;
  return `The tool ${call.tool} gave a result against its own output schema: ${getParseErrorMessage(checked.error)}`;
}
