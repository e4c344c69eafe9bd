"""What the compose files promise; that they work is for `make compose-test`."""

import json
import re
import subprocess
import sys
from typing import Any
from urllib.parse import urlsplit

import pytest
import yaml

from cli.broker_rights import OPERATIONS, OPERATOR, USERS
from cli.installation_secrets import makers, shares
from tests.support.codebase import ROOT, SERVICES

TEXT = (ROOT / "docker-compose.yml").read_text()
COMPOSE: dict[str, Any] = yaml.safe_load(TEXT)
PARTS: dict[str, dict[str, Any]] = COMPOSE["services"]
IMAGES = {"microtasks", "haproxy:3.0", "rabbitmq:4.0-management", "postgres:17-trixie"}
SECRET_FOLDERS = [v.removeprefix("secrets-") for v in COMPOSE["volumes"] if v.startswith("secrets-")]
ON_THE_BROKER = (*SERVICES, "gateway")
LONG_LIVED = (*ON_THE_BROKER, "web")
EDGE = (ROOT / "deploy" / "edge" / "haproxy.cfg").read_text()
CHECK = [sys.executable, "-m", "check_jsonschema", "--builtin-schema", "vendor.compose-spec"]


@pytest.mark.parametrize("name", ["docker-compose.yml", "docker-compose.dev.yml"])
def test_the_file_fits_the_specification(name: str) -> None:
    done = subprocess.run([*CHECK, name], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


def test_every_service_has_its_part_and_only_known_images_are_used() -> None:
    assert {*LONG_LIVED} < set(PARTS)
    assert {part["image"] for part in PARTS.values()} == IMAGES


def test_every_part_can_be_scaled_and_only_the_edge_is_published() -> None:
    assert not [name for name, part in PARTS.items() if "container_name" in part]
    published = {name for name, part in PARTS.items() if "ports" in part and "profiles" not in part}
    assert published == {"edge"}
    assert PARTS["edge"]["ports"] == [
        "${BIND_ADDRESS:-127.0.0.1}:${GATEWAY_PORT:-8000}:8000",
        "${BIND_ADDRESS:-127.0.0.1}:${WEB_PORT:-8080}:8080",
    ]
    assert COMPOSE["networks"]["back"] == {"internal": True}
    assert PARTS["edge"]["networks"] == ["front"], "it cannot reach a database or the broker"


@pytest.mark.parametrize(
    "name",
    [
        *LONG_LIVED,
        "migrate",
        "broker-rights",
        "edge",
        "mail",
        "operator",
        "secrets",
        "tls",
        "database-rights",
    ],
)
def test_a_part_of_ours_can_write_nothing_and_has_no_privileges(name: str) -> None:
    part = PARTS[name]
    assert part["read_only"] is True
    assert part["cap_drop"] == ["ALL"]
    assert part["security_opt"] == ["no-new-privileges:true"]


@pytest.mark.parametrize("name", SERVICES)
def test_a_service_signs_in_as_itself(name: str) -> None:
    environment = PARTS[name]["environment"]
    assert environment["AMQP_URL"].startswith(f"amqp://{name}:${{RABBITMQ_PASSWORD_{name.upper()}:-}}@")
    database = environment["DATABASE_URL"]
    assert database.startswith(f"postgresql://{name}:${{POSTGRES_PASSWORD_{name.upper()}:-}}@")
    assert database.endswith(f"/microtasks_{name}")


def test_the_gateway_knows_no_database_and_nobody_else_knows_the_operators_passwords() -> None:
    assert "DATABASE_URL" not in PARTS["gateway"]["environment"]
    for name in (*LONG_LIVED, "migrate", "operator", "edge"):
        assert not re.search(r"\{(RABBITMQ|POSTGRES)_PASSWORD:", json.dumps(PARTS[name]))
    assert PARTS["rabbitmq"]["environment"]["RABBITMQ_DEFAULT_USER"] == OPERATOR


def test_the_site_has_its_own_secret_only_and_reaches_nothing_but_the_edge_and_the_gateways() -> None:
    site = PARTS["web"]
    assert site["networks"] == ["front"]
    assert not re.search(r"PASSWORD|amqp|postgres|TOKEN|SESSION|STRIPE", json.dumps(site["environment"]))
    assert site["environment"]["WEB_SECRET"] is None, "from the shell or .env; else from its own file"
    assert not [
        name for name in PARTS if name != "web" and "WEB_SECRET" in PARTS[name].get("environment", {})
    ]


def test_the_site_asks_the_api_where_its_word_on_addresses_counts_and_nobody_else_can() -> None:
    inner = urlsplit(PARTS["web"]["environment"]["API_URL"])
    assert inner.hostname == "edge"
    frontends = dict(re.findall(r"^frontend (\w+).*\n +bind :(\d+)$", EDGE, re.MULTILINE))
    assert frontends == {"public": "8000", "site": "8080", "inner": str(inner.port)}
    assert str(inner.port) not in {port.rpartition(":")[2] for port in PARTS["edge"]["ports"]}


@pytest.mark.parametrize("name", ["public", "site", "inner"])
def test_only_the_published_ports_write_the_clients_address_anew(name: str) -> None:
    [frontend] = re.findall(rf"^frontend {name} (.*?)(?=^\S)", EDGE, re.MULTILINE | re.DOTALL)
    written = re.findall(r"set-header X-Forwarded-For (\S+) (if|unless) is_proxied", frontend)
    anew = [("%[req.hdr(X-Forwarded-For,-1)]", "if"), ("%[src]", "unless")]
    assert written == ([] if name == "inner" else anew)


def test_the_edge_hears_of_a_stop_in_time() -> None:
    look, failures = re.findall(r"check inter (\d+)ms .* fall (\d) ", EDGE)[0]
    assert len(set(re.findall(r"default-server (.*)", EDGE))) == 1, "gateways and site alike"
    for name, setting in (("gateway", "DRAIN_NOTICE_SECONDS"), ("web", "WEB_DRAIN_NOTICE_SECONDS")):
        notice = float(PARTS[name]["environment"][setting])
        assert int(look) * int(failures) / 1000 < notice < 30


def test_every_page_of_the_edge_is_there_and_needs_nothing_else() -> None:
    shown = set(re.findall(r"file \S+/pages/(\S+?)\"? ", EDGE))
    pages = ROOT / "deploy" / "edge" / "pages"
    assert shown == {path.name for path in pages.iterdir()}
    for path in pages.iterdir():
        assert not re.search(r"<(link|script|img)|https?://", path.read_text())


def test_no_password_and_no_key_is_in_the_file() -> None:
    defaults = re.findall(r"(?:POSTGRES|RABBITMQ)_PASSWORD\w*:-([^}]*)", TEXT)
    assert len(defaults) > 2 * len(SERVICES)
    assert not any(defaults)
    secret = re.compile(r"PASSWORD|_SECRET|SECRET_KEY|SIGNING_KEY|COOKIE")
    values = [
        v for part in PARTS.values() for n, v in part.get("environment", {}).items() if secret.search(n)
    ]
    assert set(values) == {None}


def test_each_part_is_given_the_folder_of_its_own_secrets_and_no_other() -> None:
    given = shares({name: make() for name, make in makers().items()})
    assert set(given) == set(SECRET_FOLDERS)
    for name, part in PARTS.items():
        mounted = [volume for volume in part.get("volumes", []) if volume.startswith("secrets")]
        own = [f"secrets-{name}:/run/secrets:ro"] if name in given else []
        if name == "secrets":
            own = ["secrets:/secrets/all", *(f"secrets-{one}:/secrets/{one}" for one in SECRET_FOLDERS)]
        assert mounted == own, name


def test_every_broker_user_gets_its_password() -> None:
    given = {name for name in PARTS["broker-rights"]["environment"] if name.startswith("RABBITMQ_PASSWORD_")}
    assert given == {f"RABBITMQ_PASSWORD_{user.upper()}" for user in USERS}


def test_every_service_gets_its_database() -> None:
    script = (ROOT / "deploy" / "postgres" / "rights.sh").read_text()
    [named] = re.findall(r"^services=\((.*)\)$", script, re.MULTILINE)
    assert set(named.split()) == set(SERVICES)
    given = {n for n in PARTS["database-rights"]["environment"] if n.startswith("POSTGRES_PASSWORD_")}
    assert given == {f"POSTGRES_PASSWORD_{user.upper()}" for user in (*SERVICES, "migrate", "operations")}


def test_operators_commands_start_nothing_else_and_sign_in_as_themselves() -> None:
    operator = PARTS["operator"]
    assert operator["profiles"] and "depends_on" not in operator, "a server that is away stays so"
    for name in ("AMQP_URL", "DATABASE_URL"):
        assert f"://{OPERATIONS}:${{" in operator["environment"][name]


@pytest.mark.parametrize("name", ["edge", "rabbitmq", "postgres"])
def test_a_server_says_when_it_is_ready(name: str) -> None:
    assert PARTS[name]["healthcheck"]["test"]


def test_a_mounted_source_is_for_every_process_of_ours() -> None:
    override = yaml.safe_load((ROOT / "docker-compose.dev.yml").read_text())
    assert set(override["services"]) == {
        n for n, p in PARTS.items() if p["image"] == "microtasks" and "profiles" not in p
    }


def test_every_answer_of_the_edge_itself_carries_the_requests_id() -> None:
    answers = [line for line in EDGE.splitlines() if line.strip().startswith("http-error")]
    assert {line.split()[2] for line in answers} == {"400", "408", "413", "500", "502", "503", "504"}
    for line in answers:
        assert "hdr X-Request-Id %[var(txn.request_id)]" in line
        if "problem+json" in line:
            assert '\\"request_id\\": \\"%[var(txn.request_id)]\\"' in line
            assert '\\"instance\\": \\"%[var(txn.path),json(ascii)]\\"' in line
    assert 'request_id=%[var(txn.request_id)]"' in EDGE, "and so does its log"
