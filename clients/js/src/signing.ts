import { secp256k1 } from "@noble/curves/secp256k1";
import { keccak_256 } from "@noble/hashes/sha3";

import { AMOUNT_END, fixedBytes, toHex, typedData, typedDataDigest } from "./binding.js";
import type { TabMessages, TabType } from "./binding.js";
import { toDecimal } from "./money.js";
import type {
  Address,
  Commitment,
  CommitmentPayload,
  Hex,
  Mandate,
  MandateRevocation,
  TabSigner,
  TypedData,
  Voucher,
  VoucherPayload,
} from "./types.js";
import { TabError } from "./types.js";

function addressOf(publicKey: Uint8Array): Address {
  return toHex(keccak_256(publicKey.subarray(1)).subarray(12));
}

/**
 * A signer from a secret key in memory: 32 bytes in hexadecimal. It signs this binding's types only.
 * For keys elsewhere use a wallet library: every account of viem is a TabSigner.
 */
export function privateKeySigner(secretKey: Hex): TabSigner {
  let secret: Uint8Array;
  let address: Address;
  try {
    secret = fixedBytes("secret key", secretKey, 32);
    address = addressOf(secp256k1.getPublicKey(secret, false));
  } catch {
    // Nothing of a key belongs into a message.
    throw new TabError("invalid_argument", "the secret key must be 0x and 64 hexadecimal digits, in the group's range");
  }
  return {
    address,
    // eslint-disable-next-line @typescript-eslint/require-await -- throws as a rejection, like a wallet
    async signTypedData(data: TypedData): Promise<Hex> {
      const made = secp256k1.sign(typedDataDigest(data), secret, { lowS: true });
      return `${toHex(made.toBytes("compact"))}${(27 + made.recovery).toString(16)}`;
    },
  };
}

/** Wallets answer v as 27/28 or 0/1; the binding takes 27/28. */
function normalised(signature: Hex): Hex {
  const bytes = fixedBytes("signature", signature, 65);
  const v = bytes[64] ?? 0;
  if (v < 2) bytes[64] = v + 27;
  if (bytes[64] !== 27 && bytes[64] !== 28) {
    throw new TabError("bad_signature", `the wallet's signature ends in ${v}; it must be 27 or 28`);
  }
  return toHex(bytes);
}

async function sign<T extends TabType>(
  signer: TabSigner,
  network: string,
  type: T,
  message: TabMessages[T],
): Promise<Hex> {
  return normalised(await signer.signTypedData(typedData(network, type, message)));
}

const same = (left: Address, right: Address): boolean => left.toLowerCase() === right.toLowerCase();
const lower = (address: Address): Address => address.toLowerCase() as Address;

function checkAmount(what: string, amount: bigint): void {
  if (amount < 0n || amount >= AMOUNT_END) {
    throw new TabError("invalid_argument", `${what} must be from 0 to 2^127 - 1, not ${amount}`);
  }
}

/** Signs a single-use commitment. Another signer than the payer is named in the payload: it needs a mandate. */
export async function signCommitment(
  signer: TabSigner,
  network: string,
  commitment: Commitment,
): Promise<CommitmentPayload> {
  checkAmount("maximum", commitment.maximum);
  const signature = await sign(signer, network, "Commitment", commitment);
  return {
    type: "commitment",
    commitment: {
      payer: lower(commitment.payer),
      payee: lower(commitment.payee),
      asset: commitment.asset,
      maximum: commitment.maximum.toString(),
      resource: commitment.resource,
      nonce: commitment.nonce.toString(),
      validAfter: commitment.validAfter.toString(),
      validBefore: commitment.validBefore.toString(),
    },
    ...(same(signer.address, commitment.payer) ? {} : { signer: lower(signer.address) }),
    signature,
  };
}

/** Signs a cumulative voucher for the charge with this index. */
export async function signVoucher(
  signer: TabSigner,
  network: string,
  voucher: Voucher,
  index: bigint,
): Promise<VoucherPayload> {
  checkAmount("maximum", voucher.maximum);
  const signature = await sign(signer, network, "Voucher", voucher);
  return {
    type: "voucher",
    voucher: {
      payer: lower(voucher.payer),
      payee: lower(voucher.payee),
      asset: voucher.asset,
      salt: voucher.salt,
      maximum: voucher.maximum.toString(),
      validBefore: voucher.validBefore.toString(),
    },
    index: index.toString(),
    ...(same(signer.address, voucher.payer) ? {} : { signer: lower(signer.address) }),
    signature,
  };
}

