#!/usr/bin/env bash
# Runs the shipped workloads on every default system of this machine, a sweep over
# the clients, a lock that is broken on purpose and a story with a fault, and keeps the
# results in results/reference: what the README shows. Histories of the last two are kept,
# for scripts/redraw. Takes about 20 minutes; the machine should do nothing else.
#
# usage: benches/reference.sh [NAME...]     (a workload without .toml, sweep, no-lock, client-pause; default: all)
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
names=("$@")
[ "${#names[@]}" -gt 0 ] || names=(quickstart uncontended hot-key zipf long-hold-renewal sweep no-lock client-pause)

cargo build --release --locked --quiet
# A relative path: the command line is part of every report.
scratch=target/reference
mkdir -p "$scratch"

keep() { # NAME FILE...: copies files of a run to results/reference/NAME
  local name=$1 file
  shift
  rm -rf "results/reference/$name"
  for file in "$@"; do
    mkdir -p "results/reference/$name/$(dirname "$file")"
    cp "$scratch/reference-$name/$file" "results/reference/$name/$file"
  done
}

for name in "${names[@]}"; do
  rm -rf "$scratch/reference-$name" "$scratch/reference-$name"-clients-*
  run=(--ui none --run-id "reference-$name" -o "$scratch")
  files=(report.json summary.md timeseries.csv plan.toml measured.json.gz)
  code=0
  case $name in
    quickstart)
      target/release/lockbench run workloads/quickstart.toml --trials 3 "${run[@]}" >"target/$name.txt" || code=$?
      files+=(report.html charts/tradeoff.svg charts/fairness.svg)
      ;;
    hot-key)
      target/release/lockbench run workloads/hot-key.toml "${run[@]}" >"target/$name.txt" || code=$?
      files+=(report.html charts/percentiles.svg charts/heatmap.svg)
      ;;
    sweep)
      target/release/lockbench run workloads/hot-key.toml --sweep clients=1,4,16,64 \
        --set warmup=1s --set duration=4s "${run[@]}" >"target/$name.txt" || code=$?
      files=(sweep.json sweep.csv summary.md charts/sweep.svg)
      ;;
    no-lock)
      # Short: its picture is drawn from its history, which is kept.
      target/release/lockbench run workloads/controls/no-lock.toml --set duration=200ms "${run[@]}" \
        >"target/$name.txt" || code=$?
      files+=(history.jsonl.gz charts/violation-1.svg)
      ;;
    client-pause)
      target/release/lockbench run scenarios/client-pause -b redis,zookeeper,postgres:advisory --stack local "${run[@]}" \
        >"target/$name.txt" || code=$?
      files+=(history.jsonl.gz charts/violation-1.svg)
      ;;
    *) target/release/lockbench run "workloads/$name.toml" "${run[@]}" >"target/$name.txt" || code=$? ;;
  esac
  keep "$name" "${files[@]}"
  echo "$name: exit $code"
done
