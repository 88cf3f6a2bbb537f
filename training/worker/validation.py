"""Errors on the validation part: distances in pixels of the original images."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from training.snapshots.types import CORRECTED
from training.worker.items import Collate, Item, Samples
from training.worker.model import Pointing

BATCH = 8


@dataclass(frozen=True)
class Measured:
    """Of each item: point error as (dx, dy) in pixels, or None without a head; text loss."""

    gaps_px: Tensor | None
    text_loss: float

    def figures(self, items: Sequence[Item]) -> dict[str, float]:
        """By the names of `progress.METRICS`. All are of one quantity, the distance between the
        predicted and the true point; its square is INSIGHT's MSE (Eq. 10)."""
        found = {"val_text_loss": self.text_loss}
        if self.gaps_px is None:
            return found
        far = self.gaps_px.norm(dim=1)
        corrected = torch.tensor([i.example.source == CORRECTED for i in items])
        found |= {
            "val_mean_px": float(far.mean()),
            "val_mse_px2": float(far.square().mean()),
            "val_median_px": float(far.median()),
        }
        for name, group in (("val_corrected_px", corrected), ("val_replay_px", ~corrected)):
            if group.any():
                found[name] = float(far[group].mean())
        return found


def score(figures: dict[str, float]) -> float:
    """What "best" means, lower is better: the mean error on corrected scenes and on replayed ones,
    each group counting the same, however few it has; without a head, the text loss."""
    groups = [figures[k] for k in ("val_corrected_px", "val_replay_px") if k in figures]
    return sum(groups) / len(groups) if groups else figures["val_text_loss"]


@torch.no_grad()
def measure(
    model: Pointing,
    samples: Samples,
    collate: Collate,
    to_device: Callable[[Any], Any],
    batch: int = BATCH,
) -> Measured:
    """Ask every sample once, without dropout. The model's mode is as before afterwards."""
    was = model.training
    model.eval()
    gaps, losses = [], 0.0
    try:
        for first in range(0, len(samples), batch):
            chosen = [samples[i] for i in range(first, min(first + batch, len(samples)))]
            inputs = to_device(collate(chosen))
            out = model(**inputs)
            losses += float(out["text_loss"]) * len(chosen)
            if "points01" in out:
                gaps.append(((out["points01"] - inputs["target01"]) * inputs["to_px"]).cpu())
    finally:
        model.train(was)
    return Measured(torch.cat(gaps) if gaps else None, losses / max(len(samples), 1))
