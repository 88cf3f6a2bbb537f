"""The losses by hand: INSIGHT's Eq. 1, 4 and 5, and the heatmaps'."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from inference.heads import soft_argmax
from training.worker.losses import (
    FAR_CELLS,
    answer_loss,
    coordinate_loss,
    insight_loss,
    keep_loss,
    map_loss,
    shown_loss,
)


def test_answer_loss_by_hand() -> None:
    """Two samples, of 1 and 3 tokens: the mean of their means, not of all tokens."""
    logits = torch.tensor([[0.0, 0.0], [0.0, 0.0], [0.0, 2.0], [0.0, 0.0]])
    labels, rows = torch.tensor([0, 1, 0, 1]), torch.tensor([0, 1, 1, 1])
    log2, wrong = float(np.log(2)), float(np.log(1 + np.exp(2)))
    expected = (log2 + (log2 + wrong + log2) / 3) / 2
    assert float(answer_loss(logits, labels, rows)) == pytest.approx(expected, rel=1e-6)


def test_map_loss_by_hand() -> None:
    """A point a quarter of a cell right of the first cell's centre, on a 1x2 map."""
    maps = torch.tensor([[[0.75, 0.25]]])
    target = torch.tensor([[0.375, 0.5]])
    expected = -(0.75 * np.log(0.75) + 0.25 * np.log(0.25))
    assert float(map_loss(maps, target, cell_centres=True)) == pytest.approx(expected, rel=1e-6)
    corner = torch.tensor([[0.0, 0.0]])  # outside the cells' centres: all to the last cell
    loss = map_loss(maps, corner, cell_centres=True)
    assert float(loss) == pytest.approx(-np.log(0.75), rel=1e-6)
    middle = torch.tensor([[0.5, 0.5]])
    loss = map_loss(maps, middle, cell_centres=False)
    assert float(loss) == pytest.approx(-(np.log(0.75) + np.log(0.25)) / 2, rel=1e-6)


def test_map_loss_is_least_where_the_mean_is_the_point() -> None:
    """The target's own soft-argmax is the point, so both losses pull the same way."""
    maps = torch.full((1, 4, 5), 1e-9)
    maps[0, 1, 2], maps[0, 1, 3] = 0.6, 0.4
    point = soft_argmax(maps / maps.sum(), cell_centres=True)
    best = map_loss(maps, point, cell_centres=True)
    assert best < map_loss(maps, point + 0.05, cell_centres=True)
    assert best < map_loss(maps, point - 0.05, cell_centres=True)


def test_shown_loss_is_in_cells_and_pulls_only_from_near() -> None:
    target, cells = torch.tensor([[0.5, 0.5], [0.5, 0.5]]), torch.tensor([[10, 4], [10, 4]])
    shown = torch.tensor([[0.53, 0.6], [0.0, 0.0]], requires_grad=True)  # (0.3, 0.4) cells; far
    loss = shown_loss(shown, target, cells)
    assert float(loss.detach()) == pytest.approx((0.5 + FAR_CELLS) / 2)
    loss.backward()  # type: ignore[no-untyped-call]
    assert shown.grad is not None
    assert shown.grad[0].abs().min() > 0
    assert shown.grad[1].abs().max() == 0
    at_it = target.clone().requires_grad_()
    shown_loss(at_it, target, cells).backward()  # type: ignore[no-untyped-call]
    assert at_it.grad is not None
    assert torch.isfinite(at_it.grad).all()


def test_keep_loss_is_zero_for_the_same_map_and_by_hand_for_another() -> None:
    one, two = torch.tensor([[[0.5, 0.5]]]), torch.tensor([[[0.25, 0.75]]])
    assert float(keep_loss(one, one)) == pytest.approx(0.0, abs=1e-7)
    expected = 0.5 * np.log(2) + 0.5 * np.log(2 / 3)
    assert float(keep_loss(two, one)) == pytest.approx(expected, rel=1e-5)


def test_coordinate_loss_by_hand() -> None:
    """Eq. 4: the squared distance of normalised points, mean over samples."""
    predicted = torch.tensor([[0.5, 0.5], [0.0, 1.0]])
    target = torch.tensor([[0.2, 0.9], [0.0, 1.0]])
    assert float(coordinate_loss(predicted, target)) == pytest.approx((0.3**2 + 0.4**2) / 2)


def test_insight_loss_weighs_both() -> None:
    """Eq. 1, with the paper's weights where none are given."""
    text, point = torch.tensor(2.0), torch.tensor(0.5)
    assert float(insight_loss(text, point)) == pytest.approx(2.0 + 0.1 * 0.5)
    assert float(insight_loss(text, point, lambda_text=0.5, lambda_coord=20)) == pytest.approx(11)
