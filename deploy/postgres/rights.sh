#!/usr/bin/env bash
# One database and one role for each service; nobody else may even connect to it. Sets every password too.
# Compose runs it at each start, as `database-rights`; it is safe to repeat.
set -euo pipefail

export PGOPTIONS="-c client_min_messages=warning"
services=(accounts catalog orders messaging reviews payments)

shopt -s nocasematch
if [[ ! ${ENVIRONMENT-development} =~ ^[[:space:]]*(development|production)[[:space:]]*$ ]]; then
  echo "ENVIRONMENT: must be development or production, not '$ENVIRONMENT'" >&2
  exit 2
fi
[[ ${BASH_REMATCH[1]} == production ]] && is_production=yes || is_production=
shopt -u nocasematch

ask() { psql -X -q -v ON_ERROR_STOP=1 -U "${POSTGRES_USER:-postgres}" -d postgres "$@"; }

password() { # the value of a variable, or of its file in SECRETS_DIR; in production a weak one is refused
  local value=${!1:-}
  [ -n "$value" ] || value=$(cat "${SECRETS_DIR:-/nowhere}/$1" 2>/dev/null || true)
  if [ -z "$value" ]; then
    echo "$1: is missing" >&2
    return 1
  fi
  if [ -n "$is_production" ] && { [[ $value == demo-* ]] || [ ${#value} -lt 16 ] || [ "$(variety "$value")" -lt 8 ]; }; then
    echo "$1: production refuses a password that is short or can be guessed" >&2
    return 1
  fi
  printf '%s' "$value"
}

variety() { grep -o . <<<"$1" | sort -u | wc -l; }

role() { # name
  local password
  password=$(password "POSTGRES_PASSWORD_${1^^}")
  ask -v role="$1" -v password="$password" <<'SQL'
SELECT format('CREATE ROLE %I', :'role') WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = :'role') \gexec
ALTER ROLE :"role" LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION NOBYPASSRLS PASSWORD :'password';
SQL
}

superuser=$(password POSTGRES_PASSWORD)
role migrate
role operations
for service in "${services[@]}"; do
  role "$service"
  ask -v role="$service" -v database="microtasks_$service" <<'SQL'
SELECT format('CREATE DATABASE %I OWNER %I TEMPLATE template0 ENCODING %L LOCALE %L', :'database', :'role', 'UTF8', 'C.UTF-8')
  WHERE NOT EXISTS (SELECT FROM pg_database WHERE datname = :'database') \gexec
REVOKE ALL ON DATABASE :"database" FROM PUBLIC;
-- Migrations and operators' commands take the owner's role; they run once and end.
GRANT :"role" TO migrate, operations;
SQL
done
ask -v password="$superuser" <<'SQL'
REVOKE ALL ON DATABASE postgres, template1 FROM PUBLIC;
ALTER ROLE CURRENT_USER PASSWORD :'password';
SQL
