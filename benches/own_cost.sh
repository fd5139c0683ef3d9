#!/usr/bin/env bash
# What lockbench itself costs per attempt, two builds in turns on an idle machine: attempts per second and
# processor time per attempt of clients that lock `memory`, each a key of its own, and hold it for no time.
#
# usage: benches/own_cost.sh OLD NEW [ROUNDS]     (programs; default 9 rounds of 3 s each)
set -euo pipefail
old=$1 new=$2 rounds=${3:-9}
cd "$(dirname "${BASH_SOURCE[0]}")/.."
out=$(mktemp -d)
trap 'rm -rf "$out"' EXIT
one() { # NAME PROGRAM ROUND
  "$2" run workloads/uncontended.toml -b memory --set hold=0s --set warmup=500ms --set duration=3s \
    --ui none --run-id "$1-$3" -o "$out" >"$out/$1-$3.txt" || true
  python3 - "$out/$1-$3/report.json" "$1" "$3" <<'PYTHON'
import json, sys
result = json.load(open(sys.argv[1]))["results"][0]
cpu_us = result["resources"]["client_cpu_s"] * 1e6 / result["attempts"]
print(f"{sys.argv[2]:4} {sys.argv[3]:>3} {result['throughput_per_s'] / 1e3:9.1f} {cpu_us:9.3f}")
PYTHON
}
echo "old: $("$old" --version), $(stat -c %s "$old") bytes; new: $("$new" --version), $(stat -c %s "$new") bytes"
echo "machine: $(nproc) processors, $(uname -sr)"
echo "     round kgrants/s us/attempt"
for round in $(seq "$rounds"); do
  # Who goes first changes, so that a drift of the machine hits both alike.
  if [ $((round % 2)) -eq 0 ]; then one old "$old" "$round"; one new "$new" "$round"; else one new "$new" "$round"; one old "$old" "$round"; fi
done | tee "$out/rows"
python3 - "$out/rows" <<'PYTHON'
import statistics, sys
rows = [line.split() for line in open(sys.argv[1])]
def of(name, column): return sorted(float(row[column]) for row in rows if row[0] == name)
for column, what in ((2, "kgrants/s"), (3, "us/attempt")):
    sides = {name: of(name, column) for name in ("old", "new")}
    text = ", ".join(f"{name} median {statistics.median(v):.3f} ({v[0]:.3f} to {v[-1]:.3f})" for name, v in sides.items())
    pairs = sorted(n / o for o, n in zip(*([float(r[column]) for r in sorted(rows, key=lambda r: int(r[1])) if r[0] == name] for name in ("old", "new"))))
    print(f"{what}: {text}; new / old per round: median {statistics.median(pairs):.3f} ({pairs[0]:.3f} to {pairs[-1]:.3f})")
PYTHON
