import json

import pytest

from inference.errors import UserError
from inference.tasks.hazard import TASK
from tests.training.hand import case, pointed, said
from training.evaluation.scoring import Tally, report
from training.evaluation.sets import EvalSet
from training.evaluation.table import table

POINT_KEYS = {"mse_px2", "median_px", "hit_50px", "in_box"}
TEXT_KEYS = {"parse_rate", "lm_loss", "bleu4", "rouge1", "rouge2", "rougeL"}


def tally(*rows: tuple) -> Tally:
    made = Tally(TASK)
    for one, answers in rows:
        made.add(one, answers)
    return made


def data(unseen: tuple[str, ...] = (), constant: tuple[float, float] | None = None) -> EvalSet:
    return EvalSet("hand", 0, lambda: (), constant, frozenset(unseen))


def test_sides_by_hand() -> None:
    made = tally(
        (
            case((100, 100), box=(90, 90, 110, 110)),
            {"base": said((103, 104)), "patch": pointed((100, 140), (100, 160), (100, 100))},
        ),
        (
            case((640, 460)),
            {"base": said(None, 3.0), "patch": pointed(None, (640, 360), (640, 400))},
        ),
    )
    sides = report(made, data())["sides"]
    base = sides["base"]
    assert base["mse_px2"] == pytest.approx((25 + 100**2) / 2)  # no point counts as the centre
    assert base["mse_px2_parsed"] == 25
    assert base["parse_rate"] == 0.5
    assert base["lm_loss"] == 2.0
    assert base["in_box"] == 1.0
    assert base["hit_50px"] == 0.5
    patch = sides["patch"]
    assert patch["mse_px2"] == pytest.approx((0 + 60**2) / 2)
    assert patch["parse_rate"] == 0.5  # of its text, although its head always points
    assert "mse_px2_parsed" not in patch
    assert sides["patch:soft_argmax"]["mse_px2"] == pytest.approx((60**2 + 100**2) / 2)
    assert sides["patch:text"]["mse_px2"] == pytest.approx((40**2 + 100**2) / 2)
    assert "patch:window" not in sides


def test_which_figures_a_side_has() -> None:
    answers = {"base": said((1, 2)), "patch": pointed((1, 2), (1, 2), (1, 2))}
    sides = report(tally((case((1, 2)), answers)), data())["sides"]
    assert set(sides["base"]) == POINT_KEYS | TEXT_KEYS | {"mse_px2_parsed"}
    assert set(sides["patch"]) == POINT_KEYS | TEXT_KEYS
    assert set(sides["patch:text"]) == POINT_KEYS | {"parse_rate", "mse_px2_parsed"}
    assert set(sides["patch:soft_argmax"]) == POINT_KEYS
    for baseline in ("centre_prior", "best_constant", "random"):
        assert set(sides[baseline]) == POINT_KEYS
    assert sides["base"]["in_box"] is None  # no case has a box


def test_errors_are_measured_at_1280_by_720() -> None:
    made = tally((case((320, 180), (640, 360)), {"base": said((330, 180))}))
    sides = report(made, data())["sides"]
    assert sides["base"]["median_px"] == 20
    assert sides["centre_prior"]["median_px"] == 0


def test_baselines() -> None:
    made = tally(
        (case((140, 360)), {"base": said((0, 0))}), (case((240, 360)), {"base": said((0, 0))})
    )
    sides = report(made, data())["sides"]
    assert sides["centre_prior"]["mse_px2"] == (500**2 + 400**2) / 2
    assert sides["best_constant"]["mse_px2"] == 50**2  # the mean of the set's own points
    given = report(made, data(constant=(0.5, 0.5)))["sides"]
    assert given["best_constant"] == given["centre_prior"]
    assert sides["random"] == report(made, data())["sides"]["random"]  # the same every time


def test_unseen_slices_stand_apart() -> None:
    rows = [
        (case((0, 0), slices=("night", "cut_in")), {"base": said((0, 10))}),
        (case((0, 0), slices=("night", "debris")), {"base": said((0, 30))}),
        (case((0, 0), slices=("animal",)), {"base": said((0, 40))}),
    ]
    result = report(tally(*rows), data(unseen=("debris", "animal")))
    assert result["n"] == 1
    assert result["sides"]["base"]["median_px"] == 10
    slices = result["slices"]
    assert {k: v["n"] for k, v in slices.items()} == {
        "unseen": 2,
        "animal": 1,
        "debris": 1,
        "cut_in": 1,
        "night": 1,
    }
    assert slices["debris"]["sides"]["base"]["median_px"] == 30
    assert slices["unseen"]["sides"]["base"]["median_px"] == 35
    assert slices["night"]["sides"]["base"]["median_px"] == 10  # the unseen ones left out
    assert set(slices["debris"]["sides"]["base"]) >= TEXT_KEYS
    assert "lm_loss" not in slices["night"]["sides"]["base"]


def test_table_shows_every_side_and_slice() -> None:
    rows = [
        (
            case((0, 0), slices=("night",)),
            {"base": said((0, 10)), "patch": pointed((1, 1), (1, 1), (9, 9))},
        ),
        (
            case((0, 0), slices=("debris",)),
            {"base": said((0, 30)), "patch": pointed((1, 1), (1, 1), (9, 9))},
        ),
    ]
    result = report(tally(*rows), data(unseen=("debris",)))
    shown = table(result, "hand")
    assert json.loads(json.dumps(result)) == result
    for word in ("hand, n = 1", "patch:soft_argmax", "random", "debris", "night", "LM loss"):
        assert word in shown
    assert len({len(line) for line in shown.split("\n\n")[0].splitlines()}) == 1  # columns align


def test_nothing_to_measure() -> None:
    with pytest.raises(UserError):
        report(Tally(TASK), data())
