#!/usr/bin/env bash
# Brings what checks bank files into tests/bank/validators, pinned by SHA-256: the ISO 20022 schemas (the PyPI package
# sepaxml and the Go module moov-io/iso20022 carry them) and a checker of NACHA files made with the Go module
# moov-io/ach. Nothing of it is part of tabd. Does nothing when everything is there.
set -euo pipefail
cd "$(dirname "$0")"

out=validators
ready=$out/ready
stamp=$(sha256sum fetch.sh ../support/go.sh achcheck/* | sha256sum)
if [ -f "$ready" ] && [ "$(cat "$ready")" = "$stamp" ]; then exit 0; fi
work=$(mktemp -d)
trap 'chmod -R u+w "$work"; rm -rf "$work"' EXIT

source ../support/go.sh
find_go "$work"
[ -d "$work/venv" ] || python3 -m venv "$work/venv"
pip=("$work/venv/bin/pip" -q --disable-pip-version-check)
"${pip[@]}" download --no-deps -d "$work" sepaxml==2.7.0
python3 -m zipfile -e "$work"/sepaxml-2.7.0-*.whl "$work/sepaxml"
mkdir "$work/module"
(cd "$work/module" && printf 'module fetch\n\ngo 1.22\n' >go.mod && GOFLAGS=-mod=mod "$go" mod download github.com/moov-io/iso20022@v0.2.1)

rm -rf "$out"
mkdir "$out"
cp "$work"/sepaxml/sepaxml/schemas/pain.00{1.001.09,8.001.08}.xsd "$out"
specifications=$GOPATH/pkg/mod/github.com/moov-io/iso20022@v0.2.1/docs/specifications
cp "$specifications"/banktocustomer_cash_management_8/camt.05{3,4}.001.08.xsd "$out"
cp "$specifications"/payments_initiation_11/pain.002.001.11.xsd "$out"
chmod u+w "$out"/*.xsd
(cd "$out" && sha256sum --quiet -c) <<'SUMS'
de038b373e47b0077b1832ddd81f4b2f1eb25d35721f62da1e38b7f5a09fda24  pain.001.001.09.xsd
7edf4e4ce34c47a5567af6a327e22af4ed4007f715822af9f353c94ecc10f5ba  pain.008.001.08.xsd
ca0b135cc8e2dde5b2f99af6b6c514a8f29d6e7c6cf98e9ea84d247189868ff5  camt.053.001.08.xsd
2b392a1f7e70e70902fd0d803ff85989613bd1cae351663240b0bb9243be2c28  camt.054.001.08.xsd
d7d5c787fb027a2025193984d9f2afac6aec15bebd368623dd0156b6a8d38b0d  pain.002.001.11.xsd
SUMS
go_build achcheck . "../$out/achcheck"
printf '%s' "$stamp" >"$ready"
