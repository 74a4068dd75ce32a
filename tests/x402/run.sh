#!/usr/bin/env bash
# Runs the tests of this folder:  run.sh [TEST_FILE...]
#
# They need Node.js 18 and what `tools/setup.sh full` installs and builds (here and in tests/chain). Without it they are
# skipped (exit code 77), loudly; with CI=true they fail then.
set -euo pipefail
cd "$(dirname "$0")"

skip() {
  echo "SKIPPED: the x402 tests need $1; run tools/setup.sh full" >&2
  if [ "${CI:-}" = true ]; then exit 1; fi
  exit 77
}

command -v node >/dev/null || skip "Node.js"
[ "$(node -p 'process.versions.node.split(".")[0]')" -ge 18 ] || skip "Node.js 18, this is $(node --version)"
[ -d node_modules/@x402/evm ] || skip "the npm packages of tests/x402"
gap=$(node -e 'import("./chain.mjs").then((chain) => console.log(chain.missing()))')
[ -z "$gap" ] || skip "the local chain: $gap"
exec node --test "$@"
