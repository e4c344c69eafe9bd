#!/usr/bin/env bash
# Runs a server's own entrypoint with its secrets: each file of /run/secrets becomes the variable of its
# name, unless that is set and not empty.
set -euo pipefail
for file in /run/secrets/*; do
  name=${file##*/}
  [ -n "${!name:-}" ] || export "$name=$(<"$file")"
done
exec docker-entrypoint.sh "$@"
