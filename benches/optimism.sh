#!/usr/bin/env bash
# Do I need a lock at all? The same critical section without a lock, with one, and with one after three conflicts, on ever
# more records. Usage: benches/optimism.sh LOCKBENCH; the log that is stored: results/reference/optimistic-vs-lock.txt
set -euo pipefail
lockbench=$(realpath "$1")
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd) out=$(mktemp -d)
trap 'rm -rf "$out"' EXIT
cd "$out"
echo "$("$lockbench" --version), $(nproc) processors, $(date -u +%F); goodput per second, and share of tries that a conflict cost"
for count in 1 4 16 64 256; do
  "$lockbench" run "$root/workloads/optimistic-vs-lock.toml" --set "keys.count=$count" --set duration=3s --set warmup=500ms \
    --ui none --run-id "k$count" >/dev/null 2>&1 || echo "$count keys: exit $?"
done
python3 - <<'END'
import json
counts = (1, 4, 16, 64, 256)
runs = {count: {r["backend"]: r for r in json.load(open(f"results/k{count}/report.json"))["results"]} for count in counts}
print(f"{'records':30}" + "".join(f"{count:>16}" for count in counts))
for name in runs[1]:
    row = ""
    for count in counts:
        result = runs[count][name]
        cell = f"{result['goodput_per_s']:.0f}"
        if result["guarantees"]["exclusion"] is False and result["grants"]:
            cell += f" ({100 * result['safety']['lost_leases'] / result['grants']:.0f} %)"
        row += f"{cell:>16}"
    print(f"{name:30}{row}")
END
