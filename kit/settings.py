"""Settings: the environment, parsed once, typed. A bad value stops the start with its name.

A settings class is a frozen dataclass whose fields are made with `setting`; `load` fills it.
Services add their own classes (for example the periods of orders) beside their code.
"""

import dataclasses
import re
from typing import Any, TypeVar
from urllib.parse import urlsplit

from environs import Env, EnvError

Loaded = TypeVar("Loaded")
DEMO_PASSWORDS = re.compile("demo-|guest$")  # the compose file's, and the broker's own default


class BadSetting(Exception):
    """A setting cannot be used; the text names it."""


def setting(default: Any, meaning: str, secret: bool = False) -> Any:
    """A field read from the environment variable of its upper-case name."""
    return dataclasses.field(default=default, metadata={"meaning": meaning, "secret": secret})


@dataclasses.dataclass(frozen=True)
class Settings:
    """What every process needs."""

    environment: str = setting("development", "development or production; production refuses demo secrets")
    amqp_url: str = setting("amqp://guest:guest@127.0.0.1:5672//", "the broker", secret=True)
    broker_prefix: str = setting("", "put before every exchange's and queue's name, to share a broker")
    rpc_queue_type: str = setting("classic", "classic, or quorum in a cluster")
    database_url: str = setting(
        "postgresql://postgres@127.0.0.1:5432/microtasks_{service}",
        "the service's database; {service} stands for its name",
        secret=True,
    )
    database_pool_size: int = setting(
        10, "connections a process holds at most, half to read and half to write"
    )
    statement_timeout_seconds: float = setting(4.0, "the longest a statement may run")
    lock_timeout_seconds: float = setting(3.0, "the longest a statement waits for a lock")
    rpc_deadline_seconds: float = setting(5.0, "how long a caller waits for an answer")
    rpc_workers: int = setting(10, "calls a process works on at once")
    event_workers: int = setting(5, "events a process works on at once")
    relay_interval_seconds: float = setting(5.0, "how often the outbox is looked at unasked")
    event_retry_seconds: float = setting(5.0, "how often failed events are looked at; base of their backoff")
    event_attempts: int = setting(10, "tries before an event is parked")
    timer_seconds: float = setting(15.0, "how often timers look for due work")
    idempotency_hours: int = setting(24, "how long stored answers are kept")
    retention_days: int = setting(30, "how long sent and consumed events are remembered")
    drain_seconds: float = setting(20.0, "how long a stopping process may finish its work")
    token_public_keys: str = setting(
        "", "base64 Ed25519 public keys that verify access tokens, separated by spaces"
    )
    token_audience_required: bool = setting(
        True, "false while an upgrade brings audiences: access tokens are made and taken without `aud`"
    )
    metrics_host: str = setting("127.0.0.1", "where /metrics, /healthz and /readyz of a process listen")
    metrics_port: int = setting(0, "their port; 0 switches them off")
    fail_point: str = setting("", "for tests: where in the code the process dies; production refuses it")
    fail_point_passes: int = setting(0, "for tests: how often it gets past there first")
    log_level: str = setting("INFO", "DEBUG, INFO, WARNING or ERROR")
    log_format: str = setting("json", "json, or console for people")

    def __post_init__(self) -> None:
        if self.is_production and not self.token_public_keys:
            raise BadSetting("TOKEN_PUBLIC_KEYS: production needs its own keys")
        if self.is_production and self.fail_point:
            raise BadSetting("FAIL_POINT: production never dies on purpose")
        for name in ("amqp_url", "database_url"):
            if self.is_production and is_demo_password(urlsplit(getattr(self, name)).password):
                raise BadSetting(f"{name.upper()}: production refuses the demo's password")

    @property
    def is_production(self) -> bool:
        """Whether demo secrets are refused."""
        return self.environment == "production"


def is_demo_password(password: str | None) -> bool:
    """Whether everybody knows it."""
    return DEMO_PASSWORDS.match(password or "") is not None


def load(cls: type[Loaded], **overrides: Any) -> Loaded:
    """Reads every field of a settings class from the environment; `overrides` win.

    Raises: BadSetting naming the variable whose value does not fit.
    """
    env = Env()
    values: dict[str, Any] = {}
    for field in dataclasses.fields(cls):  # type: ignore[arg-type]
        try:
            read = getattr(env, type(field.default).__name__)  # env.int, env.float, env.str, env.bool
            values[field.name] = read(field.name.upper(), field.default)
        except EnvError as error:
            raise BadSetting(str(error)) from error
    return cls(**{**values, **overrides})
