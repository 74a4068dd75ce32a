#!/bin/sh
# Runs libFuzzer programs one after the other: run.sh <build directory of tests/fuzz> [fuzz_entry ...]
# FUZZ_SECONDS (default 60) is the time for each. New inputs stay in <build directory>/found/<target>; an input that breaks
# something is kept in <build directory>/broken, and the script ends with 1.
set -u
build=${1:?usage: run.sh <build directory of tests/fuzz> [programs]}
shift
sources=$(cd "$(dirname "$0")" && pwd)
seconds=${FUZZ_SECONDS:-60}
if [ $# -eq 0 ]; then
  for program in "$build"/fuzz_*; do
    name=$(basename "$program")
    case $name in fuzz_replay_* | fuzz_make_corpus) continue ;; esac
    [ -f "$program" ] && [ -x "$program" ] && set -- "$@" "$name"
  done
fi
if [ $# -eq 0 ]; then
  echo "No fuzz programs in $build: configure with 'cmake --preset fuzz' and build the target 'fuzz'." >&2
  exit 2
fi
mkdir -p "$build/broken"
failed=""
for program in "$@"; do
  target=${program#fuzz_}
  mkdir -p "$build/found/$target"
  log="$build/found/$target.log"
  printf '%-24s %ss ... ' "$program" "$seconds"
  if "$build/$program" -max_total_time="$seconds" -timeout=120 -rss_limit_mb=2048 -print_final_stats=1 \
    -artifact_prefix="$build/broken/$target-" "$build/found/$target" "$sources/corpus/$target" >"$log" 2>&1; then
    runs=$(sed -n 's/^stat::number_of_executed_units: *//p' "$log")
    echo "ok, ${runs:-?} inputs"
  else
    echo "BROKEN (log: $log)"
    tail -n 20 "$log"
    failed="$failed $program"
  fi
done
if [ -n "$failed" ]; then
  echo "Broken:$failed. Inputs are in $build/broken; run the program with one as its argument to see it again." >&2
  exit 1
fi
