// Hashes of the `<operator>:tab` binding, version 1. Normative: docs/bindings/tab.md, sections 3 to 5.
import { keccak_256 } from "@noble/hashes/sha3";
import { bytesToHex, concatBytes, hexToBytes, utf8ToBytes } from "@noble/hashes/utils";

import type {
  Address,
  Commitment,
  CommitmentPayload,
  Hex,
  Mandate,
  MandatePeriod,
  MandateRevocation,
  TabPayload,
  TypedData,
  Voucher,
  VoucherPayload,
} from "./types.js";
import { TabError } from "./types.js";

type Field = readonly [name: string, type: string];
type Message = Readonly<Record<string, unknown>>;

const TYPES = {
  Commitment: [
    ["payer", "address"],
    ["payee", "address"],
    ["asset", "string"],
    ["maximum", "uint128"],
    ["resource", "bytes32"],
    ["nonce", "uint128"],
    ["validAfter", "uint64"],
    ["validBefore", "uint64"],
  ],
  Voucher: [
    ["payer", "address"],
    ["payee", "address"],
    ["asset", "string"],
    ["salt", "bytes32"],
    ["maximum", "uint128"],
    ["validBefore", "uint64"],
  ],
  Mandate: [
    ["payer", "address"],
    ["agent", "address"],
    ["asset", "string"],
    ["cap", "uint128"],
    ["period", "uint8"],
    ["payees", "address[]"],
    ["validAfter", "uint64"],
    ["validBefore", "uint64"],
    ["nonce", "uint64"],
  ],
  MandateRevocation: [
    ["payer", "address"],
    ["agent", "address"],
    ["asset", "string"],
    ["nonce", "uint64"],
  ],
} as const satisfies Record<string, readonly Field[]>;

/** What payers and agents sign. */
export type TabType = keyof typeof TYPES;

/** All that one type's message holds. */
export interface TabMessages {
  Commitment: Commitment;
  Voucher: Voucher;
  Mandate: Mandate;
  MandateRevocation: MandateRevocation;
}

/** Amounts stop here: the ledger's are signed 128-bit numbers. */
export const AMOUNT_END = 1n << 127n;
/** A commitment with this resource is for any. */
export const ZERO_RESOURCE: Hex = `0x${"0".repeat(64)}`;

const PERIODS: readonly MandatePeriod[] = ["total", "hour", "day", "week", "month"];
const NETWORK = /^[a-z0-9-]{1,32}:tab$/;

export function toHex(bytes: Uint8Array): Hex {
  return `0x${bytesToHex(bytes)}`;
}

/** The bytes of a hexadecimal text of exactly `length` bytes; throws a TabError that names `what`. */
export function fixedBytes(what: string, text: unknown, length: number): Uint8Array {
  if (typeof text !== "string" || !/^0x[0-9a-fA-F]*$/.test(text) || text.length !== 2 + 2 * length) {
    throw new TabError(
      "invalid_argument",
      `${what} must be 0x and ${2 * length} hexadecimal digits, not ${show(text)}`,
    );
  }
  return hexToBytes(text.slice(2));
}

/** A value from outside, short enough for a message. */
export function show(value: unknown): string {
  const text = typeof value === "bigint" ? `${value}n` : (JSON.stringify(value) as string | undefined);
  return text === undefined ? String(value) : text.length > 80 ? `${text.slice(0, 77)}...` : text;
}

function uintBytes(what: string, value: unknown, bits: number): Uint8Array {
  if (typeof value !== "bigint" || value < 0n || value >= 1n << BigInt(bits)) {
    throw new TabError("invalid_argument", `${what} must be a bigint of at most ${bits} bits, not ${show(value)}`);
  }
  return hexToBytes(value.toString(16).padStart(64, "0"));
}

function addressWord(what: string, value: unknown): Uint8Array {
  return concatBytes(new Uint8Array(12), fixedBytes(what, value, 20));
}

function fieldWord([name, type]: Field, value: unknown): Uint8Array {
  switch (type) {
    case "address":
      return addressWord(name, value);
    case "address[]": {
      if (!Array.isArray(value)) throw new TabError("invalid_argument", `${name} must be a list of addresses`);
      return keccak_256(concatBytes(...value.map((item: unknown) => addressWord(name, item))));
    }
    case "bytes32":
      return fixedBytes(name, value, 32);
    case "string":
      if (typeof value !== "string") throw new TabError("invalid_argument", `${name} must be a text`);
      return hashOfText(value);
    default:
      return uintBytes(name, value, Number(type.slice("uint".length)));
  }
}

function encodeType(type: TabType): string {
  return `${type}(${TYPES[type].map(([name, kind]) => `${kind} ${name}`).join(",")})`;
}

/** The message as it is hashed: a mandate's period is a number there. */
function plainMessage<T extends TabType>(type: T, message: TabMessages[T]): Message {
  if (type !== "Mandate") return message as unknown as Message;
  const mandate = message as Mandate;
  const period = PERIODS.indexOf(mandate.period);
  if (period < 0) {
    throw new TabError("invalid_argument", `period must be one of ${PERIODS.join(", ")}, not ${show(mandate.period)}`);
  }
  return { ...mandate, period: BigInt(period) };
}

export function checkNetwork(network: string): void {
  if (!NETWORK.test(network)) {
    throw new TabError(
      "wrong_network",
      `${show(network)} is not a network of the form <operator>:tab, such as acme:tab`,
    );
  }
}

/** Salt of the EIP-712 domain: keccak-256 of the network. */
export function domainSalt(network: string): Hex {
  checkNetwork(network);
  return toHex(hashOfText(network));
}

