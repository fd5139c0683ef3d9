#!/usr/bin/env bash
# Every lock system in containers, from nothing to nothing: the compose file comes up
# healthy, all recipes are compared on one key, everything goes. Prints the story; takes
# about two minutes.
#
#   docker/offline/build                    # where no registry is reachable
#   export LOCKBENCH_COMPOSE=docker/compose.yaml,docker/offline/compose.override.yaml
#   benches/docker_comparison.sh > results/reference/docker/comparison.txt
#
# LOCKBENCH names the program; default: target/release/lockbench.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
lockbench=${LOCKBENCH:-target/release/lockbench}
export LOCKBENCH_PROJECT=lockbench-comparison-$$
work=$(mktemp -d)
clean_up() {
  "$lockbench" down --stack docker >/dev/null 2>&1 || true
  rm -rf -- "$work"
}
trap clean_up EXIT

say() { printf '%s  %s\n' "$(date -u +%H:%M:%S)" "$*"; }
left() {
  local of="label=com.docker.compose.project=$LOCKBENCH_PROJECT"
  say "containers: $(docker ps -aq --filter "$of" | wc -l), networks: $(docker network ls -q --filter "$of" | wc -l)," \
    "volumes: $(docker volume ls -q --filter "$of" | wc -l)"
}

left
say "lockbench up --stack docker"
"$lockbench" up --stack docker
say "every service, as the engine tells it"
docker ps --filter "label=com.docker.compose.project=$LOCKBENCH_PROJECT" --format '{{.Label "com.docker.compose.service"}}  {{.Status}}' | sort
say "lockbench run workloads/hot-key.toml on all of them"
code=0
"$lockbench" run workloads/hot-key.toml -b redis,redlock,zookeeper,etcd,postgres:advisory,postgres:lease \
  --set clients=8 --set warmup=1s --set duration=5s --ui none -o "$work/run" >"$work/told" || code=$?
sed '/^files: /d' "$work/told"
say "exit $code"
"$lockbench" verify "$work"/run/* || code=$?
say "lockbench down --stack docker"
"$lockbench" down --stack docker
left
exit "$code"
