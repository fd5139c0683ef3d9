#!/usr/bin/env bash
# Ever more clients want one lock. Usage: benches/waiters.sh LOCKBENCH; the log that is stored:
# results/reference/waiters-sweep.txt
set -euo pipefail
lockbench=$(realpath "$1")
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd) out=$(mktemp -d)
trap 'rm -rf "$out"' EXIT
cd "$out"
ulimit -n "$(ulimit -Hn)"
echo "$("$lockbench" --version), $(nproc) processors, $(date -u +%F); grants per second, acquire p50 and longest wait, Jain's index"
run() {
  local system=$1 clients=$2 id
  id=$(echo "$system-$clients" | tr : -)
  "$lockbench" run "$root/workloads/waiters-sweep.toml" -b "$system" --set "clients=$clients" --set duration=5s --ui none \
    --run-id "$id" >"$id.txt" 2>&1 || true
  python3 - "$system" "$clients" "results/$id/report.json" "$id.txt" <<'END'
import json, os, sys
system, clients, path, said = sys.argv[1:]
if not os.path.exists(path):
    print(f"{system:18} {clients:>6}: " + open(said).read().strip().splitlines()[-1][:160]); sys.exit()
result = json.load(open(path))["results"][0]
if result["error"]:
    print(f"{system:18} {clients:>6}: " + result["error"][:160]); sys.exit()
service, fair = result["latency"]["acquire_service"], result["fairness"]
ms = lambda ns: "-" if ns is None else f"{ns / 1e6:.1f} ms"
jain = "-" if fair["jain"] is None else f"{fair['jain']:.2f}"
print(f"{system:18} {clients:>6}: {result['throughput_per_s']:9.0f}/s, p50 {ms(service['p50_ns']):>9}, longest {ms(fair['longest_wait_ns']):>10}, Jain {jain}")
END
}
for clients in 1 10 100 1000 5000 20000; do run memory "$clients"; done
for system in redis etcd; do for clients in 1 10 100 1000 5000; do run "$system" "$clients"; done; done
for system in zookeeper postgres:advisory postgres:lease; do for clients in 1 10 100 1000; do run "$system" "$clients"; done; done
