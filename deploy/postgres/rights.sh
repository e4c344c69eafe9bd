#!/usr/bin/env bash
# One database and one role for each service; nobody else may even connect to it. Runs by itself when
# the volume is new. Safe to repeat, for a new service or new passwords:
#   docker compose exec postgres /docker-entrypoint-initdb.d/rights.sh
set -euo pipefail

export PGOPTIONS="-c client_min_messages=warning"
services=(accounts catalog orders messaging reviews payments)

ask() { psql -X -q -v ON_ERROR_STOP=1 -U "${POSTGRES_USER:-postgres}" -d postgres "$@"; }

password_of() { # of a role; refused in production when it is the demo's
  local name="POSTGRES_PASSWORD_${1^^}"
  if [ "${ENVIRONMENT:-}" = production ] && [[ "${!name}" == demo-* || "$POSTGRES_PASSWORD" == demo-* ]]; then
    echo "$name and POSTGRES_PASSWORD: production refuses the demo's passwords" >&2
    return 1
  fi
  printf '%s' "${!name}"
}

role() { # name
  local password
  password=$(password_of "$1")
  ask -v role="$1" -v password="$password" <<'SQL'
SELECT format('CREATE ROLE %I', :'role') WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = :'role') \gexec
ALTER ROLE :"role" LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION NOBYPASSRLS PASSWORD :'password';
SQL
}

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
ask -v password="$POSTGRES_PASSWORD" <<'SQL'
REVOKE ALL ON DATABASE postgres, template1 FROM PUBLIC;
ALTER ROLE CURRENT_USER PASSWORD :'password';
SQL
