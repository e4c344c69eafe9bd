"""What a look at something ends in."""

from dataclasses import dataclass
from enum import StrEnum


class Result(StrEnum):
    """How bad it is. Only `failed` makes the command fail."""

    OK = "ok"
    WARNING = "warning"
    FAILED = "failed"


@dataclass(frozen=True)
class Finding:
    """One thing that was looked at; `advice` says what to do when it is not well."""

    subject: str
    check: str
    result: Result
    found: str
    advice: str = ""


def ok(subject: str, check: str, found: str) -> Finding:
    """All is well."""
    return Finding(subject, check, Result.OK, found)


def warning(subject: str, check: str, found: str, advice: str) -> Finding:
    """It works, but somebody should look."""
    return Finding(subject, check, Result.WARNING, found, advice)


def failed(subject: str, check: str, found: str, advice: str) -> Finding:
    """It does not work."""
    return Finding(subject, check, Result.FAILED, found, advice)
