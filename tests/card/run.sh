#!/usr/bin/env bash
# Runs the tests of this folder that are JavaScript:  run.sh TEST_FILE...
#
# They need Node.js 18 and the npm packages of this folder (`tools/setup.sh card`). Without them they are skipped (exit code
# 77), loudly; with CI=true they fail then.
set -euo pipefail
cd "$(dirname "$0")"

skip() {
  echo "SKIPPED: the card tests need $1; run tools/setup.sh card" >&2
  if [ "${CI:-}" = true ]; then exit 1; fi
  exit 77
}

command -v node >/dev/null || skip "Node.js"
[ "$(node -p 'process.versions.node.split(".")[0]')" -ge 18 ] || skip "Node.js 18, this is $(node --version)"
[ -d node_modules/stripe ] || skip "the npm packages of tests/card"
exec node --test "$@"
