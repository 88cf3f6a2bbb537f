"""What the frozen vision tower makes of a image, on disk, so that it is computed once.

Named by the image's content, its view, and the tower's weights: another tower never finds it.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor

from inference.backbones.base import Backbone, ModelInput
from inference.schema import PatchGrid
from training.store.whole import whole

POOLED, DEEP, CONTEXT = "pooled", "deep.", "context."
SHAPE, AREA, TIMES = "shape", "area", "times"
MAX_BYTES = 8_000_000_000


@dataclass(frozen=True)
class Encoded:
    """One image as the language model gets it.

    features: (tokens, d). deep: features that enter early layers (Qwen3-VL), each (tokens, d).
    context: arguments that tell the image's shape. grid: of the image tokens. resized_wh: pixels
    after the processor's resize. times_s: of a clip's frames of tokens.
    """

    features: Tensor
    deep: tuple[Tensor, ...]
    context: dict[str, Tensor]
    grid: PatchGrid
    resized_wh: tuple[int, int]
    times_s: tuple[float, ...] = ()


def tower_hash(backbone: Backbone) -> str:
    """Hex digest of everything before the language model: weights, their type, and how images
    are prepared."""
    digest = hashlib.sha256()
    decoder = {id(p) for p in backbone.decoder.parameters()}
    decoder |= {id(p) for p in backbone.lm_head.parameters()}
    for name, tensor in sorted(backbone.model.named_parameters()):
        if id(tensor) not in decoder:
            digest.update(f"{name} {tensor.dtype} {tuple(tensor.shape)}".encode())
            raw = tensor.detach().cpu().contiguous().flatten().view(torch.uint8)
            digest.update(raw.numpy().data)
    processor = backbone.image_processor.to_dict()
    digest.update(json.dumps(processor, sort_keys=True, default=str).encode())
    digest.update(backbone.device.type.encode())
    return digest.hexdigest()[:32]


@torch.no_grad()
def encode(backbone: Backbone, view: ModelInput) -> Encoded:
    """Run the tower over one image."""
    out = backbone.encode(view)
    deep = getattr(out, "deepstack_features", None) or []
    return Encoded(
        features=_one(out.pooler_output).detach().cpu(),
        deep=tuple(_one(layer).detach().cpu() for layer in deep),
        context={k: v.cpu() for k, v in view.context_inputs.items()},
        grid=view.grid,
        resized_wh=view.resized_wh,
        times_s=view.times_s,
    )


def _one(pooled: Tensor | tuple[Tensor, ...]) -> Tensor:
    """(tokens, d) of the single image."""
    return torch.cat([part.flatten(0, -2) for part in tuple(pooled)])


class FeatureCache:
    """A folder of one file for each image and view. Several processes may share it."""

    def __init__(self, root: Path, tower: str) -> None:
        self.folder = root / tower
        self.folder.mkdir(parents=True, exist_ok=True)

    def _file(self, key: str) -> Path:
        name = hashlib.sha256(key.encode()).hexdigest()[:40]
        return self.folder / f"{name}.safetensors"

    def __contains__(self, key: str) -> bool:
        return self._file(key).is_file()

    def get(self, key: str) -> Encoded | None:
        """What was kept, or None where there is nothing, or something that cannot be read."""
        path = self._file(key)
        try:
            tensors = load_file(path)
        except (OSError, SafetensorError):
            return None
        if TIMES not in tensors:  # of an earlier version
            return None
        rows, cols, width, height, resized_w, resized_h, frames, each = tensors[SHAPE].tolist()
        x1, y1, x2, y2 = tensors[AREA].tolist()
        return Encoded(
            features=tensors[POOLED],
            deep=tuple(tensors[k] for k in sorted(tensors) if k.startswith(DEEP)),
            context={k[len(CONTEXT) :]: v for k, v in tensors.items() if k.startswith(CONTEXT)},
            grid=PatchGrid(rows, cols, (width, height), (x1, y1, x2, y2), frames, each),
            resized_wh=(resized_w, resized_h),
            times_s=tuple(tensors[TIMES].tolist()),
        )

    def put(self, key: str, encoded: Encoded) -> None:
        """Keep it, whole or not at all. Raises OSError where there is no space."""
        grid = encoded.grid
        shape = [
            grid.rows,
            grid.cols,
            *grid.image_wh,
            *encoded.resized_wh,
            grid.frames,
            grid.temporal,
        ]
        tensors = {
            POOLED: encoded.features.contiguous(),
            **{f"{DEEP}{i:02d}": t.contiguous() for i, t in enumerate(encoded.deep)},
            **{f"{CONTEXT}{k}": v.contiguous() for k, v in encoded.context.items()},
            SHAPE: torch.tensor(shape),
            AREA: torch.tensor(grid.area_px, dtype=torch.float64),
            TIMES: torch.tensor(encoded.times_s, dtype=torch.float64),
        }
        with whole(self._file(key)) as fresh:
            save_file(tensors, fresh)


def prune(root: Path, max_bytes: int = MAX_BYTES) -> int:
    """Remove the files that were written longest ago until the rest fits; how many went."""
    files = sorted(root.glob("*/*.safetensors"), key=lambda p: p.stat().st_mtime)
    excess = sum(p.stat().st_size for p in files) - max_bytes
    gone = 0
    for path in files:
        if excess <= 0:
            break
        excess -= path.stat().st_size
        path.unlink(missing_ok=True)
        gone += 1
    return gone
