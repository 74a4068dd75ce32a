#!/usr/bin/env bash
# Makes tests/card/validators/stripe-mock from the Go module github.com/stripe/stripe-mock (pinned by stripemock/go.sum):
# the provider's own description of its interface, by which it judges requests. Not part of tabd. Does nothing when it is
# there.
set -euo pipefail
cd "$(dirname "$0")"

out=validators
ready=$out/ready
stamp=$(sha256sum fetch.sh ../support/go.sh stripemock/* | sha256sum)
if [ -f "$ready" ] && [ "$(cat "$ready")" = "$stamp" ]; then exit 0; fi
work=$(mktemp -d)
trap 'chmod -R u+w "$work"; rm -rf "$work"' EXIT

source ../support/go.sh
find_go "$work"
rm -rf "$out"
mkdir "$out"
go_build stripemock github.com/stripe/stripe-mock "../$out/stripe-mock"
printf '%s' "$stamp" >"$ready"
