#!/usr/bin/env bash
# How big the house is: size.sh [CHECKOUT]. Prints lines of Rust (all, and code without comments and blank
# lines), lines of snapshots, test binaries, and in how many production files one counter stands.
set -euo pipefail
cd "${1:-$(dirname "${BASH_SOURCE[0]}")/..}"
rust() { git ls-files 'src/*.rs' 'crates/*.rs'; }
production() { rust | grep -vE '(^|/)(tests|fixture|sample|stage|scripted|by_hand)(\.rs|/)'; }
# Code of production: the tests of a file begin with `mod tests {` and are its end.
code() { awk 'FNR == 1 { off = 0 } /^mod tests \{/ { off = 1 } !off && !/^[[:space:]]*(\/\/|$|#\[cfg\(test\)\])/ { n++ } END { print n }' "$@"; }
row() { printf '%-58s %8s\n' "$1" "$2"; }
row "lines of Rust in src and crates" "$(rust | xargs cat | wc -l)"
row "of these code of production, without comments and blanks" "$(code $(production))"
row "code of tests (tests/, benches/, examples/)" "$(git ls-files 'tests/*.rs' 'benches/*.rs' 'examples/*.rs' | xargs cat | grep -cvE '^[[:space:]]*(//|$)')"
row "lines of snapshots" "$(git ls-files '*.snap' | xargs cat | wc -l)"
row "integration test binaries" "$(git ls-files 'tests/*.rs' 'tests/*/main.rs' | grep -cE '^tests/([^/]+\.rs|[^/]+/main\.rs)$')"
row "lines of README.md" "$(wc -l <README.md)"
for counter in lost_updates timed_out stale_writes_seen; do
  row "production files that name $counter" "$(production | xargs grep -lw "$counter" | wc -l)"
done
row "functions that return Result<_, String>" "$(production | xargs grep -hE 'fn .*Result<.*, String>' | wc -l)"
