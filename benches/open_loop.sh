#!/usr/bin/env bash
# The same stall, seen by a closed and by an open loop: Redis stands still for a second in ten while 8 clients lock keys of
# their own. What a closed loop hides shows in the response time of the open one, and not in its service time.
# Usage: benches/open_loop.sh LOCKBENCH [SYSTEM]; the log that is stored: results/reference/open-loop.txt
set -euo pipefail
lockbench=$(realpath "$1") system=${2:-redis}
out=$(mktemp -d)
trap 'rm -rf "$out"' EXIT
cat >"$out/stall.toml" <<'END'
clients = 8
keys = "per-client"
hold = "0s"
warmup = "1s"
duration = "10s"
[[faults]]
kind = "server-pause"
at = "3s"
for = "1s"
END
cd "$out"
echo "$("$lockbench" --version), $(nproc) processors, $(date -u +%F)"
for arrival in closed '{ rate = 200 }' '{ kind = "poisson", rate = 200 }'; do
  id=run-$(echo "$arrival" | tr -dc a-z0-9)
  code=0
  "$lockbench" run stall.toml -b "$system" --set "arrival=$arrival" --set truth=off --ui none --run-id "$id" >/dev/null 2>&1 || code=$?
  python3 - "$arrival" "$code" "results/$id/report.json" <<'END'
import json, sys
arrival, code, path = sys.argv[1:]
result = json.load(open(path))["results"][0]
ms = lambda ns: "-" if ns is None else f"{ns / 1e6:.2f}"
figures = lambda of: ", ".join(f"p{p} {ms(result['latency'][of][f'p{q}_ns'])}" for p, q in (("50", "50"), ("99", "99"), ("99.9", "999")))
load = result.get("open_loop") or {}
lag = load.get("lag", {}).get("p99_ns")
print(f"{arrival}: exit {code}, {result['attempts']} attempts; service ms {figures('acquire_service')}; response ms {figures('acquire_response')}"
      + (f"; for a client p99 {ms(load['queued']['p99_ns'])} ms, own lag p99 {ms(lag)} ms, dropped {result['dropped']}" if load else ""))
END
done
