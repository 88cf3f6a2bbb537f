"""INSIGHT's losses (Eq. 1, 4 and 5) as functions of tensors. Knows no model and no data set."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

IGNORE_INDEX = -100


def coordinate_loss(predicted01: Tensor, target01: Tensor) -> Tensor:
    """Eq. 4: mean over samples of the squared distance of normalised points.

    Args:
        predicted01, target01: (batch, 2), x and y in [0, 1].
    """
    return (predicted01 - target01).square().sum(-1).mean()


def text_loss(logits: Tensor, labels: Tensor) -> Tensor:
    """Eq. 5 per token: mean negative log-likelihood of the answer's tokens.

    Args:
        logits: (..., vocabulary), already aligned so that logits[i] predicts labels[i].
        labels: (...), IGNORE_INDEX where nothing is asked.
    """
    return F.cross_entropy(
        logits.flatten(0, -2).float(), labels.flatten(), ignore_index=IGNORE_INDEX
    )


def insight_loss(
    text: Tensor, coordinates: Tensor, *, lambda_text: float = 1.0, lambda_coord: float = 0.1
) -> Tensor:
    """Eq. 1: the weighted sum; the defaults are the paper's."""
    return lambda_text * text + lambda_coord * coordinates


def answer_loss(logits: Tensor, labels: Tensor, rows: Tensor) -> Tensor:
    """Eq. 5 over samples: mean over samples of the mean over each sample's answer tokens, so that
    a batch cut in two, on two processes, has the same loss as the whole.

    Args:
        logits: (n, vocabulary) at the answers' positions. labels: (n,) the tokens to predict.
        rows: (n,) sample of each, 0 .. samples-1, each present.
    """
    nll = F.cross_entropy(logits.float(), labels, reduction="none")
    count = torch.bincount(rows)
    return (nll / count[rows]).sum() / len(count)
