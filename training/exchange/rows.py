"""One correction of a picture as every format carries it, and what a reader found in a file.

Knows no format and no store.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

Fields = Mapping[str, Any]
XY = tuple[float, float]

TEXT, NUMBER, FLAG, LIST = "text", "number", "flag", "list"
# name -> kind. Columns of the tables, attributes in COCO.
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


@dataclass(frozen=True)
class Row:
    """One correction.

    source: the picture's file in the store. file: its name in the export, with forward slashes.
    sha256: of the file's bytes. fields: a value for every name in FIELDS.
    point_px: that the correction stands for.
    """

    source: Path
    file: str
    sha256: str
    width: int
    height: int
    fields: Fields
    point_px: XY | None

    @property
    def box_px(self) -> tuple[float, ...] | None:
        """x1, y1, x2, y2 as drawn, or None."""
        values = tuple(self.fields[name] for name in BOX)
        return None if None in values else values


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
