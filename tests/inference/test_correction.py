"""Fixs: what is accepted, what is refused and at which field, JSON both ways."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, reject, settings
from hypothesis import strategies as st

from inference.correction import (
    ACTIONS,
    HAZARD_KINDS,
    PAYLOADS,
    RISK_LABELS,
    ActionFix,
    EventFix,
    Fix,
    HazardFix,
    InstructionFix,
    RiskFix,
    StepFix,
    payload_from_json,
    payload_to_json,
    task_of,
)
from inference.errors import UserError

QUICK = settings(max_examples=40, deadline=None)

# ---- every valid payload survives JSON ---------------------------------------------------------

numbers = st.floats(0, 5000, allow_nan=False)
texts = st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=40)
points = st.tuples(numbers, numbers)
labels = st.none() | st.sampled_from(RISK_LABELS)


@st.composite
def boxes(draw: st.DrawFn) -> tuple[float, float, float, float]:
    x, y = draw(points)
    width, height = draw(st.tuples(*[st.floats(1, 500, allow_nan=False)] * 2))
    return x, y, x + width, y + height


@st.composite
def hazard_fixes(draw: st.DrawFn) -> HazardFix:
    verdict = draw(st.sampled_from(["right", "wrong", "no_hazard"]))
    place: dict[str, Any] = {}
    if verdict == "wrong":
        place = draw(points.map(lambda p: {"point_px": p}) | boxes().map(lambda b: {"box_px": b}))
    return hazard_fix(
        verdict,
        **place,
        kind=draw(st.none() | st.sampled_from(HAZARD_KINDS)),
        reason=draw(texts),
        five_second=draw(st.booleans()),
    )


steps = st.lists(
    st.builds(StepFix, st.integers(0, 199), st.booleans(), st.none() | texts),
    max_size=5,
    unique_by=lambda s: s.index,
).map(tuple)


def valid(build: Any, **parts: Any) -> st.SearchStrategy[Any]:
    """Only what the type itself accepts."""

    @st.composite
    def one(draw: st.DrawFn) -> Any:
        try:
            return build(**{name: draw(part) for name, part in parts.items()})
        except UserError:
            reject()

    return one()


verdicts = st.sampled_from(["right", "wrong"])
times = st.none() | st.floats(0, 1000, allow_nan=False)
payloads: st.SearchStrategy[Fix] = st.one_of(
    hazard_fixes(),
    valid(InstructionFix, verdict=verdicts, steps=steps, instruction=st.none() | texts),
    valid(
        RiskFix,
        verdict=verdicts,
        label=labels,
        event_time_s=times,
        probability=st.none() | st.floats(0, 1, allow_nan=False),
    ),
    valid(EventFix, verdict=verdicts, label=labels, event_time_s=times, steps=steps),
    valid(
        ActionFix,
        verdict=verdicts,
        actions=st.lists(st.sampled_from(ACTIONS), unique=True, min_size=1).map(tuple),
        reasons=st.lists(texts, unique=True, max_size=3).map(tuple),
    ),
)


@QUICK
@given(payloads)
def test_json_round_trip(payload: Fix) -> None:
    written = payload_to_json(payload)
    read = payload_from_json(task_of(payload), json.loads(json.dumps(written, allow_nan=False)))
    assert read == payload
    assert payload_to_json(read) == written


# ---- anything else is a UserError, never another exception -------------------------------------

anything = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(st.characters(), max_size=10)
    | st.sampled_from(["wrong", "right", "Near"]),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=8,
)
NAMES = [
    "verdict", "point_px", "box_px", "hazard_kind", "rationale", "five_second", "steps",
    "instruction", "label", "event_time_s", "probability", "actions", "reasons", "__class__",
]  # fmt: skip
objects = anything | st.dictionaries(st.sampled_from(NAMES), anything)


@settings(max_examples=80, deadline=None)
@given(st.sampled_from([*PAYLOADS, "none"]), objects)
def test_malformed_is_refused_in_words(task: str, sent: object) -> None:
    try:
        payload = payload_from_json(task, sent)
    except UserError as refused:
        error = refused
    else:  # what was accepted can be written and read again
        written = json.dumps(payload_to_json(payload), allow_nan=False)
        written.encode()  # no half surrogates
        assert payload_from_json(task, json.loads(written)) == payload
        return
    assert error.field
    assert str(error).isprintable()


# ---- by hand -----------------------------------------------------------------------------------


def test_box_gives_its_centre() -> None:
    fix = hazard_fix("wrong", box=(100, 40, 200, 80))
    assert fix.point_px == (150.0, 60.0)
    again = hazard_fix("wrong", xy=(150.4, 60.0), box=(100, 40, 200, 80))
    assert again.point_px == (150.0, 60.0)


@pytest.mark.parametrize(
    ("task", "sent", "field"),
    [
        ("parking", {"verdict": "right"}, "task"),
        ("hazard", None, "payload"),
        ("hazard", [], "payload"),
        ("hazard", {}, "verdict"),
        ("hazard", {"verdict": "maybe"}, "verdict"),
        ("hazard", {"verdict": ["right"]}, "verdict"),
        ("hazard", {"verdict": "wrong"}, "point"),
        ("hazard", {"verdict": "no_hazard", "point_px": [1, 2]}, "point"),
        ("hazard", {"verdict": "wrong", "point_px": [1]}, "point"),
        ("hazard", {"verdict": "wrong", "point_px": [1, float("nan")]}, "point"),
        ("hazard", {"verdict": "wrong", "point_px": [1, float("inf")]}, "point"),
        ("hazard", {"verdict": "wrong", "point_px": [True, 2]}, "point"),
        ("hazard", {"verdict": "wrong", "point_px": ["1", "2"]}, "point"),
        ("hazard", {"verdict": "wrong", "point_px": [-1, 2]}, "point"),
        ("hazard", {"verdict": "wrong", "point_px": [1, 10**400]}, "point"),
        ("hazard", {"verdict": "wrong", "box_px": [5, 5, 5, 9]}, "box"),
        ("hazard", {"verdict": "wrong", "point_px": [1, 1], "box_px": [5, 5, 9, 9]}, "point"),
        ("hazard", {"verdict": "right", "hazard_kind": "ghost"}, "hazard_kind"),
        ("hazard", {"verdict": "right", "rationale": 7}, "rationale"),
        ("hazard", {"verdict": "right", "rationale": "x" * 4001}, "rationale"),
        ("hazard", {"verdict": "right", "rationale": "a\0b"}, "rationale"),
        ("hazard", {"verdict": "right", "rationale": "\ud800"}, "rationale"),
        ("hazard", {"verdict": "right", "five_second": 1}, "five_second"),
        ("hazard", {"verdict": "right", "author": "me"}, "payload"),
        ("instruction", {"verdict": "wrong"}, "steps"),
        ("instruction", {"verdict": "wrong", "steps": "0"}, "steps"),
        ("instruction", {"verdict": "wrong", "steps": [{"index": 0}]}, "steps"),
        ("instruction", {"verdict": "wrong", "steps": [{"index": -1, "right": False}]}, "steps"),
        ("instruction", {"verdict": "wrong", "steps": [{"index": 0, "right": 0}]}, "steps"),
        ("instruction", {"verdict": "right", "steps": [{"index": 0, "right": False}]}, "steps"),
        ("instruction", {"verdict": "wrong", "steps": [{"index": 1, "right": False}] * 2}, "steps"),
        ("instruction", {"verdict": "wrong", "instruction": 3}, "instruction"),
        ("risk", {"verdict": "wrong"}, "label"),
        ("risk", {"verdict": "wrong", "label": "normal"}, "label"),
        ("risk", {"verdict": "wrong", "probability": 1.01}, "probability"),
        ("risk", {"verdict": "wrong", "event_time_s": -0.1}, "event_time"),
        ("event", {"verdict": "wrong"}, "label"),
        ("action", {"verdict": "wrong", "actions": ["fly"]}, "actions"),
        ("action", {"verdict": "wrong", "actions": ["turn left"] * 2}, "actions"),
        ("action", {"verdict": "wrong", "reasons": [[]]}, "reasons"),
    ],
)  # fmt: skip
def test_wrong_values_name_their_field(task: str, sent: object, field: str) -> None:
    with pytest.raises(UserError) as caught:
        payload_from_json(task, sent)
    assert caught.value.field == field


def test_error_texts_say_what_is_accepted() -> None:
    with pytest.raises(UserError, match="pedestrian, cyclist"):
        hazard_fix("right", kind="ghost")
    with pytest.raises(UserError, match="from 0 to 1"):
        RiskFix("wrong", probability=2)
