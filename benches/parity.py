#!/usr/bin/env python3
"""The recipes beside what others do with the same servers, in turns, on this machine.

Peers run from their own packages: bare loops over the client libraries (`lockbench overhead`), the crate rslock
(benches/rslock.rs, and redlock:rslock under lockbench), pgbench. Prints a table in Markdown with the median of the ratios of
all turns and their range, and what machine it was.

usage: benches/parity.py [--rounds 5] [--seconds 3] [--only NAME] LOCKBENCH RSLOCK > results/reference/parity.md
       LOCKBENCH: the program, built with --release; RSLOCK: the program of `cargo bench --no-run --bench rslock`
"""
import argparse, json, os, pathlib, platform, re, shutil, statistics, subprocess, sys, tempfile

arguments = argparse.ArgumentParser()
arguments.add_argument("--rounds", type=int, default=5)
arguments.add_argument("--seconds", type=int, default=3)
arguments.add_argument("--only", default="")
arguments.add_argument("lockbench")
arguments.add_argument("rslock")
asked = arguments.parse_args()
scratch = pathlib.Path(tempfile.mkdtemp())
# Servers that `up` starts are known by their state directory: ours is nobody else's.
os.environ["XDG_STATE_HOME"] = str(scratch / "state")


def ran(*command, **more):
    done = subprocess.run([str(part) for part in command], capture_output=True, text=True, **more)
    if done.returncode not in (0, 97, 100):
        sys.exit(f"{' '.join(map(str, command))}: exit {done.returncode}\n{done.stdout[-2000:]}{done.stderr[-2000:]}")
    return done.stdout


def lockbench(workload, systems, *sets):
    """Grants per second, p50 and p99 of the wait in us, Jain and requests per grant, of each system."""
    out = scratch / "results"
    shutil.rmtree(out, ignore_errors=True)
    flags = [flag for one in sets for flag in ("--set", one)]
    ran(asked.lockbench, "run", f"workloads/{workload}.toml", "-b", ",".join(systems), "--ui", "none", "--set", "warmup=500ms",
        "--set", f"duration={asked.seconds}s", *flags, "-o", out, "--run-id", "r")
    found = {}
    for result in json.load(open(out / "r/report.json"))["results"]:
        wait = result["latency"]["acquire_service"]
        found[result["backend"]] = {
            "grants_per_s": result["throughput_per_s"],
            "p50_us": (wait["p50_ns"] or 0) / 1e3,
            "p99_us": (wait["p99_ns"] or 0) / 1e3,
            "jain": result["fairness"]["jain"],
            "requests": result["requests_per_grant"],
        }
    return found


def rslock(urls, clients, keys, retry_ms):
    return json.loads(ran(asked.rslock, urls, asked.seconds, clients, keys, retry_ms))


def pgbench(url, script, clients, prepared=True):
    """Transactions per second: each is what the script says."""
    file = scratch / "script.sql"
    file.write_text(script)
    mode = ["-M", "prepared"] if prepared else []
    out = ran("pgbench", "-n", *mode, "-c", clients, "-j", 2, "-T", asked.seconds, "-f", file, url)
    return {"grants_per_s": float(re.search(r"tps = ([0-9.]+)", out).group(1)), "p99_us": 0}


rows = []


def row(name, against, target, turns, of=("grants_per_s", "p99_us")):
    """A row of the table: ours over theirs, turn by turn."""
    cells = []
    for figure in of:
        ratios = [ours[figure] / theirs[figure] for ours, theirs in turns if ours.get(figure) and theirs.get(figure)]
        cells.append(f"{statistics.median(ratios):.2f} ({min(ratios):.2f} to {max(ratios):.2f})" if ratios else "-")
    ours = statistics.median(ours["grants_per_s"] for ours, _ in turns)
    theirs = statistics.median(theirs["grants_per_s"] for _, theirs in turns)
    rows.append(f"| {name} | {against} | {ours:,.0f} | {theirs:,.0f} | {cells[0]} | {cells[1]} | {target} |")
    print(rows[-1], file=sys.stderr, flush=True)


def turns(ours, theirs):
    """Ours first, theirs first, and so on."""
    made = []
    for turn in range(asked.rounds):
        pair = [None, None]
        for place in ((0, 1) if turn % 2 == 0 else (1, 0)):
            pair[place] = (ours, theirs)[place]()
        made.append(tuple(pair))
    return made


