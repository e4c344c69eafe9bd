"""A small service with everything the chassis offers, run as its own process by the tests."""

import eventlet

eventlet.monkey_patch()

import sys  # noqa: E402
from typing import Any  # noqa: E402

from sqlalchemy import Connection, text  # noqa: E402

from chassis.amqp.event_consumer import on_event  # noqa: E402
from chassis.amqp.rpc_client import ServiceClient  # noqa: E402
from chassis.amqp.rpc_server import rpc  # noqa: E402
from chassis.runtime import runner  # noqa: E402
from chassis.runtime.context import CallContext  # noqa: E402
from chassis.storage.database import Database  # noqa: E402
from chassis.storage.idempotency import run_idempotently  # noqa: E402
from chassis.storage.outbox import Relay, record  # noqa: E402
from kit.errors import Conflict  # noqa: E402
from kit.settings import Settings, load  # noqa: E402
from tests.chassis import echo_contract as contract  # noqa: E402


class EchoService:
    name = "echo"

    db = Database()
    call = CallContext()
    relay = Relay()
    itself = ServiceClient("echo")
    nobody = ServiceClient("nobody")

    @rpc(contract.ECHO)
    def echo(self, text: str) -> dict[str, Any]:
        return {"text": text}

    @rpc(contract.WHO)
    def who(self, text: str) -> Any:
        return {"text": self.call.account.display_name}

    @rpc(contract.ASK)
    def ask(self, text: str) -> Any:
        return self.itself(contract.ECHO, text=text)

    @rpc(contract.ASK_NOBODY)
    def ask_nobody(self, text: str) -> Any:
        return self.nobody(contract.NOBODY, text=text)

    @rpc(contract.WAIT)
    def wait(self, text: str) -> Any:
        self.db.read(lambda c: c.execute(sleep(float(text))))
        return {"text": text}

    @rpc(contract.REFUSE)
    def refuse(self, text: str) -> None:
        raise Conflict("Not now.", code="not_now", current_status=7)

    @rpc(contract.BREAK)
    def break_down(self, text: str) -> None:
        raise KeyError("a secret detail")

    @rpc(contract.DO)
    def do_thing(self, text: str) -> Any:
        def effect(connection: Connection) -> dict[str, str]:
            connection.execute(_note, {"text": f"done {text}"})
            return {"event_id": record(connection, contract.THING_DONE, text=text)}

        return run_idempotently(self.db, self.call, effect)

    @on_event(contract.THING_DONE)
    def on_thing_done(self, connection: Connection, event: dict[str, Any]) -> None:
        connection.execute(_note, {"text": f"handled {event['text']}"})
        recovered = connection.execute(text("SELECT count(*) FROM notes WHERE text = 'recovered'")).scalar()
        if event["text"] == "fails" and not recovered:
            raise ValueError("this event cannot be taken yet")


_note = text("INSERT INTO notes (text) VALUES (:text)")


def sleep(seconds: float) -> Any:
    return text("SELECT pg_sleep(:seconds)").bindparams(seconds=seconds)


if __name__ == "__main__":
    sys.exit(runner.run(EchoService, load(Settings), [contract.THING_DONE]))
