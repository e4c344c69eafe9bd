"""One setting: how it is declared, where its text is found, and which values it takes."""

import dataclasses
import math
import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from environs import EnvError

from kit.keys import secrets_of
from kit.patches import LookupEnv

MOST = 1_000_000_000
MOST_OF_UNIT = {"_seconds": 1_000_000, "_hours": 876_000, "_days": 36_500}  # what every clock can add


class BadSetting(Exception):
    """Settings cannot be used; the text names them."""


def setting(
    default: Any,
    meaning: str,
    secret: bool = False,
    *,
    choices: Sequence[str] = (),
    within: tuple[float, float] | None = None,
    form: Callable[[str], str | None] | None = None,
    made: bool = False,
) -> Any:
    """A field read from the environment variable of its upper-case name, or from a file of `SECRETS_DIR`.

    One of `choices` is taken in any case. A number must be finite and `within` its bounds; without any
    it must be more than 0. `form` refuses a text with ValueError, and may give it back in another form.
    A secret that is `made` is this installation's own where development sets none.
    """
    constraints = {"choices": tuple(choices), "within": within, "form": form}
    metadata = {"meaning": meaning, "secret": secret, "made": made, **constraints}
    return dataclasses.field(default=default, metadata=metadata)


def read(field: "dataclasses.Field[Any]") -> Any:
    """One setting as the environment has it. Raises: BadSetting."""
    name = field.name.upper()
    parse = getattr(LookupEnv(raw_value), type(field.default).__name__)  # int, float, str or bool
    try:
        return fitting(field, parse(name, field.default))
    except EnvError as error:
        raise BadSetting(f"{name}: {error}") from error


def raw_value(name: str) -> str | None:
    """The text of a variable, or of its file in `SECRETS_DIR`; None when there is neither.

    Raises: BadSetting when the file cannot be read.
    """
    value = os.environ.get(name)
    folder = os.environ.get("SECRETS_DIR")
    if value or not folder:
        return value
    try:
        return (Path(folder) / name).read_text(encoding="utf-8").rstrip("\r\n")
    except FileNotFoundError:
        return value
    except (OSError, ValueError) as error:
        raise BadSetting(f"{name}: its file in SECRETS_DIR cannot be read ({error})") from error


def rising_days(text: str) -> tuple[int, ...]:
    """Whole numbers of days separated by commas, each once and rising. Raises: ValueError."""
    try:
        days = tuple(int(day) for day in text.split(",") if day.strip())
    except ValueError as error:
        raise ValueError("must be whole numbers separated by commas") from error
    if any(not 0 <= day <= MOST_OF_UNIT["_days"] for day in days) or list(days) != sorted(set(days)):
        raise ValueError("must rise, from 0")
    return days


def own_secrets() -> dict[str, str]:
    """This installation's own secrets, for development; empty where they cannot be stored."""
    try:
        return secrets_of(Path(os.environ.get("DATA_DIR") or "var"))
    except OSError:
        return {}
    except ValueError as error:
        raise BadSetting(str(error)) from error


def fitting(field: "dataclasses.Field[Any]", value: Any) -> Any:
    """A setting's value in its usual form. Raises: BadSetting."""
    try:
        if isinstance(value, str):
            return _fitting_text(field, value)
        if isinstance(value, int | float) and not isinstance(value, bool):
            _check_number(field, value)
    except ValueError as error:
        raise BadSetting(f"{field.name.upper()}: {error}") from error
    return value


def _fitting_text(field: "dataclasses.Field[Any]", text: str) -> str:
    choices, form = field.metadata["choices"], field.metadata["form"]
    if choices:
        usual = {choice.lower(): choice for choice in choices}.get(text.strip().lower())
        if usual is None:
            raise ValueError(f"must be one of {', '.join(choices)}, not {text!r}")
        return str(usual)
    if not all(character.isprintable() or character.isspace() for character in text):
        raise ValueError("holds a character that cannot be seen")
    return text if form is None else (form(text) or text)


def _check_number(field: "dataclasses.Field[Any]", number: float) -> None:
    if not math.isfinite(number):
        raise ValueError("must be a finite number")
    usual_most = next((most for unit, most in MOST_OF_UNIT.items() if field.name.endswith(unit)), MOST)
    least, most = field.metadata["within"] or (None, usual_most)
    if least is None and number <= 0:
        raise ValueError("must be more than 0")
    if (least is not None and number < least) or number > most:
        raise ValueError(f"must be {'at most' if least is None else f'from {least:g} to'} {most:g}")
