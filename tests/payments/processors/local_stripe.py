"""A Stripe of one's own, for the tests: a real HTTP server, spoken to by Stripe's own SDK."""

import json
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import closing, contextmanager
from hashlib import sha256
from hmac import new as hmac
from typing import Any

import stripe

from tests.support.codebase import ROOT
from tests.support.servers import eventually, free_port

GOOD_CARD, DECLINED_CARD = "4242424242424242", "4000000000000341"
CONSENT_CARD = "4000002500003155"
SECRET = "whsec_of_the_tests"


class LocalStripe:
    """The server, and what a customer or Stripe itself would do there."""

    def __init__(self, port: int) -> None:
        self.url = f"http://127.0.0.1:{port}"
        self.api: Any = stripe.StripeClient("sk_test_1", base_addresses={"api": self.url}).v1

    def payment_method(self, number: str) -> str:
        """A card as Stripe.js would hand it over: only its id."""
        card = {"number": number, "exp_month": 12, "exp_year": 2039, "cvc": "123"}
        method = self.api.payment_methods.create({"type": "card", "card": card})
        return str(method.id)

    def keys_sent_to(self, path: str) -> list[str | None]:
        """The idempotency keys of what was posted to a path."""
        with urllib.request.urlopen(f"{self.url}/_requests", timeout=10) as answer:
            posted = json.load(answer)
        return [one["key"] for one in posted if one["path"] == path]

    def leads_back_to(self, session: str) -> set[str]:
        """Where the hosted page sends the customer afterwards, paid or not."""
        with urllib.request.urlopen(f"{self.url}/v1/checkout/sessions/{session}", timeout=10) as answer:
            asked = json.load(answer)["asked"]
        return {asked["success_url"], asked["cancel_url"]}

    def pay_session(self, session: str, amount: int, currency: str) -> None:
        """The customer pays on the hosted page."""
        intent = self.api.payment_intents.create(
            {
                "amount": amount,
                "currency": currency,
                "payment_method": self.payment_method(GOOD_CARD),
                "automatic_payment_methods": {"enabled": True, "allow_redirects": "never"},
                "confirm": True,
            }
        )
        body = json.dumps({"intent": intent.id}).encode()
        urllib.request.urlopen(f"{self.url}/v1/checkout/sessions/{session}/_pay", body, timeout=10).close()


def webhook(kind: str, metadata: dict[str, str], event_id: str = "evt_1", age: int = 0) -> tuple[str, str]:
    """What Stripe posts about something, and the signature it sends with it."""
    thing = {"id": "pi_1", "object": "payment_intent", "metadata": metadata}
    event = {"id": event_id, "object": "event", "type": kind, "data": {"object": thing}}
    payload = json.dumps(event)
    at = int(time.time()) - age
    signed = hmac(SECRET.encode(), f"{at}.{payload}".encode(), sha256).hexdigest()
    return payload, f"t={at},v1={signed}"


@contextmanager
def running_stripe() -> Iterator[LocalStripe]:
    """The server while it runs."""
    port = free_port()
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.payments.processors.local_stripe_server", str(port)],
        cwd=ROOT,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        eventually(lambda: _answers(port), 60, "localstripe listens")
        yield LocalStripe(port)
    finally:
        process.kill()
        process.wait()


def _answers(port: int) -> bool:
    with closing(socket.socket()) as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0
