#!/usr/bin/env bash
# Runs the browser test:  run.sh DEMO BUILD_FOLDER
#
# Needs Debian's chromium and the packages of package-lock.json (tools/setup.sh full). Without them the test is skipped
# (exit code 77), loudly; with CI=true it fails then. Screenshots go to BUILD_FOLDER/screenshots.
set -euo pipefail

demo=$(realpath "$1")
build=$(realpath "$2")
here=$(cd "$(dirname "$0")" && pwd)

missing() {
  echo "SKIPPED: the browser test needs $1: run tools/setup.sh full" >&2
  if [ "${CI:-}" = true ]; then exit 1; fi
  exit 77
}
chromium=$(command -v chromium) || missing "Debian's package chromium"
command -v node >/dev/null || missing "Node.js"
[ -d "$here/node_modules/playwright-core" ] && [ -d "$here/node_modules/axe-core" ] || missing "the packages of tests/browser"

cd "$here"
exec node page_test.mjs "$demo" "$chromium" "$build/screenshots"
