// What the examples need to know, from the environment. Secrets are files, never arguments.
import { readFileSync } from "node:fs";

export function needed(name, what) {
  const value = process.env[name];
  if (value) return value;
  console.error(`Set ${name}: ${what}`);
  process.exit(2);
}

/** Where tabd's x402 listener is, and this server's API key (`tabctl apikey`). */
export function facilitatorSettings() {
  return {
    url: needed("TABD_URL", "where tabd's x402 listener is, such as http://127.0.0.1:9403"),
    apiKey: readFileSync(
      needed("TABD_API_KEY_FILE", "a file with the API key that tabctl apikey printed"),
      "utf8",
    ).trim(),
  };
}

/** The network, and the payee's address. */
export function routeSettings() {
  return {
    network: needed(
      "NETWORK",
      "the operator's network, such as acme:tab; for channels the chain, such as eip155:84532",
    ),
    payTo: needed("PAYEE", "the payee's address, as registered by the operator"),
  };
}

/** A secret key of 32 bytes in hexadecimal, as `tabctl keygen` writes it. */
export function secretKey(name) {
  const text = readFileSync(needed(name, "a file with a secret key (tabctl keygen)"), "utf8").trim();
  return text.startsWith("0x") ? text : `0x${text}`;
}

export const port = Number(process.env.PORT ?? 4021);
