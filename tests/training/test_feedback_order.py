"""How much people disagree, and how dangerous a case is, by hand."""

from __future__ import annotations

from typing import Any

import pytest

from inference.correction import ActionFix, Fix, HazardFix, InstructionFix, RiskFix
from training.store.disagreement import UNKNOWN_RISK, disagreement, risk

SIZE = (300, 400)  # a diagonal of 500
MODEL = {"point_px": [100.0, 100.0]}
RIGHT, NONE = hazard_fix("right"), hazard_fix("none")


def at(x: float, y: float = 100.0, kind: str | None = None) -> HazardFix:
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
        ([NONE], MODEL, 1.0),
        ([NONE, at(5)], None, 1.0),
        ([NONE, NONE], None, 0.0),
        ([at(5)], {"point_px": None}, 1.0),  # the model saw nothing
        ([NONE], {"point_px": None}, 0.0),
        ([at(200)], None, 0.0),  # nobody to differ from
        ([RiskFix("wrong", "Near")], {"label": "Normal"}, 1.0),
        ([RiskFix("right")], {"label": "Normal"}, 0.0),
        ([RiskFix("wrong", probability=0.9)], {"probability": 0.5}, 0.4),
        ([RiskFix("wrong", "Near"), RiskFix("wrong", "Near")], None, 1.0),
        ([InstructionFix("right"), InstructionFix("wrong", instruction="Stop")], None, 1.0),
        ([InstructionFix("right")], {"text": "x"}, 0.0),
        ([ActionFix("wrong", ("turn left",))], {"actions": ["turn left"]}, 0.0),
        ([ActionFix("wrong", ("turn left",))], {"actions": ["turn right"]}, 1.0),
    ],
)
def test_disagreement(said: list[Fix], model: dict[str, Any] | None, expected: float) -> None:
    assert disagreement(said, model, SIZE) == pytest.approx(expected)


@pytest.mark.parametrize(
    ("said", "slices", "expected"),
    [
        ([], (), UNKNOWN_RISK),
        ([], ("rain", "urban"), UNKNOWN_RISK),
        ([], ("rain", "brake_lights"), 0.8),
        ([], ("pedestrian",), 1.0),
        ([at(1, kind="debris")], ("pedestrian",), 0.7),  # who looked knows better than the slice
        ([at(1, kind="debris"), at(2, kind="cyclist")], (), 1.0),
        ([RiskFix("wrong", "Collision")], (), 1.0),
        ([RiskFix("wrong", "Near", probability=0.25)], ("pedestrian",), 0.25),
    ],
)
def test_risk(said: list[Fix], slices: tuple[str, ...], expected: float) -> None:
    assert risk(said, slices) == expected
