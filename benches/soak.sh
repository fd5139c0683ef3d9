#!/usr/bin/env bash
# A long hot-key run whose memory is watched: prints lockbench's resident memory
# every 5 s and how much it grew after the first 30 s. Expected: less than 20 MiB.
#
# usage: benches/soak.sh [SECONDS] [BACKEND]
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
seconds=${1:-300}
backend=${2:-redis}

lockbench=${LOCKBENCH:-}
[ -n "$lockbench" ] || { cargo build --release --locked --quiet; lockbench=target/release/lockbench; }
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
"$lockbench" run workloads/hot-key.toml -b "$backend" --ui none --set warmup=2s --set "duration=${seconds}s" \
  -o "$scratch/results" >"$scratch/out" 2>&1 &
pid=$!
start=$SECONDS
first=0
last=0
most=0
while kill -0 "$pid" 2>/dev/null; do
  rss=$(awk '/^VmRSS:/ {print $2}' "/proc/$pid/status" 2>/dev/null || true)
  elapsed=$((SECONDS - start))
  if [ -n "$rss" ]; then
    echo "$elapsed s: $rss KiB"
    last=$rss
    if [ "$elapsed" -ge 30 ]; then
      if [ "$first" -eq 0 ]; then first=$rss; fi
      if [ "$rss" -gt "$most" ]; then most=$rss; fi
    fi
  fi
  sleep 5
done
code=0
wait "$pid" || code=$?
tail -n 2 "$scratch/out"
echo "backend $backend, $seconds s, exit $code"
echo "resident after 30 s: $first KiB, at most: $most KiB, at the end: $last KiB"
echo "growth after the first 30 s: $(((most - first) / 1024)) MiB at most, $(((last - first) / 1024)) MiB at the end"
