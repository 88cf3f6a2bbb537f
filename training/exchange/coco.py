"""COCO key points: annotations.json with one key point "hazard" an annotation, and the pictures.

The hazard's kind is the category. What COCO has no place for stands in `attributes`, where CVAT
and others look. A picture without a hazard has an annotation with no key point, which only its
attributes tell from one that nobody has looked at. Where no box was drawn the bbox has no area:
none is made up.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from inference.correction import CENTRE_PX, HAZARD_KINDS
from inference.errors import UserError
from training.exchange.folders import put
from training.exchange.rows import Found, Row, settled
from training.exchange.sharegpt import load

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


# ---- reading ---------------------------------------------------------------------------------


def is_coco(data: Any) -> bool:
    return isinstance(data, dict) and {"images", "annotations"} <= set(data)


def read(path: Path) -> Iterator[Found]:
    """The annotations, numbered from 1."""
    data = load(path)
    if not is_coco(data):
        raise UserError("Not a COCO file", expected="images and annotations", field="file")
    images, names = _by_id(data, "images", "file_name"), _by_id(data, "categories", "name")
    if not isinstance(data["annotations"], list):
        raise UserError("Not a COCO file", expected="a list of annotations", field="file")
    return (_found(n, note, images, names) for n, note in enumerate(data["annotations"], 1))


def _by_id(data: dict[str, Any], part: str, name: str) -> dict[Any, str]:
    rows = data.get(part)
    return {
        row["id"]: row[name]
        for row in (rows if isinstance(rows, list) else [])
        if isinstance(row, dict) and isinstance(row.get("id"), (int, str)) and row.get(name)
    }


def _found(number: int, note: Any, images: dict[Any, str], names: dict[Any, str]) -> Found:
    try:
        return Found(number, images[note["image_id"]], _fields(note, names))
    except KeyError as error:
        return Found(number, problem=f"no {error}, or one that the file does not have")
    except (TypeError, ValueError, OverflowError) as error:
        return Found(number, problem=f"not an annotation with one key point: {error}")


def _fields(note: dict[str, Any], names: dict[Any, str]) -> dict[str, Any]:
    x, y, seen, *more = note["keypoints"]
    if more:
        raise ValueError(f"{1 + len(more) // 3} key points; one is wanted")
    extra = note.get("attributes")
    fields: dict[str, Any] = dict(extra) if isinstance(extra, dict) else {}
    if seen:
        fields = settled(fields, (float(x), float(y)), _box(note, (float(x), float(y))))
    kind = names.get(note.get("category_id"), UNKNOWN)
    fields["hazard_kind"] = kind if kind in HAZARD_KINDS else ""
    return fields


def _box(note: dict[str, Any], point: tuple[float, float]) -> tuple[float, ...] | None:
    """The box, where it was drawn around the point; other people's may mean something else."""
    left, top, width, height = (float(v) for v in note.get("bbox") or (0, 0, 0, 0))
    centre = (left + width / 2, top + height / 2)
    if width <= 0 or height <= 0 or math.dist(centre, point) > CENTRE_PX:
        return None
    return left, top, left + width, top + height
