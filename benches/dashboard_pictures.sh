#!/bin/sh
# Takes the two pictures of the README from real runs, on a terminal of 120x40, by the
# key that a user would press: the overview while the default systems run, and the
# screen "Safety" of a lock that does not lock. Takes about a minute.
set -eu
cd "$(dirname "$0")/.."
cargo build --release --quiet
exec python3 - <<'PY'
import pathlib, shutil, sys

sys.path.insert(0, "benches")
import terminal

scratch = pathlib.Path("target/pictures")
shutil.rmtree(scratch, ignore_errors=True)
kept = pathlib.Path("results/reference/dashboard")
kept.mkdir(parents=True, exist_ok=True)


def take(name, arguments, presses):
    out = scratch / name
    code = terminal.run(["target/release/lockbench", *arguments, "-o", str(out)], 120, 40, presses)
    [picture] = out.glob("*/screens/*.svg")
    shutil.copy(picture, kept / f"{name}.svg")
    print(f"{name}: exit {code}, {picture}")


# Seven of eight systems have run by then.
take("overview", ["quick", "--ui", "tui"], [(46, "w")])
# Enter would open the story; the second violation of the feed is selected.
take("safety", ["run", "workloads/controls/no-lock.toml", "--ui", "tui", "--stay"],
     [(1, "4"), (1.5, "l"), (3.5, "j"), (4, "w"), (5, "q")])
PY
