"""The domain's types: frozen, validated when constructed. Standard library and numpy only.

Positions named `*_px` are in pixels of the original image, x to the right, y down, and pixel i
covers the interval [i, i+1).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from inference.errors import UserError
from inference.fields import Answer, Point, Value, first_point
from inference.inputs import Media

Side = Literal["base", "finetuned"]
SIDES: tuple[Side, ...] = ("base", "finetuned")


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
