"""What the model did while it said given tokens: one teacher-forced pass over all rows.

Source of the logit lens: nostalgebraist, "interpreting GPT: the logit lens" (2020), here at the
image positions of the last layer.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from inference.backbones.base import Backbone, View
from inference.backbones.rows import RowCapture, capturing

LENS_ELEMENTS = 16_000_000  # logits held at once by the logit lens (64 MB in float32)
FLOAT32_BYTES = 64_000_000  # attention of one side above this size is kept in float16


@dataclass(frozen=True)
class Forced:
    """attention: (rows, T, layers, heads, N). logprobs: (rows, T). lens: (rows, T, N)."""

    attention: NDArray[np.floating[Any]]
    logprobs: NDArray[np.float32]
    lens: NDArray[np.float32]


def force(
    backbone: Backbone, view: View, features: Any, prompt_ids: list[int], answer: list[int], n: int
) -> Forced:
    """Make n rows say `answer` and keep, for each of its tokens, the attention of the query that
    predicts it on the N image tokens, its log-probability, and its logit lens."""
    ids = [*prompt_ids, *answer]
    first = len(prompt_ids) - 1
    rows = torch.arange(first, first + len(answer))
    capture = RowCapture(rows, backbone.image_positions(prompt_ids))
    states: list[Tensor] = []
    hook = backbone.final_norm.register_forward_hook(lambda _m, _a, out: states.append(out))
    try:
        with capturing(backbone.model):
            # The last answer token predicts nothing that is asked for, yet it is fed: its length
            # is what eager attention over the same sentence would see.
            out = backbone.model(
                **backbone.inputs(view, features, ids, n),
                logits_to_keep=rows.to(backbone.device),
                use_cache=False,
                row_capture=capture,
            )
    finally:
        hook.remove()
    wanted = torch.tensor(answer, device=out.logits.device)
    logprobs = _chosen(out.logits, wanted)
    at_image = states[0][:, capture.columns.to(states[0].device)]  # type: ignore[union-attr]
    lens = torch.stack([logit_lens(backbone, row, wanted) for row in at_image])
    attention = capture.stacked().numpy()
    if attention.nbytes > n * FLOAT32_BYTES:
        attention = attention.astype(np.float16)
    return Forced(attention, logprobs, lens.cpu().numpy())


def answer_logprobs(
    backbone: Backbone, view: View, features: Any, prompt_ids: list[int], answer: list[int], n: int
) -> NDArray[np.float32]:
    """(n, T): natural log-probability of each answer token, under plain SDPA."""
    first = len(prompt_ids) - 1
    kept = torch.arange(first, first + len(answer), device=backbone.device)
    inputs = backbone.inputs(view, features, [*prompt_ids, *answer], n)
    logits = backbone.model(**inputs, logits_to_keep=kept, use_cache=False).logits
    chosen: NDArray[np.float32] = _chosen(logits, torch.tensor(answer, device=logits.device))
    return chosen


def _chosen(logits: Tensor, tokens: Tensor) -> Any:
    """(n, T) float32 on the CPU, from (n, T, vocabulary) logits."""
    wide = logits.float()
    index = tokens.expand(len(wide), -1)[..., None]
    return (wide.gather(-1, index)[..., 0] - wide.logsumexp(-1)).cpu().numpy()


def last_prompt_row(
    backbone: Backbone, view: View, features: Any, prompt_ids: list[int], n: int
) -> NDArray[np.floating[Any]]:
    """(n, layers, heads, N): attention of a prompt's last token on the image tokens."""
    last = torch.tensor([len(prompt_ids) - 1])
    capture = RowCapture(last, backbone.image_positions(prompt_ids))
    with capturing(backbone.model):
        backbone.model(
            **backbone.inputs(view, features, prompt_ids, n),
            logits_to_keep=1,
            use_cache=False,
            row_capture=capture,
        )
    rows: NDArray[np.floating[Any]] = capture.stacked()[:, 0].numpy()
    return rows


def logit_lens(backbone: Backbone, states: Tensor, tokens: Tensor) -> Tensor:
    """Probability of each token at each position.

    Args:
        states: (N, d) after the final norm. tokens: (T,) ids.

    Returns:
        (T, N) float32. Positions go through the output layer in chunks, so that N x vocabulary
        logits never exist at once.
    """
    vocabulary = int(backbone.model.config.get_text_config().vocab_size)
    chunk = max(1, LENS_ELEMENTS // vocabulary)
    parts = []
    for some in states.split(chunk):
        logits = backbone.lm_head(some).float()
        parts.append((logits[:, tokens] - logits.logsumexp(-1, keepdim=True)).exp())
    return torch.cat(parts).T.contiguous()
