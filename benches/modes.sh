#!/usr/bin/env bash
# What a lock that readers share gains, and how well a semaphore shares out a pool. Usage: benches/modes.sh LOCKBENCH; the
# log that is stored: results/reference/modes.txt
set -euo pipefail
lockbench=$(realpath "$1")
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd) out=$(mktemp -d)
trap 'rm -rf "$out"' EXIT
cd "$out"
echo "$("$lockbench" --version), $(nproc) processors, $(date -u +%F)"
run() {
  local id=$1 workload=$2
  shift 2
  "$lockbench" run "$root/workloads/$workload.toml" --set duration=5s --set warmup=1s "$@" --ui none --run-id "$id" \
    >/dev/null 2>&1 || echo "$id: exit $?"
}
run shared read-mostly
run exclusive read-mostly --set access=exclusive
run pool resource-pool
python3 - <<'END'
import json
def results(run):
    return {r["backend"]: r for r in json.load(open(f"results/{run}/report.json"))["results"]}
ms = lambda ns: "-" if ns is None else f"{ns / 1e6:.1f} ms"
shared, exclusive, pool = results("shared"), results("exclusive"), results("pool")
print("\nread-mostly (32 clients, one key for 5 ms, 9 of 10 read); grants per second, waits of readers and writers")
print(f"{'':20}{'exclusive':>10}{'shared':>10}{'read p50':>10}{'read p99':>11}{'write p50':>11}{'write p99':>11}{'at once':>9}")
for name, one in shared.items():
    modes = one["modes"]
    read, write = modes["reads"]["acquire"], modes["writes"]["acquire"]
    print(f"{name:20}{exclusive[name]['throughput_per_s']:10.0f}{one['throughput_per_s']:10.0f}{ms(read['p50_ns']):>10}"
          f"{ms(read['p99_ns']):>11}{ms(write['p50_ns']):>11}{ms(write['p99_ns']):>11}{modes['most_at_once']:>9}")
print("\nresource-pool (32 clients, 8 permits for 5 ms on average: 1 600 per second at best)")
print(f"{'':20}{'grants/s':>10}{'in use':>9}{'wait p50':>11}{'wait p99':>11}{'requests per grant':>20}{'at once':>9}")
for name, one in pool.items():
    modes, per_s = one["modes"], one["throughput_per_s"]
    wait = modes["permits"]["acquire"]
    print(f"{name:20}{per_s:10.0f}{100 * per_s / 1600:7.0f} %{ms(wait['p50_ns']):>11}{ms(wait['p99_ns']):>11}"
          f"{one['requests_per_grant']:20.1f}{modes['most_at_once']:>9}")
END
