"""How much people disagree, and how dangerous a case is, by hand."""

from __future__ import annotations

from typing import Any

import pytest

from inference.correction import Fix
from inference.fields import Label, Labels, Point, Probability, Text, Value
from inference.tasks.base import Task
from inference.tasks.hazard import TASK
from tests.fixes import hazard_fix
from training.store.disagreement import UNKNOWN_RISK, disagreement, risk

SIZE = (300, 400)  # a diagonal of 500
MODEL = {"point": Point(100.0, 100.0)}
RIGHT, NONE = hazard_fix("right"), hazard_fix("none")


def at(x: float, y: float = 100.0, kind: str | None = None) -> Fix:
    return hazard_fix("wrong", (x, y), kind=kind)


@pytest.mark.parametrize(
    ("said", "model", "expected"),
    [
        ([], MODEL, 0.0),
        ([RIGHT], MODEL, 0.0),
        ([at(200)], MODEL, 0.2),
        ([at(200), at(50)], MODEL, 0.3),  # people's points are further apart than either's from it
        ([at(200), at(250)], MODEL, 0.3),  # the second from the model's
        ([at(200), RIGHT], MODEL, 0.2),
        ([at(100, kind="debris"), at(100, kind="cyclist")], MODEL, 0.0),  # notes are not compared
        ([NONE], MODEL, 1.0),
        ([NONE, at(5)], None, 1.0),
        ([NONE, NONE], None, 0.0),
        ([at(5)], {}, 1.0),  # the model saw nothing
        ([NONE], {}, 0.0),
        ([at(200)], None, 0.0),  # nobody to differ from
    ],
)
def test_disagreement(said: list[Fix], model: dict[str, Any] | None, expected: float) -> None:
    assert disagreement(said, TASK, model, SIZE) == pytest.approx(expected)


Values = dict[str, Value]
NEAR, COLLISION = {"event": Label("Near-Collision")}, {"event": Label("Collision")}


def made_up_fix(values: Values | None) -> Fix:
    """None: the answer is right."""
    return Fix("made_up", "right" if values is None else "wrong", values or {})


@pytest.mark.parametrize(
    ("said", "model", "expected"),
    [
        ([NEAR], {"event": Label("Normal")}, 1.0),
        ([None], {"event": Label("Normal")}, 0.0),
        ([NEAR, NEAR], None, 0.0),  # two who say the same agree, though no answer was shown
        ([{"chance": Probability(0.9)}], {"chance": Probability(0.5)}, 0.4),
        ([{"actions": Labels(("brake", "turn left"))}], {"actions": Labels(("brake",))}, 0.5),
        ([{"actions": Labels(())}], {"actions": Labels(())}, 0.0),
        ([{**NEAR, "advice": Text("Stop")}], {**NEAR, "advice": Text("Brake")}, 0.0),
        ([None, NEAR], None, 1.0),  # no field in common: right against wrong
    ],
)
def test_disagreement_by_kind_of_field(
    made_up: Task, said: list[Values | None], model: Values | None, expected: float
) -> None:
    fixes = [made_up_fix(values) for values in said]
    assert disagreement(fixes, made_up, model, SIZE) == pytest.approx(expected)


@pytest.mark.parametrize(
    ("said", "slices", "expected"),
    [
        ([], (), UNKNOWN_RISK),
        ([], ("rain", "urban"), UNKNOWN_RISK),
        ([], ("rain", "brake_lights"), 0.8),
        ([], ("pedestrian",), 1.0),
        ([at(1, kind="debris")], ("pedestrian",), 0.7),  # who looked knows better than the slice
        ([at(1, kind="debris"), at(2, kind="cyclist")], (), 1.0),
    ],
)
def test_risk(said: list[Fix], slices: tuple[str, ...], expected: float) -> None:
    assert risk(said, slices) == expected


@pytest.mark.parametrize(
    ("values", "expected"), [(COLLISION, 1.0), ({"chance": Probability(0.25)}, 0.25)]
)
@pytest.mark.usefixtures("made_up")
def test_risk_that_somebody_stated(values: Values, expected: float) -> None:
    assert risk([made_up_fix(values)], ("animal",)) == expected
