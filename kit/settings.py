"""Typed settings from the environment. An invalid value stops the start with an error that names it.

A settings class is a frozen dataclass on top of `Common` whose fields are made with `setting`; `load`
fills it. Services add their own classes (for example the periods of orders) beside their code.
"""

import dataclasses
from collections.abc import Iterator
from typing import Any, ClassVar, TypeVar

from kit.http import urls
from kit.security.keys import is_demo_key, verifying_key_of
from kit.security.strength import weakness_of_password
from kit.setting_fields import BadSetting, fitting, own_secrets, raw_value, read, rising_days, setting

Loaded = TypeVar("Loaded")
__all__ = [
    "BadSetting",
    "Common",
    "Settings",
    "load",
    "own_secrets",
    "raw_value",
    "read",
    "rising_days",
    "setting",
]
DEVELOPMENT, PRODUCTION = "development", "production"
BROKER_SCHEMES, DATABASE_SCHEMES = ("amqp", "amqps", "inprocess"), ("postgresql", "postgres")


@dataclasses.dataclass(frozen=True)
class Common:
    """The settings of every process, the site included.

    Raises: BadSetting naming every setting that does not fit the others, or production.
    """

    environment: str = setting(
        DEVELOPMENT,
        "development or production; production refuses what only a trial may have",
        choices=(DEVELOPMENT, PRODUCTION),
    )
    secrets_dir: str = setting(
        "", "a folder whose files hold settings, each named like its variable, which wins unless it is empty"
    )
    metrics_host: str = setting("127.0.0.1", "where /metrics, /healthz and /readyz of a process listen")
    metrics_port: int = setting(0, "their port; 0 switches them off", within=(0, urls.HIGHEST_PORT))
    log_level: str = setting(
        "INFO", "DEBUG, INFO, WARNING or ERROR", choices=("DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL")
    )
    log_format: str = setting("json", "json, or console for people", choices=("json", "console"))

    def __post_init__(self) -> None:
        found = list(self.problems())
        if self.is_production:
            found += self.problems_in_production()
        if found:
            raise BadSetting("; ".join(found))

    def problems(self) -> Iterator[str]:
        """Yields settings that contradict each other, each by name."""
        return iter(())

    def problems_in_production(self) -> Iterator[str]:
        """Yields settings that production refuses, each by name."""
        return iter(())

    @property
    def is_production(self) -> bool:
        """Whether settings for trials are refused."""
        return self.environment == PRODUCTION


def _broker_address(url: str) -> str:
    for alternative in urls.alternatives(url):
        urls.check_server_address(alternative, BROKER_SCHEMES)
    return url


def _database_address(url: str) -> str:
    urls.check_server_address(url, DATABASE_SCHEMES)
    return url


