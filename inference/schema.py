"""The domain's types: frozen, validated when constructed. Standard library and numpy only.

Positions named `*_px` are in pixels of the original image, x to the right, y down, and pixel i
covers the interval [i, i+1).
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from itertools import pairwise
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from inference.errors import UserError
from inference.fields import Answer, Point, Value, first_point

Side = Literal["base", "finetuned"]
SIDES: tuple[Side, ...] = ("base", "finetuned")


@dataclass(frozen=True)
class ImageInput:
    """A decoded image.

    pixels: (height, width, 3) uint8, RGB, upright.
    content_hash: sha256 hex digest of the uploaded bytes.
    """

    pixels: NDArray[np.uint8]
    content_hash: str
    name: str = "image"

    def __post_init__(self) -> None:
        p = self.pixels
        if p.ndim != 3 or p.shape[2] != 3 or p.dtype != np.uint8 or 0 in p.shape:
            raise UserError(
                "Not an RGB image",
                expected="an array of shape (height, width, 3) and type uint8",
                got=f"{p.shape} {p.dtype}",
                field="image",
            )

    @cached_property
    def pixels_sha256(self) -> str:
        """Of the RGB values: the same for one image in two files."""
        return hashlib.sha256(self.pixels.tobytes()).hexdigest()

    @property
    def size_wh(self) -> tuple[int, int]:
        return int(self.pixels.shape[1]), int(self.pixels.shape[0])

    @property
    def diagonal_px(self) -> float:
        return math.hypot(*self.size_wh)

    @property
    def times_s(self) -> tuple[float, ...]:
        """None: only a clip's frames have times."""
        return ()

    def still(self, frame: int = 0) -> ImageInput:
        """The image itself, as `ClipInput.still` gives a frame."""
        return self


@dataclass(frozen=True)
class ClipView:
    """One camera's rows in the stacked frames of a clip: y1 <= y < y2, in pixels."""

    name: str
    y1: int
    y2: int


@dataclass(frozen=True)
class ClipInput:
    """Sampled frames of a clip, the views of several cameras stacked from top to bottom.

    frames: (n, height, width, 3) uint8, RGB, upright.
    times_s: of each frame, rising, in seconds from the clip's start.
    content_hash: sha256 hex digest of the clip's file (see inference.clips).
    views: from the top; they cover the height.
    """

    frames: NDArray[np.uint8]
    times_s: tuple[float, ...]
    content_hash: str
    name: str = "clip"
    views: tuple[ClipView, ...] = ()

    def __post_init__(self) -> None:
        f, times = self.frames, self.times_s
        if f.ndim != 4 or f.shape[3] != 3 or f.dtype != np.uint8 or 0 in f.shape:
            raise UserError(
                "Not the frames of a clip",
                expected="an array of shape (frames, height, width, 3) and type uint8",
                got=f"{f.shape} {f.dtype}",
                field="clip",
            )
        rising = all(a < b for a, b in pairwise(times)) and all(map(math.isfinite, times))
        if len(times) != len(f) or not rising or times[0] < 0:
            raise UserError(
                "The frames' times are not valid",
                expected=f"{len(f)} rising times from 0 s",
                got=f"{len(times)}: {str(times)[:80]}",
                field="clip",
            )
        views = self.views or (ClipView("road", 0, self.size_wh[1]),)
        edges = [views[0].y1, *(v.y2 for v in views)]
        joined = all(a.y2 == b.y1 for a, b in pairwise(views))
        if (
            edges[0] != 0
            or edges[-1] != self.size_wh[1]
            or edges != sorted(set(edges))
            or not joined
        ):
            raise UserError(
                "The views do not cover the frames",
                expected=f"rows 0 to {self.size_wh[1]}",
                got=str(views)[:200],
                field="clip",
            )
        object.__setattr__(self, "views", views)

    @property
    def pixels(self) -> NDArray[np.uint8]:
        """All frames; a scorer takes and gives arrays of this shape."""
        return self.frames

    @cached_property
    def pixels_sha256(self) -> str:
        """Of the frames' RGB values."""
        return hashlib.sha256(self.frames.tobytes()).hexdigest()

    @property
    def size_wh(self) -> tuple[int, int]:
        return int(self.frames.shape[2]), int(self.frames.shape[1])

    @property
    def diagonal_px(self) -> float:
        return math.hypot(*self.size_wh)

    @property
    def duration_s(self) -> float:
        """Time of the last frame."""
        return self.times_s[-1]

    def still(self, frame: int = 0) -> ImageInput:
        """One frame as an image."""
        name = f"{self.name}, {self.times_s[frame]:.1f} s"
        return ImageInput(self.frames[frame], f"{self.content_hash}-{frame}", name)


