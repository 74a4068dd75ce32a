#!/usr/bin/env bash
# Runs one part of the tests of clients/js:  run.sh lint|unit|daemon|channels TABD TABCTL
#
#   lint      types, rules, format, and that the package builds and loads as ES module and as CommonJS
#   unit      against vectors and a daemon in memory
#   daemon    against the real daemon, with the official x402 packages
#   channels  the same on payment channels, with the local chain of tests/x402
#
# Without Node.js 18 or the npm packages the test is skipped (exit code 77), loudly; with CI=true it fails then.
set -euo pipefail

part=$1
export TABD_BINARY=$2 TABCTL_BINARY=$3
cd "$(dirname "$0")/../../clients/js"

skip() {
  echo "SKIPPED: the tests of clients/js need $*; run tools/setup.sh full" >&2
  if [ "${CI:-}" = true ]; then exit 1; fi
  exit 77
}

command -v node >/dev/null || skip "Node.js 18 or newer"
[ "$(node -p 'process.versions.node.split(".")[0]')" -ge 18 ] || skip "Node.js 18 or newer, not $(node --version)"
[ -x node_modules/.bin/vitest ] || skip "the npm packages of clients/js"

case $part in
  lint)
    node_modules/.bin/tsc -p tsconfig.json
    node_modules/.bin/eslint .
    node_modules/.bin/prettier --check --log-level warn . ../../playground/agents
    node_modules/.bin/prettier --check --log-level warn --config .prettierrc.json ../../tests/playground
    node build.mjs
    node -e 'for (const part of ["", "/client", "/server", "/mcp"]) require("@tabd/x402" + part)'
    node --input-type=module -e 'for (const part of ["", "/client", "/server", "/mcp"]) await import("@tabd/x402" + part)'
    ;;
  unit) node_modules/.bin/vitest run tests/unit ;;
  daemon) node_modules/.bin/vitest run tests/integration --exclude "**/channels_test.ts" ;;
  channels) node_modules/.bin/vitest run tests/integration/channels_test.ts ;;
  *)
    echo "run.sh: no such part: $part" >&2
    exit 2
    ;;
esac
