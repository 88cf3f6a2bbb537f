"""Heads that turn the backbone's hidden states into a heatmap and a hazard point.

Source: INSIGHT, Sec. III-C, Eq. 2-3. Knows hidden states only; no images, no text.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import torch
from safetensors.torch import save_file
from torch import Tensor, nn

from inference.errors import UserError, unknown
from inference.weights import read_weights

Decode = Literal["soft_argmax", "window"]
# How a head's point is shown; both are trained on the paper's plain soft-argmax (Eq. 3). The plain
# mean of a patch map falls between two candidates; a pooled map's peak means nothing (dev/LOG.md).
SHOWN: dict[str, Decode] = {"patch": "window", "pooled": "soft_argmax"}
WINDOW_RADIUS = 1.5  # cells around the peak that the windowed soft-argmax averages over


@dataclass(frozen=True)
class HeadOutput:
    """point01: (batch, 2) x and y in [0, 1] over the grid's area; offsets may lead a little out of
    it. probabilities: (batch, R, C). offsets: (batch, R, C, 2), x and y in cells from each cell's
    centre to the centre of what it shows, or None where the head has none."""

    point01: Tensor
    probabilities: Tensor
    offsets: Tensor | None = None

    def only(self, row: int) -> HeadOutput:
        """One row of the batch, as a batch of one."""
        here = slice(row, row + 1)
        offsets = None if self.offsets is None else self.offsets[here]
        return HeadOutput(self.point01[here], self.probabilities[here], offsets)


def soft_argmax(probabilities: Tensor, *, cell_centres: bool) -> Tensor:
    """Expectation of the position under a map (INSIGHT Eq. 3).

    Args:
        probabilities: (batch, R, C), summing to one.
        cell_centres: True puts coordinates at cell centres, (i + 0.5) / n, as is right for image
            tokens that tile the image; False on {0, 1/(n-1), ..., 1}, as in the paper.

    Returns:
        (batch, 2), x then y, in [0, 1].
    """
    _, rows, cols = probabilities.shape
    y = _axis(rows, cell_centres, probabilities)
    x = _axis(cols, cell_centres, probabilities)
    return torch.stack(
        [(probabilities.sum(1) * x).sum(-1), (probabilities.sum(2) * y).sum(-1)], dim=-1
    )


def _axis(n: int, cell_centres: bool, like: Tensor) -> Tensor:
    i = torch.arange(n, device=like.device, dtype=like.dtype)
    return (i + 0.5) / n if cell_centres else i / max(n - 1, 1)


def windowed_soft_argmax(
    probabilities: Tensor, offsets: Tensor | None = None, *, cell_centres: bool
) -> Tensor:
    """Soft-argmax over the cells within WINDOW_RADIUS of the peak.

    The plain expectation falls between two candidate hazards; this one points at the likelier.
    With offsets each cell stands for where it points instead of for its own centre.
    """
    _, rows, cols = probabilities.shape
    peak = probabilities.flatten(1).argmax(1)
    row, col = peak // cols, peak % cols
    r = torch.arange(rows, device=probabilities.device)[None, :, None] - row[:, None, None]
    c = torch.arange(cols, device=probabilities.device)[None, None, :] - col[:, None, None]
    inside = (r * r + c * c) <= WINDOW_RADIUS**2
    kept = probabilities * inside
    kept = kept / kept.sum((1, 2), keepdim=True)
    point = soft_argmax(kept, cell_centres=cell_centres)
    if offsets is not None:
        cells = torch.tensor([cols, rows], device=point.device, dtype=point.dtype)
        point = point + (kept[..., None] * offsets).sum((1, 2)) / cells
    return point


class PooledHead(nn.Module):
    """INSIGHT's head: mean-pooled states, MLP d -> d/2 -> 16 x 16, softmax, soft-argmax."""

    def __init__(self, hidden_size: int, grid: tuple[int, int] = (16, 16)) -> None:
        super().__init__()
        self.grid = grid
        self.mlp = nn.Sequential(
            nn.Linear(hidden_size, hidden_size // 2),
            nn.GELU(),
            nn.Linear(hidden_size // 2, grid[0] * grid[1]),
        )
        self.dropout = nn.Dropout(0.0)
        self.cell_centres = False

    def forward(
        self, hidden: Tensor, image_mask: Tensor, text_mask: Tensor, grid: tuple[int, int]
    ) -> tuple[Tensor, None]:
        """(batch, 16, 16) logits. Pools over image and prompt tokens, never over the answer."""
        weights = (image_mask | text_mask).to(hidden.dtype)[..., None]
        pooled = (hidden * weights).sum(1) / weights.sum(1).clamp_min(1)
        logits: Tensor = self.mlp[2](self.dropout(self.mlp[:2](pooled)))
        return logits.view(-1, *self.grid), None


class PatchHead(nn.Module):
    """A score for each image token, conditioned on the last prompt token; softmax over tokens.

    Image tokens come before the prompt and are causal, so a token alone does not know what was
    asked or what lies below it; the last prompt token has seen all of both. A token may be a tenth
    of the image wide, so with `offsets` each also says how far off the centre of what it shows
    is (Zhou et al. 2019, Objects as Points, Sec. 3).
    """

    def __init__(self, hidden_size: int, offsets: bool = False) -> None:
        super().__init__()
        width = hidden_size // 2
        self.key = nn.Linear(hidden_size, width)
        self.query = nn.Linear(hidden_size, width, bias=False)
        self.score = nn.Linear(width, 1, bias=False)
        self.offset = nn.Linear(hidden_size, 2) if offsets else None
        if self.offset is not None:  # at first every cell stands for its own centre
            nn.init.zeros_(self.offset.weight)
            nn.init.zeros_(self.offset.bias)
        self.dropout = nn.Dropout(0.0)
        self.cell_centres = True

    def forward(
        self, hidden: Tensor, image_mask: Tensor, text_mask: Tensor, grid: tuple[int, int]
    ) -> tuple[Tensor, Tensor | None]:
        """(batch, rows, cols) logits, and (batch, rows, cols, 2) offsets in cells."""
        batch, length, _ = hidden.shape
        positions = torch.arange(length, device=hidden.device)
        last = (text_mask * positions).argmax(1)
        query = self.query(hidden[torch.arange(batch, device=hidden.device), last])
        tokens = hidden[image_mask].view(batch, grid[0] * grid[1], -1)
        found = nn.functional.gelu(self.key(tokens) + query[:, None])
        logits: Tensor = self.score(self.dropout(found))
        if self.offset is None:
            return logits.view(batch, *grid), None
        return logits.view(batch, *grid), self.offset(tokens).float().view(batch, *grid, 2)


class Head(nn.Module):
    """A scorer with its decoding rule."""

    def __init__(self, config: dict[str, Any]) -> None:
        super().__init__()
        self.config = config
        architecture, hidden = config["architecture"], int(config["hidden_size"])
        self.scorer: PooledHead | PatchHead
        if architecture == "pooled":
            rows, cols = config.get("grid") or (16, 16)
            self.scorer = PooledHead(hidden, (int(rows), int(cols)))
        elif architecture == "patch":
            self.scorer = PatchHead(hidden, bool(config.get("offsets")))
        else:
            raise unknown("head architecture", str(architecture), ("patch", "pooled"), "adapter")

    def forward(
        self,
        hidden: Tensor,
        image_mask: Tensor,
        text_mask: Tensor,
        grid: tuple[int, int],
        decode: Decode | None = None,
    ) -> HeadOutput:
        """hidden (batch, length, d) after the final norm; masks (batch, length) bool, text_mask
        true at prompt tokens outside the image; grid (rows, cols) of the image tokens."""
        states = hidden.to(next(self.parameters()).dtype)
        logits, offsets = self.scorer(states, image_mask, text_mask, grid)
        logits = logits.float()
        probabilities = logits.flatten(1).softmax(-1).view_as(logits)
        rule = decode or self.config.get("decode", "soft_argmax")
        centres = self.scorer.cell_centres
        if rule == "window":
            point = windowed_soft_argmax(probabilities, offsets, cell_centres=centres)
        else:
            point = soft_argmax(probabilities, cell_centres=centres)
        return HeadOutput(point, probabilities, offsets)


def usual_config(architecture: str, hidden_size: int) -> dict[str, Any]:
    """What a new head of that kind looks like."""
    return {
        "architecture": architecture,
        "hidden_size": hidden_size,
        "grid": [16, 16] if architecture == "pooled" else None,
        "offsets": architecture == "patch",
        "decode": SHOWN[architecture],
    }


def build_head(config: dict[str, Any]) -> Head:
    """A head with fresh weights. config: architecture, hidden_size, grid, offsets, decode."""
    return Head(config)


def save_head(head: Head, folder: Path, base_sha256: str) -> None:
    """Write head.safetensors and head.json beside an adapter."""
    weights = {k: v.detach().float().cpu().contiguous() for k, v in head.state_dict().items()}
    save_file(weights, folder / "head.safetensors")
    digest = hashlib.sha256((folder / "head.safetensors").read_bytes()).hexdigest()
    config = {**head.config, "base_sha256": base_sha256, "sha256": digest}
    (folder / "head.json").write_text(json.dumps(config, indent=2) + "\n")


def load_head(
    folder: Path, base_sha256: str | None, device: str = "cpu", adapter: str | None = None
) -> Head:
    """Read a head and check that it was made for this base and arrived whole. adapter: its name
    in messages, else the folder's."""
    config = json.loads((folder / "head.json").read_text())
    data = folder / "head.safetensors"
    digest = hashlib.sha256(data.read_bytes()).hexdigest()
    if digest != config.get("sha256"):
        raise UserError(
            "The adapter's head is damaged or was changed",
            expected=f"sha256 {config.get('sha256')}",
            got=digest,
            field="adapter",
        )
    if base_sha256 is not None and config.get("base_sha256") not in (None, base_sha256):
        raise UserError(
            "The adapter's head was trained on another base model",
            expected=f"base sha256 {base_sha256}",
            got=str(config.get("base_sha256")),
            field="adapter",
        )
    head = Head(config)
    try:
        head.load_state_dict(read_weights(data, adapter or folder.name, str(device)))
    except RuntimeError as error:
        raise UserError(
            "The adapter's head does not fit its description",
            expected=f"weights of a {config['architecture']} head, width {config['hidden_size']}",
            got=str(error).splitlines()[-1].strip(),
            field="adapter",
        ) from error
    return head.to(device).eval()
