#!/bin/sh
# What the dashboard costs: alternates runs with it (on a terminal of 120x40, at 10
# frames a second) and without it (--ui none), and prints, run by run and as the median,
# the ratio of their throughputs and the share of the process's processor time that the
# thread which draws took (thread CPU clock; run.log has it of every run).
# Expected: ratio 0.9 or more, share 3 % or less.
#
# usage: benches/display_cost.sh [RUNS] [SECONDS] [SYSTEMS] [KEYS]
# SYSTEMS: comma-separated, each on its own (default memory,redis). KEYS: pressed at the
# start, e.g. 4 for the screen "Safety" (default: the overview).
set -eu
cd "$(dirname "$0")/.."
cargo build --release --quiet
exec python3 - "${1:-10}" "${2:-5}" "${3:-memory,redis}" "${4:-}" <<'PY'
import json, pathlib, re, statistics, subprocess, sys, tempfile

sys.path.insert(0, "benches")
import terminal

runs, seconds, systems, keys = int(sys.argv[1]), sys.argv[2], sys.argv[3].split(","), sys.argv[4]
COST = re.compile(r"the dashboard took ([0-9.]+) s of ([0-9.]+) s of processor time .*, (\d+) frames")


def command(system, out, ui):
    return ["target/release/lockbench", "run", "workloads/uncontended.toml", "-b", system, "--set", "warmup=1s",
            "--set", f"duration={seconds}s", "-o", out] + ui


def result(out):
    [run] = [path for path in pathlib.Path(out).iterdir() if not path.name.startswith(".")]
    report = json.loads((run / "report.json").read_text())
    return report["results"][0]["throughput_per_s"], (run / "run.log").read_text()


for system in systems:
    ratios, shares = [], []
    for number in range(1, runs + 1):
        rates = {}
        # Which of the two comes first takes turns, so that a drift of the machine hits both.
        for kind in ("tui", "none") if number % 2 else ("none", "tui"):
            with tempfile.TemporaryDirectory() as out:
                if kind == "tui":
                    terminal.run(command(system, out, ["--ui", "tui", "--fps", "10"]), 120, 40, [(1, keys)] if keys else [])
                else:
                    subprocess.run(command(system, out, ["--ui", "none"]), check=True, stdout=subprocess.DEVNULL)
                rates[kind], log = result(out)
                if kind == "tui":
                    drawn, own, frames = COST.search(log).groups()
        ratios.append(rates["tui"] / rates["none"])
        shares.append(100 * float(drawn) / float(own))
        print(f"{system} run {number}: with the dashboard {rates['tui']:.0f}/s, without {rates['none']:.0f}/s, "
              f"ratio {ratios[-1]:.3f}; drawing {drawn} s of {own} s of processor time ({shares[-1]:.2f} %), "
              f"{frames} frames", flush=True)
    print(f"{system}: median ratio {statistics.median(ratios):.3f}, median share {statistics.median(shares):.2f} %, "
          f"largest share {max(shares):.2f} %", flush=True)
PY
