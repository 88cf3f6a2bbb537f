"""Matrix products of a few rows on a CPU.

torch hands a product of two to eight rows to one matrix-vector product for each row, so that two
sides cost twice one side in every step of an answer. The same product the other way round reads the
weights once and uses all cores (dev/LOG.md has the measurement).
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

MOST_ROWS = 8


class FewRowsLinear(nn.Linear):
    """nn.Linear with the same weights and the same result up to rounding."""

    def forward(self, input: Tensor) -> Tensor:
        rows = input.numel() // self.in_features
        if not 2 <= rows <= MOST_ROWS or torch.is_grad_enabled():
            return super().forward(input)
        # Contiguous, since the next product the other way round is slow on a transposed input.
        out = torch.mm(self.weight, input.reshape(rows, self.in_features).T).T.contiguous()
        if self.bias is not None:
            out += self.bias
        return out.view(*input.shape[:-1], self.out_features)


def install(model: nn.Module) -> None:
    """Turn a float32 CPU model's linear layers into these; others are left as they are."""
    for module in model.modules():
        if type(module) is nn.Linear:
            weight = module.weight
            if weight.device.type == "cpu" and weight.dtype == torch.float32:
                module.__class__ = FewRowsLinear
