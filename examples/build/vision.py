"""Stage 1: the vision tower learns what is where, with dense targets for every image token.

Dense targets pay at once (FACTS.md); the linear heads that read them off are thrown away.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn
from transformers import Qwen2VLForConditionalGeneration

from examples.build.loop import prefetch, run
from examples.build.model import patches_of, encode, vision_angles
from examples.build.scenes import endless
from examples.build.settings import NEXT, Recipe
from examples.build.views import COLOURS, KINDS, MOTIONS, dense_targets, make_view
from examples.world import SEMANTICS
from inference.backbones.cpu import has_bfloat16

Batch = dict[str, Tensor]
PARTS = {
    "semantics": 4 * len(SEMANTICS), "log_depth": 1, "kind": len(KINDS), "colour": len(COLOURS),
    "motion": len(MOTIONS), "flags": 3, "offset": 2, "log_size": 2, "agent_log_depth": 1, "risk": 1,
}  # fmt: skip


class DenseHead(nn.Module):
    """One linear layer from an image token to everything it should know."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(width)
        self.linear = nn.Linear(width, sum(PARTS.values()))

    def forward(self, tokens: Tensor) -> dict[str, Tensor]:
        parts = self.linear(self.norm(tokens)).split(list(PARTS.values()), -1)
        return dict(zip(PARTS, parts, strict=True))


def dense_loss(out: dict[str, Tensor], t: Batch) -> tuple[Tensor, dict[str, float]]:
    """Cross-entropies and Huber losses; agent attributes count only where an agent is."""
    b, n = t["kind"].shape
    has = t["weight"] * t["agent"]
    total = has.sum().clamp_min(1)

    def on_agents(loss: Tensor) -> Tensor:
        return (loss * has).sum() / total

    def cross(name: str) -> Tensor:
        return F.cross_entropy(out[name].transpose(1, 2), t[name], reduction="none")

    def huber(name: str) -> Tensor:
        return F.smooth_l1_loss(out[name], t[name], reduction="none").sum(-1)

    logits = out["semantics"].view(b, n, 4, -1)
    weights = torch.where(t["agent"], t["weight"] * 3 + 0.5, torch.ones_like(t["weight"]))
    flags = F.binary_cross_entropy_with_logits(out["flags"], t["flags"], reduction="none")
    risk = F.binary_cross_entropy_with_logits(out["risk"][..., 0], t["risk"], reduction="none")
    risk_has = has * t["has_risk"]
    losses = {
        "semantics": -(logits.log_softmax(-1) * t["semantics"]).sum(-1).mean(),
        "depth": F.smooth_l1_loss(out["log_depth"][..., 0], t["log_depth"], beta=0.1) * 4,
        "kind": (cross("kind") * weights).sum() / weights.sum(),
        "colour": 0.3 * on_agents(cross("colour")),
        "motion": 0.7 * on_agents(cross("motion")),
        "flags": on_agents(flags.sum(-1)),
        "offset": 0.5 * on_agents(huber("offset")),
        "size": 0.3 * on_agents(huber("log_size")),
        "near": 2 * on_agents((out["agent_log_depth"][..., 0] - t["agent_log_depth"]).abs()),
        "risk": 2 * (risk * risk_has).sum() / risk_has.sum().clamp_min(1),
    }
    numbers = {k: float(v.detach()) for k, v in losses.items()}
    return torch.stack(list(losses.values())).sum(), numbers


def batches(recipe: Recipe, seed: int) -> Callable[[], tuple[tuple[int, int], Tensor, Batch]]:
    """A maker of (grid, images, targets)."""
    rng = np.random.default_rng(seed)
    stream = endless(rng)

    def make() -> tuple[tuple[int, int], Tensor, Batch]:
        grid = recipe.vision_grids[
            rng.choice(len(recipe.vision_grids), p=recipe.vision_grid_shares)
        ]
        views = [make_view(next(stream), grid, rng) for _ in range(recipe.vision.batch)]
        targets = [dense_targets(v) for v in views]
        stacked = {k: torch.from_numpy(np.stack([t[k] for t in targets])) for k in targets[0]}
        return grid, torch.from_numpy(np.stack([v.image for v in views])), stacked

    return make


def train(model: Qwen2VLForConditionalGeneration, recipe: Recipe, device: str) -> None:
    """Train model.model.visual; the result lies in TRAIN/vision.pt."""
    visual = model.model.visual.to(device)
    shape = recipe.shape
    head = DenseHead(shape.width).to(device)
    encoder = torch.compile(encode, dynamic=False)
    angles = {
        g: vision_angles(*g, shape.vision_width // shape.vision_heads, device)
        for g in recipe.vision_grids
    }
    short = device != "cpu" or has_bfloat16()
    source = prefetch(batches(recipe, recipe.vision.seed))

    def step(_: int) -> tuple[Tensor, dict[str, float]]:
        grid, images, targets = next(source)
        with torch.autocast(device, torch.bfloat16, enabled=short):
            tokens = encoder(visual, patches_of(images.to(device)), angles[grid])
        return dense_loss(head(tokens.float()), {k: v.to(device) for k, v in targets.items()})

    modules = {"visual": visual, "head": head}
    run("vision", recipe.vision, modules, step, spare=NEXT / "vision.safetensors")
