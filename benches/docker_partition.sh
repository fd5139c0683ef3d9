#!/usr/bin/env bash
# An etcd leader in a container is cut off from its followers while clients use it: what
# they see, and that nobody holds a lock twice. Prints the story; takes about two minutes.
#
#   docker/offline/build                    # where no registry is reachable
#   export LOCKBENCH_COMPOSE=docker/compose.yaml,docker/offline/compose.override.yaml
#   benches/docker_partition.sh > results/reference/docker/partition.txt
#
# LOCKBENCH names the program; default: target/release/lockbench.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
lockbench=${LOCKBENCH:-target/release/lockbench}
export LOCKBENCH_PROJECT=lockbench-partition-$$
work=$(mktemp -d)
clean_up() {
  "$lockbench" down --stack docker >&2 || true
  rm -rf -- "$work"
}
trap clean_up EXIT

say() { printf '%s  %s\n' "$(date -u +%H:%M:%S)" "$*"; }
count() { docker ps -aq --filter "label=com.docker.compose.project=$LOCKBENCH_PROJECT" | wc -l; }
of_service() { docker ps -q --filter "label=com.docker.compose.project=$LOCKBENCH_PROJECT" --filter "label=com.docker.compose.service=$1"; }
ask() { docker exec -e ETCDCTL_API=3 "$(of_service "$1")" etcdctl endpoint status; }

say "lockbench up etcd --stack docker"
"$lockbench" up etcd --stack docker
leader=
for service in etcd-1 etcd-2 etcd-3; do
  status=$(ask "$service")
  case $status in *", true, "*) leader=$service ;; esac
done
say "the leader is $leader"
all=$("$lockbench" status etcd --format json | grep -o 'etcd://[0-9.:]*' | paste -sd,)
one="etcd://$(docker port "$(of_service "$leader")" 2379/tcp | head -n 1)"

cat > "$work/partition.toml" <<'T'
clients = 8
keys = "single"
hold = "2ms"
ttl = "5s"
request_timeout = "1s"
acquire = { mode = "wait", timeout = "2s" }
warmup = "0s"
duration = "44s"
T
say "two loads of 8 clients on one key: one knows all three members, one only the leader"
pids=()
for load in all one; do
  endpoint=$all
  [ "$load" = all ] || endpoint=$one
  "$lockbench" run "$work/partition.toml" -b etcd --endpoint "etcd=$endpoint" --ui none \
    -o "$work/$load" > "$work/$load.txt" 2>&1 &
  pids+=($!)
done
sleep 6
container=$(of_service "$leader")
network=$(docker network ls -q --filter "label=com.docker.compose.project=$LOCKBENCH_PROJECT" --filter label=com.docker.compose.network=peers)
aliases=$(docker inspect --format "{{range .NetworkSettings.Networks}}{{if eq (slice .NetworkID 0 12) \"$network\"}}{{range .Aliases}}--alias {{.}} {{end}}{{end}}{{end}}" "$container")
docker network disconnect "$network" "$container"
say "$leader is cut off from its peers; clients still reach it"
sleep 8
# shellcheck disable=SC2086 # one word an alias
docker network connect $aliases "$network" "$container"
say "$leader is back among its peers"
for pid in "${pids[@]}"; do
  code=0
  wait "$pid" || code=$?
  say "a load ended, exit $code"
done

for load in all one; do
  printf '\n== the load that knows %s, second by second\n' "$([ "$load" = all ] && echo "all three members" || echo "only $leader")"
  cut -d, -f3,5,9- "$work/$load"/*/timeseries.csv | column -s, -t
  printf '\n'
  sed -n '/^Safety/,/^$/p; /^etcd trial/p; /^verdict/p' "$work/$load.txt"
  "$lockbench" verify "$work/$load"/*/
done
printf '\n'
say "lockbench down"
"$lockbench" down --stack docker
say "containers left: $(count)"
