"""The audit log of operators' actions, in the owning service's database: who, what, to what, and why."""

import getpass
import os
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, insert

from chassis.storage.tables import OPERATOR_ACTIONS
from kit.settings import BadSetting

NAME_VARIABLE = "MICROTASKS_OPERATOR"
LONGEST_NAME = 80


@dataclass(frozen=True)
class AuditEntry:
    """One action of an operator: on what, in which service, whether it is done, and its outcome."""

    service: str
    act: str
    subject: str
    outcome: str
    done: bool = True


def operator() -> str:
    """Returns the operator's name: MICROTASKS_OPERATOR, or else the account of this machine.

    Raises: BadSetting when there is none that can be stored.
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
    """Stores an entry in the transaction of the action."""
    row = {"operator": operator(), "act": act, "subject": subject, "reason": reason, "details": details}
    connection.execute(insert(OPERATOR_ACTIONS).values(row))


def subjects(entries: Sequence[AuditEntry]) -> set[str]:
    """Returns what the entries are about."""
    return {entry.subject for entry in entries}
