import { readFileSync } from "node:fs";
import { mnemonicToAccount } from "viem/accounts";
import { describe, expect, test } from "vitest";

import {
  commitmentId,
  digest,
  domainSalt,
  domainSeparator,
  mandateFile,
  signedBody,
  privateKeySigner,
  resourceHash,
  signCommitment,
  signMandate,
  signRevocation,
  signVoucher,
  structHash,
  tabKey,
  tabTypeHash,
  TabError,
} from "../../src/index.js";
import type { Commitment, Hex, Mandate, MandateRevocation, TabSigner, TabType, Voucher } from "../../src/index.js";

interface Vectors {
  network: string;
  domain: { salt: Hex; separator: Hex };
  types: Record<string, { hash: Hex }>;
  vectors: {
    name: string;
    type: string;
    message: Record<string, unknown>;
    struct_hash: Hex;
    digest: Hex;
    anvil_account: number;
    signature: Hex;
  }[];
  tab_key: { key: Hex };
}

const file = new URL("../../../../tests/vectors/tab.json", import.meta.url);
const vectors = JSON.parse(readFileSync(file, "utf8")) as Vectors;
const PERIODS = ["total", "hour", "day", "week", "month"] as const;
const OURS: readonly string[] = ["Commitment", "Voucher", "Mandate", "MandateRevocation"];
const NUMBERS = ["maximum", "nonce", "validAfter", "validBefore", "cap"];

/** The vector's message with numbers as bigint and the period by name. */
function messageOf(raw: Record<string, unknown>): never {
  const message: Record<string, unknown> = { ...raw };
  for (const name of NUMBERS) if (name in message) message[name] = BigInt(message[name] as string);
  if ("period" in message) message["period"] = PERIODS[Number(message["period"])];
  return message as never;
}

/** The publicly known development accounts. */
function account(index: number): { viem: TabSigner; own: TabSigner } {
  const viem = mnemonicToAccount(`${"test ".repeat(11)}junk`, { addressIndex: index });
  const key = Buffer.from(viem.getHdKey().privateKey ?? []).toString("hex");
  return { viem: viem as unknown as TabSigner, own: privateKeySigner(`0x${key}`) };
}

async function signatureOf(signer: TabSigner, type: string, message: never): Promise<Hex> {
  const { network } = vectors;
  if (type === "Commitment") return (await signCommitment(signer, network, message as Commitment)).signature;
  if (type === "Voucher") return (await signVoucher(signer, network, message as Voucher, 0n)).signature;
  if (type === "Mandate") return (await signMandate(signer, network, message as Mandate)).signature;
  return (await signRevocation(signer, network, message as MandateRevocation)).signature;
}

describe("the published vectors", () => {
  test("domain, types, tab key", () => {
    expect(domainSalt(vectors.network)).toBe(vectors.domain.salt);
    expect(domainSeparator(vectors.network)).toBe(vectors.domain.separator);
    for (const type of OURS) expect(tabTypeHash(type as TabType)).toBe(vectors.types[type]?.hash);
    const voucher = vectors.vectors.find(({ name }) => name === "voucher");
    expect(tabKey(messageOf(voucher?.message ?? {}))).toBe(vectors.tab_key.key);
  });

  const ours = vectors.vectors.filter(({ type }) => OURS.includes(type));
  test("there are some of each type", () => {
    expect(new Set(ours.map(({ type }) => type)).size).toBe(4);
  });

  for (const vector of ours) {
    test(`${vector.name}: hashes and signatures, with a wallet library and with the built-in signer`, async () => {
      const message = messageOf(vector.message);
      expect(structHash(vector.type as TabType, message)).toBe(vector.struct_hash);
      expect(digest(vectors.network, vector.type as TabType, message)).toBe(vector.digest);
      const { viem, own } = account(vector.anvil_account);
      expect(await signatureOf(viem, vector.type, message)).toBe(vector.signature);
      expect(await signatureOf(own, vector.type, message)).toBe(vector.signature);
    });
  }
});

const payer = account(0).own;
const agent = account(1).own;
const payee = account(2).own.address;
const commitment: Commitment = {
  payer: payer.address,
  payee,
  asset: "USD",
  maximum: 2500n,
  resource: resourceHash("https://api.example/weather"),
  nonce: 7n,
  validAfter: 0n,
  validBefore: 1893456300n,
};

