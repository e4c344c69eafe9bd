#!/usr/bin/env bash
# Replaces every process of the running project, each once its successor is ready: no request fails,
# however long a start takes. The new ones are made of the newest image and settings.
#
#   deploy/rolling-restart.sh [SERVICE]...     all services, then gateways and site, when none is named
#
# COMPOSE_PROJECT_NAME and COMPOSE_FILE choose another project, as for docker compose itself;
# READY_SECONDS (300) is how long a new process may take.
set -euo pipefail
cd "$(dirname "$0")/.."

processes() {  # every service that runs `microtasks serve`, gateways and site last
  docker compose ps --no-trunc --format '{{.Service}} {{.Command}}' | awk '/ serve /{print ($1 == "gateway" || $1 == "web"), $1}' \
    | sort -u | cut -d ' ' -f 2
}

add_one() {  # service
  local before new
  docker compose rm --force "$1" >/dev/null 2>&1  # an ended one would be started again instead
  before=$(docker compose ps --quiet "$1")
  docker compose --progress quiet up --detach --no-deps --no-recreate --scale "$1=$(($(wc -l <<<"$before") + 1))" "$1"
  new=$(docker compose ps --quiet "$1" | grep -vxF "$before")
  for _ in $(seq "${READY_SECONDS:-300}"); do
    [ "$(docker inspect --format '{{.State.Health.Status}}' "$new")" = healthy ] && return
    sleep 1
  done
  echo "$1: the new process did not get ready; the old ones run on. docker compose logs $1 says why." >&2
  exit 1
}

end() {  # service, container
  local code
  docker stop "$2" >/dev/null
  code=$(docker inspect --format '{{.State.ExitCode}}' "$2")
  docker rm "$2" >/dev/null
  [ "$code" = 0 ] || echo "$1: the old process was cut short (exit code $code); the others do its work." >&2
}

[ $# -gt 0 ] || mapfile -t found < <(processes)
for service in "${@:-${found[@]}}"; do
  mapfile -t old < <(docker compose ps --quiet "$service")
  for number in "${!old[@]}"; do
    SECONDS=0
    add_one "$service"
    end "$service" "${old[number]}"
    echo "$service $((number + 1)) of ${#old[@]}: replaced in $SECONDS s"
  done
done
