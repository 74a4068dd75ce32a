// Brings @tabd/x402 up to date here: compiles clients/js if its sources are newer, and copies it if that is newer.
import { spawnSync } from "node:child_process";
import { cpSync, existsSync, readdirSync, rmSync, statSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const source = fileURLToPath(new URL("../../clients/js/", import.meta.url));
const copy = fileURLToPath(new URL("node_modules/@tabd/x402/", import.meta.url));

/** Of the newest file below a path; 0 if there is nothing. Milliseconds since 1970. */
function newest(path) {
  if (!existsSync(path)) return 0;
  const stat = statSync(path);
  if (!stat.isDirectory()) return stat.mtimeMs;
  return Math.max(0, ...readdirSync(path).map((name) => newest(join(path, name))));
}

if (newest(join(source, "dist")) <= Math.max(newest(join(source, "src")), newest(join(source, "package.json")))) {
  const { status } = spawnSync(process.execPath, [join(source, "build.mjs")], { stdio: "inherit" });
  if (status !== 0) process.exit(1);
}
if (newest(join(copy, "dist")) < newest(join(source, "dist"))) {
  rmSync(copy, { recursive: true, force: true });
  for (const part of ["package.json", "README.md", "dist"]) {
    cpSync(join(source, part), join(copy, part), { recursive: true, preserveTimestamps: true });
  }
}
