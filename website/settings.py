"""The site's own settings, on top of those of every process."""

import dataclasses
import re
from collections.abc import Iterator
from urllib.parse import urlsplit

from kit.http.urls import HIGHEST_PORT, web_address, web_origin
from kit.security.strength import weakness_of_secret
from kit.settings import Common, setting

METHOD = re.compile("sandbox_[a-z]+|stripe_checkout")


def _api(text: str) -> str:
    return web_address(text, ("http", "https"))


def _site(text: str) -> str:
    return web_origin(text, ("http", "https")) if text else text


def _methods(text: str) -> str:
    if not text.split():
        raise ValueError("must name a way to pay")
    for method in text.split():
        if not METHOD.fullmatch(method):
            raise ValueError(f"{method!r} is no way to pay")
    return text


@dataclasses.dataclass(frozen=True)
class WebSettings(Common):
    """Settings of the site's address, its API, its secrets and its timing."""

    web_host: str = setting("127.0.0.1", "the address the web site listens on")
    web_port: int = setting(8080, "its port; 0 takes a free one", within=(0, HIGHEST_PORT))
    api_url: str = setting("http://127.0.0.1:8000", "where the site finds the HTTP API", form=_api)
    site_url: str = setting(
        "",
        "where visitors find the site, such as https://market.example; production needs it",
        form=_site,
    )
    web_secret: str = setting(
        "",
        "what seals the cookies of the site, the same in all its processes; after a space, older ones",
        secret=True,
        made=True,
    )
    web_payment_methods: str = setting(
        "sandbox_ok sandbox_action sandbox_declined sandbox_timeout sandbox_late",
        "how customers may pay, separated by spaces; with Stripe: stripe_checkout",
        form=_methods,
    )
    web_patience_seconds: float = setting(
        2.0, "how long the site repeats calls to a busy API", within=(0, 3600)
    )
    web_drain_notice_seconds: float = setting(
        1.0, "how long a stopping site still answers while /readyz says 503", within=(0, 3600)
    )
    web_drain_seconds: float = setting(
        10.0, "how long a stopping site may finish its answers", within=(0, 3600)
    )

    def problems(self) -> Iterator[str]:
        """Reports a missing secret."""
        if not self.secrets:
            yield "WEB_SECRET: is missing"

    def problems_in_production(self) -> Iterator[str]:
        """Reports secrets that can be guessed, and an address without https."""
        for secret in self.secrets:
            if why := weakness_of_secret(secret):
                yield f"WEB_SECRET: production needs its own, this one {why}"
        if not self.site_url.startswith("https://"):
            yield "SITE_URL: production needs the site's address, https://host[:port]"

    @property
    def secrets(self) -> tuple[str, ...]:
        """The secrets, the one in use first."""
        return tuple(self.web_secret.split())

    @property
    def methods(self) -> tuple[str, ...]:
        """The payment methods, the default first."""
        return tuple(self.web_payment_methods.split())

    @property
    def port(self) -> int | None:
        """The public port, if the settings say it."""
        parts = urlsplit(self.site_url)
        return parts.port or {"https": 443, "http": 80}.get(parts.scheme)

    @property
    def is_secure(self) -> bool:
        """Whether the site is reached by https, so that cookies are sent by https only."""
        return self.site_url.startswith("https://")
