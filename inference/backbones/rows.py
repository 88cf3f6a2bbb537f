"""Attention rows of a few queries, without ever building a full attention matrix.

Registered with transformers as the attention implementation "rows": it answers with SDPA's output,
and recomputes softmax(q[rows] k^T) for the rows asked for in the forward call's `row_capture`
argument. Without that argument it is plain SDPA. Knows nothing of images or of prompts.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn
from transformers import AttentionInterface, PreTrainedModel
from transformers.integrations.sdpa_attention import sdpa_attention_forward
from transformers.masking_utils import AttentionMaskInterface, sdpa_mask

IMPLEMENTATION = "rows"


@dataclass
class RowCapture:
    """Which rows to keep, and what was found.

    rows: (T,) positions of the queries. columns: (N,) positions of the keys to keep, or None for
    all. layers: layer index -> (batch, T, heads, N) float32, softmax over all keys.
    """

    rows: Tensor
    columns: Tensor | None = None
    layers: dict[int, Tensor] = field(default_factory=dict)

    def stacked(self) -> Tensor:
        """(batch, T, layers, heads, N)."""
        return torch.stack([self.layers[i] for i in sorted(self.layers)], dim=2)


def attention_rows(
    query: Tensor, key: Tensor, rows: Tensor, mask: Tensor | None, scaling: float
) -> Tensor:
    """Softmax rows of a causal attention.

    Args:
        query: (batch, heads, queries, d). key: (batch, key_heads, keys, d), where key_heads
            divides heads (grouped-query attention). The last query stands at the last key.
        rows: (T,) indices into the queries.
        mask: (batch, 1 or heads, queries, keys), bool (True = may look) or additive; None = causal.

    Returns:
        (batch, heads, T, keys) float32.
    """
    batch, heads, n_queries, width = query.shape
    key_heads, n_keys = key.shape[1], key.shape[2]
    grouped = query[:, :, rows].reshape(batch, key_heads, -1, width)
    scores = torch.matmul(grouped, key.transpose(-1, -2)).float() * scaling
    scores = scores.view(batch, heads, len(rows), n_keys)
    if mask is None:
        limit = rows + (n_keys - n_queries)
        mask = torch.arange(n_keys, device=key.device)[None, :] <= limit[:, None]
    else:
        mask = mask[:, :, rows, :n_keys]
    if mask.dtype == torch.bool:
        scores = scores.masked_fill(~mask, torch.finfo(scores.dtype).min)
    else:
        scores = scores + mask
    return scores.softmax(-1)


def _forward(
    module: nn.Module,
    query: Tensor,
    key: Tensor,
    value: Tensor,
    attention_mask: Tensor | None = None,
    scaling: float | None = None,
    row_capture: RowCapture | None = None,
    **kwargs: Any,
) -> tuple[Tensor, None]:
    if row_capture is not None:
        scale = scaling if scaling is not None else query.shape[-1] ** -0.5
        rows = row_capture.rows.to(query.device)
        weights = attention_rows(query, key, rows, attention_mask, scale)
        if row_capture.columns is not None:
            weights = weights[..., row_capture.columns.to(query.device)]
        row_capture.layers[int(module.layer_idx)] = weights.transpose(1, 2).cpu()  # type: ignore[arg-type]
    return sdpa_attention_forward(
        module, query, key, value, attention_mask, scaling=scaling, **kwargs
    )


AttentionInterface.register(IMPLEMENTATION, _forward)
# Without this the mask is silently None, and padded batches come out wrong.
AttentionMaskInterface.register(IMPLEMENTATION, sdpa_mask)


@contextmanager
def capturing(model: PreTrainedModel) -> Iterator[None]:
    """The language model attends through "rows" inside the block, and through SDPA after it."""
    model.set_attn_implementation({"text_config": IMPLEMENTATION})
    try:
        yield
    finally:
        model.set_attn_implementation({"text_config": "sdpa"})
