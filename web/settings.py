"""The site's own settings. `kit.settings.load` and `microtasks config` read any such class."""

import dataclasses
from typing import Any
from urllib.parse import urlsplit

DEMO_SECRET = "demo-secret-of-the-site"  # noqa: S105 - refused in production
SHORTEST_SECRET = 32


class UnfitSetting(Exception):
    """A setting of the site cannot be used; the text names it."""


def _setting(default: Any, meaning: str, secret: bool = False) -> Any:
    return dataclasses.field(default=default, metadata={"meaning": meaning, "secret": secret})


@dataclasses.dataclass(frozen=True)
class WebSettings:
    """Where the site listens, where its API is, and what keeps its visitors signed in."""

    environment: str = _setting("development", "development or production; production refuses demo secrets")
    web_host: str = _setting("127.0.0.1", "the address the web site listens on")
    web_port: int = _setting(8080, "its port; 0 takes a free one")
    api_url: str = _setting("http://127.0.0.1:8000", "where the site finds the HTTP API")
    site_url: str = _setting(
        "", "where visitors find the site, such as https://market.example; empty: wherever they ask"
    )
    web_secret: str = _setting(
        DEMO_SECRET,
        "what seals the cookies of the site, the same in all its processes; after a space, older ones",
        secret=True,
    )
    web_payment_methods: str = _setting(
        "sandbox_ok sandbox_action sandbox_declined sandbox_timeout sandbox_late",
        "how customers may pay, separated by spaces; with Stripe: stripe_checkout",
    )
    web_patience_seconds: float = _setting(2.0, "how long the site repeats calls to a busy API")
    web_drain_notice_seconds: float = _setting(
        1.0, "how long a stopping site still answers while /readyz says 503"
    )
    web_drain_seconds: float = _setting(10.0, "how long a stopping site may finish its answers")

    def __post_init__(self) -> None:
        if self.environment == "production":
            for secret in self.secrets or ("",):
                if len(secret) < SHORTEST_SECRET or secret.startswith("demo-"):
                    raise UnfitSetting(
                        f"WEB_SECRET: production needs its own, {SHORTEST_SECRET} characters or more"
                    )
        if self.site_url and urlsplit(self.site_url).scheme not in ("http", "https"):
            raise UnfitSetting("SITE_URL: not the address of a site")

    @property
    def secrets(self) -> tuple[str, ...]:
        """The secrets, the one in use first."""
        return tuple(self.web_secret.split())

    @property
    def methods(self) -> tuple[str, ...]:
        """The ways to pay, the usual one first."""
        return tuple(self.web_payment_methods.split())

    @property
    def port(self) -> int | None:
        """The port that visitors ask, as far as the settings say."""
        parts = urlsplit(self.site_url)
        return parts.port or {"https": 443, "http": 80}.get(parts.scheme)

    @property
    def is_secure(self) -> bool:
        """Whether visitors come by https, so that cookies never travel otherwise."""
        return self.site_url.startswith("https://")
