#!/usr/bin/env bash
# A watch whose server is restarted in the middle and whose memory is looked at: prints
# resident memory every 10 s, what the watch said, how it ended, and the most memory in
# each third of the time. Expected: it recovers. A round takes memory and gives it back, so
# that its own memory goes up and down, between 6 and 11 MiB with one system; that is all
# that ten minutes can show. Over an hour, or many short rounds, the last third needs no
# more than the first but for 1 MiB, the outage included.
#
# usage: benches/monitor_soak.sh [MINUTES] [LOCKBENCH] [ROUND]
# LOCKBENCH: a binary that is built already; without it a release build is made.
# ROUND: length of a round, default 60s. Many short ones show in minutes what hours do.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
minutes=${1:-10}
binary=${2:-}
round=${3:-60s}
if [ -z "$binary" ]; then
  cargo build --release --locked --quiet
  binary=target/release/lockbench
fi
seconds=$((minutes * 60))
outage=20
port=$((20000 + RANDOM % 20000))
scratch=$(mktemp -d)
server=
watch=
end() {
  if [ -n "$watch" ]; then kill "$watch" 2>/dev/null || true; fi
  if [ -n "$server" ]; then kill "$server" 2>/dev/null || true; fi
  rm -rf "$scratch"
}
trap end EXIT
start_server() {
  redis-server --bind 127.0.0.1 --port "$port" --save "" --dir "$scratch" >"$scratch/redis.log" 2>&1 &
  server=$!
  for _ in $(seq 100); do
    if redis-cli -p "$port" ping >/dev/null 2>&1; then return; fi
    sleep 0.1
  done
  echo "redis-server does not answer on port $port" >&2
  exit 3
}

start_server
"$binary" monitor workloads/monitor.toml --endpoint "redis=redis://127.0.0.1:$port" --for "${seconds}s" --ui plain \
  --round "$round" --every 1m -o "$scratch/results" >"$scratch/out" 2>"$scratch/err" &
watch=$!
begin=$SECONDS
most=(0 0 0)
cut=0
while kill -0 "$watch" 2>/dev/null; do
  elapsed=$((SECONDS - begin))
  if [ "$cut" -eq 0 ] && [ "$elapsed" -ge $((seconds / 2)) ]; then
    cut=1
    echo "$elapsed s: the server is killed"
    kill -9 "$server"
    wait "$server" 2>/dev/null || true
    server=
  elif [ "$cut" -eq 1 ] && [ "$elapsed" -ge $((seconds / 2 + outage)) ]; then
    cut=2
    start_server
    echo "$elapsed s: the server is started again"
  fi
  rss=$(awk '/^VmRSS:/ {print $2}' "/proc/$watch/status" 2>/dev/null || true)
  heap=$(awk '/^RssAnon:/ {print $2}' "/proc/$watch/status" 2>/dev/null || true)
  threads=$(awk '/^Threads:/ {print $2}' "/proc/$watch/status" 2>/dev/null || true)
  descriptors=$(find "/proc/$watch/fd" 2>/dev/null | wc -l)
  if [ -n "$rss" ] && [ -n "$heap" ]; then
    echo "$elapsed s: $rss KiB ($heap of its own, the rest program text), $threads threads, $descriptors descriptors"
    third=$((elapsed * 3 / seconds))
    if [ "$third" -gt 2 ]; then third=2; fi
    if [ "$heap" -gt "${most[third]}" ]; then most[third]=$heap; fi
  fi
  sleep 10
done
code=0
wait "$watch" || code=$?
watch=
echo "--- said"
cat "$scratch/err"
echo "--- printed"
sed "s#$scratch#SCRATCH#g" "$scratch/out"
echo "--- left on the server: $(redis-cli -p "$port" dbsize) keys; files: $(du -sk "$scratch/results" | cut -f1) KiB"
echo "exit $code after $minutes minutes, the server was away for $outage s"
echo "most of its own memory in the first, second and last third: ${most[*]} KiB"
echo "growth from the first third to the last: $((most[2] - most[0])) KiB"
