#!/usr/bin/env bash
# Every source is as clang-format 14 writes it (.clang-format). `make fmt` mends it.
set -euo pipefail
cd "$(dirname "$0")/../.."
formatter=$(command -v clang-format-14 || command -v clang-format) || { echo "clang-format 14 is missing: run tools/setup.sh"; exit 1; }
list() {
  if git rev-parse --is-inside-work-tree >/dev/null 2>&1; then
    git ls-files -co --exclude-standard -- '*.h' '*.c' '*.cpp'
  else
    find . \( -name build -o -name node_modules \) -prune -o \( -name '*.h' -o -name '*.c' -o -name '*.cpp' \) -print
  fi
}
if [ "${1:-}" = --fix ]; then
  list | xargs -r -P "$(nproc)" -n 16 "$formatter" -i
  exit 0
fi
mistakes=$(list | xargs -r -P "$(nproc)" -n 16 "$formatter" --dry-run --Werror 2>&1 | grep -E 'error:' || true)
if [ -z "$mistakes" ]; then
  echo "formatted: $(list | wc -l) sources"
  exit 0
fi
printf '%s\n' "$mistakes" | sed -n 1,40p
echo "Run: make fmt"
exit 1
