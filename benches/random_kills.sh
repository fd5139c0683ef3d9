#!/usr/bin/env bash
# Kills at random while faults are injected, and looks what is left: no process stopped or running, no half file, no
# finished result lost.
#
#   benches/random_kills.sh LOCKBENCH [KILLS] [SEED] [PLANS]
#
# PLANS: "all", or "clocks and disks", only those which move a clock or lay a disk of lockbench under a server: these must
# leave no mount, no preloaded process and no shared memory of libfaketime.
#
# Each round runs a plan with a fault on a real server, and after a random time kills one process with a random signal:
# lockbench itself (INT, TERM, KILL), a worker process (KILL) or a server (KILL). The proxy of the wire is a part of
# lockbench and dies with it. Prints a line per round and a last one with the sums; exits 1 if anything was left.
set -u
lockbench=$(realpath "$1") kills=${2:-200} seed=${3:-1} which=${4:-all}
RANDOM=$seed
place=$(mktemp -d)
trap 'rm -rf "$place"' EXIT
cd "$place" || exit 1

plan() { # NAME FAULT
  cat >"$1.toml" <<PLAN
clients = 3
processes = 3
hold = "200ms"
ttl = "4s"
warmup = "0s"
duration = "3s"
acquire = { mode = "wait", timeout = "5s" }
request_timeout = "2s"
[[faults]]
$2
${3-}
PLAN
}
plan pause-client $'kind = "client-pause"\nwhen = "holder-in-critical-section"\nfor = "2s"'
plan kill-client $'kind = "client-kill"\nwhen = "contender-waiting"\nat = "500ms"'
plan pause-server $'kind = "server-pause"\nwhen = "holder-acquired"\nat = "500ms"\nfor = "2s"'
plan kill-server $'kind = "server-kill"\nat = "1s"\nfor = "500ms"'
plan cut-wire $'kind = "wire-cut"\nat = "500ms"\nfor = "1s"'
plan move-clock $'kind = "server-clock"\nat = "500ms"\nfor = "1s"\nby = "30s"'
plan drift-clock $'kind = "server-clock"\nat = "500ms"\nfor = "1s"\nrate = 1.5'
plan move-client $'kind = "client-clock"\nwhen = "holder-acquired"\nfor = "1s"\nby = "1h"'
plan cut-power $'kind = "server-power-cut"\nwhen = "holder-acquired"\nfor = "300ms"' $'[redis]\naof = "everysec"'
plan slow-disk $'kind = "disk-slow"\nat = "200ms"\nfor = "2s"\nby = "100ms"' $'[redis]\naof = "always"'
plans=(move-clock pause-client kill-client pause-server kill-server cut-wire drift-clock move-client cut-power slow-disk)
systems=(redis redis redlock etcd zookeeper postgres:advisory postgres:lease)
case $which in
  all) ;;
  "clocks and disks") plans=(move-clock drift-clock move-client cut-power slow-disk) ;;
  *) echo "$which: \"all\" or \"clocks and disks\"" >&2; exit 2 ;;
esac
mounts() { grep -c fuse /proc/self/mounts; }
before=$(mounts)

descendants() { # PID
  local child
  for child in $(cat /proc/"$1"/task/*/children 2>/dev/null); do
    echo "$child"
    descendants "$child"
  done
}
born() { awk '{sub(/.*\) /, ""); print $20}' "/proc/$1/stat" 2>/dev/null; }
state() { awk '{sub(/.*\) /, ""); print $1}' "/proc/$1/stat" 2>/dev/null; }
# Servers write their title over their environment, so that only their memory tells.
preloaded() { grep -q libfaketime "/proc/$1/maps" 2>/dev/null; }
is_worker() { cat "/proc/$1/cmdline" 2>/dev/null | tr '\0' ' ' | grep -q -- --worker-process; }
is_server() { cat "/proc/$1/cmdline" 2>/dev/null | tr '\0' ' ' | grep -qE 'redis-server|/etcd |QuorumPeerMain|postgres '; }

one_of() { [ $# -eq 0 ] || eval "echo \${$((RANDOM % $# + 1))}"; }

left_processes=0 half_files=0 lost_results=0 finished=0
declare -A sums
for ((round = 1; round <= kills; round++)); do
  plan=${plans[RANDOM % ${#plans[@]}]} system=${systems[RANDOM % ${#systems[@]}]}
  "$lockbench" run "$plan.toml" -b "$system" --stack local --ui none --run-id "round-$round" >"out-$round" 2>&1 &
  run=$!
  # Most kills fall into the load, some before it and some after.
  sleep "$(printf '%d.%03d' $((RANDOM % 5)) $((RANDOM % 1000)))"
  family=() workers=() servers=() moved=0
  disks=$(($(mounts) - before))
  for pid in $(descendants $run); do
    since=$(born "$pid")
    [ -n "$since" ] || continue
    family+=("$pid:$since")
    is_worker "$pid" && workers+=("$pid")
    is_server "$pid" && servers+=("$pid")
    preloaded "$pid" && moved=$((moved + 1))
  done
  case $((RANDOM % 5)) in
    0) victim=lockbench signal=INT target=$run ;;
    1) victim=lockbench signal=TERM target=$run ;;
    2) victim=lockbench signal=KILL target=$run ;;
    3) victim=worker signal=KILL target=$(one_of "${workers[@]}") ;;
    4) victim=server signal=KILL target=$(one_of "${servers[@]}") ;;
  esac
  hit=no
  # By pid, and only what this run has started.
  [ -n "$target" ] && kill "-$signal" "$target" 2>/dev/null && hit=yes
  wait $run 2>/dev/null
  code=$?
  left=
  for _ in $(seq 200); do
    left=
    for one in "${family[@]}"; do
      pid=${one%%:*}
      [ "$(born "$pid")" = "${one#*:}" ] && [ "$(state "$pid")" != Z ] && left="$left $pid($(state "$pid"))"
    done
    # What libfaketime shares of a server whose clock was moved.
    for one in "${family[@]}"; do
      [ -e "/dev/shm/faketime_shm_${one%%:*}" ] && left="$left faketime_shm_${one%%:*}"
    done
    [ "$(mounts)" -eq "$before" ] || left="$left mounts:$(($(mounts) - before))"
    [ -z "$left" ] && break
    sleep 0.1
  done
  [ -n "$left" ] && left_processes=$((left_processes + 1))
  half=
  if [ -d "results/round-$round" ]; then
    finished=$((finished + 1))
    "$lockbench" show "results/round-$round" >/dev/null 2>&1 || half=" half:report"
    sums[$round]=$(sha256sum <"results/round-$round/report.json")
  fi
  find results -name '*.tmp' 2>/dev/null | grep -q . && half="$half half:tmp"
  [ -n "$half" ] && half_files=$((half_files + 1))
  echo "round $round: $plan on $system; $moved preloaded, $disks disks; $signal to $victim: $hit; exit $code;${left:+ LEFT$left}${half:-}"
done
for round in "${!sums[@]}"; do
  [ "${sums[$round]}" = "$(sha256sum <"results/round-$round/report.json")" ] || lost_results=$((lost_results + 1))
done
echo "kills: $kills; rounds that left a process, mount or shared memory: $left_processes; rounds with a half file: $half_files; finished results: $finished, of them lost or changed later: $lost_results"
[ $((left_processes + half_files + lost_results)) -eq 0 ]
