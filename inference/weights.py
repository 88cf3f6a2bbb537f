"""Weights of adapters and heads as they come out of a file. Knows no model."""

from __future__ import annotations

from pathlib import Path

from safetensors.torch import load_file
from torch import Tensor

from inference.errors import UserError

# Trained LoRA weights and heads stay below 10 (the shipped ones below 0.4). Far beyond that every
# answer is noise, or not a number.
MAX_WEIGHT = 1000.0


def read_weights(path: Path, adapter: str, device: str = "cpu") -> dict[str, Tensor]:
    """A safetensors file's tensors by name.

    Raises:
        UserError: (field "adapter") one holds what cannot be a weight; names adapter and tensor.
    """
    tensors: dict[str, Tensor] = load_file(path, device=device)
    for name, tensor in tensors.items():
        most = float(tensor.float().abs().max()) if tensor.numel() else 0.0
        if not most <= MAX_WEIGHT:  # nan fails too
            raise UserError(
                f"The adapter {adapter} holds weights that cannot be right",
                expected=f"finite numbers from {-MAX_WEIGHT:g} to {MAX_WEIGHT:g}",
                got=f"{most:g} in {name[:200]} of {path.name}",
                hint="Train it again, or fetch its files again",
                field="adapter",
            )
    return tensors
