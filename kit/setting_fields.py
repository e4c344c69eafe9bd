"""One setting: its declaration, the source of its value, and the values that it accepts."""

import dataclasses
import math
import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from environs import EnvError

from kit.patches import LookupEnv
from kit.security.keys import secrets_of

MAX_NUMBER = 1_000_000_000
MAX_OF_UNIT = {"_seconds": 1_000_000, "_hours": 876_000, "_days": 36_500}  # so that dates stay representable


class BadSetting(Exception):
    """Settings that cannot be used; the text names them."""


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

    One of `choices` is accepted in any case. A number must be finite and `within` its bounds; without
    bounds it must be more than 0. `form` raises ValueError for an invalid text, and may return it in
    another form. A secret that is `made` is generated for a development installation that sets none.
    """
    constraints = {"choices": tuple(choices), "within": within, "form": form}
    metadata = {"meaning": meaning, "secret": secret, "made": made, **constraints}
    return dataclasses.field(default=default, metadata=metadata)


def read(field: "dataclasses.Field[Any]") -> Any:
    """Returns one setting from the environment. Raises: BadSetting."""
    name = field.name.upper()
    parse = getattr(LookupEnv(raw_value), type(field.default).__name__)  # int, float, str or bool
    try:
        return fitting(field, parse(name, field.default))
    except EnvError as error:
        raise BadSetting(f"{name}: {error}") from error


def raw_value(name: str) -> str | None:
    """Returns the text of a variable, or of its file in `SECRETS_DIR`; None when there is neither.

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
    """Returns whole numbers of days separated by commas, in ascending order. Raises: ValueError."""
    try:
        days = tuple(int(day) for day in text.split(",") if day.strip())
    except ValueError as error:
        raise ValueError("must be whole numbers separated by commas") from error
    if any(not 0 <= day <= MAX_OF_UNIT["_days"] for day in days) or list(days) != sorted(set(days)):
        raise ValueError("must rise, from 0")
    return days


def own_secrets() -> dict[str, str]:
    """Returns this installation's own secrets, for development; empty where they cannot be stored."""
    try:
        return secrets_of(Path(os.environ.get("DATA_DIR") or "var"))
    except OSError:
        return {}
    except ValueError as error:
        raise BadSetting(str(error)) from error


def fitting(field: "dataclasses.Field[Any]", value: Any) -> Any:
    """Returns a setting's value in canonical form. Raises: BadSetting."""
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
        canonical = {choice.lower(): choice for choice in choices}.get(text.strip().lower())
        if canonical is None:
            raise ValueError(f"must be one of {', '.join(choices)}, not {text!r}")
        return str(canonical)
    if not all(character.isprintable() or character.isspace() for character in text):
        raise ValueError("holds a character that cannot be seen")
    return text if form is None else (form(text) or text)


def _check_number(field: "dataclasses.Field[Any]", number: float) -> None:
    if not math.isfinite(number):
        raise ValueError("must be a finite number")
    default_maximum = next(
        (maximum for unit, maximum in MAX_OF_UNIT.items() if field.name.endswith(unit)), MAX_NUMBER
    )
    minimum, maximum = field.metadata["within"] or (None, default_maximum)
    if minimum is None and number <= 0:
        raise ValueError("must be more than 0")
    if (minimum is not None and number < minimum) or number > maximum:
        raise ValueError(f"must be {'at most' if minimum is None else f'from {minimum:g} to'} {maximum:g}")
