// Payments put together by hand, for what the official client would never send. Signatures are viem's.

import { encodeAbiParameters, keccak256, numberToHex } from "viem";
import { BATCH_SETTLEMENT_DOMAIN, ERC3009_DEPOSIT_COLLECTOR_ADDRESS, claimBatchTypes, refundTypes, voucherTypes } from "@x402/evm";
import { computeChannelId } from "@x402/evm/batch-settlement/client";
import { CHAIN_ID, NETWORK, TOKEN_NAME, TOKEN_VERSION } from "./chain.mjs";
import { WITHDRAW_DELAY_S } from "./official.mjs";

export const COLLECTOR = ERC3009_DEPOSIT_COLLECTOR_ADDRESS;
export const ZERO_HASH = `0x${"00".repeat(32)}`;
export const FAR_FUTURE_S = 4_000_000_000n;
const words = (names) => names.split(",").map((field) => ({ type: field.split(" ")[0], name: field.split(" ")[1] }));
const transfer = words("address from,address to,uint256 value,uint256 validAfter,uint256 validBefore,bytes32 nonce");

const settlementDomain = (chain) =>
  ({ ...BATCH_SETTLEMENT_DOMAIN, chainId: CHAIN_ID, verifyingContract: chain.settlement });
const tokenDomain = (chain) =>
  ({ name: TOKEN_NAME, version: TOKEN_VERSION, chainId: CHAIN_ID, verifyingContract: chain.token });

export const signVoucher = (chain, account, channelId, maxClaimableAmount) =>
  account.signTypedData({ domain: settlementDomain(chain), types: voucherTypes, primaryType: "Voucher",
    message: { channelId, maxClaimableAmount } });
export const signRefund = (chain, account, channelId, nonce, amount) =>
  account.signTypedData({ domain: settlementDomain(chain), types: refundTypes, primaryType: "Refund",
    message: { channelId, nonce, amount } });
export const signClaims = (chain, account, rows) =>
  account.signTypedData({ domain: settlementDomain(chain), types: claimBatchTypes, primaryType: "ClaimBatch",
    message: { claims: rows.map((row) => ({ channelId: computeChannelId(row.voucher.channel, CHAIN_ID),
      maxClaimableAmount: row.voucher.maxClaimableAmount, totalClaimed: row.totalClaimed })) } });
export const signTransfer = (chain, account, message, primaryType = "TransferWithAuthorization") =>
  account.signTypedData({ domain: tokenDomain(chain), types: { [primaryType]: transfer }, primaryType, message });

export function channelConfig(chain, { payer, receiver, receiverAuthorizer, salt = ZERO_HASH, ...more }) {
  const config = { payer, payerAuthorizer: payer, receiver, receiverAuthorizer, token: chain.token,
    withdrawDelay: WITHDRAW_DELAY_S, salt, ...more };
  return { config, id: computeChannelId(config, CHAIN_ID) };
}

// What the collector takes: the authorisation is for this channel and no other.
export async function depositArguments(chain, account, id, amount, salt = 1n) {
  const nonce = keccak256(encodeAbiParameters([{ type: "bytes32" }, { type: "uint256" }], [id, salt]));
  const signature = await signTransfer(chain, account, { from: account.address, to: COLLECTOR,
    value: amount, validAfter: 0n, validBefore: FAR_FUTURE_S, nonce }, "ReceiveWithAuthorization");
  return encodeAbiParameters([{ type: "uint256" }, { type: "uint256" }, { type: "uint256" }, { type: "bytes" }],
    [0n, FAR_FUTURE_S, salt, signature]);
}

const requirements = (chain, scheme, amount, payTo, extra) => ({ scheme, network: NETWORK, amount: String(amount),
  asset: chain.token, payTo, maxTimeoutSeconds: 300, extra: { name: TOKEN_NAME, version: TOKEN_VERSION, ...extra } });
const envelope = (accepted, payload, paymentRequirements = accepted) =>
  ({ x402Version: 2, paymentPayload: { x402Version: 2, accepted, payload }, paymentRequirements });

export async function voucherRequest(chain, account, { config, id }, maximum, { price = 1000n, mutate } = {}) {
  const accepted = requirements(chain, "batch-settlement", price, config.receiver,
    { receiverAuthorizer: config.receiverAuthorizer, withdrawDelay: config.withdrawDelay });
  const payload = { type: "voucher", channelConfig: { ...config }, voucher: { channelId: id,
    maxClaimableAmount: String(maximum), signature: await signVoucher(chain, account, id, maximum) } };
  const request = envelope(accepted, payload, structuredClone(accepted));
  mutate?.(request, payload);
  return request;
}

// A channel's first payment, or one that adds money to it.
export async function depositRequest(chain, account, channel, maximum, amount, { salt = 1n, ...more } = {}) {
  const request = await voucherRequest(chain, account, channel, maximum, more);
  const nonce = keccak256(encodeAbiParameters([{ type: "bytes32" }, { type: "uint256" }], [channel.id, salt]));
  const signature = await signTransfer(chain, account, { from: account.address, to: ERC3009_DEPOSIT_COLLECTOR_ADDRESS,
    value: amount, validAfter: 0n, validBefore: FAR_FUTURE_S, nonce }, "ReceiveWithAuthorization");
  Object.assign(request.paymentPayload.payload, { type: "deposit", deposit: { amount: String(amount), authorization: {
    erc3009Authorization: { validAfter: "0", validBefore: String(FAR_FUTURE_S), salt: numberToHex(salt, { size: 32 }), signature } } } });
  return request;
}

export async function exactRequest(chain, account, { to, value = 1000n, price = value, mutate, ...more }) {
  const message = { from: account.address, to, value, validAfter: 0n, validBefore: FAR_FUTURE_S, nonce: ZERO_HASH, ...more };
  const authorization = Object.fromEntries(Object.entries(message).map(([name, field]) => [name, String(field)]));
  const payload = { signature: await signTransfer(chain, account, message), authorization };
  const request = envelope(requirements(chain, "exact", price, more.payTo ?? to, {}), payload);
  mutate?.(request, payload);
  return request;
}

export const settleRequest = (chain, payTo, payload) =>
  envelope({ scheme: "batch-settlement", network: NETWORK, amount: "0", asset: chain.token, payTo, maxTimeoutSeconds: 0,
    extra: {} }, payload);

export async function post(url, body, headers = {}) {
  const response = await fetch(url, { method: "POST", headers: { "content-type": "application/json", ...headers },
    body: JSON.stringify(body) });
  return { status: response.status, body: await response.json() };
}
