"""What a validation measures, on distances that are known."""

from __future__ import annotations

from types import SimpleNamespace

import torch

from training.snapshots.types import CORRECTED, REPLAY
from training.worker.validation import Measured, score


def test_the_mean_lies_between_its_parts() -> None:
    """Each is a distance: (30, 40) is 50 px off, not 35."""
    items = [SimpleNamespace(example=SimpleNamespace(source=s)) for s in (CORRECTED, REPLAY)]
    found = Measured(torch.tensor([[30.0, 40.0], [6.0, 8.0]]), 1.5).figures(items)  # type: ignore[arg-type]
    assert (found["val_corrected_px"], found["val_replay_px"]) == (50, 10)
    assert found["val_mean_px"] == 30
    assert found["val_mse_px2"] == (50**2 + 10**2) / 2
    assert score(found) == 30
