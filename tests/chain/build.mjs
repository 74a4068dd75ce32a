// Compiles the contracts that tests deploy to build/NAME.json ({ "abi": [...], "bytecode": "0x..." }) with the pinned
// solc. Usage: node build.mjs [output folder]
import { mkdirSync, readFileSync, readdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import solc from "solc";

const here = dirname(fileURLToPath(import.meta.url));
const folder = process.argv[2] ?? join(here, "build");
const names = ["TestUSDC", "BatchSettlement", "ERC3009Collector", "ReadBatcher"];

const sources = Object.fromEntries(readdirSync(join(here, "contracts")).sort().map((file) =>
  [file, { content: readFileSync(join(here, "contracts", file), "utf8") }]));
const input = {
  language: "Solidity",
  sources,
  settings: {
    optimizer: { enabled: true, runs: 200 },
    evmVersion: "cancun",
    metadata: { bytecodeHash: "none" },
    outputSelection: { "*": { "*": ["abi", "evm.bytecode.object"] } },
  },
};
const output = JSON.parse(solc.compile(JSON.stringify(input)));
const problems = output.errors ?? [];
for (const problem of problems) console.error(problem.formattedMessage);
if (problems.some((problem) => problem.severity === "error")) process.exit(1);

mkdirSync(folder, { recursive: true });
for (const name of names) {
  const contract = output.contracts[`${name}.sol`][name];
  const file = join(folder, `${name}.json`);
  writeFileSync(file, JSON.stringify({ abi: contract.abi, bytecode: `0x${contract.evm.bytecode.object}` }) + "\n");
  console.log(`${file}: ${contract.evm.bytecode.object.length / 2} bytes of code, ${solc.version()}`);
}
