"""A private RabbitMQ node for tests."""

import os
import signal
import subprocess
from pathlib import Path

from tests.support.private_server import PrivateServer, account_of, newest_binary
from tests.support.servers import broker_answers, eventually, free_port

CTL_SECONDS = 120  # it starts an Erlang virtual machine, which is slow on a busy machine


class RabbitServer(PrivateServer):
    """A RabbitMQ node with its own port mapper."""

    @staticmethod
    def is_installed() -> bool:
        """Whether the server and Erlang's port mapper can be found."""
        return _rabbit_binary() is not None and _epmd() is not None

    def __init__(self, folder: Path) -> None:
        super().__init__(folder, account_of("rabbitmq"))
        self.port = free_port()
        self.url = f"amqp://guest:guest@127.0.0.1:{self.port}//"
        self._mapper_port = free_port()
        self._mapper: subprocess.Popen[bytes] | None = None
        (folder / "plugins").write_text("[].\n")
        (folder / "rabbitmq.conf").write_text("loopback_users.guest = true\nlog.console = true\n")

    def start(self) -> None:
        """Starts the node and waits until it takes connections."""
        if self._mapper is None:
            command = [str(_epmd()), "-address", "127.0.0.1", "-port", str(self._mapper_port)]
            self._mapper = subprocess.Popen(command, stdin=subprocess.DEVNULL)
        with open(self.folder / "rabbitmq.log", "ab") as log:
            self._spawn([str(_rabbit_binary())], self._environment(), log)
        eventually(lambda: broker_answers(self.url), 60, "RabbitMQ takes connections")

    def ctl(self, *arguments: str) -> str:
        """Runs one `rabbitmqctl` command on this node; returns its output."""
        done = subprocess.run(
            [str(_ctl()), "--quiet", "--timeout", str(CTL_SECONDS // 2), *arguments],
            env={**os.environ, **self._environment(), **_ctl_ports()},
            cwd=self.folder,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=CTL_SECONDS,
            check=False,
        )
        if done.returncode != 0:
            raise AssertionError(f"rabbitmqctl {' '.join(arguments)}:\n{done.stdout}\n{done.stderr}")
        return done.stdout

    def close_connections(self) -> None:
        """Closes every client's connection from the broker's side."""
        self.ctl("close_all_connections", "a test's fault")

    def close_one_connection(self, number: int) -> None:
        """Closes one connection, chosen by a random number."""
        choose = f"Open = rabbit_networking:connections(), lists:nth(1 + {number} rem length(Open), Open)"
        self.ctl("eval", f'rabbit_networking:close_connection(begin {choose} end, "a fault of a test").')

    def raise_memory_alarm(self) -> None:
        """Blocks all publishers, as a node short of memory does."""
        self.ctl("set_vm_memory_high_watermark", "absolute", "1")

    def raise_disk_alarm(self) -> None:
        """Blocks all publishers, as a node short of disk does."""
        self.ctl("set_disk_free_limit", "900000GB")

    def clear_alarms(self) -> None:
        """Accepts messages again."""
        self.ctl("set_vm_memory_high_watermark", "0.4")
        self.ctl("set_disk_free_limit", "1MB")

    def stop_gently(self) -> None:
        """Stops the node as its operator would: connections are closed, everything is flushed."""
        self._signal(signal.SIGTERM, 60)

    def stop(self) -> None:
        """Kills the node: nothing is flushed, all connections break."""
        self._signal(signal.SIGKILL, 30)

    def close(self) -> None:
        """Stops everything."""
        if self._process is not None:
            self.stop()
        if self._mapper is not None:
            self._mapper.terminate()
            self._mapper.wait(10)
            self._mapper = None

    def _environment(self) -> dict[str, str]:
        return {
            "HOME": str(self.folder),
            "ERL_EPMD_PORT": str(self._mapper_port),
            "RABBITMQ_CONF_ENV_FILE": str(self.folder / "none"),
            "RABBITMQ_CONFIG_FILE": str(self.folder / "rabbitmq.conf"),
            "RABBITMQ_ENABLED_PLUGINS_FILE": str(self.folder / "plugins"),
            "RABBITMQ_NODENAME": f"test{self.port}@localhost",
            "RABBITMQ_NODE_IP_ADDRESS": "127.0.0.1",
            "RABBITMQ_NODE_PORT": str(self.port),
            "RABBITMQ_DIST_PORT": str(free_port()),
            "RABBITMQ_MNESIA_BASE": str(self.folder / "mnesia"),
            "RABBITMQ_LOG_BASE": str(self.folder / "log"),
            "RABBITMQ_PID_FILE": str(self.folder / "pid"),
        }


def _rabbit_binary() -> str | None:
    # Debian's wrapper in the path writes to the system's own folders.
    return newest_binary("rabbitmq-server", "/usr/lib/rabbitmq/bin", "/opt/rabbitmq/sbin")


def _ctl_ports() -> dict[str, str]:
    # By default all commands of a machine share eleven ports, which outgoing connections may have.
    port = str(free_port())
    return {"RABBITMQ_CTL_DIST_PORT_MIN": port, "RABBITMQ_CTL_DIST_PORT_MAX": port}


def _ctl() -> str | None:
    # As above: the wrapper knows one node only, the system's.
    return newest_binary("rabbitmqctl", "/usr/lib/rabbitmq/bin", "/opt/rabbitmq/sbin")


def _epmd() -> str | None:
    return newest_binary("epmd", "/usr/lib/erlang/bin", "/usr/local/lib/erlang/bin")
