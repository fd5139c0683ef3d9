#!/bin/bash
# Makes the cluster on the first start, as the official image's entry point does
# (<https://hub.docker.com/_/postgres>): a superuser with a password and a
# database of its own; local connections are trusted, others need the password.
set -euo pipefail

if [ ! -s "$PGDATA/PG_VERSION" ]; then
  : "${POSTGRES_PASSWORD:?set POSTGRES_PASSWORD to the password of the superuser}"
  user=${POSTGRES_USER:-postgres}
  # In a directory beside, moved when it is whole: a start that was interrupted
  # half-way begins anew.
  rm -rf "$PGDATA.making"
  mkdir -p "$PGDATA.making"
  initdb --pgdata "$PGDATA.making" --username "$user" --pwfile <(printf '%s\n' "$POSTGRES_PASSWORD") \
    --auth trust --encoding UTF8 --locale C.UTF-8 --no-instructions
  echo 'host all all all scram-sha-256' >>"$PGDATA.making/pg_hba.conf"
  if [ "${POSTGRES_DB:-$user}" != postgres ]; then
    postgres --single -D "$PGDATA.making" postgres <<<"CREATE DATABASE \"${POSTGRES_DB:-$user}\";"
  fi
  mv "$PGDATA.making" "$PGDATA"
fi
exec "$@"
