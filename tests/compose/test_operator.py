"""Operators' commands on the real stack, with the account they have there and RabbitMQ 4."""

import json
from typing import Any

from tests.compose.project import Project, say
from tests.support.servers import eventually

LOOKS = 30
POISON = """
import json, os
from urllib.parse import urlsplit
import amqp
parts = urlsplit(os.environ["AMQP_URL"])
connection = amqp.Connection(host=f"{parts.hostname}:{parts.port}", userid=parts.username,
                             password=parts.password, confirm_publish=True)
connection.connect()
channel = connection.channel()
channel.basic_publish(amqp.Message('{"version": 99}', delivery_mode=2), "reviews.events", "review_submitted")
call = json.dumps({"args": [], "kwargs": {"order_id": "none"}})
channel.basic_publish(amqp.Message(call), "nameko-rpc", "orders.get_order")
connection.close()
"""
LOOK_OFTEN = f"""
from kit.settings import Settings, load
from cli.operations.dead_letters import find
for _ in range({LOOKS}):
    print(*(letter.id for letter, _ in find(load(Settings), ["messaging", "orders"])))
"""


def operator(project: Project, *words: str) -> Any:
    """What a command says to a program."""
    run = ("run", "--rm", "-T", "-e", "MICROTASKS_OPERATOR=Olive", "operator", *words, "--json")
    return json.loads(project.compose(*run))


def dead_letters(project: Project) -> list[Any]:
    return list(operator(project, "dead-letters", "list")["dead_letters"])


def test_dead_letters_bear_thirty_looks_and_go_back_where_they_died(project: Project) -> None:
    earlier = {message["id"] for message in dead_letters(project)}

    def fresh() -> dict[str, Any]:
        return {
            message["service"]: message for message in dead_letters(project) if message["id"] not in earlier
        }

    project.python("reviews", POISON)
    eventually(lambda: set(fresh()) == {"messaging", "orders"}, 60, "both are dead letters")
    ids = [fresh()["messaging"]["id"], fresh()["orders"]["id"]]
    look = ("run", "--rm", "-T", "--entrypoint", "python3", "operator", "-")
    looked = project.compose(*look, stdin=LOOK_OFTEN).splitlines()
    say(f"{len(looked)} looks, none lost")
    assert [[one for one in line.split() if one not in earlier] for line in looked] == [ids] * LOOKS

    [act] = operator(project, "dead-letters", "replay", ids[0], "--anyway", "--reason", "a test")["acts"]
    assert act["done"] and "messaging.on_review_submitted" in act["outcome"]
    eventually(lambda: "messaging" in fresh(), 30, "it died again")
    dry = operator(project, "dead-letters", "replay", ids[1], "--dry-run")
    assert dry["acts"][0]["outcome"] == "sent to orders.get_order"
    operator(project, "dead-letters", "drop", *(x["id"] for x in fresh().values()), "--reason", "a test")
    assert fresh() == {}
    recorded = project.rows("messaging", "SELECT operator, act FROM operator_acts ORDER BY id")
    assert recorded == [("Olive", "dead-letters replay"), ("Olive", "dead-letters drop")]


def test_everything_stuck_is_seen_from_there(project: Project) -> None:
    assert {o["unsent"] for o in operator(project, "outbox", "status")["outboxes"]} == {0}
    assert operator(project, "events", "list")["events"] == []
    assert {q["consumers"] for q in operator(project, "queues")["queues"] if q["purpose"] == "calls"} >= {1}
    replayed = operator(project, "outbox", "replay", "--since", "1h", "--consumer", "reviews")["acts"]
    assert replayed == [], "nothing is lacking"