describe("payloads", () => {
  test("an agent is named, a payer is not", async () => {
    expect(await signCommitment(payer, "test:tab", commitment)).not.toHaveProperty("signer");
    expect(await signCommitment(agent, "test:tab", commitment)).toHaveProperty("signer", agent.address.toLowerCase());
  });

  test("the commitment id is the digest, of a voucher the tab key and the index", async () => {
    const single = await signCommitment(payer, "test:tab", commitment);
    expect(commitmentId("test:tab", single)).toBe(digest("test:tab", "Commitment", commitment));
    const voucher = { ...commitment, salt: commitment.resource, maximum: 5n, validBefore: 0n };
    expect(commitmentId("test:tab", await signVoucher(payer, "test:tab", voucher, 7n))).toBe(`${tabKey(voucher)}:7`);
  });

  test("a wallet that answers v as 0 or 1 is understood, anything else is refused", async () => {
    const right = (await signCommitment(payer, "test:tab", commitment)).signature;
    const wallet = (signature: Hex): TabSigner => ({
      address: payer.address,
      signTypedData: () => Promise.resolve(signature),
    });
    const low: Hex = `${right.slice(0, -2) as Hex}0${parseInt(right.slice(-2), 16) - 27}`;
    expect((await signCommitment(wallet(low), "test:tab", commitment)).signature).toBe(right);
    await expect(signCommitment(wallet(`${right.slice(0, -2) as Hex}25`), "test:tab", commitment)).rejects.toThrow(
      /ends in 37/,
    );
    await expect(signCommitment(wallet("0x1234"), "test:tab", commitment)).rejects.toThrow(TabError);
  });

  test.each([
    ["maximum", 1n << 127n, /2\^127/],
    ["maximum", -1n, /2\^127/],
    ["nonce", 1n << 128n, /nonce.*128 bits/],
    ["payee", "0x12", /payee must be 0x and 40/],
    ["resource", "weather", /resource must be 0x and 64/],
    ["validBefore", 5 as unknown as bigint, /validBefore must be a bigint/],
  ])("a wrong %s is named before anything is signed", async (field, value, message) => {
    let asked = false;
    const wallet: TabSigner = {
      address: payer.address,
      signTypedData: () => {
        asked = true;
        return Promise.resolve("0x");
      },
    };
    await expect(signCommitment(wallet, "test:tab", { ...commitment, [field]: value })).rejects.toThrow(message);
    expect(asked).toBe(false);
  });

  test.each(["test", "Test:tab", "eip155:1", `${"a".repeat(33)}:tab`])("%s is no network", (network) => {
    expect(() => domainSalt(network)).toThrow(/<operator>:tab/);
  });

  test("a wrong secret key is never quoted", () => {
    const key: Hex = `0x${"00".repeat(32)}`;
    expect(() => privateKeySigner(key)).toThrow(TabError);
    expect(() => privateKeySigner("0xabc123")).toThrow(/^(?!.*abc123)/);
  });
});

describe("mandates", () => {
  test("defaults, order of payees, and the file that tabctl reads", async () => {
    const signed = await signMandate(payer, "test:tab", {
      agent: agent.address,
      asset: "USD",
      cap: 1_500_000n,
      period: "day",
      payees: [payee, agent.address, payee],
      nonce: (1n << 63n) + 1n,
    });
    expect(signed.mandate.payer).toBe(payer.address.toLowerCase());
    expect(signed.mandate.payees).toEqual([payee.toLowerCase(), agent.address.toLowerCase()].sort());
    const text = mandateFile(signed, 6);
    expect(text).toContain('"nonce":9223372036854775809');
    expect(JSON.parse(text)).toMatchObject({ cap: "1.5", period: "day", asset: "USD", valid_before: 0 });
    expect(JSON.parse(signedBody(signed))).toEqual({
      network: "test:tab",
      mandate: { ...signed.mandate, cap: "1500000", nonce: "9223372036854775809", validAfter: "0", validBefore: "0" },
      signature: signed.signature,
    });
  });

  test("a later one has a higher nonce", async () => {
    const first = await signMandate(payer, "test:tab", { agent: agent.address, asset: "USD", cap: 1n });
    await new Promise((resolve) => setTimeout(resolve, 2));
    const later = await signRevocation(payer, "test:tab", { agent: agent.address, asset: "USD" });
    expect(later.revocation.nonce).toBeGreaterThan(first.mandate.nonce);
  });

  test.each([
    ["another payer's", { payer: agent.address, agent: payee }, /must be signed by that key/],
    ["one's own key", { agent: payer.address }, /needs no mandate/],
    ["ends first", { agent: agent.address, validAfter: 5n, validBefore: 5n }, /end before it begins/],
    ["an unknown period", { agent: agent.address, period: "year" as never }, /total, hour, day, week, month/],
  ])("%s is refused", async (_, fields, message) => {
    await expect(signMandate(payer, "test:tab", { asset: "USD", cap: 1n, ...fields } as never)).rejects.toThrow(
      message,
    );
  });
});
