"""What an operator does is recorded in the owning service's database: who, what, to what, and why."""

import getpass
import os
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, insert

from chassis.storage.tables import OPERATOR_ACTS
from kit.settings import BadSetting

NAME_VARIABLE = "MICROTASKS_OPERATOR"
LONGEST_NAME = 80


@dataclass(frozen=True)
class Act:
    """One thing an operator asked for: to what, in which service, whether it is done, and what came of it."""

    service: str
    act: str
    subject: str
    outcome: str
    done: bool = True


def operator() -> str:
    """The name of whoever runs the command: MICROTASKS_OPERATOR, or else the account of this machine.

    Raises: BadSetting when there is none that can be kept.
    """
    try:
        name = os.environ.get(NAME_VARIABLE) or getpass.getuser()
        name.encode()
    except (KeyError, OSError, UnicodeError) as error:
        raise BadSetting(f"{NAME_VARIABLE} must say who you are.") from error
    if not name.strip() or len(name) > LONGEST_NAME:
        raise BadSetting(f"{NAME_VARIABLE} must be a name of at most {LONGEST_NAME} characters.")
    return name


def record(connection: Connection, act: str, subject: str, reason: str | None, **details: Any) -> None:
    """Notes an act, in the transaction of the act."""
    row = {"operator": operator(), "act": act, "subject": subject, "reason": reason, "details": details}
    connection.execute(insert(OPERATOR_ACTS).values(row))


def subjects(acts: Sequence[Act]) -> set[str]:
    """What was acted on."""
    return {act.subject for act in acts}
