"""Stage 3: the language model learns general questions about the world, on cached features."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor
from transformers import PreTrainedTokenizerBase, Qwen2VLForConditionalGeneration

from examples.build.features import Encoded
from examples.build.loop import prefetch, run
from examples.build.packing import IGNORE, Packed, Packer
from examples.build.questions import QA, draw_questions
from examples.build.settings import Plan, Recipe

PLACE_SIGMA = 1.2  # steps of ten thousandths over which a place's target is spread


def hidden_states(
    model: Qwen2VLForConditionalGeneration, packed: Packed, features: Tensor
) -> Tensor:
    """(B, L, d) after the final norm; features (B, tokens, d) stand at the image tokens."""
    embeds = model.model.language_model.embed_tokens(packed.ids)
    embeds[:, packed.image] = features.to(embeds.dtype)
    out = model.model.language_model(
        inputs_embeds=embeds,
        attention_mask={"full_attention": packed.mask},
        position_ids=packed.position_ids,
        use_cache=False,
    )
    states: Tensor = out.last_hidden_state
    return states


def batches(
    encoded: list[Encoded], plan: Plan, questions: Callable[[Encoded, np.random.Generator], list[QA]],
    packer: Packer,
) -> Iterator[tuple[list[Encoded], Packed, Tensor]]:  # fmt: skip
    """Endless random batches of views with the same grid."""
    rng = np.random.default_rng(plan.seed)
    by_grid: dict[tuple[int, int], list[Encoded]] = {}
    for s in encoded:
        by_grid.setdefault(s.grid, []).append(s)
    grids = list(by_grid)
    shares = np.array([len(by_grid[g]) for g in grids], float)
    while True:
        grid = grids[rng.choice(len(grids), p=shares / shares.sum())]
        group = by_grid[grid]
        chosen = [group[i] for i in rng.integers(len(group), size=plan.batch)]
        packed = packer.pack([questions(s, rng) for s in chosen], grid)
        yield chosen, packed, torch.from_numpy(np.stack([s.features for s in chosen])).float()


class TextLoss:
    """Token cross-entropy; places count nearby answers as nearly right when `smooth`."""

    def __init__(self, tokenizer: PreTrainedTokenizerBase, device: str, *, smooth: bool) -> None:
        ids = [tokenizer.encode(str(n), add_special_tokens=False)[0] for n in range(0, 1001, 10)]
        self.order = torch.full((len(tokenizer),), -1, device=device)
        self.order[ids] = torch.arange(len(ids), device=device)
        self.places = torch.tensor(ids, device=device)
        starts = ("a (", "(", "0,", ",")
        before = {tokenizer.encode(t, add_special_tokens=False)[-1] for t in starts}
        self.before = torch.tensor(sorted(before), device=device)
        self.smooth = smooth

    def __call__(self, logits: Tensor, labels: Tensor, inputs: Tensor) -> Tensor:
        """logits (n, vocabulary), labels (n,), inputs (n,) the token that stands there."""
        loss = F.cross_entropy(logits, labels, reduction="none")
        if not self.smooth:
            return loss.mean()
        place = (self.order[labels] >= 0) & torch.isin(inputs, self.before)
        if place.any():
            steps = torch.arange(len(self.places), device=logits.device)
            gap = (steps[None] - self.order[labels[place]][:, None]).float()
            target = torch.softmax(-(gap**2) / (2 * PLACE_SIGMA**2), 1)
            log_p = logits[place].log_softmax(-1)[:, self.places]
            loss = loss.masked_scatter(place, -(target * log_p).sum(1))
        return loss.mean()


def text_loss(
    model: Qwen2VLForConditionalGeneration, states: Tensor, packed: Packed, loss: TextLoss
) -> Tensor:
    """Loss over the answers' tokens alone."""
    answered = packed.labels != IGNORE
    logits = model.lm_head(states[answered])
    return loss(logits, packed.labels[answered], packed.ids[answered])


def train(
    model: Qwen2VLForConditionalGeneration, tokenizer: PreTrainedTokenizerBase, encoded: list[Encoded],
    recipe: Recipe, device: str,
) -> None:  # fmt: skip
    """Train everything but the vision tower; the result lies in TRAIN/language.pt."""
    model.to(device).train()
    loss = TextLoss(tokenizer, device, smooth=True)
    plan = recipe.language

    def questions(s: Encoded, rng: np.random.Generator) -> list[QA]:
        return draw_questions(s.view, rng, recipe.questions)

    endless = batches(encoded, plan, questions, Packer(tokenizer))
    source = prefetch(lambda: next(endless), ahead=6)
    language = model.model.language_model

    def step(_: int) -> tuple[Tensor, dict[str, float]]:
        _chosen, packed, features = next(source)
        packed = packed.to(device)
        states = hidden_states(model, packed, features.to(device))
        return text_loss(model, states, packed, loss), {}

    run("language", plan, {"language": language}, step)
