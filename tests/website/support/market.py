"""A marketplace with its site for one test process, and people who act in it without a browser."""

import asyncio
import threading
from collections.abc import Coroutine
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self, TypeVar
from uuid import uuid4

from chassis.storage.database import Db, make_engine
from client import MarketplaceClient
from embedded.postgres.server import EmbeddedPostgres
from kit.settings import Settings, load
from services.accounts.commands.grant_staff import grant_staff
from tests.embedded.dev_process import DevProcess

PASSWORD = "a long enough pass phrase, 7 cats"
UNLIMITED = {"ENTRANCE_LIMIT_PER_MINUTE": "100000", "REQUEST_LIMIT_PER_MINUTE": "100000", "RELEASE_DAYS": "0"}

T = TypeVar("T")


@dataclass(frozen=True)
class Person:
    """Somebody with an account, and a client that is signed in as them."""

    id: str
    name: str
    email: str
    api: MarketplaceClient
    password: str = PASSWORD


class Market:
    """One embedded marketplace. Playwright has this thread's event loop, so clients run in another."""

    def __init__(self, folder: Path, **environment: str) -> None:
        self.process = DevProcess(folder, **{**UNLIMITED, **environment})
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._people: list[Person] = []

    @property
    def site(self) -> str:
        """The address of the site."""
        return self.process.site

    def __enter__(self) -> Self:
        self._thread.start()
        self.process.start()
        return self

    def __exit__(self, *_: object) -> None:
        for person in self._people:
            self.ask(person.api.close())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()
        self.process.__exit__()

    def ask(self, call: Coroutine[Any, Any, T]) -> T:
        """What a call of a client answers."""
        return asyncio.run_coroutine_threadsafe(call, self._loop).result()

    def person(self, name: str, is_staff: bool = False) -> Person:
        """Somebody new, signed in."""
        return self.ask(self._sign_up(name, is_staff))

    def people(self, *names: str) -> list[Person]:
        """Several at once."""

        async def sign_up() -> list[Person]:
            return await asyncio.gather(*(self._sign_up(name, False) for name in names))

        return self.ask(sign_up())

    def known(self, email: str, password: str) -> Person:
        """Somebody who has an account already, signed in."""

        async def sign_in() -> Person:
            api = self.process.client()
            account = (await api.sign_in(email, password))["account"]
            return Person(account["id"], account["display_name"], email, api, password)

        self._people.append(self.ask(sign_in()))
        return self._people[-1]

    async def _sign_up(self, name: str, is_staff: bool) -> Person:
        api = self.process.client()
        email = f"{uuid4().hex[:16]}@example.com"
        account = await api.register_account(email, PASSWORD, name)
        if is_staff:
            self._grant_staff(email)
        await api.sign_in(email, PASSWORD)
        person = Person(account["id"], name, email, api)
        self._people.append(person)
        return person

    def _grant_staff(self, email: str) -> None:
        where = EmbeddedPostgres(self.process.data_dir / "postgres").url
        engine = make_engine(load(Settings, database_url=where), "accounts")
        try:
            grant_staff(Db(engine), email, "browser tests")
        finally:
            engine.dispose()
