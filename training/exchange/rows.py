"""One correction of a picture as every format carries it, and what a reader found in a file.

Knows no format and no store.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

Fields = Mapping[str, Any]

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
    def point_px(self) -> tuple[float, float] | None:
        x, y = self.fields["x"], self.fields["y"]
        return None if x is None or y is None else (float(x), float(y))

    @property
    def box_px(self) -> tuple[float, ...] | None:
        corners = [self.fields[name] for name in BOX]
        return None if None in corners else tuple(float(c) for c in corners)


def settled(exact: Fields, stated: Mapping[str, float | None]) -> dict[str, Any]:
    """The fields, with the positions that a format states in its own place. Those may be rounded,
    so the exact ones stay where they round to them; elsewhere somebody edited the file, and the
    stated ones hold."""
    merged = dict(exact)
    if not all(_agree(exact.get(name), value) for name, value in stated.items()):
        merged.update(stated)
    return merged


def _agree(exact: Any, stated: float | None) -> bool:
    if exact is None or stated is None:
        return exact is None and stated is None
    # A little more than half a pixel: what a sentence of whole numbers can lose.
    return isinstance(exact, (int, float)) and abs(exact - stated) <= 0.51


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
