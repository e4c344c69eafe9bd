"""People who sign up and in, as the tests of accounts speak of them."""

import itertools
import threading
from collections.abc import Callable
from typing import Any

from kit.errors import ServiceError
from kit.security.tokens import Caller
from services.accounts import contract
from tests.support.service_harness import Harness

PASSWORD = "correct horse battery staple"
Json = dict[str, Any]

_numbers = itertools.count(1)


class People:
    """What people do with the accounts service."""

    def __init__(self, service: Harness) -> None:
        self.service = service

    def sign_up(
        self, email: str | None = None, name: str = "Ada", password: str = PASSWORD, **rest: Any
    ) -> Json:
        """A new account."""
        email = email or f"person{next(_numbers)}@example.org"
        answer: Json = self.service.call_as(
            None, contract.REGISTER_ACCOUNT, email=email, password=password, display_name=name, **rest
        )
        return answer

    def sign_in(self, email: str, password: str = PASSWORD, **rest: Any) -> Json:
        """A new session."""
        answer: Json = self.service.call_as(
            None, contract.OPEN_SESSION, email=email, password=password, **rest
        )
        return answer

    def refresh(self, token: str, key: str | None = None) -> Json:
        """The session with its next pair of tokens. Without a key of ours it has one of its own."""
        answer: Json = self.service.call_as(None, contract.REFRESH_SESSION, key=key, refresh_token=token)
        return answer

    def newcomer(self, name: str = "Ada") -> Json:
        """A session of a new account."""
        return self.sign_in(self.sign_up(name=name)["email"])

    def caller(self, session: Json) -> Caller:
        """Who the session's access token says is calling."""
        return self.service.verifier.verify(session["access_token"])

    def revoked(self) -> list[str]:
        """The sessions that gateways were told to forget, in order."""
        return [i for event in self.service.events("session_revoked") for i in event["session_ids"]]

    def live_sessions(self, session: Json) -> list[str]:
        """The ids a person sees in their list."""
        page = self.service.call_as(self.caller(session), contract.LIST_SESSIONS)
        return [listed["id"] for listed in page["data"]]


def outcomes(work: Callable[[int], Any], times: int) -> list[Any]:
    """Runs `work(0)`, `work(1)`, … at the same time in threads; answers, or the errors' codes."""
    results: list[Any] = [None] * times
    together = threading.Barrier(times)

    def run(number: int) -> None:
        together.wait()
        try:
            results[number] = work(number)
        except ServiceError as error:
            results[number] = error.code

    threads = [threading.Thread(target=run, args=(number,)) for number in range(times)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return results
