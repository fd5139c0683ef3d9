#!/usr/bin/env bash
# What a held lock costs the server in memory: 1 000 clients hold one lock each, and then eight each, so that what their
# connections cost is in both. Usage: benches/memory_per_lock.sh LOCKBENCH [SYSTEMS]; the log that is stored:
# results/reference/memory-per-lock.txt
set -euo pipefail
lockbench=$(realpath "$1") systems=${2:-redis,zookeeper,etcd,postgres:advisory}
out=$(mktemp -d)
trap 'rm -rf "$out"' EXIT
cd "$out"
ulimit -n "$(ulimit -Hn)"
cat >held.toml <<'END'
clients = 1000
keys = { kind = "uniform", count = 100000 }
hold = "60s"
ttl = "60s"
acquire = { mode = "wait", timeout = "20s" }
retry = { kind = "jitter", base = "5ms", max = "50ms" }
warmup = "5s"
duration = "10s"
END
echo "$("$lockbench" --version), $(nproc) processors, $(date -u +%F); resident memory of the server at the end of the run"
for system in ${systems//,/ }; do
  for locks in one eight; do
    id=$(echo "$system-$locks" | tr : -)
    set=one; [ "$locks" = one ] || set='{kind="all-or-release",count=8}'
    "$lockbench" run held.toml -b "$system" --set "locks=$set" --ui none --run-id "$id" >"$id.txt" 2>&1 || true
  done
  python3 - "$system" <<'END'
import gzip, json, sys
system = sys.argv[1]
def held(kind):
    id = f"{system.replace(':', '-')}-{kind}"
    result = json.load(open(f"results/{id}/report.json"))["results"][0]
    if result["error"]:
        print(f"{system}: {result['error'][:160]}"); sys.exit()
    open_locks = set()
    for line in gzip.open(f"results/{id}/history.jsonl.gz", "rt"):
        event = json.loads(line)
        if event.get("e") == "acquired": open_locks.add((event["c"], event["a"]))
        # The end of the run lets go of all at once.
        if event.get("e") == "release_invoke" and event["t"] < end_of(result, id): open_locks.discard((event["c"], event["a"]))
    return result["resources"]["server_rss_bytes"], len(open_locks)
def end_of(result, id):
    with gzip.open(f"results/{id}/history.jsonl.gz", "rt") as file:
        return json.loads(file.readline())["result"]["end"]
(one, few), (eight, many) = held("one"), held("eight")
per_lock = f"{(eight - one) / max(many - few, 1):.0f} bytes per held lock"
# PostgreSQL sets memory for locks aside when it starts.
told = per_lock if eight > one else "no growth: it tells nothing of a lock"
print(f"{system:18} {few} locks: {one / 1e6:.1f} MB, {many} locks: {eight / 1e6:.1f} MB: {told}")
END
done
