#!/usr/bin/env bash
# Replaces every process of the running project, each once its successor is ready: no request fails,
# however long a start takes. The new ones are made of the newest image and settings.
#
#   deploy/rolling-restart.sh [SERVICE]...     all services, then the gateways, when none is named
#
# COMPOSE_PROJECT_NAME and COMPOSE_FILE choose another project, as for docker compose itself.
set -euo pipefail
cd "$(dirname "$0")/.."

processes() {  # every service that runs `microtasks serve`, gateways last
  docker compose ps --no-trunc --format '{{.Service}} {{.Command}}' | awk '/ serve /{print ($1 == "gateway"), $1}' \
    | sort -u | cut -d ' ' -f 2
}

replace() {  # service, container
  local running code
  running=$(docker compose ps --quiet "$1" | wc -l)
  if ! docker compose up --detach --wait --no-deps --no-recreate --scale "$1=$((running + 1))" "$1" >/dev/null 2>&1
  then
    echo "$1: the new process did not get ready. The old ones run on; docker compose logs $1 says why." >&2
    exit 1
  fi
  docker stop "$2" >/dev/null
  code=$(docker inspect --format '{{.State.ExitCode}}' "$2")
  docker rm "$2" >/dev/null
  [ "$code" = 0 ] || echo "$1: the old process was cut short (exit code $code); its work is done by the others." >&2
}

[ $# -gt 0 ] || mapfile -t found < <(processes)
for service in "${@:-${found[@]}}"; do
  mapfile -t old < <(docker compose ps --quiet "$service")
  for number in "${!old[@]}"; do
    SECONDS=0
    replace "$service" "${old[number]}"
    echo "$service $((number + 1)) of ${#old[@]}: replaced in $SECONDS s"
  done
done
