"""What a person says about an answer: one payload type for each task. Standard library only.

Payloads are checked when constructed. A UserError's `field` is the attribute's name without its
unit ("point" for point_px). Knows no store, no page and no model; whether a point lies inside its
picture is checked where the picture is known (training.store.feedback).
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any, Literal

from inference.checks import (
    check_choice,
    check_flag,
    check_list,
    check_number,
    check_numbers,
    check_text,
    check_unique,
    short,
)
from inference.errors import UserError, unknown

XY = tuple[float, float]
Box = tuple[float, float, float, float]
HazardVerdict = Literal["right", "wrong", "no_hazard"]
Verdict = Literal["right", "wrong"]
RiskLabel = Literal["Normal", "Near", "Collision"]

HAZARD_KINDS: tuple[str, ...] = (
    "pedestrian", "cyclist", "animal", "braking vehicle", "cut-in", "crossing vehicle",
    "oncoming vehicle", "stopped vehicle", "debris", "roadworks", "traffic signal", "other",
)  # fmt: skip
RISK_LABELS: tuple[RiskLabel, ...] = ("Normal", "Near", "Collision")
ACTIONS = ("move forward", "stop/slow down", "turn left", "turn right")
MAX_STEPS = 200
CENTRE_PX = 1.0  # a point given beside its box may differ from the centre by rounding


@dataclass(frozen=True)
class HazardFix:
    """Where the hazard is, in pixels of the original picture.

    point_px: needed where the verdict is "wrong", absent for "no_hazard".
    box_px: x1, y1, x2, y2; the point is then its centre, as INSIGHT's annotators drew it.
    five_second: the picture was seen for five seconds before the model's answer.
    """

    verdict: HazardVerdict
    point_px: XY | None = None
    box_px: Box | None = None
    hazard_kind: str | None = None
    rationale: str = ""
    five_second: bool = False

    def __post_init__(self) -> None:
        check_choice(self.verdict, ("right", "wrong", "no_hazard"), "verdict")
        check_text(self.rationale, "rationale")
        check_flag(self.five_second, "five_second")
        if self.hazard_kind is not None:
            check_choice(self.hazard_kind, HAZARD_KINDS, "hazard_kind")
        box = None if self.box_px is None else _box(self.box_px)
        point = None if self.point_px is None else _point(self.point_px)
        if box is not None:
            point = _centre(box, point)
        if self.verdict == "wrong" and point is None:
            raise UserError("A wrong answer needs the right point", field="point")
        if self.verdict == "no_hazard" and point is not None:
            raise UserError("“No hazard” cannot have a point", got=str(point), field="point")
        object.__setattr__(self, "box_px", box)
        object.__setattr__(self, "point_px", point)


@dataclass(frozen=True)
class StepFix:
    """One step of a chain of thought. event: what really happened, where the step is wrong."""

    index: int
    right: bool
    event: str | None = None

    def __post_init__(self) -> None:
        if type(self.index) is not int or not 0 <= self.index < MAX_STEPS:
            raise UserError(
                "Not a step",
                expected=f"a whole number from 0 to {MAX_STEPS - 1}",
                got=short(self.index),
                field="steps",
            )
        check_flag(self.right, "steps")
        if self.event is not None:
            check_text(self.event, "steps")


@dataclass(frozen=True)
class InstructionFix:
    """The trace step by step, and the instruction that should have been given."""

    verdict: Verdict
    steps: tuple[StepFix, ...] = ()
    instruction: str | None = None

    def __post_init__(self) -> None:
        check_choice(self.verdict, ("right", "wrong"), "verdict")
        _steps(self.steps, self.verdict)
        if self.instruction is not None:
            check_text(self.instruction, "instruction")
        mended = self.instruction or any(not s.right for s in self.steps)
        _needs_change(self.verdict, mended, "a wrong step or a better instruction", "steps")


@dataclass(frozen=True)
class RiskFix:
    """event_time_s: seconds from the clip's start. probability: of a collision, as the person
    sees it, 0 to 1."""

    verdict: Verdict
    label: RiskLabel | None = None
    event_time_s: float | None = None
    probability: float | None = None

    def __post_init__(self) -> None:
        check_choice(self.verdict, ("right", "wrong"), "verdict")
        if self.label is not None:
            check_choice(self.label, RISK_LABELS, "label")
        time, probability = self.event_time_s, self.probability
        if time is not None:
            object.__setattr__(self, "event_time_s", check_number(time, "event_time", 0, 1e6))
        if probability is not None:
            object.__setattr__(self, "probability", check_number(probability, "probability", 0, 1))
        said = any(v is not None for v in (self.label, time, probability))
        _needs_change(self.verdict, said, "a label, an event time or a probability", "label")


@dataclass(frozen=True)
class EventFix:
    """A clip's class with its reasoning trace (VLM-AutoDrive)."""

    verdict: Verdict
    label: RiskLabel | None = None
    event_time_s: float | None = None
    steps: tuple[StepFix, ...] = ()

    def __post_init__(self) -> None:
        check_choice(self.verdict, ("right", "wrong"), "verdict")
        if self.label is not None:
            check_choice(self.label, RISK_LABELS, "label")
        if self.event_time_s is not None:
            time = check_number(self.event_time_s, "event_time", 0, 1e6)
            object.__setattr__(self, "event_time_s", time)
        _steps(self.steps, self.verdict)
        said = self.label is not None or self.event_time_s is not None
        mended = said or any(not s.right for s in self.steps)
        _needs_change(self.verdict, mended, "a label, an event time or a wrong step", "label")