export interface SignedMandate {
  network: string;
  mandate: Mandate;
  signature: Hex;
}

export interface SignedRevocation {
  network: string;
  revocation: MandateRevocation;
  signature: Hex;
}

function checkPayer(signer: TabSigner, payer: Address): void {
  if (!same(signer.address, payer)) {
    throw new TabError("bad_signature", `a mandate of ${payer} must be signed by that key, not by ${signer.address}`);
  }
}

/** The time in microseconds: later mandates and revocations have higher nonces, as those of `tabctl` do. */
function nonceNow(): bigint {
  return BigInt(Date.now()) * 1000n;
}

/** What may be left out of a mandate that `signMandate` signs. */
export type MandateRequest = Pick<Mandate, "agent" | "asset" | "cap"> & Partial<Mandate>;

/**
 * Signs an agent's mandate as the payer. Left out: `payer` is the signer, `period` is `total`, any payee, from now on,
 * without end, and `nonce` is the time, so that a later mandate replaces this one. Payees are sorted.
 */
export async function signMandate(signer: TabSigner, network: string, request: MandateRequest): Promise<SignedMandate> {
  const payees = [...new Set((request.payees ?? []).map(lower))].sort();
  const mandate: Mandate = {
    payer: lower(request.payer ?? signer.address),
    agent: lower(request.agent),
    asset: request.asset,
    cap: request.cap,
    period: request.period ?? "total",
    payees,
    validAfter: request.validAfter ?? 0n,
    validBefore: request.validBefore ?? 0n,
    nonce: request.nonce ?? nonceNow(),
  };
  checkPayer(signer, mandate.payer);
  checkAmount("cap", mandate.cap);
  if (payees.length > 64)
    throw new TabError("invalid_argument", `a mandate names at most 64 payees, not ${payees.length}`);
  if (same(mandate.agent, mandate.payer)) {
    throw new TabError("invalid_argument", "a payer needs no mandate for its own key: agent and payer are the same");
  }
  if (mandate.validBefore !== 0n && mandate.validAfter >= mandate.validBefore) {
    throw new TabError(
      "invalid_argument",
      "the mandate would end before it begins: validAfter must be below validBefore",
    );
  }
  return { network, mandate, signature: await sign(signer, network, "Mandate", mandate) };
}

/** Signs the end of an agent's mandates as the payer; `nonce` is the time if left out, which ends all of them. */
export async function signRevocation(
  signer: TabSigner,
  network: string,
  request: Pick<MandateRevocation, "agent" | "asset"> & Partial<MandateRevocation>,
): Promise<SignedRevocation> {
  const revocation: MandateRevocation = {
    payer: lower(request.payer ?? signer.address),
    agent: lower(request.agent),
    asset: request.asset,
    nonce: request.nonce ?? nonceNow(),
  };
  checkPayer(signer, revocation.payer);
  return { network, revocation, signature: await sign(signer, network, "MandateRevocation", revocation) };
}

/**
 * A signed mandate or revocation as the body of `POST /v1/mandates` or `POST /v1/revocations`. Any API key may bring it:
 * what counts is the payer's signature.
 */
export function signedBody(signed: SignedMandate | SignedRevocation): string {
  return JSON.stringify(signed, (_, value: unknown) => (typeof value === "bigint" ? value.toString() : value));
}

/** A signed mandate as JSON that `tabctl mandate set FILE` reads; `decimals` are those of the asset. */
export function mandateFile(signed: SignedMandate, decimals: number): string {
  const { payer, agent, asset, cap, period, payees, validAfter, validBefore, nonce } = signed.mandate;
  const numbers = `"valid_after":${validAfter},"valid_before":${validBefore},"nonce":${nonce}`; // exact above 2^53 too
  const texts = { payer, agent, asset, cap: toDecimal(cap, decimals), period, payees, signature: signed.signature };
  return `${JSON.stringify(texts).slice(0, -1)},${numbers}}`;
}
