"""What the model did while it said given tokens: one teacher-forced pass over all rows, which goes
on from the keys and values that its own answer left.

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
from transformers.cache_utils import DynamicLayer

from inference.backbones.base import Backbone, ModelInput
from inference.backbones.generation import Generated
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
    backbone: Backbone, view: ModelInput, features: Any, made: Generated, answer: list[int]
) -> Forced:
    """Make every row of `made` say `answer` and keep, for each of its tokens, the attention of the
    query that predicts it on the N image tokens, its log-probability, and its logit lens."""
    first = len(made.prompt_ids) - 1
    ids = [*made.prompt_ids, *answer[:-1]]  # the last token predicts nothing that is asked for
    logits, capture = _rows(backbone, view, features, made, ids, first)
    wanted = torch.tensor(answer, device=logits.device)
    at_image = made.prompt_states[:, capture.columns.to(made.prompt_states.device)]  # type: ignore[union-attr]
    lens = torch.stack([logit_lens(backbone, row, wanted) for row in at_image])
    attention = capture.stacked().numpy()
    if attention.nbytes > len(attention) * FLOAT32_BYTES:
        attention = attention.astype(np.float16)
    return Forced(attention, _chosen(logits, wanted), lens.cpu().numpy())


def last_prompt_row(
    backbone: Backbone, view: ModelInput, features: Any, made: Generated, prompt_ids: list[int]
) -> NDArray[np.floating[Any]]:
    """(rows, layers, heads, N): attention of another prompt's last token on the image tokens."""
    last = len(prompt_ids) - 1
    _, capture = _rows(backbone, view, features, made, prompt_ids, last)
    rows: NDArray[np.floating[Any]] = capture.stacked()[:, 0].numpy()
    return rows


def _rows(
    backbone: Backbone, view: ModelInput, features: Any, made: Generated, ids: list[int], first: int
) -> tuple[Tensor, RowCapture]:
    """Logits and captured attention of ids[first:].

    What `ids` shares with the prompt that was answered, the image above all, is taken from its
    cache. The cache is cut to that part, so a later call may share as much or less, never more.
    """
    n, known = len(made.answers), _shared(backbone, made, ids[:first])
    if known:
        made.cache.crop(known - made.cache.get_seq_length())
        fed = torch.tensor([ids[known:]], device=backbone.device).expand(n, -1)
        inputs = {"input_ids": fed, "past_key_values": made.cache, "use_cache": True}
    else:
        inputs = {**backbone.inputs(view, features, ids, n), "use_cache": False}
    rows = torch.arange(first, len(ids)) - known
    capture = RowCapture(rows, backbone.image_positions(ids))
    with capturing(backbone.model):
        out = backbone.model(**inputs, logits_to_keep=rows.to(backbone.device), row_capture=capture)
    return out.logits, capture


def _shared(backbone: Backbone, made: Generated, ids: list[int]) -> int:
    """How many leading tokens can be taken from the cache: none unless they hold the whole
    image and every layer keeps all that it has seen."""
    if not all(type(layer) is DynamicLayer for layer in made.cache.layers):
        return 0
    kept = min(made.cache.get_seq_length(), len(made.prompt_ids))
    pairs = zip(ids, made.prompt_ids[:kept], strict=False)
    known = next((i for i, (a, b) in enumerate(pairs) if a != b), min(len(ids), kept))
    shown = len(backbone.image_positions(made.prompt_ids))
    whole = len(backbone.image_positions(ids[:known])) == shown
    return known if whole else 0


def answer_logprobs(
    backbone: Backbone,
    view: ModelInput,
    features: Any,
    prompt_ids: list[int],
    answer: list[int],
    n: int,
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
