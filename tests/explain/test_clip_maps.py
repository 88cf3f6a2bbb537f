"""Maps of a clip: one a frame, shares by view, the same numbers as an image's for one frame."""

from __future__ import annotations

import numpy as np
import pytest

from explain.attention import explain as attention
from explain.centre import centre_prior
from explain.maps import make_pair_maps
from explain.measures import share_by_view, share_near_point
from explain.registry import EXPLAINERS
from explain.sinks import fill_sinks
from explain.types import MapSettings
from inference.fields import Answer, Point
from inference.inputs import ClipInput, ClipView
from inference.schema import (
    AnswerToken,
    Heatmap,
    PairPrediction,
    PairRequest,
    PatchGrid,
    Side,
    SidePrediction,
    Trace,
)

GRID = PatchGrid(2, 2, (200, 100), frames=3, temporal=2)
VIEWS = (ClipView("road", 0, 60), ClipView("driver", 60, 100))
USUAL = {option.name: option.default for option in EXPLAINERS["attention"].options}


def side(name: Side, attention: np.ndarray) -> SidePrediction:
    token = AnswerToken("brake", -0.1)
    trace = Trace(name, (token,), GRID, attention, logit_lens=np.full((1, 12), 0.1))
    return SidePrediction(name, name, "brake", (token,), Answer({}), trace)


def rows(*cells: float) -> np.ndarray:
    """One token, one layer, one head."""
    return np.array(cells, np.float32).reshape(1, 1, 1, 12)


def test_each_frame_has_its_map():
    made = attention(side("base", rows(*range(12))), MapSettings(options=USUAL))
    assert made.values.shape == (3, 2, 2)
    assert made.at(0).values.tolist() == made.at(1).values.tolist() == [[0, 1], [2, 3]]
    assert made.at(5).values.tolist() == [[8, 9], [10, 11]]
    assert made.at(5).grid == PatchGrid(2, 2, (200, 100))
    assert GRID.cell_px(10) == (0, 50, 100, 100)


def test_both_sides_by_frame_and_view():
    frames = np.zeros((6, 100, 200, 3), np.uint8)
    clip = ClipInput(frames, tuple(i / 2 for i in range(6)), "0" * 64, "clip", VIEWS)
    base = side("base", rows(*[1] * 12))
    tuned = side("finetuned", rows(*[0] * 8, 0, 0, 3, 1))
    pair = PairPrediction(clip, PairRequest(), base, tuned, "finetuned")
    maps = make_pair_maps(pair, MapSettings())
    assert maps.difference is not None and maps.difference.values.shape == (3, 2, 2)
    assert maps.difference.values.sum() == pytest.approx(0, abs=1e-6)
    last = maps.at(4)
    assert last.finetuned is not None and last.finetuned.values.tolist() == [[0, 0], [3, 1]]
    # The lower row of cells, 50 to 100 px, lies to four fifths in the driver's view.
    assert maps.figures["finetuned"].by_view == {
        "road": (pytest.approx(0.2), pytest.approx(0.6)),
        "driver": (pytest.approx(0.8), pytest.approx(0.4)),
    }
    assert make_pair_maps(pair, MapSettings("logit_lens")).base.values.shape == (3, 2, 2)  # type: ignore[union-attr]


def test_references_are_the_same_in_every_frame():
    prior = centre_prior(GRID)
    assert prior.values.shape == (3, 2, 2) and prior.values.sum() == pytest.approx(1)
    one = PatchGrid(2, 2, (200, 100))
    flat = Heatmap(np.ones((2, 2), np.float32), one, "flat")
    all_frames = Heatmap(np.ones((3, 2, 2), np.float32), GRID, "flat")
    point = Point(50, 25)
    assert share_near_point(all_frames, point) == pytest.approx(share_near_point(flat, point))
    assert share_by_view(flat, VIEWS) == pytest.approx({"road": 0.6, "driver": 0.4})


def test_a_sink_is_filled_from_its_own_frame():
    values = np.stack([np.full((2, 2), 1.0), np.full((2, 2), 5.0)])
    sinks = np.zeros((2, 2, 2), bool)
    sinks[1, 0, 0] = True
    values[1, 0, 0] = 99
    assert fill_sinks(values, sinks)[1, 0, 0] == 5
