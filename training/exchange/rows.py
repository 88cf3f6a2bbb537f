"""One correction of an image as every format carries it. Knows no format and no store."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from inference.fields import Value
from inference.tasks.base import Task

Fields = Mapping[str, Any]

DEFAULT_TASK = "hazard"  # of rows that name none: INSIGHT's, and those of earlier versions
TEXT, NUMBER, FLAG, LIST = "text", "number", "flag", "list"
# name -> kind of cell, of every task; those of its fields come on top (training.exchange.fields).
COLUMNS: dict[str, str] = {
    "id": TEXT,
    "task": TEXT,
    "verdict": TEXT,
    "five_second": FLAG,
    "author": TEXT,
    "status": TEXT,
    "reviewer": TEXT,
    "comment": TEXT,
    "reviewed": TEXT,
    "created": TEXT,
    "adapter": TEXT,
    "slices": LIST,
    "name": TEXT,
}


@dataclass(frozen=True)
class Row:
    """One correction.

    source: the image's file in the store. file: its name in the export, with forward slashes.
    sha256: of the file's bytes. cells: one for every column of the task. values: by field, that the
    correction stands for.
    """

    source: Path
    file: str
    sha256: str
    size_wh: tuple[int, int]
    task: Task
    cells: Fields
    values: Mapping[str, Value]
