"""What a browser or a client of the API sends, checked before any handler: a rule for each kind of
field. Gradio's components check little themselves, and say it in Python's words.

`ui.layout.Page` calls `check_arguments` for every event and every call. Knows no gradio: a field is
anything with the attributes of gradio's components (label, choices, minimum and so on).
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Sequence
from typing import Any, NoReturn

from inference.errors import UserError

MAX_TEXT = 100_000  # characters, where the field has no bound of its own
MAX_NUMBER = 1e12
MAX_DEPTH = 16
LEFT_OPEN = "If the page stood open for long, reload it"


def check_arguments(fields: Sequence[Any], sent: Sequence[Any]) -> None:
    """UserError for the first value that is none for its field: which one, what was expected, what
    came. A field that the server keeps itself (gr.State) is not sent."""
    names = [_name(field, place) for place, field in enumerate(fields)]
    if len(sent) < len(fields):
        raise UserError(
            "Arguments are missing",
            expected=f"{len(fields)}: {', '.join(names)}",
            got=f"{len(sent)}",
        )
    for field, name, value in zip(fields, names, sent, strict=False):
        if getattr(field, "stateful", False):
            continue
        if _deeper(value, MAX_DEPTH):
            _refuse(name, f"at most {MAX_DEPTH} levels of lists and objects", "more")
        for kind in type(field).__mro__:
            if kind.__name__ in _RULES:
                _RULES[kind.__name__](name, field, value)
                break


def read_event(event: Any) -> None:
    """What goes with an event (gr.EventData) is an object of plain values. Those that gradio itself
    reads are there, empty where the browser sent none; ours are read with getattr."""
    if event is None:
        return
    sent = event._data if isinstance(event._data, dict) else {}
    for key, value in sent.items():
        if isinstance(value, str):
            _text(f"event_data: {key}"[:80], None, value)
        elif _deeper(value, MAX_DEPTH):
            _refuse("event_data", f"at most {MAX_DEPTH} levels of lists and objects", "more")
    event._data = {"index": None, "value": None, **sent}


def whole(name: str, value: object, least: int, most: int) -> int:
    """A whole number within these bounds, both included; UserError (field `name`) otherwise."""
    number = isinstance(value, (int, float)) and not isinstance(value, bool)
    if not number or not least <= value <= most or value != int(value):  # type: ignore[call-overload,operator]
        _refuse(name, f"a whole number from {least:,} to {most:,}", _said(value))
    return int(value)  # type: ignore[call-overload,no-any-return]


def _name(field: Any, place: int) -> str:
    """The field's label up to its explanation."""
    label = getattr(field, "label", None) or getattr(field, "elem_id", None)
    return re.split("[:,]", label)[0].strip() if label else f"argument {place + 1}"


def _refuse(name: str, expected: str, got: str, hint: str | None = None) -> NoReturn:
    raise UserError(f"Wrong value for “{name}”", expected=expected, got=got, hint=hint, field=name)


def _said(value: object) -> str:
    """What came, as JSON, short and fit to be sent back."""
    if value is None:
        return "nothing"
    text = json.dumps(value, ensure_ascii=False).encode("utf-8", "replace").decode()
    return text if len(text) <= 80 else f"{text[:80]}… ({len(text):,} characters)"


def _deeper(value: object, levels: int) -> bool:
    now = [value]
    for _ in range(levels):
        now = [
            inner
            for outer in now
            if isinstance(outer, (list, dict))
            for inner in (outer.values() if isinstance(outer, dict) else outer)
        ]
    return bool(now)


# ---- a rule for each kind of field ------------------------------------------------------------


def _text(name: str, field: Any, value: Any) -> None:
    if value is None:
        return
    if not isinstance(value, str):
        _refuse(name, "a text", _said(value))
    most = getattr(field, "max_length", None) or MAX_TEXT
    if len(value) > most:
        _refuse(name, f"at most {most:,} characters", f"{len(value):,}")
    if "\0" in value or any("\ud800" <= letter <= "\udfff" for letter in value):
        _refuse(name, "a text of ordinary characters", _said(value))


def _typed(name: str, field: Any, value: Any) -> None:
    """A text field takes a number too, as its digits."""
    plain = isinstance(value, (int, float)) and not isinstance(value, bool)
    (_number if plain else _text)(name, field, value)


def _number(name: str, field: Any, value: Any) -> None:
    if value is None:  # an empty field
        return
    least = getattr(field, "minimum", None)
    most = getattr(field, "maximum", None)
    low = -MAX_NUMBER if least is None else least
    high = MAX_NUMBER if most is None else most
    if getattr(field, "precision", None) == 0:
        whole(name, value, int(low), int(high))
        return
    number = isinstance(value, (int, float)) and not isinstance(value, bool)
    if not number or not low <= value <= high:  # false for NaN too
        _refuse(name, f"a number from {low:g} to {high:g}", _said(value), LEFT_OPEN)


def _slider(name: str, field: Any, value: Any) -> None:
    if value is None:
        _refuse(name, "a number", _said(value))
    _number(name, field, value)


def _switch(name: str, field: Any, value: Any) -> None:
    if not isinstance(value, bool):
        _refuse(name, "true or false", _said(value))


def _choice(name: str, field: Any, value: Any) -> None:
    if value is None:
        return
    rule = _choices if getattr(field, "multiselect", False) else _one_of
    rule(name, field, value)


def _choices(name: str, field: Any, value: Any) -> None:
    if not isinstance(value, list):
        _refuse(name, "a list", _said(value))
    for one in value:
        _one_of(name, field, one)


def _one_of(name: str, field: Any, value: Any) -> None:
    if getattr(field, "allow_custom_value", False):
        _typed(name, field, value)
        return
    offered = [choice for _, choice in field.choices]
    if isinstance(value, (list, dict)) or value not in offered:
        known = ", ".join(map(str, offered[:12])) + (", …" if len(offered) > 12 else "")
        _refuse(name, f"one of {known}" if offered else "a choice", _said(value), LEFT_OPEN)


def _file(name: str, field: Any, value: Any) -> None:
    if value is None:
        return
    try:
        field.data_model.model_validate(value, context={"validate_meta": True})
    except (ValueError, TypeError, RecursionError):
        expected = 'a file as /upload names it: {"path": …, "meta": {"_type": "gradio.FileData"}}'
        _refuse(name, expected, _said(value))


Rule = Callable[[str, Any, Any], None]
_RULES: dict[str, Rule] = {
    "Textbox": _typed,
    "HTML": _text,
    "Number": _number,
    "Slider": _slider,
    "Checkbox": _switch,
    "Dropdown": _choice,
    "Radio": _choice,
    "CheckboxGroup": _choices,
    "Image": _file,
    "File": _file,
}
