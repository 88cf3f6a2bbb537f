"""Fixes: what is accepted, what is refused and at which field, JSON both ways."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from inference.correction import Fix, fix_from_json
from inference.errors import UserError
from inference.fields import Point
from inference.tasks.base import Task
from inference.tasks.hazard import TASK
from tests.fixes import hazard_fix
from tests.inference.test_fields import values_of

shares = st.floats(0, 4000)
QUICK = settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


@st.composite
def fixes(draw: st.DrawFn, task: Task) -> Fix:
    """Any fix of the task: of each field and note a value or none."""
    values = {}
    for one in (*task.fields, *task.notes):
        value = draw(st.none() | values_of(one))
        if isinstance(value, Point):
            x, y = draw(st.tuples(shares, shares))
            box = (max(x - 1, 0), y, x + (1 if x > 1 else x), y + 3)
            drawn = x > 0 and draw(st.booleans())
            value = Point((box[0] + box[2]) / 2, y + 1.5, box) if drawn else Point(x, y)
        if value is not None:
            values[one.name] = value
    verdicts = ["right"] + ["wrong"] * any(
        f.name in values for f in task.fields if not f.optional
    ) + ["none"] * bool(task.absent and task.main not in values)  # fmt: skip
    return Fix(task.name, draw(st.sampled_from(verdicts)), values, draw(st.booleans()))


@QUICK
@given(st.data())
def test_a_fix_is_the_same_after_json(made_up, data):
    fix = data.draw(fixes(data.draw(st.sampled_from([TASK, made_up]))))
    sent = fix.to_json()
    read = fix_from_json(fix.task, json.loads(json.dumps(sent, allow_nan=False)))
    # A person's text has no spans; those of a chain's steps stay.
    assert read == fix
    assert read.to_json() == sent
    assert all(v.source == "human" and v.span is None for v in read.values.values())


# ---- anything else is a UserError, never another exception -------------------------------------

anything = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(st.characters(), max_size=10)
    | st.sampled_from(["wrong", "right", "Collision"]),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=8,
)
FIELDS = ["point", "reason", "hazard_kind", "event", "actions", "chance", "trace", "__class__"]
PARTS = ["x_px", "y_px", "box_px", "value", "values", "text", "steps", "probabilities", "span"]
parts = anything | st.dictionaries(st.sampled_from(PARTS), anything)
values = anything | st.dictionaries(st.sampled_from(FIELDS), parts)
objects = anything | st.fixed_dictionaries(
    {}, optional={"verdict": anything, "values": values, "five_second": anything, "x": anything}
)


@settings(QUICK, max_examples=120)
@example(task="hazard", sent={"verdict": None, "values": {"": None}})
@given(task=st.sampled_from(["hazard", "made_up", "none"]), sent=objects)
def test_malformed_is_refused_in_words(made_up, task, sent):
    try:
        fix = fix_from_json(task, sent)
    except UserError as refused:
        error = refused
    else:
        error = None
    if error is not None:
        assert error.field
        assert str(error).isprintable()
        return
    # What was accepted can be written and read again.
    written = json.dumps(fix.to_json(), allow_nan=False)
    written.encode()  # no half surrogates
    assert fix_from_json(task, json.loads(written)) == fix


# ---- by hand -----------------------------------------------------------------------------------


def test_box_gives_its_centre():
    box = (100, 40, 200, 80)
    for drawn in (hazard_fix(box=box), hazard_fix(xy=(150.4, 60.0), box=box)):
        assert drawn.values["point"] == Point(150.0, 60.0, box, source="human")


def point(x: object, y: object, box: object = None) -> dict[str, Any]:
    return {"point": {"x_px": x, "y_px": y} | ({"box_px": box} if box else {})}


@pytest.mark.parametrize(
    ("task", "verdict", "values", "field"),
    [
        ("parking", "right", {}, "task"),
        ("hazard", "maybe", {}, "verdict"),
        ("hazard", ["right"], {}, "verdict"),
        ("hazard", "wrong", {}, "point"),
        ("hazard", "wrong", {"reason": {"text": "no place"}}, "point"),
        ("hazard", "none", point(1, 2), "point"),
        ("hazard", "wrong", point(-1, 2), "point"),
        ("hazard", "wrong", point(1, 1, [5, 5, 9, 9]), "point"),
        ("hazard", "right", {"hazard_kind": {"value": "ghost"}}, "hazard_kind"),
        ("hazard", "right", {"event": {"value": "Normal"}}, "event"),
        ("hazard", "right", [], "values"),
        ("made_up", "none", {}, "verdict"),  # there always is an event
        ("made_up", "wrong", {"advice": {"text": "Stop"}}, "event"),
        ("made_up", "right", {"place": {"x_px": -1, "y_px": 0}}, "place"),
    ],
)
def test_wrong_values_name_their_field(made_up, task, verdict, values, field):
    with pytest.raises(UserError) as caught:
        fix_from_json(task, {"verdict": verdict, "values": values})
    assert caught.value.field == field


@pytest.mark.parametrize(
    ("sent", "field"),
    [
        (None, "payload"),
        ([], "payload"),
        ({}, "verdict"),
        ({"verdict": "right", "five_second": 1}, "five_second"),
        ({"verdict": "right", "author": "me"}, "payload"),
    ],
)
def test_what_is_no_correction_names_its_part(sent, field):
    with pytest.raises(UserError) as caught:
        fix_from_json("hazard", sent)
    assert caught.value.field == field


def test_error_texts_say_what_is_accepted():
    with pytest.raises(UserError, match="pedestrian, cyclist"):
        hazard_fix("right", kind="ghost")
