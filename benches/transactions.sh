#!/usr/bin/env bash
# Deadlocks of transactions that take two locks each: in any order with a timeout, in any order with a policy that breaks a
# deadlock as soon as it is found, and in the order of their keys.
# Usage: benches/transactions.sh LOCKBENCH [SYSTEMS]; the log that is stored: results/reference/transactions.txt
set -euo pipefail
lockbench=$(realpath "$1") systems=${2:-memory,redis,zookeeper,etcd,postgres:advisory}
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd) out=$(mktemp -d)
trap 'rm -rf "$out"' EXIT
cd "$out"
echo "$("$lockbench" --version), $(nproc) processors, $(date -u +%F)"
run() {
  local id=$1 workload=$2
  shift 2
  "$lockbench" run "$root/workloads/$workload.toml" -b "$systems" --set duration=8s --set warmup=1s "$@" --ui none \
    --run-id "$id" >/dev/null 2>&1 || echo "$id: exit $?"
  python3 - "$id" "results/$id/report.json" <<'END'
import json, sys
name, path = sys.argv[1:]
for result in json.load(open(path))["results"]:
    all = result["transactions"]
    ms = lambda ns: "-" if ns is None else f"{ns / 1e6:.1f} ms"
    broken = ", ".join(f"{ending} {count}" for ending, count in all["endings"].items()) or "-"
    print(f"{name:13} {result['backend']:18} {all['completed_per_s']:7.1f}/s, gave up {all['given_up']:3}, all locks p50 {ms(all['acquire']['p50_ns'])}, "
          f"deadlocks {result.get('deadlocks', 0):3}, longest {ms(all['longest_deadlock_ns'])}, broken by {broken}, verdict {result['safety']['verdict']}")
END
}
run timeout-3s distributed-transaction --set acquire.timeout=3s
run abort distributed-transaction --set acquire.timeout=3s --set 'locks={kind="shuffled",count=2,deadlock="abort-youngest"}'
run ordered distributed-transaction-ordered --set acquire.timeout=3s
