"""Greedy answers for several rows at once, with progress and a way to stop."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor
from transformers import (
    Cache,
    GenerationConfig,
    LogitsProcessorList,
    StoppingCriteria,
    StoppingCriteriaList,
)

from inference.backbones.base import Backbone, ModelInput
from inference.errors import Cancelled


@dataclass(frozen=True)
class Answer:
    """ids: generated tokens, the end token included where the model said it. logprobs: natural
    log-probability of each."""

    ids: list[int]
    logprobs: list[float]


@dataclass(frozen=True)
class Generated:
    """prompt_states: (rows, prompt, d) states after the final norm of the prompt pass. cache: keys
    and values of prompt and answers, which later passes over the same prompt go on from."""

    prompt_ids: list[int]
    answers: list[Answer]
    prompt_states: Tensor
    cache: Cache


class _Watch(StoppingCriteria):
    """Tells progress after each token, and stops all rows when asked to. It does not raise, so
    that the model is left as generation leaves it."""

    def __init__(self, n_max: int, step: Callable[[float], None], cancelled: Callable[[], bool]):
        self.n_max, self.step, self.cancelled = n_max, step, cancelled
        self.n, self.stopped = 0, False

    def __call__(self, input_ids: Tensor, scores: Any, **_: Any) -> Tensor:
        self.n += 1
        self.step(self.n / self.n_max)
        self.stopped = self.stopped or self.cancelled()
        return torch.full((len(input_ids),), self.stopped, device=input_ids.device)


@dataclass
class _Choice:
    """A logits processor that rules out tokens that stand for images, and notes the greedy
    choice's log-probability under the model's own distribution. Keeping the logits instead would
    take vocabulary x tokens x rows floats."""

    banned: list[int]
    steps: list[Tensor] = field(default_factory=list)

    def __call__(self, input_ids: Tensor, scores: Tensor) -> Tensor:
        total = scores.float().logsumexp(-1)
        scores = scores.clone()
        scores[:, self.banned] = -torch.inf
        self.steps.append((scores.float().max(-1).values - total).cpu())
        return scores


def generate(
    backbone: Backbone,
    view: ModelInput,
    features: Any,
    prompt_ids: list[int],
    n: int,
    *,
    max_new_tokens: int,
    step: Callable[[float], None] = lambda _: None,
    cancelled: Callable[[], bool] = lambda: False,
) -> Generated:
    """n answers to one prompt over one image, row i under whatever adapter row i has.

    Raises:
        Cancelled: between two tokens.
    """
    watch, choice = _Watch(max_new_tokens, step, cancelled), _Choice(backbone.media_ids)
    states: list[Tensor] = []

    def keep_first(_module: Any, _args: Any, output: Tensor) -> None:
        if not states:
            states.append(output)

    hook = backbone.final_norm.register_forward_hook(keep_first)
    try:
        said = backbone.model.generate(
            **backbone.inputs(view, features, prompt_ids, n),
            generation_config=_greedy(backbone, max_new_tokens),
            stopping_criteria=StoppingCriteriaList([watch]),
            logits_processor=LogitsProcessorList([choice]),
        )
    finally:
        hook.remove()
    if watch.stopped:
        raise Cancelled
    new = said.sequences[:, len(prompt_ids) :].tolist()
    chances = torch.stack(choice.steps, dim=1).tolist()
    ends = set(backbone.eos_ids)
    answers = [_cut(i, p, ends) for i, p in zip(new, chances, strict=True)]
    return Generated(prompt_ids, answers, states[0], said.past_key_values)


def _greedy(backbone: Backbone, max_new_tokens: int) -> GenerationConfig:
    """Everything that a model's own generation_config.json might bring in is set, since sampling
    or a repetition penalty would make two sides' answers differ for reasons of chance."""
    ends = backbone.eos_ids
    pad = backbone.tokenizer.pad_token_id
    return GenerationConfig(
        max_new_tokens=max_new_tokens,
        do_sample=False,
        num_beams=1,
        temperature=1.0,
        top_p=1.0,
        top_k=50,
        repetition_penalty=1.0,
        no_repeat_ngram_size=0,
        eos_token_id=ends or None,
        pad_token_id=pad if pad is not None else (ends[0] if ends else 0),
        use_cache=True,
        return_dict_in_generate=True,
    )


def _cut(ids: list[int], logprobs: list[float], ends: set[int]) -> Answer:
    """Up to and with the first end token; what follows is padding."""
    n = next((i + 1 for i, token in enumerate(ids) if token in ends), len(ids))
    return Answer(ids[:n], logprobs[:n])