def overhead(system, clients, target):
    out = ran(asked.lockbench, "overhead", "-b", system, "--clients", clients, "--rounds", asked.rounds, "--duration",
              f"{asked.seconds}s", "--warmup", "500ms", "--format", "json")
    pace = lambda one: {"grants_per_s": one["cycles_per_s"], "p99_us": (one.get("p99_ns") or 0) / 1e3}
    made = [(pace(turn["run"]), pace(turn["bare"])) for turn in json.loads(out)[0]["turns"]]
    row(f"{system}, {clients} clients, distinct", "bare loop over the client library", target, made)


def wanted(name):
    return asked.only in name


HOT = ("hold=0s", "clients=64", "keys=\"single\"")
DISTINCT = ("hold=0s", "clients=64", "keys=\"per-client\"")
try:
    ran(asked.lockbench, "up", "redis", "redlock", "postgres", "etcd", "zookeeper")
    started = (json.loads(file.read_text()) for file in (scratch / "state/lockbench").glob("local-*.json"))
    address = {one["kind"]: one["endpoints"][0] for one in started}
    for system, clients, target in (
        ("redis", 64, ">= 0.95, p99 <= 1.2"), ("redis", 5000, ">= 0.95"), ("postgres:advisory", 64, ">= 0.95"),
        ("postgres:lease", 64, ">= 0.97"), ("etcd", 64, ">= 0.95"), ("zookeeper", 64, "no target"),
    ):
        if wanted("bare"):
            overhead(system, clients, target)
    if wanted("redlock"):
        for name, sets, target in (("distinct", DISTINCT, ">= 2.0, p99 <= 0.5"), ("hot", HOT, ">= 4.0, p99 <= 0.5")):
            both = [lockbench("hot-key", ["redlock", "redlock:rslock"], *sets) for _ in range(asked.rounds)]
            made = [(found["redlock"], found["redlock:rslock"]) for found in both]
            row(f"redlock of 5, {name}", "redlock:rslock, same delays", target, made)
    if wanted("etcd hot"):
        both = [lockbench("hot-key", ["etcd", "etcd:shared-watch", "etcd:lock-rpc"], *HOT) for _ in range(asked.rounds)]
        row("etcd:shared-watch, hot", "etcd (the queue as its client library has it)", ">= 2.0",
            [(found["etcd:shared-watch"], found["etcd"]) for found in both])
        row("etcd, hot", "etcd:lock-rpc (the server's own)", ">= 1.0",
            [(found["etcd"], found["etcd:lock-rpc"]) for found in both])
    if wanted("rslock one"):
        url = address["redis"]
        row("redis, 64 clients, distinct", "rslock, one node", ">= 1.15, p99 <= 1.0",
            turns(lambda: lockbench("hot-key", ["redis"], *DISTINCT)["redis"], lambda: rslock(url, 64, "distinct", 1)))
        best = max((1, 5, 20), key=lambda delay: rslock(url, 64, "hot", delay)["grants_per_s"])
        ours = lambda: lockbench("hot-key", ["redis:pubsub"], *HOT)["redis:pubsub"]
        row("redis:pubsub, hot", f"rslock, one node, delays up to {best} ms", ">= 1.0, p99 <= 0.2",
            turns(ours, lambda: rslock(url, 64, "hot", best)))
    if wanted("pgbench"):
        url = address["postgres"]
        hot = "select pg_advisory_lock(1);\nselect pg_advisory_unlock(1);\n"
        row("postgres:advisory, hot", "pgbench -M prepared, same statements", ">= 0.95",
            turns(lambda: lockbench("hot-key", ["postgres:advisory"], *HOT)["postgres:advisory"],
                  lambda: pgbench(url, hot, 64)))
finally:
    ran(asked.lockbench, "down")
    shutil.rmtree(scratch, ignore_errors=True)

cpu = next((line.split(":")[1].strip() for line in open("/proc/cpuinfo") if line.startswith("model name")), "?")
print(f"""# Recipes beside what others do with the same servers

`benches/parity.py --rounds {asked.rounds} --seconds {asked.seconds}`, {cpu}, {os.cpu_count()} processors, {platform.release()}.
Ours over theirs, turn by turn: the median, and the lowest and highest turn. A ratio of p99 below 1 is a shorter wait.

| recipe | beside | ours, grants/s | theirs | ratio of grants/s | ratio of p99 | wanted |
|---|---|---:|---:|---|---|---|""")
print("\n".join(rows))
