import { decimal } from "./binding.js";
import { TabError } from "./types.js";
import type { TabAsset } from "./types.js";

/** An amount of ledger units as a decimal number of the asset: 1500 with 6 decimals is "0.0015". */
export function toDecimal(amount: bigint, decimals: number): string {
  const digits = amount.toString().padStart(decimals + 1, "0");
  const whole = digits.slice(0, digits.length - decimals);
  const rest = digits.slice(digits.length - decimals).replace(/0+$/, "");
  return rest === "" ? whole : `${whole}.${rest}`;
}

/**
 * A decimal number of the asset as ledger units: "0.0015" with 6 decimals is 1500. A number that has more decimals than
 * the asset is refused, never rounded: rounding down could make a price zero.
 */
export function fromDecimal(what: string, text: string, decimals: number): bigint {
  const match = /^([0-9]{1,39})(?:\.([0-9]+))?$/.exec(text);
  if (match === null)
    throw new TabError("invalid_argument", `${what} must be a decimal number such as 0.001, not ${text}`);
  const fraction = (match[2] ?? "").replace(/0+$/, "");
  if (fraction.length > decimals) {
    throw new TabError("invalid_argument", `${what} ${text} is finer than the asset, which has ${decimals} decimals`);
  }
  return decimal(what, BigInt((match[1] ?? "") + fraction.padEnd(decimals, "0")).toString());
}

/** A price as people write it: `"$0.001"`, `"0.001"`, `"0.001 EUR"` or a number; `symbol` is what it names, if anything. */
export function readMoney(what: string, money: string | number): { amount: string; symbol: string | undefined } {
  // A number is taken as it prints; exponents (1e-7) are refused below like any other wrong text.
  const match = /^(\$?)\s*([0-9]+(?:\.[0-9]+)?)(?:\s+([A-Za-z][A-Za-z0-9.]*))?$/.exec(String(money).trim());
  if (match === null) {
    throw new TabError(
      "invalid_argument",
      `${what} must look like "$0.001", "0.001" or "0.001 EUR", not ${String(money)}`,
    );
  }
  return { amount: match[2] ?? "", symbol: match[3] };
}

/** How people call an asset. */
export function symbolOf(asset: TabAsset): string {
  return asset.symbol ?? asset.asset;
}

/**
 * The asset that a price means: the one that it names, else `preferred`, else the only candidate ("$" leaves those with
 * USD in their symbol). Throws a TabError that lists the assets.
 */
export function assetOfMoney(
  what: string,
  money: string | number,
  assets: readonly TabAsset[],
  preferred?: string,
): { asset: TabAsset; amount: bigint } {
  const { amount, symbol } = readMoney(what, money);
  const wanted = symbol ?? preferred;
  const dollars = String(money).trim().startsWith("$");
  const named = (asset: TabAsset, name: string): boolean =>
    asset.asset === name || symbolOf(asset).toLowerCase() === name.toLowerCase();
  const found = assets.filter((asset) =>
    wanted === undefined ? !dollars || symbolOf(asset).toUpperCase().includes("USD") : named(asset, wanted),
  );
  const [asset] = found;
  if (asset === undefined || found.length > 1) {
    const list = assets.map((known) => `${symbolOf(known)} (${known.asset})`).join(", ") || "none";
    const problem = asset === undefined ? "fits no asset" : "could mean more than one asset";
    throw new TabError("asset_unknown", `${what} ${String(money)} ${problem} of this network. Its assets: ${list}`);
  }
  return { asset, amount: fromDecimal(what, amount, asset.decimals) };
}
