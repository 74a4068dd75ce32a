import { keccak_256 } from "@noble/hashes/sha3";

import { privateKeySigner } from "../../src/index.js";
import type { Address, Hex, TabSigner } from "../../src/index.js";

export interface Party {
  key: Hex;
  signer: TabSigner;
  address: Address;
}

/** A key made of a text: for tests only. */
export function party(name: string): Party {
  const key: Hex = `0x${Buffer.from(keccak_256(new TextEncoder().encode(`tabd test ${name}`))).toString("hex")}`;
  const signer = privateKeySigner(key);
  return { key, signer, address: signer.address };
}
