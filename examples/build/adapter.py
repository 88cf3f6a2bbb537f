"""Stage 4: the hazard adapters, by INSIGHT's recipe: LoRA on q/k/v/o, a head, text + point loss.

The patch head also learns offsets, by a loss of their own: from a token to the centre of the road
user that it shows, whichever that is. The paper's loss does not reach them.
"""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import torch
from peft import LoraConfig, get_peft_model
from torch import Tensor
from transformers import PreTrainedTokenizerBase, Qwen2VLForConditionalGeneration

from examples.build.cards import write_json
from examples.build.features import Encoded
from examples.build.language import TextLoss, batches, hidden_states, text_loss
from examples.build.loop import Step, prefetch, run
from examples.build.packing import Packed, Packer
from examples.build.questions import QA, hazard_answer
from examples.build.settings import UNSEEN_SLICES, Recipe
from examples.build.views import View
from inference.heads import Head, HeadOutput, build_head, save_head, usual_config
from training.worker.losses import coordinate_loss, insight_loss


def trainable(encoded: list[Encoded]) -> list[Encoded]:
    """Views that show their hazard and hold nothing of the slices kept unseen."""
    return [
        s
        for s in encoded
        if s.view.hazard is not None and not UNSEEN_SLICES & set(s.view.scene.truth["kinds"])
    ]


def _questions(s: Encoded, _: np.random.Generator) -> list[QA]:
    return [hazard_answer(s.view, with_reason=False), hazard_answer(s.view, with_reason=True)]


def centres(view: View, grid: tuple[int, int]) -> tuple[np.ndarray, np.ndarray]:
    """Where each token's road user has its centre, from the boxes; the nearest one counts.

    Returns:
        (rows * cols, 2) x and y in cells from the token's centre, and (rows * cols,) its weight, 0
        where there is none; a large road user weighs more than a small one, but not by its area.
    """
    rows, cols = grid
    y, x = np.indices(grid).reshape(2, -1) + 0.5
    offsets, weight = np.zeros((rows * cols, 2), np.float32), np.zeros(rows * cols, np.float32)
    for agent in sorted(view.agents, key=lambda a: -a.depth_m):
        x1, y1, x2, y2 = agent.box01
        centre = agent.centre01[0] * cols, agent.centre01[1] * rows
        inside = (x >= x1 * cols) & (x <= x2 * cols) & (y >= y1 * rows) & (y <= y2 * rows)
        inside |= (np.abs(x - centre[0]) <= 0.5) & (np.abs(y - centre[1]) <= 0.5)
        offsets[inside] = np.stack([centre[0] - x, centre[1] - y], 1)[inside]
        weight[inside] = inside.sum() ** -0.5
    return offsets, weight


def offset_loss(offsets: Tensor, wanted: Tensor, weight: Tensor) -> Tensor:
    """Mean distance in x plus y, in cells (L1, as in Zhou et al. 2019, Objects as Points, Eq. 2).

    Args:
        offsets: (batch, R, C, 2). wanted: (batch, R * C, 2). weight: (batch, R * C).
    """
    off = (offsets.flatten(1, 2) - wanted).abs().sum(-1)
    return (weight * off).sum() / weight.sum().clamp_min(1)


def head_outputs(
    head: Head, states: Tensor, packed: Packed, grid: tuple[int, int]
) -> list[HeadOutput]:
    """What the head says to each question, seeing that question's prompt only."""
    batch, length = packed.ids.shape
    image = packed.image[None].expand(batch, -1)
    order = torch.arange(length, device=states.device)[None]
    prefix_end = int(packed.image.nonzero().max()) + 2  # the image and <|vision_end|>
    shared = (order < prefix_end) & ~image
    found = []
    start = torch.full((batch, 1), prefix_end, device=states.device)
    for q in range(packed.last_prompt.shape[1]):
        last = packed.last_prompt[:, q : q + 1]
        prompt = (order >= start) & (order <= last)
        found.append(head(states, image, shared | prompt, grid, decode="soft_argmax"))
        answer = packed.labels != -100
        start = last + _answer_length(answer, last) + 1
    return found


def _answer_length(answer: Tensor, last: Tensor) -> Tensor:
    """(B, 1) tokens of the answer that begins after `last`: labels run on without a gap."""
    order = torch.arange(answer.shape[1], device=answer.device)[None]
    after_gap = (~answer & (order >= last)).int().cumsum(1) > 0
    return (answer & (order >= last) & ~after_gap).sum(1, keepdim=True)


