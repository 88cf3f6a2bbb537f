"""COCO key points: annotations.json with one key point "hazard" an annotation, and the pictures.

The hazard's kind is the category. What COCO has no place for stands in `attributes`, where CVAT
and others look. A picture without a hazard has an annotation with no key point, which only its
attributes tell from one that nobody has looked at. Where no box was drawn the bbox has no area:
none is made up.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from training.exchange.folders import put
from training.exchange.rows import Row

DATA = "annotations.json"
UNKNOWN = "unspecified"
VISIBLE = 2  # COCO: labelled and visible


def write(rows: Iterable[Row], folder: Path) -> None:
    images: dict[str, dict[str, Any]] = {}
    kinds: dict[str, int] = {}
    annotations = []
    for number, row in enumerate(rows, 1):
        if row.sha256 not in images:
            put(row.source, folder / row.file)
            images[row.sha256] = _image(len(images) + 1, row)
        kind = kinds.setdefault(row.fields["hazard_kind"] or UNKNOWN, len(kinds) + 1)
        annotations.append(_annotation(number, images[row.sha256]["id"], kind, row))
    described = {
        "info": {"description": "Hazard points, exported by Sightline", "version": "1.0"},
        "licenses": [],
        "images": list(images.values()),
        "categories": [_category(number, name) for name, number in kinds.items()],
        "annotations": annotations,
    }
    text = json.dumps(described, ensure_ascii=False, indent=1)
    (folder / DATA).write_text(text, encoding="utf-8")


def _image(number: int, row: Row) -> dict[str, Any]:
    return {"id": number, "file_name": row.file, "width": row.width, "height": row.height}


def _category(number: int, name: str) -> dict[str, Any]:
    return {
        "id": number,
        "name": name,
        "supercategory": "hazard",
        "keypoints": ["hazard"],
        "skeleton": [],
    }


def _annotation(number: int, image: int, kind: int, row: Row) -> dict[str, Any]:
    x, y = row.point_px or (0.0, 0.0)
    x1, y1, x2, y2 = row.box_px or (x, y, x, y)
    seen = VISIBLE if row.point_px else 0
    return {
        "id": number,
        "image_id": image,
        "category_id": kind,
        "keypoints": [x, y, seen],
        "num_keypoints": int(bool(row.point_px)),
        "bbox": [x1, y1, x2 - x1, y2 - y1],
        "area": (x2 - x1) * (y2 - y1),
        "iscrowd": 0,
        "attributes": dict(row.fields),
    }
