"""The kinds of value that a task's answer can hold, and how a task declares them.

A value says where it came from: the model's text (then with the span of characters that it was
parsed from), a head, a person, or the ground truth. Standard library only; knows no task, no model
and no page.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields
from typing import Any, Literal

from inference.checks import (
    check_choice,
    check_list,
    check_number,
    check_text,
    check_unique,
    short,
)
from inference.errors import UserError, unknown

Source = Literal["text", "head", "human", "truth"]
SOURCES: tuple[Source, ...] = ("text", "head", "human", "truth")
Span = tuple[int, int]
Box = tuple[float, float, float, float]
MAX_STEPS = 200
MAX_TIME_S = 1e6


@dataclass(frozen=True)
class Value:
    """What all kinds have. span: first and last + 1 character of the text that it came from."""

    source: Source = field(default="text", kw_only=True)
    span: Span | None = field(default=None, kw_only=True)

    def __post_init__(self) -> None:
        check_choice(self.source, SOURCES, "source")
        if self.span is not None:
            object.__setattr__(self, "span", _span(self.span))


@dataclass(frozen=True)
class Point(Value):
    """A position in pixels of the original image, x to the right, y down. box_px: x1, y1, x2, y2
    around what it points at, where one is known or was drawn."""

    x_px: float
    y_px: float
    box_px: Box | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        for name in ("x_px", "y_px"):
            value = getattr(self, name)
            if isinstance(value, bool) or not isinstance(value, int | float):
                raise UserError("Not a point", expected="two numbers", got=short(value))
        if not (_finite(self.x_px) and _finite(self.y_px)):
            got = f"{short(self.x_px)}, {short(self.y_px)}"
            raise UserError("Not a point", expected="finite x and y", got=got)
        if self.box_px is not None:
            object.__setattr__(self, "box_px", _box(self.box_px))

    @property
    def xy(self) -> tuple[float, float]:
        return self.x_px, self.y_px

    def distance_px(self, other: Point) -> float:
        return math.hypot(self.x_px - other.x_px, self.y_px - other.y_px)

    def inside(self, size_wh: tuple[int, int]) -> bool:
        """Whether it lies in an image of that size, its edges included."""
        return 0 <= self.x_px <= size_wh[0] and 0 <= self.y_px <= size_wh[1]


@dataclass(frozen=True)
class Label(Value):
    """One of a field's choices. probabilities: by choice, where the model's logits gave them."""

    value: str
    probabilities: Mapping[str, float] | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        check_text(self.value, "label")
        _probabilities(self.probabilities)


@dataclass(frozen=True)
class Labels(Value):
    """Several of a field's choices, each once. probabilities: of each being there."""

    values: tuple[str, ...]
    probabilities: Mapping[str, float] | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        rows = check_unique(self.values, MAX_STEPS, "labels")
        object.__setattr__(self, "values", tuple(check_text(row, "labels") for row in rows))
        _probabilities(self.probabilities)


@dataclass(frozen=True)
class Probability(Value):
    """From 0 to 1."""

    value: float

    def __post_init__(self) -> None:
        super().__post_init__()
        object.__setattr__(self, "value", check_number(self.value, "probability", 0, 1))


@dataclass(frozen=True)
class Text(Value):
    """Free text, at most checks.MAX_TEXT characters."""

    text: str

    def __post_init__(self) -> None:
        super().__post_init__()
        check_text(self.text, "text")


@dataclass(frozen=True)
class Step:
    """One step of a chain of thought. view: one of the clip's views ("road", "driver"), or None for
    all. start_s, end_s: the part of the clip that it speaks of, in seconds, or None. span: as in
    Value."""

    text: str
    view: str | None = None
    start_s: float | None = None
    end_s: float | None = None
    span: Span | None = None

    def __post_init__(self) -> None:
        check_text(self.text, "steps")
        if self.view is not None:
            check_text(self.view, "steps", 40)
        for name in ("start_s", "end_s"):
            value = getattr(self, name)
            if value is not None:
                object.__setattr__(self, name, check_number(value, "steps", 0, MAX_TIME_S))
        if self.start_s is not None and self.end_s is not None and self.end_s < self.start_s:
            got = f"{self.start_s:g} to {self.end_s:g} s"
            raise UserError("A step ends before it begins", got=got, field="steps")
        if self.span is not None:
            object.__setattr__(self, "span", _span(self.span))


@dataclass(frozen=True)
class Steps(Value):
    """A chain of thought, in order; numbered from 1 when shown."""

    steps: tuple[Step, ...]

    def __post_init__(self) -> None:
        super().__post_init__()
        rows = check_list(self.steps, "steps")
        if len(rows) > MAX_STEPS or any(not isinstance(row, Step) for row in rows):
            raise UserError(
                "Not a chain of thought",
                expected=f"at most {MAX_STEPS} steps",
                got=short(rows),
                field="steps",
            )
        object.__setattr__(self, "steps", tuple(rows))


KINDS: dict[str, type[Value]] = {
    "point": Point,
    "label": Label,
    "labels": Labels,
    "probability": Probability,
    "text": Text,
    "steps": Steps,
}
CHOSEN = frozenset({"label", "labels"})  # kinds whose fields list their choices


