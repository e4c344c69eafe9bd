"""Options that the operators' commands share."""

import logging
from collections.abc import Callable
from typing import Any, TypeVar

import click

from kit.logging import configure
from services.registry import NAMES

Command = TypeVar("Command", bound=Callable[..., Any])


def only_the_answer() -> None:
    """Keeps libraries' warnings off the screen: what is wrong is said in a sentence."""
    configure("CRITICAL", "console")
    logging.disable(logging.CRITICAL)


class Sentence(click.ParamType[str]):
    """Words that every store and screen can hold."""

    name = "text"

    def convert(self, value: str, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """Takes it as it is, unless it is blank or no text."""
        if not value.strip():
            self.fail("Say something.", param, ctx)
        if any("\ud800" <= character <= "\udfff" for character in value):
            self.fail("That is not UTF-8.", param, ctx)
        return value


json_option = click.option("--json", "as_json", is_flag=True, help="For a program: one JSON object.")


def one_service(meaning: str) -> Callable[[Command], Command]:
    """`--service`: one of them instead of all."""
    return click.option("--service", type=click.Choice(NAMES), help=meaning)


def audited_options(reason_required: bool = False) -> Callable[[Command], Command]:
    """`--reason` and `--dry-run`: what every command has that changes something."""

    def add(command: Command) -> Command:
        reason = click.option(
            "--reason",
            type=Sentence(),
            required=reason_required,
            help="Why; stored in the audit log.",
        )
        dry_run = click.option("--dry-run", is_flag=True, help="Shows what would be done; changes nothing.")
        return reason(dry_run(command))

    return add
