#!/bin/sh
# Alternates the bare loop (redis_raw) with lockbench itself on the same Redis and
# prints, run by run and as the median, how much of the bare loop's cycles/s
# lockbench reaches with recorder and oracle on. Expected: 0.7 or more.
#
# usage: benches/redis_ratio.sh redis://127.0.0.1:6379 [RUNS] [SECONDS] [WORKLOAD]
# WORKLOAD: 64 clients, a key each, no hold, no think time.
set -eu
cd "$(dirname "$0")/.."
url=${1:?usage: benches/redis_ratio.sh redis://HOST:PORT [RUNS] [SECONDS] [WORKLOAD]}
runs=${2:-5}
seconds=${3:-5}
workload=${4:-workloads/uncontended.toml}

cargo build --release --quiet
cargo bench --no-run --quiet --bench redis_raw
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT INT TERM

run=1
while [ "$run" -le "$runs" ]; do
    raw=$(cargo bench --quiet --bench redis_raw -- "$url" "$seconds" 64)
    target/release/lockbench run "$workload" -b redis --endpoint "redis=$url" --ui none --format json \
        --set clients=64 --set warmup=1s --set "duration=${seconds}s" -o "$scratch/results" >"$scratch/report.json"
    python3 - "$scratch/report.json" "$raw" "$run" "$scratch/ratios" <<'PY'
import json, sys
report, raw, run, ratios = sys.argv[1:]
results = json.load(open(report))["results"]
ours = results[0]["throughput_per_s"]
ratio = ours / float(raw)
print(f"run {run}: raw {float(raw):.0f}/s, lockbench {ours:.0f}/s, ratio {ratio:.2f}")
open(ratios, "a").write(f"{ratio}\n")
PY
    run=$((run + 1))
done
python3 - "$scratch/ratios" <<'PY'
import statistics, sys
ratios = [float(line) for line in open(sys.argv[1])]
print(f"median ratio of {len(ratios)} alternating runs: {statistics.median(ratios):.2f}")
PY
