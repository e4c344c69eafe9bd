"""A trial that is like production, as docs/operations.md has it: own secrets, https, no money moves."""

import asyncio
import ssl
import urllib.error
import urllib.request
from collections.abc import Iterator
from secrets import token_hex

import pytest

from tests.compose.project import Project, say
from tests.journeys import walk
from tests.support.codebase import ROOT
from tests.support.servers import free_port

TRIAL = dict(
    line.split("=", 1)
    for line in (ROOT / "deploy" / "trial.env").read_text().splitlines()
    if line and not line.startswith("#")
)
WEAK = [
    ({"ENVIRONMENT": "prod"}, "ENVIRONMENT"),
    ({"POSTGRES_PASSWORD": "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"}, "POSTGRES_PASSWORD"),
    ({"POSTGRES_PASSWORD_ORDERS": "short"}, "POSTGRES_PASSWORD_ORDERS"),
    ({"RABBITMQ_PASSWORD": "demo-operator"}, "RABBITMQ_PASSWORD"),
]


@pytest.fixture(scope="module")
def trial() -> Iterator[Project]:
    """The trial, up; down again with its data at the end."""
    project = Project(f"microtasks-trial-{token_hex(3)}")
    ports = {"TLS_PORT": str(free_port()), "TLS_API_PORT": str(free_port())}
    site = {"SITE_URL": f"https://localhost:{ports['TLS_PORT']}"}
    try:
        with project.with_settings(**{**TRIAL, **ports, **site}):
            project.compose("--profile", "tls", "up", "--detach", "--wait", "--no-build")
            say("production is up")
            yield project
    finally:
        with project.with_settings(**{**TRIAL, **ports}):
            project.compose("--profile", "tls", "down", "--volumes", "--timeout", "20")


def test_a_whole_journey_passes(trial: Project) -> None:
    asyncio.run(walk.whole_journey(trial.url))


def test_the_site_is_there_by_https_and_its_cookies_are_for_that_only(trial: Project) -> None:
    port = trial.compose("--profile", "tls", "port", "tls", "8443").strip().rpartition(":")[2]
    trusting = ssl.create_default_context()
    trusting.check_hostname, trusting.verify_mode = False, ssl.CERT_NONE
    site = f"https://localhost:{port}"
    with urllib.request.urlopen(f"{site}/sign-up", timeout=10, context=trusting) as page:
        assert page.status == 200
    foreign = urllib.request.Request(
        f"{site}/sign-in", data=b"email=a", headers={"Origin": "https://elsewhere.example"}
    )
    with pytest.raises(urllib.error.HTTPError, match="403"):
        urllib.request.urlopen(foreign, timeout=10, context=trusting)
    own = urllib.request.Request(f"{site}/sign-in", data=b"email=a&password=b", headers={"Origin": site})
    with pytest.raises(urllib.error.HTTPError, match="422"):
        urllib.request.urlopen(own, timeout=10, context=trusting)


def test_every_process_says_that_it_is_production(trial: Project) -> None:
    for service in ("accounts", "gateway", "payments"):
        told = trial.python(service, "print(settings.is_production)")
        assert told.strip() == "True"
    assert "rpc-orders" in trial.compose("run", "--rm", "-T", "operator", "queues", "--json")


@pytest.mark.parametrize(("settings", "name"), WEAK, ids=[name for _, name in WEAK])
def test_what_is_weak_stops_the_start_by_its_name(settings: dict[str, str], name: str) -> None:
    project = Project(f"microtasks-weak-{token_hex(3)}")
    with project.with_settings(**{**TRIAL, **settings}):
        try:
            with pytest.raises(AssertionError):
                project.compose("up", "--detach", "--wait", "--no-build")
            assert f"{name}: " in project.compose("logs", "--no-color", "secrets")
            assert project.compose("ps", "--quiet", "postgres", "rabbitmq", "accounts") == ""
        finally:
            project.down()
