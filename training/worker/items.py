"""A snapshot's examples as tensors: every view encoded once by the tower, token ids, labels, and
the point in the grid's own coordinates."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch.utils.data import Dataset

from inference import registry
from inference.backbones.base import Backbone, ModelInput
from inference.errors import UserError
from inference.fields import Point, Value, first_point
from inference.inputs import Media
from inference.media import load_media
from inference.schema import PatchGrid
from training.jobs.settings import TrainSettings
from training.snapshots.types import REPLAY, SnapshotExample
from training.worker.augment import WHOLE, PictureView, limited, place, show, view_of
from training.worker.feature_cache import Encoded, FeatureCache, encode
from training.worker.losses import IGNORE_INDEX

WORKED_IN = 4  # pixels that a recoloured view has for each that the model takes
KEPT_BYTES = 1_500_000_000  # of features held in memory, and again of states; the rest is made anew


@dataclass(frozen=True)
class Item:
    """One view of one example. key: its name in the feature cache."""

    example: SnapshotExample
    view: PictureView
    max_pixels: int

    @property
    def key(self) -> str:
        return f"{self.example.sha256}|{self.view.key}|{self.max_pixels}"


def training_items(examples: Sequence[SnapshotExample], settings: TrainSettings) -> list[Item]:
    """Each example's views, in a fixed order."""
    return [
        Item(e, _view(e, number, settings), settings.max_pixels)
        for e in examples
        for number in range(settings.replay_views if e.source == REPLAY else settings.views)
    ]


def _view(example: SnapshotExample, number: int, settings: TrainSettings) -> PictureView:
    point, (width, height) = first_point(example.values), example.size_wh
    point01 = None if point is None else (point.x_px / width, point.y_px / height)
    return view_of(example.sha256, number, point01, mirror=settings.mirror, seed=settings.seed)


def whole_items(examples: Sequence[SnapshotExample], settings: TrainSettings) -> list[Item]:
    """Each example once, as it is: for validation."""
    return [Item(e, WHOLE, settings.max_pixels) for e in examples]


class Preparer:
    """Makes what the model needs of an item. frame: coordinate frame of the target sentences."""

    def __init__(self, backbone: Backbone, task: str, frame: str, cache: FeatureCache | None):
        self.backbone, self.frame, self.cache = backbone, frame, cache
        self.task = registry.task(task)
        size = getattr(backbone.image_processor, "size", None) or {}
        self._taken = int(dict(size).get("longest_edge") or 0) if "shortest_edge" in size else 0
        self._opened: tuple[str, Media] | None = None  # an example's views follow each other

    def fill(
        self,
        items: Sequence[Item],
        tell: Callable[[int, int], None],
        check: Callable[[], None],
    ) -> None:
        """See every item that is not in the cache. check: raises to stop in between."""
        assert self.cache is not None
        for i, item in enumerate(items, 1):
            check()
            if item.key not in self.cache:
                self.cache.put(item.key, encode(self.backbone, self.preprocess(item)))
            tell(i, len(items))

    def preprocess(self, item: Item) -> ModelInput:
        """The item's image as the tower gets it.

        Raises:
            UserError: (field "snapshot") the image cannot be read; names it.
        """
        most = item.max_pixels or self._taken
        media = self._open(item.example)
        shown = show(media.pixels, item.view, most * WORKED_IN)
        return self.backbone.preprocess(limited(shown, item.max_pixels), media.times_s)

    def _open(self, example: SnapshotExample) -> Media:
        if self._opened is not None and self._opened[0] == example.sha256:
            return self._opened[1]
        try:
            image = load_media(example.picture)
        except UserError as error:
            raise UserError(
                f"The image {example.name or example.picture.name} of the snapshot cannot be read",
                got=error.message,
                hint="Leave its case out and freeze the corrections again",
                field="snapshot",
            ) from error
        self._opened = (example.sha256, image)
        return image

    def encoded(self, item: Item) -> Encoded | ModelInput:
        """From the cache; where there is none, the image itself, for the tower to encode again."""
        if self.cache is None:
            return self.preprocess(item)
        found = self.cache.get(item.key)
        if found is None:
            found = encode(self.backbone, self.preprocess(item))
            self.cache.put(item.key, found)
        return found

    def sample(self, item: Item, encoded: Encoded | ModelInput) -> dict[str, Any]:
        """Token ids; of the point, where the example has one, its place in the grid's area, and
        that area's size in original pixels (else nan)."""
        grid = encoded.grid
        values, point01, to_px = _geometry(item, grid)
        context = encoded.context if isinstance(encoded, Encoded) else encoded.context_inputs
        view = ModelInput({}, context, grid, encoded.resized_wh, encoded.times_s)
        prompt = self.backbone.tokenize(view, item.example.prompt)
        sentence = self.task.target_text(values, grid.image_wh, self.frame, encoded.resized_wh)
        answer = self.backbone.tokenizer(sentence, add_special_tokens=False).input_ids
        answer = [*answer, *self.backbone.eos_ids[:1]]
        return {
            "ids": [*prompt, *answer],
            "prompt": len(prompt),
            "target01": point01,
            "to_px": to_px,
            "encoded": encoded,
            "key": item.key,
        }