@dataclass(frozen=True)
class ActionFix:
    """What our car should do, and why (BDD-OIA's four actions; reasons in words)."""

    verdict: Verdict
    actions: tuple[str, ...] = ()
    reasons: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        check_choice(self.verdict, ("right", "wrong"), "verdict")
        for action in check_unique(self.actions, len(ACTIONS), "actions"):
            check_choice(action, ACTIONS, "actions")
        for reason in check_unique(self.reasons, 50, "reasons"):
            check_text(reason, "reasons")
        _needs_change(self.verdict, self.actions, "the right actions", "actions")


Payload = HazardFix | InstructionFix | RiskFix | EventFix | ActionFix
PAYLOADS: dict[str, type[Any]] = {
    "hazard": HazardFix,
    "instruction": InstructionFix,
    "event": EventFix,
    "risk": RiskFix,
    "action": ActionFix,
}


def payload_from_json(task: str, obj: object) -> Payload:
    """The payload that `payload_to_json` wrote, or that a page sent.

    Raises:
        UserError: (field named) unknown task, unknown or missing or wrong value.
    """
    if task not in PAYLOADS:
        raise unknown("task", str(task)[:80], PAYLOADS, "task")
    kind = PAYLOADS[task]
    values = dict(_object(obj, kind, "payload"))
    if values.get("steps"):
        values["steps"] = tuple(_step(row) for row in check_list(values["steps"], "steps"))
    for name, value in values.items():
        if isinstance(value, list):
            values[name] = tuple(value)
    fix: Payload = kind(**values)
    return fix


def payload_to_json(payload: Payload) -> dict[str, Any]:
    """Plain dicts, lists, strings, numbers and None; the inverse of `payload_from_json`."""
    listed: dict[str, Any] = _listed(asdict(payload))
    return listed


def task_of(payload: Payload) -> str:
    """The task that a payload belongs to."""
    for task, kind in PAYLOADS.items():
        if type(payload) is kind:
            return task
    raise UserError("Not a correction", got=type(payload).__name__, field="payload")


# ---- reading ----------------------------------------------------------------------------------


def _object(obj: object, kind: type[Any], field: str) -> Mapping[str, Any]:
    """`obj` as keyword arguments of `kind`: a mapping with known names, and those it must have."""
    known = [f.name for f in fields(kind)]
    if not isinstance(obj, Mapping):
        raise UserError("Not a correction", expected="an object", got=short(obj), field=field)
    for name in obj:
        if name not in known:
            raise unknown("part of a correction", short(name), known, field)
    first = {HazardFix: 1, StepFix: 2}.get(kind, 1)
    for name in known[:first]:
        if name not in obj:
            raise UserError("Something is missing", expected=name, field=_field(name, field))
    return obj


def _field(name: str, within: str) -> str:
    return name if within == "payload" else within


def _step(row: object) -> StepFix:
    return StepFix(**_object(row, StepFix, "steps"))


def _listed(value: Any) -> Any:
    """Tuples as lists, as JSON would give them back."""
    if isinstance(value, dict):
        return {k: _listed(v) for k, v in value.items()}
    if isinstance(value, list | tuple):
        return [_listed(v) for v in value]
    return value


# ---- checks -----------------------------------------------------------------------------------


def _point(value: object) -> XY:
    x, y = check_numbers(value, 2, "point")
    return x, y


def _box(value: object) -> Box:
    x1, y1, x2, y2 = check_numbers(value, 4, "box")
    if not (x1 < x2 and y1 < y2):
        raise UserError("Not a box", expected="x1 < x2 and y1 < y2", got=short(value), field="box")
    return x1, y1, x2, y2


def _centre(box: Box, point: XY | None) -> XY:
    centre = (box[0] + box[2]) / 2, (box[1] + box[3]) / 2
    if point is not None and math.dist(point, centre) > CENTRE_PX:
        raise UserError(
            "The point is not the box's centre", expected=str(centre), got=str(point), field="point"
        )
    return centre


def _steps(steps: object, verdict: str) -> None:
    rows = check_list(steps, "steps")
    if any(not isinstance(row, StepFix) for row in rows):
        raise UserError("Not a step", expected="steps", got=short(rows), field="steps")
    indices = [row.index for row in rows]
    if len(set(indices)) != len(indices):
        raise UserError("A step is there twice", got=short(indices), field="steps")
    if verdict == "right" and any(not row.right for row in rows):
        raise UserError("A right answer cannot have a wrong step", field="steps")


def _needs_change(verdict: str, said: object, what: str, field: str) -> None:
    if verdict == "wrong" and not said:
        raise UserError("A wrong answer needs to be mended", expected=what, field=field)