const MEMO_TEXTS_MAX = 1024;
const MEMO_CHARACTERS_MAX = 512; // networks and assets are shorter, also as CAIP-19

/** Remembers what a text hashes to. Texts come from outside, so what is kept is bounded. */
function memo(compute: (text: string) => Uint8Array): (text: string) => Uint8Array {
  const known = new Map<string, Uint8Array>();
  return (text) => {
    let value = known.get(text);
    if (value === undefined) {
      value = compute(text);
      if (known.size < MEMO_TEXTS_MAX && text.length <= MEMO_CHARACTERS_MAX) known.set(text, value);
    }
    return value;
  };
}

const hashOfText = memo((text) => keccak_256(utf8ToBytes(text)));
const separatorBytes = memo((salt) =>
  keccak_256(
    concatBytes(
      hashOfText("EIP712Domain(string name,string version,bytes32 salt)"),
      hashOfText("tabd"),
      hashOfText("1"),
      fixedBytes("salt", salt, 32),
    ),
  ),
);
const typeHash = memo((type) => keccak_256(utf8ToBytes(encodeType(type as TabType))));

/** Domain separator of a network. */
export function domainSeparator(network: string): Hex {
  return toHex(separatorBytes(domainSalt(network)));
}

/** EIP-712 type hash. */
export function tabTypeHash(type: TabType): Hex {
  return toHex(typeHash(type));
}

function structBytes(type: TabType, plain: Message): Uint8Array {
  return keccak_256(concatBytes(typeHash(type), ...TYPES[type].map((field) => fieldWord(field, plain[field[0]]))));
}

function signedBytes(salt: Hex, type: TabType, plain: Message): Uint8Array {
  return keccak_256(concatBytes(Uint8Array.of(0x19, 0x01), separatorBytes(salt), structBytes(type, plain)));
}

/** EIP-712 struct hash. */
export function structHash<T extends TabType>(type: T, message: TabMessages[T]): Hex {
  return toHex(structBytes(type, plainMessage(type, message)));
}

/** The EIP-712 digest that is signed. */
export function digest<T extends TabType>(network: string, type: T, message: TabMessages[T]): Hex {
  return toHex(signedBytes(domainSalt(network), type, plainMessage(type, message)));
}

/** The same as data for a wallet's `signTypedData`. */
export function typedData<T extends TabType>(network: string, type: T, message: TabMessages[T]): TypedData {
  const plain = plainMessage(type, message);
  structBytes(type, plain); // checks every field, so that no wallet is asked to sign something else
  return {
    domain: { name: "tabd", version: "1", salt: domainSalt(network) },
    types: { [type]: TYPES[type].map(([name, kind]) => ({ name, type: kind })) },
    primaryType: type,
    message: { ...plain },
  };
}

/** The digest of what `typedData` made; throws a TabError for any other type. */
export function typedDataDigest(data: TypedData): Uint8Array {
  if (!(data.primaryType in TYPES)) {
    throw new TabError("invalid_argument", `${data.primaryType} is not a type of the tab binding`);
  }
  return signedBytes(data.domain.salt, data.primaryType as TabType, data.message);
}

/** keccak-256 of a resource's URL, exactly as in `resource.url`. */
export function resourceHash(url: string): Hex {
  return toHex(keccak_256(utf8ToBytes(url)));
}

/** The key of a tab: (payer, payee, asset, salt). */
export function tabKey(tab: { payer: Address; payee: Address; asset: string; salt: Hex }): Hex {
  if (typeof (tab.asset as unknown) !== "string") throw new TabError("invalid_argument", "asset must be a text");
  return toHex(
    keccak_256(
      concatBytes(
        fixedBytes("payer", tab.payer, 20),
        fixedBytes("payee", tab.payee, 20),
        hashOfText(tab.asset),
        fixedBytes("salt", tab.salt, 32),
      ),
    ),
  );
}

/** Reads a decimal string without sign or leading zeros, below `end`; throws a TabError that names `what`. */
export function decimal(what: string, text: unknown, end: bigint = AMOUNT_END): bigint {
  if (typeof text !== "string" || !/^(0|[1-9][0-9]{0,38})$/.test(text) || BigInt(text) >= end) {
    throw new TabError("invalid_argument", `${what} must be a decimal string from 0 to ${end - 1n}, not ${show(text)}`);
  }
  return BigInt(text);
}

const SECONDS_END = 1n << 64n;

function commitmentOf({ commitment }: CommitmentPayload): Commitment {
  return {
    payer: commitment.payer,
    payee: commitment.payee,
    asset: commitment.asset,
    maximum: decimal("maximum", commitment.maximum),
    resource: commitment.resource,
    nonce: decimal("nonce", commitment.nonce, 1n << 128n),
    validAfter: decimal("validAfter", commitment.validAfter, SECONDS_END),
    validBefore: decimal("validBefore", commitment.validBefore, SECONDS_END),
  };
}

/** The identifier of what a payload pays with (docs/bindings/tab.md, section 12); throws a TabError if it is malformed. */
export function commitmentId(network: string, payload: TabPayload): string {
  if (payload.type === "voucher") return `${tabKey(payload.voucher)}:${decimal("index", payload.index, SECONDS_END)}`;
  return digest(network, "Commitment", commitmentOf(payload));
}

/** True if `payload` has the outer form of a payment on a tab; its fields are not checked. */
export function isTabPayload(payload: unknown): payload is TabPayload {
  if (typeof payload !== "object" || payload === null) return false;
  const { type, commitment, voucher } = payload as Partial<CommitmentPayload & Omit<VoucherPayload, "type">>;
  const body = (type as string | undefined) === "voucher" ? voucher : type === "commitment" ? commitment : undefined;
  return typeof body === "object" && (body as unknown) !== null;
}
