"""What makes a model quicker and smaller on a CPU, with the same result up to rounding.

The measurements behind each step are in dev/LOG.md.
"""

from __future__ import annotations

import ctypes
from collections.abc import Callable
from contextlib import suppress
from functools import partial

import torch
from torch import Tensor, nn

MOST_ROWS = 8
CHUNK = 128  # tokens of each row that go through an MLP at once
PACKED_ROWS = 32  # bitsandbytes packs that many rows of a 4-bit weight together
MLP_PARTS = ("gate_proj", "up_proj", "down_proj")
M_MMAP_THRESHOLD = -3  # glibc, malloc.h


def has_bfloat16() -> bool:
    """Whether the processor has instructions that multiply bfloat16."""
    can = torch.cpu.get_capabilities()
    return bool(can.get("avx512_bf16") or can.get("amx_bf16"))


class FewRowsLinear(nn.Linear):
    """nn.Linear whose product of a few rows is taken the other way round.

    torch hands a product of two to eight rows to one matrix-vector product for each row, so that
    two sides cost twice one side in every step of an answer. This reads the weights once, and uses
    all cores.
    """

    def forward(self, input: Tensor) -> Tensor:
        rows = input.numel() // self.in_features
        if not 2 <= rows <= MOST_ROWS or torch.is_grad_enabled():
            return super().forward(input)
        # Contiguous, since the next product the other way round is slow on a transposed input.
        out = torch.mm(self.weight, input.reshape(rows, self.in_features).T).T.contiguous()
        if self.bias is not None:
            out += self.bias
        return out.view(*input.shape[:-1], self.out_features)


def lighten(model: nn.Module) -> None:
    """Install all of this in a model on the CPU; layers of other precisions stay as they are."""
    for module in model.modules():
        if type(module) is nn.Linear and module.weight.dtype == torch.float32:
            module.__class__ = FewRowsLinear
        if all(isinstance(getattr(module, part, None), nn.Module) for part in MLP_PARTS):
            module.forward = partial(_in_chunks, module.forward)


def choose_packing(model: nn.Module, *, wanted: bool) -> None:
    """Where a 4-bit layer may take bitsandbytes' own kernel for AVX512-BF16 processors.

    bitsandbytes 0.50 packs a layer's weight for it at the first answer, whatever its shape, and
    fails where the shape does not fit. The kernel multiplies bfloat16 whatever the model's
    precision is, and gives no gradients, without a word. Elsewhere a layer is unpacked for each
    product, which is right everywhere and slower for few rows.
    """
    for module in model.modules():
        if hasattr(module, "support_avx512bf16_for_cpu"):
            rows, columns = int(module.out_features), int(module.in_features)
            fits = rows % PACKED_ROWS == 0 and columns % int(module.weight.blocksize) == 0
            module.support_avx512bf16_for_cpu &= wanted and fits


def _in_chunks(forward: Callable[[Tensor], Tensor], x: Tensor) -> Tensor:
    """An MLP over (rows, tokens, d), some tokens at a time: its inner states are the widest of all,
    and each token's are its own. Rows stay together, since each has its adapter."""
    if x.ndim != 3 or x.shape[1] <= 2 * CHUNK or torch.is_grad_enabled():
        return forward(x)
    return torch.cat([forward(part.contiguous()) for part in x.split(CHUNK, dim=1)], dim=1)


def return_big_blocks() -> None:
    """Have glibc hand blocks over 1 MB back as soon as they are freed. Left alone, it raises that
    limit to 32 MB: weights that were converted while loading, and every layer's activations, stay
    as holes in the heap."""
    with suppress(OSError, AttributeError):
        ctypes.CDLL(None).mallopt(M_MMAP_THRESHOLD, 1 << 20)
