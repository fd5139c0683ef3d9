#!/usr/bin/env bash
# Runs the shipped workloads on every default system of this machine and keeps
# the results, without histories, in results/reference: what the README shows.
# Takes about 17 minutes; the machine should do nothing else.
#
# usage: benches/reference.sh [WORKLOAD...]     (names without .toml; default: all)
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
workloads=("$@")
[ "${#workloads[@]}" -gt 0 ] || workloads=(quickstart uncontended hot-key zipf long-hold-renewal)

cargo build --release --locked --quiet
# A relative path: the command line is part of every report.
scratch=target/reference
rm -rf "$scratch"
for name in "${workloads[@]}"; do
  code=0
  target/release/lockbench run "workloads/$name.toml" --ui none --run-id "reference-$name" -o "$scratch" >"target/$name.txt" || code=$?
  mkdir -p "results/reference/$name"
  for file in report.json summary.md timeseries.csv plan.toml; do
    cp "$scratch/reference-$name/$file" "results/reference/$name/$file"
  done
  echo "$name: exit $code"
done
