#!/bin/sh
# What the metrics endpoint costs: alternates runs with it, scraped each second in the
# format with native histograms, and without it, and prints, run by run and as the median,
# the ratio of their throughputs, what a write of the figures took on the thread that
# merges events, and the share of the process's processor time that writing and answering
# took (run.log has it of every run).
# Expected: ratio 0.97 or more, share 1 % or less.
#
# usage: benches/metrics_cost.sh [RUNS] [SECONDS] [SYSTEMS]
# SYSTEMS: comma-separated, each on its own (default memory,redis).
set -eu
cd "$(dirname "$0")/.."
cargo build --release --quiet
exec python3 - "${1:-10}" "${2:-10}" "${3:-memory,redis}" <<'PY'
import json, pathlib, re, statistics, subprocess, sys, tempfile, time, urllib.request

runs, seconds, systems = int(sys.argv[1]), sys.argv[2], sys.argv[3].split(",")
COST = re.compile(r"metrics took ([0-9.]+) s to write in (\d+) times and ([0-9.]+) s to answer (\d+) scrapes, of ([0-9.]+) s")
NATIVE = "application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited"


def run(system, out, more):
    command = ["target/release/lockbench", "run", "workloads/uncontended.toml", "-b", system, "--set", "warmup=1s",
               "--set", f"duration={seconds}s", "--ui", "none", "-o", out] + more
    return subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)


def scraped(process):
    """Scrapes each second until the run is over."""
    url = re.search(r"http://\S+", process.stderr.readline()).group()
    while process.poll() is None:
        try:
            urllib.request.urlopen(urllib.request.Request(url, headers={"Accept": NATIVE}), timeout=5).read()
        except OSError:
            pass
        time.sleep(1)


def result(out):
    [run] = [path for path in pathlib.Path(out).iterdir() if not path.name.startswith(".")]
    report = json.loads((run / "report.json").read_text())
    return report["results"][0]["throughput_per_s"], (run / "run.log").read_text()


for system in systems:
    ratios, shares = [], []
    for number in range(1, runs + 1):
        rates = {}
        # Which of the two comes first takes turns, so that a drift of the machine hits both.
        for kind in ("metrics", "none") if number % 2 else ("none", "metrics"):
            with tempfile.TemporaryDirectory() as out:
                process = run(system, out, ["--metrics", "127.0.0.1:0"] if kind == "metrics" else [])
                if kind == "metrics":
                    scraped(process)
                process.communicate()
                if process.returncode != 0:
                    sys.exit(f"{system}: exit {process.returncode}")
                rates[kind], log = result(out)
                if kind == "metrics":
                    writing, writes, answering, scrapes, own = map(float, COST.search(log).groups())
        ratios.append(rates["metrics"] / rates["none"])
        shares.append(100 * (writing + answering) / own)
        print(f"{system} run {number}: with metrics {rates['metrics']:.0f}/s, without {rates['none']:.0f}/s, "
              f"ratio {ratios[-1]:.3f}; {1e3 * writing / writes:.2f} ms a write, "
              f"{1e3 * answering / max(scrapes, 1):.2f} ms a scrape, {shares[-1]:.2f} % of {own:.2f} s", flush=True)
    print(f"{system}: median ratio {statistics.median(ratios):.3f}, median share {statistics.median(shares):.2f} %, "
          f"largest share {max(shares):.2f} %", flush=True)
PY
