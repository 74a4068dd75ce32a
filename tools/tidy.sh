#!/usr/bin/env bash
# clang-tidy (.clang-tidy) over sources of a configured build.
#
#   tools/tidy.sh BUILD [FILE...]
#
# Without files: what changed since the branch left main (or since the last commit); everything with TIDY_ALL=1.
set -euo pipefail
cd "$(dirname "$0")/.."
build=$1
shift
tidy=$(command -v clang-tidy-14 || command -v clang-tidy) || { echo "clang-tidy is missing: run tools/setup.sh lint"; exit 1; }
ours() { git ls-files -co --exclude-standard -- '*.cpp' | grep -v '^tests/' || true; }
if [ $# -gt 0 ]; then
  files=("$@")
elif [ -n "${TIDY_ALL:-}" ]; then
  mapfile -t files < <(ours)
else
  base=$(git merge-base HEAD main 2>/dev/null || true)
  if [ -n "$base" ] && [ "$base" = "$(git rev-parse HEAD)" ]; then base=$(git rev-parse -q --verify HEAD~1 || true); fi
  mapfile -t files < <({ [ -z "$base" ] || git diff --name-only --diff-filter=d "$base"; git ls-files -o --exclude-standard; } |
    sort -u | grep -F -x -f <(ours) || true)
  # A change that touches everything would take an hour here: a sample stands for it, TIDY_ALL=1 does the rest.
  limit=${TIDY_MAX:-40}
  if [ ${#files[@]} -gt "$limit" ]; then
    echo "clang-tidy: $limit of ${#files[@]} changed sources (TIDY_ALL=1 for all)"
    mapfile -t files < <(printf '%s\n' "${files[@]}" | awk -v n="${#files[@]}" -v limit="$limit" 'int(NR*limit/n) != int((NR-1)*limit/n)')
  fi
fi
if [ ${#files[@]} -eq 0 ]; then echo "clang-tidy: nothing changed"; exit 0; fi
printf '%s\0' "${files[@]}" | xargs -0 -r -P "$(nproc)" -n 1 "$tidy" -p "$build" --quiet \
  --extra-arg=-Wno-unknown-warning-option --warnings-as-errors='*' 2> >(grep -vE 'warnings? generated|Suppressed|Use -(header|system)|^$' >&2)
echo "clang-tidy: ${#files[@]} sources are clean"