@dataclasses.dataclass(frozen=True)
class Settings(Common):
    """The settings of services, gateway and commands."""

    HAS_DATABASE: ClassVar[bool] = True
    amqp_url: str = setting(
        "amqp://guest:guest@127.0.0.1:5672//", "the broker", secret=True, form=_broker_address
    )
    amqp_password: str = setting("", "the password, when AMQP_URL names only a user", secret=True)
    broker_prefix: str = setting("", "put before every exchange's and queue's name, to share a broker")
    rpc_queue_type: str = setting("classic", "classic, or quorum in a cluster", choices=("classic", "quorum"))
    database_url: str = setting(
        "postgresql://postgres@127.0.0.1:5432/microtasks_{service}",
        "the service's database; {service} stands for its name",
        secret=True,
        form=_database_address,
    )
    database_password: str = setting("", "the password, when DATABASE_URL names only a user", secret=True)
    database_pool_size: int = setting(
        10, "connections to its database that a process holds at most", within=(1, 10_000)
    )
    prepared_statements: bool = setting(
        True, "false behind a pooler that shares connections between transactions, as PgBouncer can"
    )
    statement_timeout_seconds: float = setting(4.0, "the longest a statement may run")
    lock_timeout_seconds: float = setting(3.0, "the longest a statement waits for a lock")
    rpc_deadline_seconds: float = setting(5.0, "how long a caller waits for an answer")
    rpc_workers: int = setting(10, "calls a process works on at once", within=(1, 10_000))
    event_workers: int = setting(
        5, "events of one queue that a process handles at once when not in a batch", within=(1, 10_000)
    )
    relay_interval_seconds: float = setting(5.0, "how often the outbox is read for older unsent events")
    relay_memory_events: int = setting(
        10_000, "events a process has in memory until they are marked as sent", within=(0, 1_000_000)
    )
    event_retry_seconds: float = setting(5.0, "how often failed events are polled; base of their backoff")
    event_attempts: int = setting(10, "tries before an event is parked", within=(1, 1_000))
    timer_seconds: float = setting(15.0, "how often timers look for due work")
    idempotency_hours: int = setting(24, "how long stored answers are kept")
    retention_days: int = setting(30, "how long sent and consumed events are remembered")
    drain_seconds: float = setting(
        20.0, "how long a stopping process may finish its work", within=(0, 1_000_000)
    )
    token_public_keys: str = setting(
        "", "base64 Ed25519 public keys that verify access tokens, separated by spaces"
    )
    token_audience_required: bool = setting(
        True, "false while an upgrade brings audiences: access tokens are issued and accepted without `aud`"
    )
    fail_point: str = setting("", "for tests: where in the code the process crashes; production refuses it")
    fail_point_passes: int = setting(
        0, "for tests: how often it gets past there first", within=(0, 1_000_000)
    )

    def __post_init__(self) -> None:
        brokers = [urls.with_password(url, self.amqp_password) for url in urls.alternatives(self.amqp_url)]
        object.__setattr__(self, "amqp_url", ";".join(brokers))
        database = urls.with_password(self.database_url, self.database_password)
        object.__setattr__(self, "database_url", database)
        super().__post_init__()

    def problems(self) -> Iterator[str]:
        """Yields keys that cannot be used."""
        for key in self.token_public_keys.split():
            try:
                verifying_key_of(key)
            except ValueError as error:
                yield f"TOKEN_PUBLIC_KEYS: not base64 Ed25519 public keys ({error})"

    def problems_in_production(self) -> Iterator[str]:
        """Yields keys and passwords that are public or can be guessed, and active fail points."""
        if not self.token_public_keys.split():
            yield "TOKEN_PUBLIC_KEYS: production needs its own keys"
        elif any(map(_is_demo_key, self.token_public_keys.split())):
            yield "TOKEN_PUBLIC_KEYS: one is the demo's, with which anybody can sign"
        if self.fail_point:
            yield "FAIL_POINT: production refuses it, because it makes processes crash"
        for url in urls.alternatives(self.amqp_url):
            if not url.startswith("inprocess:") and (why := weakness_of_password(urls.password_of(url))):
                yield f"AMQP_URL: the password {why}"
        needs_password = self.HAS_DATABASE and not urls.needs_no_password(self.database_url)
        if needs_password and (why := weakness_of_password(urls.password_of(self.database_url))):
            yield f"DATABASE_URL: the password {why}"


def _is_demo_key(public_key: str) -> bool:
    try:
        return is_demo_key(public_key)
    except ValueError:  # not a key, which `problems` reports
        return False


def load(cls: type[Loaded], **overrides: Any) -> Loaded:
    """Reads every field of a settings class from the environment; `overrides` win.

    Raises: BadSetting naming every variable whose value is invalid.
    """
    values: dict[str, Any] = {}
    invalid: list[str] = []
    for field in dataclasses.fields(cls):  # type: ignore[arg-type]
        try:
            given = field.name in overrides
            values[field.name] = fitting(field, overrides[field.name]) if given else read(field)
        except BadSetting as error:
            invalid.append(str(error))
    if invalid:
        raise BadSetting("; ".join(invalid))
    if values.get("environment") == DEVELOPMENT:
        values |= _generated(cls, values, overrides)
    return cls(**values)


def _generated(cls: type[Any], values: dict[str, Any], overrides: dict[str, Any]) -> dict[str, str]:
    fields = [field for field in dataclasses.fields(cls) if field.metadata["made"]]
    missing = [field.name for field in fields if not values[field.name] and field.name not in overrides]
    own = own_secrets() if missing else {}
    return {name: own.get(name.upper(), "") for name in missing}
