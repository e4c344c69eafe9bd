"""Errors of commands: one line on the terminal, with the right exit code."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import click

from kit.errors import ServiceError
from kit.settings import BadSetting
from kit.text import printable


class CliError(click.ClickException):
    """An error that the operator can fix; exit code 1."""

    def format_message(self) -> str:
        """Returns the message as a terminal can show it."""
        return printable(self.message, lines=True)


def postgresql_message(error: Any) -> str:
    """Returns the first line of PostgreSQL's or its driver's message, of an error that SQLAlchemy wrapped."""
    return str(error.orig).strip().partition("\n")[0].rpartition("FATAL:")[2].strip()


@contextmanager
def handle_errors() -> Iterator[None]:
    """Shows errors that a person can fix as one line; every other error keeps its traceback."""
    try:
        yield
    except BadSetting as error:
        raise click.UsageError(printable(str(error), lines=True)) from error
    except ServiceError as error:
        raise CliError(str(error)) from error
    except Exception as error:
        # Loaded here: a service that never speaks HTTP starts in less time and memory without it.
        from client.problem import Problem, Unreachable

        if not isinstance(error, Problem | Unreachable):
            raise
        raise CliError(str(error)) from error
