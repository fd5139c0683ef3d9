#!/usr/bin/env bash
# Records what tests/pure/compare_recorded.rs judges: 20 runs of one plan on every
# single-node system of this machine, and 10 pairs of runs of redis behind a link
# whose answers take 25 ms, then 32.5 ms: a real slow-down of 30 %. Each run has five
# trials. Takes about an hour; the machine should do nothing else.
#
# usage: benches/record_compare.sh [SYSTEM,...]
#
# The trials are as long as a p99 of every one of them needs: 1 000 grants.
#
# LOCKBENCH and SLOW_LINK name the programs, where they are built already; UNDER is put
# before them, for example "chrt -f 10" (root) where the machine is not quiet.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
systems=${1:-redis,etcd,zookeeper,postgres:advisory,sqlite,memory}
scratch=target/record-compare
rm -rf "$scratch"
mkdir -p "$scratch"

if [ -z "${LOCKBENCH:-}" ]; then
  cargo build --release --locked --quiet
  LOCKBENCH=target/release/lockbench
fi
if [ -z "${SLOW_LINK:-}" ]; then
  SLOW_LINK=$(cargo bench --locked --bench slow_link --no-run 2>&1 | sed -n 's/.*(\(.*slow_link.*\))/\1/p')
fi

run() { # WORKLOAD ID SYSTEMS FURTHER-ARGUMENTS...
  local workload=$1 id=$2 names=$3
  shift 3
  ${UNDER:-} "$LOCKBENCH" run "workloads/$workload.toml" -b "$names" --run-id "$id" -o "$scratch" --ui none --trials 5 \
    --set history=off --set warmup=300ms --set duration=4s "$@" >"$scratch/$id.txt" || echo "$id: exit $?"
}

# The server and the two links that the slow-down is recorded with; stopped by their
# own ids, whatever happens.
pids=()
stop() { for pid in "${pids[@]}"; do kill "$pid" 2>/dev/null || true; done; }
trap stop EXIT
${UNDER:-} redis-server --port 27391 --bind 127.0.0.1 --save '' --appendonly no >"$scratch/redis.log" &
pids+=($!)
${UNDER:-} "$SLOW_LINK" 27392 127.0.0.1:27391 25000 &
pids+=($!)
${UNDER:-} "$SLOW_LINK" 27393 127.0.0.1:27391 32500 &
pids+=($!)
sleep 1

for i in $(seq -w 1 20); do
  run hot-key "same-$i" "$systems"
  [ "$i" -gt 10 ] && continue
  for link in "usual 27392" "slow 27393"; do
    read -r name port <<<"$link"
    run uncontended "$name-$i" redis --endpoint "redis=redis://127.0.0.1:$port" \
      --set clients=16 --set duration=5s
  done
done
LOCKBENCH_RECORD_FROM="$PWD/$scratch" cargo test --locked --quiet --test pure -- --ignored compare_recorded::pack
ls -l tests/data/compare.json.gz
