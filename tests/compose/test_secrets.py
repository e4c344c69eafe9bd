"""An installation's own secrets: made at the first start, stored, each given to whom it concerns."""

import json
import subprocess
import urllib.request
from collections.abc import Iterator
from secrets import token_hex

import pytest

from tests.compose.project import PROCESSES, Project, say
from tests.support.codebase import SERVICES

SEEN = """
import json, pathlib
folder = pathlib.Path("/run/secrets")
print(json.dumps({one.name: one.read_text() for one in folder.iterdir()}))
"""
KEYS = {"AMQP_PASSWORD", "TOKEN_PUBLIC_KEYS"}
FORMER = {  # what an earlier release's volumes were made with
    "RABBITMQ_PASSWORD": "demo-operator",
    "POSTGRES_PASSWORD": "demo-operator",
    "RABBITMQ_PASSWORD_ORDERS": "demo-orders",
    "POSTGRES_PASSWORD_ORDERS": "demo-orders",
}


@pytest.fixture
def other() -> Iterator[Project]:
    """A project of its own, down again with its data at the end."""
    project = Project(f"microtasks-secrets-{token_hex(3)}")
    try:
        yield project
    finally:
        project.down()


def seen(project: Project) -> dict[str, dict[str, str]]:
    """The secrets that each process can read, by its name."""
    return {name: json.loads(project.python(name, SEEN)) for name in PROCESSES}


def answers(project: Project) -> bool:
    """Whether a request reaches accounts' database through everything."""
    with urllib.request.urlopen(f"{project.url}/v1/categories", timeout=10) as answer:
        return bool(answer.status == 200)


def test_each_process_reads_its_own_secrets_and_nobody_elses(project: Project) -> None:
    given = seen(project)
    assert set(given["web"]) == {"WEB_SECRET"}
    assert set(given["gateway"]) == KEYS
    for name in SERVICES:
        extra = {"TOKEN_SIGNING_KEY", "SESSION_SECRET"} if name == "accounts" else set()
        assert set(given[name]) == KEYS | {"DATABASE_PASSWORD"} | extra
    private = [v for own in given.values() for n, v in own.items() if n != "TOKEN_PUBLIC_KEYS"]
    assert len(private) == len(set(private)), "no two have the same"
    assert not [value for value in private if value.startswith("demo-") or len(value) < 40]
    assert len({own.get("TOKEN_PUBLIC_KEYS") for own in given.values()} - {None}) == 1


def test_they_are_not_in_the_environment_or_the_log(project: Project) -> None:
    values = {value for own in seen(project).values() for value in own.values()}
    shown = project.compose("config") + project.compose("logs", "--no-color")
    for container in project.containers(*PROCESSES):
        shown += subprocess.check_output(["docker", "inspect", container], text=True)
    assert not [value for value in values if value in shown]


def test_a_later_start_finds_them_again(project: Project) -> None:
    before = seen(project)
    project.compose("down")
    say(f"up again after {project.up():.0f} s")
    assert seen(project) == before
    assert answers(project)


def test_only_this_machine_reaches_the_published_ports(project: Project) -> None:
    published = project.compose("ps", "--format", "{{.Ports}}")
    assert f"127.0.0.1:{project.port}->8000" in published
    assert "0.0.0.0" not in published and "[::]" not in published
    [address] = subprocess.check_output(["hostname", "-I"], text=True).split()[:1]
    with pytest.raises(OSError, match="refused"):
        urllib.request.urlopen(f"http://{address}:{project.port}/healthz", timeout=5)
    with project.with_settings(BIND_ADDRESS="0.0.0.0"):
        project.up()
        with urllib.request.urlopen(f"http://{address}:{project.port}/healthz", timeout=5) as answer:
            assert answer.status == 200
    project.up()


def test_passwords_of_an_earlier_release_are_replaced_and_those_of_env_win(other: Project) -> None:
    with other.with_settings(**FORMER):
        say(f"with an earlier release's passwords: {other.up():.0f} s")
        assert answers(other)
    say(f"with its own: {other.up():.0f} s")
    assert answers(other)
    chosen = {name: token_hex(16) for name in FORMER}
    chosen.pop("RABBITMQ_PASSWORD")  # RabbitMQ stores it; only broker-rights would change it
    with other.with_settings(**chosen):
        say(f"with those of .env: {other.up():.0f} s")
        assert answers(other)
        told = other.python("orders", "print(os.environ['AMQP_URL'], os.environ['DATABASE_URL'])")
        assert chosen["RABBITMQ_PASSWORD_ORDERS"] in told and chosen["POSTGRES_PASSWORD_ORDERS"] in told
