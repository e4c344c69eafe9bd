"""The results of examinations."""

from dataclasses import dataclass
from enum import StrEnum


class Result(StrEnum):
    """The severity of a finding. Only `failed` makes the command fail."""

    OK = "ok"
    WARNING = "warning"
    FAILED = "failed"


@dataclass(frozen=True)
class Finding:
    """The result of one check; `advice` says what to do unless it is `ok`."""

    subject: str
    check: str
    result: Result
    found: str
    advice: str = ""


def ok(subject: str, check: str, found: str) -> Finding:
    """Returns a finding without a problem."""
    return Finding(subject, check, Result.OK, found)


def warning(subject: str, check: str, found: str, advice: str) -> Finding:
    """Returns a finding that works and needs attention."""
    return Finding(subject, check, Result.WARNING, found, advice)


def failed(subject: str, check: str, found: str, advice: str) -> Finding:
    """Returns a finding that does not work."""
    return Finding(subject, check, Result.FAILED, found, advice)