def train(
    model: Qwen2VLForConditionalGeneration, tokenizer: PreTrainedTokenizerBase, encoded: list[Encoded],
    recipe: Recipe, architecture: str, device: str,
) -> tuple[Any, Head, dict[str, float]]:  # fmt: skip
    """Train one adapter on a fresh copy of the base. Returns the PEFT model, its head, numbers."""
    torch.manual_seed(recipe.adapter.seed)
    lora = LoraConfig(
        r=recipe.lora_rank, lora_alpha=recipe.lora_alpha, lora_dropout=recipe.lora_dropout,
        target_modules=list(recipe.lora_targets), bias="none", task_type="CAUSAL_LM",
    )  # fmt: skip
    tuned = get_peft_model(model.to(device), lora)
    head = build_head(usual_config(architecture, recipe.shape.width)).to(device)
    step = _stepper(model, tokenizer, trainable(encoded), recipe, head, device)
    modules = {"lora": _Trainable(tuned), "head": head}
    result = run(f"adapter-{architecture}", recipe.adapter, modules, step)
    return tuned.eval(), head.eval(), result


class _Trainable(torch.nn.Module):
    """Only the LoRA weights, so that a checkpoint holds nothing of the frozen base."""

    def __init__(self, tuned: torch.nn.Module) -> None:
        super().__init__()
        names = [(n, p) for n, p in tuned.named_parameters() if p.requires_grad]
        self.weights = torch.nn.ParameterDict({n.replace(".", "/"): p for n, p in names})


def _stepper(
    model: Qwen2VLForConditionalGeneration, tokenizer: PreTrainedTokenizerBase, encoded: list[Encoded],
    recipe: Recipe, head: Head, device: str,
) -> Step:  # fmt: skip
    print(f"adapter: {len(encoded)} views", flush=True)
    endless = batches(encoded, recipe.adapter, _questions, Packer(tokenizer))
    source = prefetch(lambda: next(endless), ahead=6)
    loss = TextLoss(tokenizer, device, smooth=False)
    model.train()

    def step(_: int) -> tuple[Tensor, dict[str, float]]:
        chosen, packed, features = next(source)
        packed = packed.to(device)
        states = hidden_states(model, packed, features.to(device))
        hazards = [s.view.hazard.centre01 for s in chosen if s.view.hazard]
        target = torch.tensor(hazards, device=device)
        outputs = head_outputs(head, states, packed, chosen[0].grid)
        text = text_loss(model, states, packed, loss)
        coordinates = torch.stack([coordinate_loss(o.point01, target) for o in outputs]).mean()
        weights = {"lambda_text": recipe.lambda_text, "lambda_coord": recipe.lambda_coord}
        total = insight_loss(text, coordinates, **weights)
        offsets = text.new_zeros(())
        if outputs[0].offsets is not None:
            made = [centres(s.view, s.grid) for s in chosen]
            wanted, weight = (torch.from_numpy(np.stack(a)).to(device) for a in zip(*made, strict=True))
            offsets = offset_loss(outputs[0].offsets, wanted, weight)
        numbers = {"text": text, "coord": coordinates, "offset": offsets}
        gap = outputs[0].point01.detach() - target
        gap = gap * torch.tensor([1280.0, 720.0], device=device)
        numbers |= {"mse_px2": gap.square().sum(1).mean(), "median_px": gap.norm(dim=1).median()}
        logged = {name: float(value.detach()) for name, value in numbers.items()}
        return total + recipe.lambda_offset * offsets, logged

    return step


def save(
    tuned: Any, head: Head, folder: Path, base_sha256: str, base_name: str, card: dict[str, Any]
) -> None:
    """The PEFT folder, the head beside it, and the card."""
    shutil.rmtree(folder, ignore_errors=True)
    tuned.save_pretrained(folder)
    config_file = folder / "adapter_config.json"
    config = json.loads(config_file.read_text()) | {"base_model_name_or_path": base_name}
    config["target_modules"] = sorted(config["target_modules"])  # peft keeps a set
    write_json(config_file, dict(sorted(config.items())))
    (folder / "README.md").unlink(missing_ok=True)
    save_head(head, folder, base_sha256)
    write_json(folder / "card.json", card)
