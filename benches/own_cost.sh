#!/usr/bin/env bash
# What lockbench itself costs per attempt, two builds in turns: of clients that lock `memory`, each a key of its own,
# and hold it for no time. Attempts per second and processor time, which need an idle machine, or instructions, which
# do not (they say nothing of memory and of the kernel).
#
# usage: benches/own_cost.sh [--instructions] OLD NEW [ROUNDS]     (programs; default 9 rounds of 3 s each;
#        with --instructions 3 rounds under valgrind, each without and with the history)
set -euo pipefail
count=
if [ "${1-}" = --instructions ]; then count=yes; shift; fi
old=$1 new=$2 rounds=${3:-$([ "$count" ] && echo 3 || echo 9)}
cd "$(dirname "${BASH_SOURCE[0]}")/.."
out=$(mktemp -d)
trap 'rm -rf "$out"' EXIT
load=(run workloads/uncontended.toml -b memory --set hold=0s --ui none)
one() { # NAME PROGRAM ROUND
  "$2" "${load[@]}" --set warmup=500ms --set duration=3s --run-id "$1-$3" -o "$out" >"$out/$1-$3.txt" || true
  python3 - "$out/$1-$3/report.json" "$1" "$3" <<'PYTHON'
import json, sys
result = json.load(open(sys.argv[1]))["results"][0]
cpu_us = result["resources"]["client_cpu_s"] * 1e6 / result["attempts"]
print(f"{sys.argv[2]:4} {sys.argv[3]:>3} {result['throughput_per_s'] / 1e3:9.1f} {cpu_us:9.3f}")
PYTHON
}
# A process that runs under valgrind has no vDSO, but the kernel still says where it would be: prctl(2) must not ask.
without_vdso() {
  python3 - "$@" <<'PYTHON'
import ctypes, os, struct, sys
assert os.uname().machine == "x86_64", "the number of the system call is that of x86-64"
PRCTL, GET_AUXV, NO_NEW_PRIVS, SECCOMP, EINVAL = 157, 0x41555856, 38, 22, 22
# seccomp(2): of the data, the number of the call is at 0 and its first argument at 16.
steps = [(0x20, 0, 0, 0), (0x15, 0, 3, PRCTL), (0x20, 0, 0, 16), (0x15, 0, 1, GET_AUXV),
         (0x06, 0, 0, 0x0005_0000 | EINVAL), (0x06, 0, 0, 0x7FFF_0000)]
code = ctypes.create_string_buffer(b"".join(struct.pack("HBBI", *step) for step in steps))
class Filter(ctypes.Structure):
    _fields_ = [("length", ctypes.c_ushort), ("steps", ctypes.c_void_p)]
libc = ctypes.CDLL(None)
assert libc.prctl(NO_NEW_PRIVS, 1, 0, 0, 0) == 0
assert libc.prctl(SECCOMP, 2, ctypes.byref(Filter(len(steps), ctypes.addressof(code))), 0, 0) == 0
os.execvp(sys.argv[1], sys.argv[1:])
PYTHON
}
instructions() { # NAME PROGRAM ROUND HISTORY
  # Less than a second, so that no window of the time series ends in it: that costs the same however few the attempts.
  without_vdso valgrind --tool=callgrind --cache-sim=no --fair-sched=yes --callgrind-out-file="$out/profile" \
    "$2" "${load[@]}" --set warmup=0s --set duration=900ms --set "history={ kind = \"$4\" }" \
    --run-id "$1-$4-$3" -o "$out" >"$out/$1-$3.txt" 2>&1 || true
  python3 - "$out/profile" "$1" "$4" "$3" <<'PYTHON'
import collections, re, sys
names, own, below, calls = {}, collections.Counter(), collections.Counter(), collections.Counter()
def name(text):
    number, full = re.fullmatch(r"\((\d+)\)(?: (.*))?", text).groups()
    return names.setdefault(number, full)
function = callee = None
called = False
for line in map(str.rstrip, open(sys.argv[1], errors="replace")):
    if line.startswith("fn="):
        function = name(line[3:])
    elif line.startswith("cfn="):
        callee = name(line[4:])
    elif line.startswith("calls="):
        calls[callee] += int(line[6:].split()[0])
        called = True
    elif line and line[0] in "0123456789+-*":
        cost = int(line.split()[1])
        if called and callee != function:
            below[callee] += cost
        elif not called:
            own[function] += cost
        called = False
def of(counter, pattern):
    found = [count for function, count in counter.items() if re.search(pattern, function)]
    assert found, f"no function is named {pattern}"
    return sum(found)
attempts = of(calls, r"MemorySession as .*Session>::acquire$")
# An attempt of this load has four events; the calibration has its own observers.
events = of(calls, r"LiveTrial as .*Observer>::observe$")
clients = of(below, r"^tokio::task::local::LocalSet::tick$") / attempts
ordering = of(own, r"record::merge::Reader<S>::show$|shard::read$|ShardReader as .*Source>::drain$") / attempts
judging = of(below, r"LiveTrial as .*Observer>::observe$") * 4 / events
print(f"{sys.argv[2]:4} {sys.argv[4]:>3} {sys.argv[3]:7} {attempts:8} {clients:8.0f} {ordering:8.0f} {judging:8.0f} {clients + ordering + judging:8.0f}")
PYTHON
}
echo "old: $("$old" --version), $(stat -c %s "$old") bytes; new: $("$new" --version), $(stat -c %s "$new") bytes"
echo "machine: $(nproc) processors, $(uname -sr)"
if [ "$count" ]; then
  echo "instructions per attempt, $(valgrind --version): of the clients with the lock and their runtime; of reading the"
  echo "rings in order of time; of figures, oracle and history"
  echo "     round history attempts  clients  reading  judging      all"
  for round in $(seq "$rounds"); do
    for history in off full; do
      instructions old "$old" "$round" "$history"
      instructions new "$new" "$round" "$history"
    done
  done | tee "$out/rows"
  python3 - "$out/rows" <<'PYTHON'
import statistics, sys
rows = [line.split() for line in open(sys.argv[1])]
for history in ("off", "full"):
    sides = {side: [float(row[7]) for row in rows if (row[0], row[2]) == (side, history)] for side in ("old", "new")}
    middle = {side: statistics.median(counts) for side, counts in sides.items()}
    text = ", ".join(f"{side} median {middle[side]:.0f} ({min(of):.0f} to {max(of):.0f})" for side, of in sides.items())
    print(f"history {history}: {text}; new / old {middle['new'] / middle['old']:.3f}")
PYTHON
  exit
fi
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