Media = ImageInput | ClipInput
MediaKind = Literal["image", "clip"]


def media_kind(media: Media) -> MediaKind:
    return "clip" if isinstance(media, ClipInput) else "image"


@dataclass(frozen=True)
class PatchGrid:
    """How image tokens tile the original image, row by row from the top left; of a clip, frame
    after frame.

    rows, cols: tokens down and across.
    image_wh: width and height of the original image in pixels.
    box_px: x1, y1, x2, y2 of the area that the grid covers, in original pixels (the whole image
        unless the model pads or crops; padding lies outside the image).
    frames: of tokens. temporal: frames of the clip that one frame of tokens covers.
    """

    rows: int
    cols: int
    image_wh: tuple[int, int]
    box_px: tuple[float, float, float, float] | None = None
    frames: int = 1
    temporal: int = 1

    def __post_init__(self) -> None:
        if min(self.rows, self.cols, self.frames, self.temporal, *self.image_wh) < 1:
            raise UserError("Not a patch grid", expected="positive sizes", got=repr(self))

    @property
    def n_tokens(self) -> int:
        return self.frames * self.rows * self.cols

    @property
    def shape(self) -> tuple[int, ...]:
        """(rows, cols); of more than one frame (frames, rows, cols)."""
        return (self.frames, self.rows, self.cols)[self.frames == 1 :]

    @property
    def of_frame(self) -> PatchGrid:
        """The grid of one frame."""
        return replace(self, frames=1, temporal=1)

    @property
    def area_px(self) -> tuple[float, float, float, float]:
        """x1, y1, x2, y2 covered by the grid, in original pixels."""
        if self.box_px is not None:
            return self.box_px
        return 0.0, 0.0, float(self.image_wh[0]), float(self.image_wh[1])

    def cell_px(self, index: int) -> tuple[float, float, float, float]:
        """x1, y1, x2, y2 of one token's cell, in original pixels."""
        if not 0 <= index < self.n_tokens:
            raise IndexError(f"token {index} of {self.n_tokens}")
        row, col = divmod(index % (self.rows * self.cols), self.cols)
        x1, y1, x2, y2 = self.area_px
        w, h = (x2 - x1) / self.cols, (y2 - y1) / self.rows
        return x1 + col * w, y1 + row * h, x1 + (col + 1) * w, y1 + (row + 1) * h


