"""Checks of values that come from a form, a file or the raw API. Standard library only.

Each raises a UserError that names the form's field.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from inference.errors import UserError

MAX_TEXT = 4000  # characters of one text


def short(value: object) -> str:
    return ascii(value)[:80]


def check_choice(value: object, known: Sequence[str], field: str) -> None:
    if not isinstance(value, str) or value not in known:
        raise UserError(
            f"Unknown {field.replace('_', ' ')}",
            expected=f"one of {', '.join(known)}",
            got=short(value),
            field=field,
        )


def check_flag(value: object, field: str) -> None:
    if not isinstance(value, bool):
        raise UserError("Not yes or no", expected="true or false", got=short(value), field=field)


def check_text(value: object, field: str, longest: int = MAX_TEXT) -> str:
    """A text that can be kept and shown.

    Raises:
        UserError: too long, or characters that no file can hold (half a surrogate, control codes).
    """
    if not isinstance(value, str):
        raise UserError("Not a text", expected="a text", got=short(value), field=field)
    if len(value) > longest:
        raise UserError(
            "The text is too long",
            expected=f"at most {longest} characters",
            got=str(len(value)),
            field=field,
        )
    for c in value:
        if "\ud800" <= c <= "\udfff" or (c < " " and c not in "\n\r\t") or c == "\x7f":
            raise UserError("The text cannot be kept", got=f"the character {c!r}", field=field)
    return value


def check_number(value: object, field: str, least: float, most: float) -> float:
    if isinstance(value, int | float) and not isinstance(value, bool) and least <= value <= most:
        return float(value)  # nan fails both comparisons
    expected = f"a number from {least:g} to {most:g}"
    raise UserError("Not a valid number", expected=expected, got=short(value), field=field)


def check_list(value: object, field: str) -> Sequence[Any]:
    if not isinstance(value, list | tuple):
        raise UserError("Not a list", expected="a list", got=short(value), field=field)
    return value


def check_unique(value: object, most: int, field: str) -> Sequence[Any]:
    rows = check_list(value, field)
    try:
        repeated = len(set(rows)) != len(rows)
    except TypeError:
        repeated = True
    if repeated or len(rows) > most:
        expected = f"at most {most}, each once"
        raise UserError("Not a valid list", expected=expected, got=short(rows), field=field)
    return rows
