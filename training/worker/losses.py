"""INSIGHT's losses (Eq. 1, 4 and 5) as functions of tensors. Knows no model and no data set."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

IGNORE_INDEX = -100
FAR_CELLS = 2.0


def coordinate_loss(predicted01: Tensor, target01: Tensor) -> Tensor:
    """Eq. 4: mean over samples of the squared distance of normalised points.

    Args:
        predicted01, target01: (batch, 2), x and y in [0, 1].
    """
    return (predicted01 - target01).square().sum(-1).mean()


def insight_loss(
    text: Tensor, coordinates: Tensor, *, lambda_text: float = 1.0, lambda_coord: float = 0.1
) -> Tensor:
    """Eq. 1: the weighted sum; the defaults are the paper's."""
    return lambda_text * text + lambda_coord * coordinates


def answer_loss(logits: Tensor, labels: Tensor, rows: Tensor) -> Tensor:
    """Eq. 5: mean over samples of the mean over each sample's answer tokens, so that a batch cut in
    two, on two processes, has the same loss as the whole.

    Args:
        logits: (n, vocabulary) at the answers' positions. labels: (n,) the tokens to predict.
        rows: (n,) sample of each, 0 .. samples-1, each present.
    """
    nll = F.cross_entropy(logits.float(), labels, reduction="none")
    count = torch.bincount(rows)
    return (nll / count[rows]).sum() / len(count)


def map_loss(probabilities: Tensor, target01: Tensor, *, cell_centres: bool) -> Tensor:
    """Cross-entropy of a heatmap against the point: the four cells around it share the target so
    that their mean position is the point. Not in the paper: the squared distance of the mean
    (Eq. 4) says little about which of two candidates the map should choose.

    Args:
        probabilities: (batch, R, C), summing to one. target01: (batch, 2), x and y in [0, 1].
        cell_centres: as in inference.heads.soft_argmax.
    """
    _, rows, cols = probabilities.shape
    x = _shares(target01[:, 0], cols, cell_centres)
    y = _shares(target01[:, 1], rows, cell_centres)
    wanted = y[:, :, None] * x[:, None, :]
    return -(wanted * probabilities.clamp_min(1e-30).log()).sum((1, 2)).mean()


def shown_loss(shown01: Tensor, target01: Tensor, cells: Tensor) -> Tensor:
    """Distance from the truth of the point as it is shown, in cells of the map, mean over samples.
    At most FAR_CELLS each: a point at another peak of the map cannot be pulled over, that is for
    `map_loss`. Not in the paper, whose head shows the mean that Eq. 4 is about.

    Args:
        shown01, target01: (batch, 2), x and y in [0, 1]. cells: (batch, 2), columns and rows.
    """
    distance = ((shown01 - target01) * cells).square().sum(-1).clamp_min(1e-12).sqrt()
    return distance.clamp_max(FAR_CELLS).mean()


def keep_loss(probabilities: Tensor, before: Tensor) -> Tensor:
    """How far heatmaps moved from what they were: mean over the batch of the Kullback-Leibler
    divergence from `before` to now (Li and Hoiem, Learning without Forgetting, 2016, for maps).

    Args:
        probabilities, before: (batch, R, C), each summing to one.
    """
    now, then = probabilities.clamp_min(1e-30).log(), before.clamp_min(1e-30).log()
    return (before * (then - now)).sum((1, 2)).mean()


def _shares(position01: Tensor, n: int, cell_centres: bool) -> Tensor:
    """(batch, n): linear shares of the two cells on either side of a position; at the border, all
    of it to the last cell."""
    place = position01 * n - 0.5 if cell_centres else position01 * (n - 1)
    place = place.clamp(0, n - 1)
    cells = torch.arange(n, device=place.device, dtype=place.dtype)
    return (1 - (place[:, None] - cells).abs()).clamp_min(0)
