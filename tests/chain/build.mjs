// Compiles contracts/TestUSDC.sol to build/TestUSDC.json ({ "abi": [...], "bytecode": "0x..." }) with the pinned solc.
// Usage: node build.mjs [output folder]
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import solc from "solc";

const here = dirname(fileURLToPath(import.meta.url));
const folder = process.argv[2] ?? join(here, "build");
const input = {
  language: "Solidity",
  sources: { "TestUSDC.sol": { content: readFileSync(join(here, "contracts", "TestUSDC.sol"), "utf8") } },
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

const contract = output.contracts["TestUSDC.sol"].TestUSDC;
mkdirSync(folder, { recursive: true });
const file = join(folder, "TestUSDC.json");
writeFileSync(file, JSON.stringify({ abi: contract.abi, bytecode: `0x${contract.evm.bytecode.object}` }) + "\n");
console.log(`${file}: ${contract.evm.bytecode.object.length / 2} bytes of code, ${solc.version()}`);