@dataclass(frozen=True)
class Field:
    """One field of a task's answer.

    name: key in answers, corrections and exports. label: on pages. choices: of a Label or Labels.
    optional: an answer without it is whole.
    """

    name: str
    kind: str
    label: str
    choices: tuple[str, ...] = ()
    optional: bool = False

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise unknown("kind of field", self.kind, KINDS)
        if not self.name.isidentifier():
            raise UserError("Not a field's name", expected="letters and _", got=short(self.name))
        few = len(self.choices) < 2 if self.kind in CHOSEN else bool(self.choices)
        if few or len(set(self.choices)) != len(self.choices):
            raise UserError(
                f"The field {self.name} has no valid choices",
                expected="at least two, each once, for labels; none for other kinds",
                got=short(self.choices),
            )

    def check(self, value: object) -> Value:
        """The value, if it is one of this field.

        Raises:
            UserError: (field: this field's name) another kind, or a label that is no choice.
        """
        kind = KINDS[self.kind]
        if not isinstance(value, kind):
            raise UserError(
                f"Not a value of {self.label}",
                expected=kind.__name__,
                got=type(value).__name__,
                field=self.name,
            )
        for chosen in _chosen(value):
            check_choice(chosen, self.choices, self.name)
        return value


@dataclass(frozen=True)
class Answer:
    """values: by field. missing: field -> why the answer has no value for it."""

    values: Mapping[str, Value]
    missing: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        both = set(self.values) & set(self.missing)
        if both:
            raise UserError("A field has a value and is missing", got=", ".join(sorted(both)))


def check_answer(declared: Sequence[Field], answer: Answer) -> Answer:
    """The answer, if it has a value or a reason for each declared field and nothing else.

    Raises:
        UserError: (field named) unknown, of another kind, or left out without a reason.
    """
    known = {f.name: f for f in declared}
    for name in (*answer.values, *answer.missing):
        if name not in known:
            raise unknown("field", name, known, "answer")
    for name, value in answer.values.items():
        known[name].check(value)
    for name, one in known.items():
        if not (one.optional or name in answer.values or name in answer.missing):
            raise UserError("A field is missing", expected=one.label, field=name)
    return answer


def first_point(values: Mapping[str, Value]) -> Point | None:
    """The first of a task's values that is a point: the one that heads learn and pages mark."""
    return next((v for v in values.values() if isinstance(v, Point)), None)


# ---- JSON -------------------------------------------------------------------------------------


def value_to_json(value: Value) -> dict[str, Any]:
    """Plain dicts, lists, strings and numbers; what is None is left out."""
    return {k: v for k, v in asdict(value, dict_factory=_plain).items() if v is not None}


def values_to_json(values: Mapping[str, Value]) -> dict[str, Any]:
    """By field."""
    return {name: value_to_json(value) for name, value in values.items()}


def value_from_json(declared: Field, obj: object) -> Value:
    """The inverse of `value_to_json`, also for what a page sends.

    Raises:
        UserError: (field: the declared field's name) something is unknown, missing or wrong.
    """
    kind = KINDS[declared.kind]
    if not isinstance(obj, Mapping):
        raise _not_one(declared, obj)
    values = dict(obj)
    try:
        if "steps" in values:
            values["steps"] = tuple(Step(**_named(row)) for row in values["steps"])
        return declared.check(kind(**_named(values)))
    except TypeError as error:  # a name that the kind does not have, or one that is missing
        raise _not_one(declared, obj) from error
    except UserError as error:
        error.field = declared.name
        raise


def _not_one(declared: Field, obj: object) -> UserError:
    names = ", ".join(f.name for f in fields(KINDS[declared.kind]))
    return UserError(
        f"Not a value of {declared.label}",
        expected=f"an object with {names}",
        got=short(obj),
        field=declared.name,
    )


def _named(obj: object) -> dict[str, Any]:
    """Lists as tuples, as the dataclasses hold them."""
    if not isinstance(obj, Mapping):
        raise TypeError("not an object")
    return {str(k): tuple(v) if isinstance(v, list) else v for k, v in obj.items()}


def _plain(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    return {k: list(v) if isinstance(v, tuple) else v for k, v in pairs if v is not None}


# ---- checks -----------------------------------------------------------------------------------


def _chosen(value: Value) -> tuple[str, ...]:
    if isinstance(value, Label):
        return (value.value, *(value.probabilities or ()))
    if isinstance(value, Labels):
        return (*value.values, *(value.probabilities or ()))
    return ()


def _finite(value: float) -> bool:
    try:
        return math.isfinite(value)
    except OverflowError:  # an integer beyond all floats
        return False


def _box(value: object) -> Box:
    rows = check_list(value, "box")
    try:
        x1, y1, x2, y2 = (float(v) for v in rows)
    except (TypeError, ValueError, OverflowError):
        raise UserError("Not a box", expected="4 numbers", got=short(value), field="box") from None
    if not (x1 < x2 and y1 < y2 and math.isfinite(x2 - x1 + y2 - y1)):
        raise UserError("Not a box", expected="x1 < x2 and y1 < y2", got=short(value), field="box")
    return x1, y1, x2, y2


def _span(value: object) -> Span:
    rows = check_list(value, "span")
    whole = all(type(v) is int and v >= 0 for v in rows)
    if len(rows) != 2 or not whole or rows[1] < rows[0]:
        expected = "first and last + 1 character"
        raise UserError("Not a span of text", expected=expected, got=short(value), field="span")
    return rows[0], rows[1]


def _probabilities(value: object) -> None:
    if value is None:
        return
    if not isinstance(value, Mapping):
        got = short(value)
        raise UserError("Not probabilities", expected="a number for each label", got=got)
    for name, share in value.items():
        check_text(name, "probabilities")
        check_number(share, "probabilities", 0, 1)
