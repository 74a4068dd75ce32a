#!/usr/bin/env bash
# Runs a Python test:  run.sh BUILD_FOLDER TEST.py ARGUMENTS...
#
# The packages come from the environment that tools/setup.sh made (.venv), or from one that is made here, below the
# build folder. Without either the test is skipped (exit code 77), loudly; with CI=true it fails then.
set -euo pipefail

build=$1
test=$2
shift 2
here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)

has_packages() { [ -x "$1" ] && "$1" -c 'import capnp, eth_account, jsonschema, openapi_spec_validator' 2>/dev/null; }

make_environment() {
  python3 -m venv "$build/python" &&
    "$build/python/bin/pip" install -q --disable-pip-version-check --only-binary :all: -r "$here/requirements.txt"
}

python=
for candidate in "$root/.venv/bin/python" "$build/python/bin/python"; do
  if has_packages "$candidate"; then python=$candidate && break; fi
done
if [ -z "$python" ] && make_environment >"$build/python.log" 2>&1; then python=$build/python/bin/python; fi
if [ -z "$python" ]; then
  echo "SKIPPED: the Python tests need the packages of tests/python/requirements.txt (tools/setup.sh full);" >&2
  echo "installing them failed:" >&2
  tail -5 "$build/python.log" >&2 || true
  if [ "${CI:-}" = true ]; then exit 1; fi
  exit 77
fi
cd "$here"
exec "$python" -B "$test" "$@"
