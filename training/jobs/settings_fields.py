"""How a setting is declared: its default, and what a form needs: limits, group, label, meaning."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any, Literal

from inference.errors import UserError

Kind = Literal["int", "float", "bool", "choice", "choices"]


@dataclass(frozen=True)
class FieldSpec:
    """One setting.

    kind: "choice" is one of `choices`, "choices" a non-empty list of them. low, high: inclusive.
    unit: for the label, empty where a number stands for itself. group: heading in the form.
    """

    label: str
    meaning: str
    kind: Kind
    group: str
    unit: str = ""
    low: float = 0.0
    high: float = math.inf
    choices: tuple[str, ...] = ()

    @property
    def limits(self) -> str:
        """The limits in words."""
        if self.kind == "bool":
            return "yes or no"
        if self.kind == "choice":
            return f"one of {', '.join(self.choices)}"
        if self.kind == "choices":
            return f"one or more of {', '.join(self.choices)}, each once"
        whole = "a whole number" if self.kind == "int" else "a number"
        return f"{whole} from {self.low:g} to {self.high:g}{' ' + self.unit if self.unit else ''}"

    def checked(self, name: str, value: Any) -> Any:
        """The value in its own type. Raises UserError (field = name): it is of another type or
        outside the limits."""
        made = _CHECKS[self.kind](self, value)
        if made is None:
            raise UserError(
                f"{self.label} is not valid",
                expected=self.limits,
                got=repr(value)[:100],
                field=name,
            )
        return made


def _number(spec: FieldSpec, value: Any) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        return None
    return float(value) if spec.low <= value <= spec.high else None


def _whole(spec: FieldSpec, value: Any) -> int | None:
    """A form's slider hands 3.0 for 3."""
    number = _number(spec, value)
    return int(number) if number is not None and number == int(number) else None


def _choices(spec: FieldSpec, value: Any) -> tuple[str, ...] | None:
    if not isinstance(value, list | tuple) or not value or len(set(map(str, value))) != len(value):
        return None
    return tuple(value) if all(v in spec.choices for v in value) else None


_CHECKS = {
    "int": _whole,
    "float": _number,
    "bool": lambda spec, value: value if isinstance(value, bool) else None,
    "choice": lambda spec, value: value if value in spec.choices else None,
    "choices": _choices,
}


def whole(
    default: int, low: int, high: int, group: str, label: str, meaning: str, unit: str = ""
) -> Any:
    return _field(default, FieldSpec(label, meaning, "int", group, unit, low, high))


def number(
    default: float, low: float, high: float, group: str, label: str, meaning: str, unit: str = ""
) -> Any:
    return _field(default, FieldSpec(label, meaning, "float", group, unit, low, high))


def switch(default: bool, group: str, label: str, meaning: str) -> Any:
    return _field(default, FieldSpec(label, meaning, "bool", group))


def choice(default: str, of: tuple[str, ...], group: str, label: str, meaning: str) -> Any:
    return _field(default, FieldSpec(label, meaning, "choice", group, choices=of))


def several(
    default: tuple[str, ...], of: tuple[str, ...], group: str, label: str, meaning: str
) -> Any:
    return _field(default, FieldSpec(label, meaning, "choices", group, choices=of))


def _field(default: Any, spec: FieldSpec) -> Any:
    return field(default=default, metadata={"spec": spec})
