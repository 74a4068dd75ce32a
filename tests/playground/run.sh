#!/usr/bin/env bash
# Runs a test of the playground:  run.sh TABD TABCTL TEST_FILE
#
# Needs Node.js 18, the packages of playground/agents and clients/js, and the local chain: tools/setup.sh full. Without
# them the test is skipped (exit code 77), loudly; with CI=true it fails then.
set -euo pipefail

export TABD_BINARY=$1 TABCTL_BINARY=$2
test_file=$3
cd "$(dirname "$0")/../.."

skip() {
  echo "SKIPPED: the test of the playground needs $*; run tools/setup.sh full" >&2
  if [ "${CI:-}" = true ]; then exit 1; fi
  exit 77
}

command -v node >/dev/null || skip "Node.js 18 or newer"
[ "$(node -p 'process.versions.node.split(".")[0]')" -ge 18 ] || skip "Node.js 18 or newer, not $(node --version)"
[ -d playground/agents/node_modules/@x402/evm ] || skip "the npm packages of playground/agents"
[ -x clients/js/node_modules/.bin/tsc ] || skip "the npm packages of clients/js"
[ -d tests/chain/node_modules/@foundry-rs ] || [ -n "${TABD_ANVIL:-}" ] || skip "the npm packages of tests/chain"
[ -f tests/chain/build/TestUSDC.json ] && [ -f tests/chain/build/BatchSettlement.json ] || skip "the compiled contracts"

node playground/agents/link.mjs
exec node --test "tests/playground/$test_file"
