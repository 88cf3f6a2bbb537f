"""One correction of a picture as every format carries it, and what a reader found in a file.

Knows no format and no store.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

Fields = Mapping[str, Any]
Point = tuple[float, float]

TEXT, NUMBER, FLAG, LIST = "text", "number", "flag", "list"
# name -> kind. Columns of the table formats, keys of the extra object in the others.
FIELDS: dict[str, str] = {
    "id": TEXT,
    "verdict": TEXT,
    "x": NUMBER,  # pixels of the original picture, like all positions here
    "y": NUMBER,
    "box_x1": NUMBER,
    "box_y1": NUMBER,
    "box_x2": NUMBER,
    "box_y2": NUMBER,
    "hazard_kind": TEXT,
    "rationale": TEXT,
    "five_second": FLAG,
    "author": TEXT,
    "status": TEXT,
    "reviewer": TEXT,
    "comment": TEXT,
    "reviewed": TEXT,
    "created": TEXT,
    "model_x": NUMBER,  # what the judged model had said
    "model_y": NUMBER,
    "adapter": TEXT,
    "slices": LIST,
    "name": TEXT,
}
BOX = ("box_x1", "box_y1", "box_x2", "box_y2")
EMPTY: dict[str, Any] = {TEXT: "", NUMBER: None, FLAG: False, LIST: []}


@dataclass(frozen=True)
class Row:
    """One correction.

    source: the picture's file in the store. file: its name in the export, with forward slashes.
    sha256: of the file's bytes. fields: a value for every name in FIELDS.
    """

    source: Path
    file: str
    sha256: str
    width: int
    height: int
    fields: Fields

    @property
    def point_px(self) -> Point | None:
        return pointed(self.fields)

    @property
    def box_px(self) -> tuple[float, ...] | None:
        return boxed(self.fields)


def pointed(fields: Fields) -> Point | None:
    """Where the person says the hazard is. Who calls an answer right says what the model said."""
    if fields.get("verdict") == "no_hazard":
        return None
    own = _numbers(fields, ("x", "y"))
    if own is None and fields.get("verdict") == "right":
        own = _numbers(fields, ("model_x", "model_y"))
    return None if own is None else (own[0], own[1])


def boxed(fields: Fields) -> tuple[float, ...] | None:
    """x1, y1, x2, y2 as drawn, or None."""
    return _numbers(fields, BOX)


def _numbers(fields: Fields, names: tuple[str, ...]) -> tuple[float, ...] | None:
    values = [fields.get(name) for name in names]
    if any(isinstance(v, bool) or not isinstance(v, (int, float)) for v in values):
        return None
    try:
        return tuple(float(v) for v in values if v is not None)
    except OverflowError:  # a whole number of hundreds of digits
        return None


def settled(exact: Fields, point: Point, box: tuple[float, ...] | None = None) -> dict[str, Any]:
    """The fields, with the place that the format states in its own way (a sentence, a key point).

    That may be rounded, so the exact fields stay where they round to it. Elsewhere somebody edited
    the file, or there are no such fields, and what is stated holds.
    """
    if _near(pointed(exact), point) and (box is None or _near(boxed(exact), box)):
        return dict(exact)
    corners = dict(zip(BOX, box or (None,) * 4, strict=True))
    return {**exact, "verdict": "wrong", "x": point[0], "y": point[1], **corners}


def _near(exact: tuple[float, ...] | None, stated: tuple[float, ...]) -> bool:
    """Within what a sentence of whole numbers can lose."""
    return exact is not None and all(abs(a - b) <= 0.51 for a, b in zip(exact, stated, strict=True))


@dataclass(frozen=True)
class Found:
    """One row of a file that is being imported, not believed yet.

    number: where it stands, from 1. picture: a path below the import's folder, or the file's
    bytes. messages: INSIGHT's turns, if any. problem: why it could not even be read.
    """

    number: int
    picture: str | bytes | None = None
    fields: Fields = field(default_factory=dict)
    messages: Any = None
    problem: str | None = None
