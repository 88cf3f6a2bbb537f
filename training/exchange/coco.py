"""COCO key points: annotations.json with one key point an annotation, and the images.

A task's first note, for hazards their kind, is the category. What COCO has no place for stands in
`attributes`, where CVAT and others look. An image without a hazard has an annotation with no key
point, which only its attributes tell from one that nobody has looked at. Where no box was drawn the
bbox has no area: none is made up.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from inference.fields import Point
from inference.tasks.base import Task
from training.exchange.folders import put
from training.exchange.rows import Row

DATA = "annotations.json"
UNKNOWN = "unspecified"
VISIBLE = 2  # COCO: labelled and visible


def refuses(row: Row) -> str | None:
    """Why a correction cannot go into this format, or None."""
    return None if row.task.points else "COCO key points need a task that answers with a point"


def write(rows: Iterable[Row], folder: Path) -> None:
    images: dict[str, dict[str, Any]] = {}
    kinds: dict[str, int] = {}
    annotations = []
    for number, row in enumerate(rows, 1):
        if row.sha256 not in images:
            put(row.source, folder / row.file)
            images[row.sha256] = _image(len(images) + 1, row)
        task = row.task
        noted = row.cells[task.notes[0].name] if task.notes else ""
        kind = kinds.setdefault(noted or UNKNOWN, len(kinds) + 1)
        annotations.append(_annotation(number, images[row.sha256]["id"], kind, row))
    described = {
        "info": {"description": "Points, exported by Sightline", "version": "1.0"},
        "licenses": [],
        "images": list(images.values()),
        "categories": [_category(number, name, task) for name, number in kinds.items()],
        "annotations": annotations,
    }
    text = json.dumps(described, ensure_ascii=False, indent=1)
    (folder / DATA).write_text(text, encoding="utf-8")


def _image(number: int, row: Row) -> dict[str, Any]:
    return {
        "id": number,
        "file_name": row.file,
        "width": row.size_wh[0],
        "height": row.size_wh[1],
    }


def _category(number: int, name: str, task: Task) -> dict[str, Any]:
    return {
        "id": number,
        "name": name,
        "supercategory": task.name,
        "keypoints": [task.points[0]],
        "skeleton": [],
    }


def _annotation(number: int, image: int, kind: int, row: Row) -> dict[str, Any]:
    point = row.values.get(row.task.points[0])
    x, y = point.xy if isinstance(point, Point) else (0.0, 0.0)
    box = point.box_px if isinstance(point, Point) else None
    x1, y1, x2, y2 = box or (x, y, x, y)
    seen = VISIBLE if point else 0
    return {
        "id": number,
        "image_id": image,
        "category_id": kind,
        "keypoints": [x, y, seen],
        "num_keypoints": int(bool(point)),
        "bbox": [x1, y1, x2 - x1, y2 - y1],
        "area": (x2 - x1) * (y2 - y1),
        "iscrowd": 0,
        "attributes": dict(row.cells),
    }