@dataclass(frozen=True)
class Heatmap:
    """One value for each image token.

    values: float32 of the grid's shape: (rows, cols), of a clip (frames, rows, cols). Unsigned maps
        are >= 0; signed ones are centred on zero.
    title: what it shows, for a figure's heading and for screen readers.
    unit: what a value means, for hover and colour bar.
    """

    values: NDArray[np.float32]
    grid: PatchGrid
    title: str
    unit: str = ""
    signed: bool = False

    def __post_init__(self) -> None:
        if self.values.shape != self.grid.shape:
            raise UserError(
                "Heatmap and patch grid differ",
                expected=str(self.grid.shape),
                got=str(self.values.shape),
            )
        if not np.isfinite(self.values).all():
            raise UserError("Heatmap has values that are not finite")

    def at(self, frame: int) -> Heatmap:
        """The map over one of the clip's frames, (rows, cols); an image's map as it is."""
        if self.grid.frames == 1:
            return self
        index = min(frame // self.grid.temporal, self.grid.frames - 1)
        return replace(self, values=self.values[index], grid=self.grid.of_frame)


@dataclass(frozen=True)
class AnswerToken:
    """One token of an answer. `logprob`: natural logarithm, under the trace's side."""

    text: str
    logprob: float
    is_special: bool = False


@dataclass(frozen=True)
class Trace:
    """What one side did while it was made to say `tokens` (teacher forcing).

    The row of token t is the query that predicts t, that is, the position before it.

    attention: (tokens, layers, heads, image_tokens) float; softmax over ALL keys, of which only
        the image tokens are kept, so a row sums to the share that fell on the image.
    attention_neutral: (layers, heads, image_tokens), the last prompt row under a neutral prompt,
        or None.
    logit_lens: (tokens, image_tokens) probability of the token read off each image position's
        final hidden state, or None.
    """

    side: Side
    tokens: tuple[AnswerToken, ...]
    grid: PatchGrid
    attention: NDArray[np.floating[Any]]
    attention_neutral: NDArray[np.floating[Any]] | None = None
    logit_lens: NDArray[np.floating[Any]] | None = None

    def __post_init__(self) -> None:
        a = self.attention
        if a.ndim != 4 or a.shape[0] != len(self.tokens) or a.shape[3] != self.grid.n_tokens:
            raise UserError(
                "Trace does not fit its tokens and grid",
                expected=f"({len(self.tokens)}, layers, heads, {self.grid.n_tokens})",
                got=str(a.shape),
            )

    @property
    def n_layers(self) -> int:
        return int(self.attention.shape[1])

    @property
    def n_heads(self) -> int:
        return int(self.attention.shape[2])


@dataclass(frozen=True)
class SidePrediction:
    """One side's own answer, and its trace over the forced tokens.

    text: exactly what the model generated under SDPA.
    parsed: the values of the task's fields in the text, or why they are missing.
    from_head: values by field that the adapter's head gave. head_map: its map, for a point.
    """

    side: Side
    label: str
    text: str
    tokens: tuple[AnswerToken, ...]
    parsed: Answer
    trace: Trace
    from_head: Mapping[str, Value] = field(default_factory=dict)
    head_map: Heatmap | None = None

    @property
    def values(self) -> dict[str, Value]:
        """By field, as shown: the head's where there is one, else the text's."""
        return {**self.parsed.values, **self.from_head}

    @property
    def point(self) -> Point | None:
        """The point to show."""
        return self.head_point or self.text_point

    @property
    def head_point(self) -> Point | None:
        return first_point(self.from_head)

    @property
    def text_point(self) -> Point | None:
        """The first point in the text."""
        return first_point(self.parsed.values)

    @property
    def why_no_point(self) -> str:
        """Why the text has no point; "" where it has one."""
        return "" if self.text_point else "; ".join(self.parsed.missing.values())


@dataclass(frozen=True)
class PairRequest:
    """What to ask both sides.

    adapter: name of a loaded adapter, or None for the base alone.
    forced: whose answer both sides are made to say when maps are compared.
    neutral_prompt: a prompt that asks for nothing in the image, for relative attention.
    """

    task: str = "hazard"
    prompt: str = ""
    adapter: str | None = None
    forced: Side = "finetuned"
    neutral_prompt: str = "Describe the image."
    max_new_tokens: int = 64


@dataclass(frozen=True)
class PairPrediction:
    """Both sides' answers to one image or clip. `notes` are sentences for the page (e.g. that the
    two sides ran one after the other because the adapter changes the vision tower)."""

    image: Media
    request: PairRequest
    base: SidePrediction
    finetuned: SidePrediction | None
    forced: Side
    seconds: dict[str, float] = field(default_factory=dict)
    notes: tuple[str, ...] = ()

    @property
    def distance_px(self) -> float | None:
        """Distance between the two points in original pixels, or None if one is missing."""
        if self.finetuned is None or self.base.point is None or self.finetuned.point is None:
            return None
        return self.base.point.distance_px(self.finetuned.point)


@dataclass(frozen=True)
class ModelInfo:
    """The backbone, for the header. `requested` and `fallback_reason` are set when another model
    was asked for and could not be had. `memory_mb` is 0 and `sha256`, of its weights, None until it
    is loaded."""

    id: str
    family: str
    device: str
    dtype: str
    quantize: Literal["none", "nf4", "int8"]
    embedded: bool
    loaded: bool = False
    memory_mb: float = 0.0
    requested: str | None = None
    fallback_reason: str | None = None
    sha256: str | None = None


@dataclass(frozen=True)
class AdapterCard:
    """What an adapter is, as written in its `card.json`.

    heldout: the object that `python -m training.evaluate` prints as its last line.
    """

    name: str
    task: str
    base_model: str
    base_sha256: str | None = None
    head: str | None = None
    coordinate_frame: str | None = None
    not_trained_on: tuple[str, ...] = ()
    description: str = ""
    heldout: dict[str, Any] = field(default_factory=dict)
    extra: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class AdapterEntry:
    """An adapter that the app knows. `has_head` false: the point comes from the text alone."""

    name: str
    source: str
    card: AdapterCard | None
    has_head: bool
    loaded: bool
    targets_vision: bool = False
    problem: str | None = None
