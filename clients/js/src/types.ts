/** Bytes in hexadecimal with `0x`. */
export type Hex = `0x${string}`;
/** 20 bytes, in either case. */
export type Address = Hex;

/** EIP-712 data in the form that wallets take (viem's `signTypedData`, for example). */
export interface TypedData {
  domain: { name: string; version: string; salt: Hex };
  types: Record<string, { name: string; type: string }[]>;
  primaryType: string;
  message: Record<string, unknown>;
}

/** Who signs. An account of viem (`privateKeyToAccount`) is one; so is what `privateKeySigner` makes. */
export interface TabSigner {
  readonly address: Address;
  signTypedData(data: TypedData): Promise<Hex>;
}

/** A promise for one purchase: at most `maximum`. */
export interface Commitment {
  payer: Address;
  payee: Address;
  /** The operator's text of the asset, byte for byte. */
  asset: string;
  /** Ledger units, below 2^127. */
  maximum: bigint;
  /** keccak-256 of the resource's URL, or 32 zero bytes for any resource. */
  resource: Hex;
  /** 128 bits that the payer never used before. */
  nonce: bigint;
  /** Seconds since 1970, inclusive. */
  validAfter: bigint;
  /** Seconds since 1970, exclusive. */
  validBefore: bigint;
}

/** A promise for everything on one tab together: at most `maximum`. */
export interface Voucher {
  payer: Address;
  payee: Address;
  asset: string;
  /** Tells several tabs of the same parties and asset apart. */
  salt: Hex;
  maximum: bigint;
  /** Seconds since 1970, exclusive; 0 for no end. */
  validBefore: bigint;
}

export type MandatePeriod = "total" | "hour" | "day" | "week" | "month";

/** A payer's permission for an agent's key. */
export interface Mandate {
  payer: Address;
  agent: Address;
  asset: string;
  /** The most that the agent may spend in each period, in ledger units. */
  cap: bigint;
  period: MandatePeriod;
  /** Only these payees; empty for any. At most 64. */
  payees: Address[];
  validAfter: bigint;
  /** Exclusive; 0 for no end. */
  validBefore: bigint;
  /** The mandate with the highest nonce is in force. */
  nonce: bigint;
}

/** Ends every mandate of this agent and asset with this nonce or a lower one. */
export interface MandateRevocation {
  payer: Address;
  agent: Address;
  asset: string;
  nonce: bigint;
}

/** An asset as the operator publishes it (`/supported`, `/.well-known/x402-tab`). */
export interface TabAsset {
  /** What is signed: ISO 4217 (`USD`) or CAIP-19. */
  asset: string;
  /** Decimals of one ledger unit: 6 makes "1000" a tenth of a cent. */
  decimals: number;
  /** A short name for people; `asset` if left out. */
  symbol?: string;
}

/** How far a tab is, as a server reports it. Decimal strings. */
export interface TabState {
  /** Key of the tab: 32 bytes in hexadecimal. */
  tab: Hex;
  /** Sum of all charges. */
  charged: string;
  /** Number of charges, which is the next charge's index. */
  charges: string;
  /** The highest maximum that a voucher on it allowed. */
  maximum: string;
}

/** `PaymentPayload.payload` of a single-use commitment. Numbers are decimal strings. */
export interface CommitmentPayload {
  type: "commitment";
  commitment: {
    payer: Address;
    payee: Address;
    asset: string;
    maximum: string;
    resource: Hex;
    nonce: string;
    validAfter: string;
    validBefore: string;
  };
  /** The agent, when it signed in place of the payer. */
  signer?: Address;
  signature: Hex;
}

/** `PaymentPayload.payload` of a voucher. */
export interface VoucherPayload {
  type: "voucher";
  voucher: { payer: Address; payee: Address; asset: string; salt: Hex; maximum: string; validBefore: string };
  /** The tab's charge index that this request will take; not signed. */
  index: string;
  signer?: Address;
  signature: Hex;
}

export type TabPayload = CommitmentPayload | VoucherPayload;

/** The scheme of x402 under which the binding runs. */
export const TAB_SCHEME = "batch-settlement";
/** The version of the binding. */
export const TAB_VERSION = "1";

export type TabErrorCode =
  | "invalid_argument"
  | "wrong_network"
  | "wrong_requirements"
  | "asset_unknown"
  | "over_limit"
  | "bad_signature"
  | "tab_state_refused"
  | "tabs_busy";

/** What this package itself refuses, before anything is signed or sent. */
export class TabError extends Error {
  readonly code: TabErrorCode;

  constructor(code: TabErrorCode, message: string) {
    super(message);
    this.name = "TabError";
    this.code = code;
  }
}