def _geometry(item: Item, grid: PatchGrid) -> tuple[dict[str, Value], list[float], list[float]]:
    """The values with their points in the pixels that the processor got; the first point in the
    grid's area, 0..1; that area's width and height in the original image's pixels. The image need
    not be opened."""
    values, point = dict(item.example.values), first_point(item.example.values)
    if point is None:
        return values, [math.nan] * 2, [math.nan] * 2
    x1, y1, x2, y2 = grid.area_px
    for name, value in item.example.values.items():
        if isinstance(value, Point):
            box, (x, y) = place(item.example.size_wh, value.xy, item.view)
            scale = (box[2] - box[0]) / grid.image_wh[0], (box[3] - box[1]) / grid.image_wh[1]
            moved_to = Point(x / scale[0], y / scale[1], source=value.source)
            values[name] = moved_to
            if value is point:
                point01 = [(moved_to.x_px - x1) / (x2 - x1), (moved_to.y_px - y1) / (y2 - y1)]
                to_px = [(x2 - x1) * scale[0], (y2 - y1) * scale[1]]
    return values, point01, to_px


class Samples(Dataset):  # type: ignore[type-arg]
    """Items as samples, features read from the cache and kept while there is room."""

    def __init__(self, items: Sequence[Item], preparer: Preparer) -> None:
        self.items, self._preparer = items, preparer
        self.before: dict[int, Tensor] = {}  # heatmaps to stay near, by index
        self._kept: dict[int, dict[str, Any]] = {}
        self._bytes = 0

    def __len__(self) -> int:
        return len(self.items)

    def __getitem__(self, index: int) -> dict[str, Any]:
        return {**self._sample(index), "before": self.before.get(index)}

    def _sample(self, index: int) -> dict[str, Any]:
        if index in self._kept:
            return self._kept[index]
        item = self.items[index]
        encoded = self._preparer.encoded(item)
        sample = self._preparer.sample(item, encoded)
        if isinstance(encoded, Encoded):
            size = sum(t.nbytes for t in (encoded.features, *encoded.deep))
            if self._bytes + size <= KEPT_BYTES:
                self._kept[index], self._bytes = sample, self._bytes + size
        return sample


@dataclass(frozen=True)
class Collate:
    """Samples to one padded batch: input_ids, attention_mask, labels (the token that each position
    must predict), prompt_mask, target01, to_px, what each image looks like, its heatmap to stay
    near or None, and a name that says all that its states depend on."""

    backbone: Backbone
    pad: int

    def __call__(self, samples: list[dict[str, Any]]) -> dict[str, Any]:
        length = max(len(s["ids"]) for s in samples)
        shape = (len(samples), length)
        ids = torch.full(shape, self.pad, dtype=torch.long)
        mask = torch.zeros(shape, dtype=torch.long)
        labels = torch.full(shape, IGNORE_INDEX, dtype=torch.long)
        prompt = torch.zeros(shape, dtype=torch.bool)
        for row, sample in enumerate(samples):
            n, p = len(sample["ids"]), sample["prompt"]
            ids[row, :n] = torch.tensor(sample["ids"])
            mask[row, :n] = 1
            labels[row, p - 1 : n - 1] = ids[row, p:n]
            prompt[row, :p] = True
        encoded = [s["encoded"] for s in samples]
        return {
            "input_ids": ids,
            "attention_mask": mask,
            "labels": labels,
            "prompt_mask": prompt,
            "target01": torch.tensor([s["target01"] for s in samples], dtype=torch.float32),
            "to_px": torch.tensor([s["to_px"] for s in samples], dtype=torch.float32),
            "images": [_tensors(s) for s in encoded],
            "grids": [(s.grid.rows, s.grid.cols) for s in encoded],
            "before": [s["before"] for s in samples],
            "names": [(s["key"], *s["ids"]) for s in samples],
        }


def _tensors(image: Encoded | ModelInput) -> dict[str, Any]:
    if isinstance(image, Encoded):
        return {"features": image.features, "deep": [*image.deep], "context": dict(image.context)}
    return {"pixels": dict(image.pixel_inputs), "context": dict(image.context_inputs)}


def pad_id(backbone: Backbone) -> int:
    """A token for padding; the mask keeps it out of everything."""
    pad = backbone.tokenizer.pad_token_id
    return int(pad) if pad is not None else (backbone.eos_ids or [0])[0]


def moved(tensors: dict[str, Tensor], device: torch.device) -> dict[str, Tensor]:
    return {k: v.to(device) for k, v in tensors.items()}
