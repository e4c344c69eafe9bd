"""The compose project as a user runs it, under a name and a port of its own."""

import hashlib
import os
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import click

from tests.support.codebase import ROOT, SERVICES
from tests.support.servers import eventually, free_port

# Of this checkout only: what another one tries at the same time is its own.
PROJECT = f"microtasks-test-{hashlib.sha256(str(ROOT).encode()).hexdigest()[:8]}"
GATEWAY, WEB, EDGE = "gateway", "web", "edge"
SEPARATOR = "\x1f"
OURS = (
    "POSTGRES_",
    "RABBITMQ_",
    "COMPOSE_",
    "TOKEN_",
    "SESSION_",
    "DATABASE_",
    "ENVIRONMENT",
    "BODY_",
    "WEB_",
    "SITE_",
    "BIND_",
    "ALLOW_",
    "SECRETS_",
)
COUNTS = """
import socket, sys, urllib.request
service, metric, having = sys.argv[1:]
for address in sorted(socket.gethostbyname_ex(service)[2]):
    lines = urllib.request.urlopen(f"http://{address}:9100/metrics").read().decode().splitlines()
    print(sum(float(l.split()[-1]) for l in lines if l.startswith(metric) and having in l))
"""
# Passwords are in files there; what programs find in the environment is the whole address.
SIGNED_IN = """
import os
if "AMQP_URL" in os.environ:
    from kit.settings import Settings, load
    from gateway.settings import GatewaySettings
    settings = load(Settings if "DATABASE_URL" in os.environ else GatewaySettings)
    os.environ["AMQP_URL"] = settings.amqp_url
    if "DATABASE_URL" in os.environ:
        os.environ["DATABASE_URL"] = settings.database_url
"""
_began = time.monotonic()


def say(what: str) -> None:
    """Shows how far the test is."""
    click.echo(f"\n  {time.monotonic() - _began:6.1f} s  {what}", nl=False)


class Project:
    """Runs `docker compose`; whatever .env or shell would add is left out."""

    def __init__(self, name: str = PROJECT, *overrides: str) -> None:
        self.name = name
        self._files = [word for file in ("docker-compose.yml", *overrides) for word in ("-f", file)]
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.site_port = free_port()
        self.site = f"http://127.0.0.1:{self.site_port}"
        self._environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith(OURS)},
            "GATEWAY_PORT": str(self.port),
            "WEB_PORT": str(self.site_port),
            "ENTRANCE_LIMIT_PER_MINUTE": "100000",  # everybody comes from one address here
            "REQUEST_LIMIT_PER_MINUTE": "100000",
        }

    def compose(self, *arguments: str, stdin: str = "", within: float = 300) -> str:
        """Runs one command to its end and gives back what it printed; fails with it."""
        done = subprocess.run(
            self._command(*arguments),
            env=self._environment,
            cwd=ROOT,
            input=stdin,
            capture_output=True,
            text=True,
            timeout=within,
            check=False,
        )
        if done.returncode != 0:
            raise AssertionError(f"docker compose {' '.join(arguments)}:\n{done.stdout}\n{done.stderr}")
        return done.stdout

    def talk(self, *arguments: str) -> subprocess.Popen[str]:
        """Starts one command and gives back its process, to write to and to read from."""
        pipe, command = subprocess.PIPE, self._command(*arguments)
        return subprocess.Popen(command, env=self._environment, cwd=ROOT, stdin=pipe, stdout=pipe, text=True)

    def _command(self, *arguments: str) -> list[str]:
        compose = ("docker", "compose", "--progress", "plain", "--env-file", os.devnull, "-p", self.name)
        return [*compose, *self._files, *arguments]

    @contextmanager
    def with_settings(self, **settings: str) -> Iterator[None]:
        """Others than usual, for what is started inside the block."""
        usual = self._environment
        self._environment = usual | settings
        try:
            yield
        finally:
            self._environment = usual

    def up(self, **replicas: int) -> float:
        """Starts everything, waits until it is healthy, and tells the seconds that took."""
        scales = [word for name, n in replicas.items() for word in ("--scale", f"{name}={n}")]
        began = time.monotonic()
        self.compose("up", "--detach", "--wait", "--no-build", *scales)
        return time.monotonic() - began

    def restart_rolling(self, *services: str, within: float = 300) -> str:
        """Runs deploy/rolling-restart.sh and gives back what it printed; fails with it."""
        chosen = {
            "COMPOSE_PROJECT_NAME": self.name,
            "COMPOSE_FILE": os.pathsep.join(self._files[1::2]),
            "COMPOSE_ENV_FILES": os.devnull,
        }
        done = subprocess.run(
            [ROOT / "deploy" / "rolling-restart.sh", *services],
            env=self._environment | chosen,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=within,
            check=False,
        )
        assert done.returncode == 0, done.stdout
        return done.stdout

    def containers(self, *services: str) -> list[str]:
        """The ids of their containers."""
        return self.compose("ps", "--quiet", *services).split()

    def counted(self, service: str, metric: str, having: str) -> list[float]:
        """Of each process, the sum of its counts whose labels contain a word."""
        return [float(count) for count in self.python(WEB, COUNTS, service, metric, having).split()]

    def kill(self, container: str) -> None:
        """Ends one container's processes as a lack of memory would."""
        subprocess.run(["docker", "kill", container], check=True, capture_output=True, timeout=60)

    def restart_container(self, container: str) -> None:
        """Stops one container as `docker stop` does, starts it again and waits until it is healthy."""
        subprocess.run(["docker", "restart", container], check=True, capture_output=True, timeout=120)
        look = ["docker", "inspect", "--format", "{{.State.Health.Status}}", container]
        eventually(lambda: subprocess.check_output(look, text=True).strip() == "healthy", 60, "healthy again")

    def down(self) -> None:
        """Removes containers, networks and data."""
        self.compose("down", "--volumes", "--remove-orphans", "--timeout", "20")

    def python(self, service: str, program: str, *arguments: str, number: int = 1) -> str:
        """Runs a Python program inside a service's container, as what the service is there."""
        return self._inside(service, number, "python3", "-", *arguments, stdin=SIGNED_IN + program)

    def _inside(self, service: str, number: int, *command: str, stdin: str = "") -> str:
        """Runs a command in one of a service's containers; after a rolling restart they are not 1, 2, 3."""
        exec_ = ["docker", "exec", "--interactive", self.containers(service)[number - 1], *command]
        done = subprocess.run(exec_, input=stdin, capture_output=True, text=True, timeout=60, check=False)
        assert done.returncode == 0, f"{exec_}:\n{done.stdout}\n{done.stderr}"
        return done.stdout

    def rows(self, service: str, query: str) -> list[tuple[Any, ...]]:
        """Rows of one service's database, as text."""
        ask = ("psql", "-U", "postgres", "-d", f"microtasks_{service}", "-AtF", SEPARATOR, "-c", query)
        printed = self.compose("exec", "-T", "postgres", *ask)
        return [tuple(line.split(SEPARATOR)) for line in printed.splitlines()]

    def resident_mib(self, service: str, number: int = 1) -> float:
        """The memory of one process: it is the container's first, and only, one."""
        printed = self._inside(service, number, "grep", "VmRSS", "/proc/1/status")
        return int(printed.split()[1]) / 1024

    def logs(self) -> str:
        """The last lines of everything."""
        return self.compose("logs", "--no-color", "--tail", "15")


PROCESSES = (*SERVICES, GATEWAY, WEB)
