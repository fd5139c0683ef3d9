#!/bin/bash
# Writes zoo.cfg from the ZOO_* variables as the official image's entry point
# does (<https://hub.docker.com/_/zookeeper>), and becomes the server.
set -euo pipefail

cat >/conf/zoo.cfg <<CFG
dataDir=/data
dataLogDir=/datalog
tickTime=${ZOO_TICK_TIME:-2000}
initLimit=${ZOO_INIT_LIMIT:-5}
syncLimit=${ZOO_SYNC_LIMIT:-2}
autopurge.snapRetainCount=${ZOO_AUTOPURGE_SNAPRETAINCOUNT:-3}
autopurge.purgeInterval=${ZOO_AUTOPURGE_PURGEINTERVAL:-0}
maxClientCnxns=${ZOO_MAX_CLIENT_CNXNS:-60}
standaloneEnabled=${ZOO_STANDALONE_ENABLED:-true}
admin.enableServer=${ZOO_ADMINSERVER_ENABLED:-true}
CFG
{
  for server in ${ZOO_SERVERS-}; do echo "$server"; done
  if [ -n "${ZOO_4LW_COMMANDS_WHITELIST-}" ]; then
    echo "4lw.commands.whitelist=$ZOO_4LW_COMMANDS_WHITELIST"
  fi
  for entry in ${ZOO_CFG_EXTRA-}; do echo "$entry"; done
} >>/conf/zoo.cfg
[ -f /data/myid ] || echo "${ZOO_MY_ID:-1}" >/data/myid

# The flags are several words each, as in ZooKeeper's own zkServer.sh.
# shellcheck disable=SC2086
exec java "-Xmx${ZK_SERVER_HEAP:-1000}m" ${SERVER_JVMFLAGS-} ${JVMFLAGS-} \
  -cp /usr/share/java/zookeeper.jar:/usr/share/java/slf4j-simple.jar \
  org.apache.zookeeper.server.quorum.QuorumPeerMain /conf/zoo.cfg
