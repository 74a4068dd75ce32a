// Compiles src/ twice: into dist/esm for import, and into dist/cjs for require.
import { spawnSync } from "node:child_process";
import { cpSync, mkdirSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { fileURLToPath } from "node:url";

process.chdir(fileURLToPath(new URL(".", import.meta.url)));
const tsc = createRequire(import.meta.url).resolve("typescript/bin/tsc");

function compile(project) {
  const done = spawnSync(process.execPath, [tsc, "-p", project], { stdio: "inherit" });
  if (done.status !== 0) process.exit(done.status ?? 1);
}

rmSync("dist", { recursive: true, force: true });
compile("tsconfig.build.json");

// The compiler takes the module format from the nearest package.json: the second time from one that says CommonJS.
const commonjs = '{ "type": "commonjs" }\n';
const options = { outDir: "../cjs", rootDir: ".", verbatimModuleSyntax: false };
mkdirSync("dist/cjs", { recursive: true });
writeFileSync("dist/cjs/package.json", commonjs);
cpSync("src", "dist/src", { recursive: true });
writeFileSync("dist/src/package.json", commonjs);
writeFileSync(
  "dist/src/tsconfig.json",
  JSON.stringify({ extends: "../../tsconfig.build.json", compilerOptions: options, include: ["."] }),
);
compile("dist/src/tsconfig.json");
rmSync("dist/src", { recursive: true });
