"""Folders of images as evaluation sets of hazard points: a manifest.csv, or rows in INSIGHT's
released format. Knows no model."""

from __future__ import annotations

import csv
import tempfile
from collections.abc import Iterator
from pathlib import Path

from inference.errors import UserError
from inference.fields import Point
from inference.inputs import ImageInput
from inference.media import load_image
from inference.registry import task as find_task
from training.evaluation.insight import READERS, Found, from_messages, inside
from training.evaluation.sets import EvalCase, EvalSet

Row = dict[str, str]
TASK = "hazard"


def load_folder(folder: Path, n: int | None = None) -> EvalSet:
    """The set of the first n images (all by default) in the folder that have a point."""
    manifest = folder / "manifest.csv"
    if manifest.is_file():
        photos = list(photo_rows(manifest))[:n]
        if not photos:
            raise UserError("No images with a hazard point", got=str(folder))
        return EvalSet(
            folder.name, len(photos), lambda: (photo_case(folder, row) for row in photos)
        )
    rows = insight_rows(folder)[:n]
    return EvalSet(folder.name, len(rows), lambda: (insight_case(path, row) for path, row in rows))


def photo_rows(manifest: Path) -> Iterator[Row]:
    """The stills that have a hazard point. Needs the columns file, hazard_x and hazard_y."""
    with manifest.open(newline="", encoding="utf-8") as file:
        reader = csv.DictReader(file)
        missing = {"file", "hazard_x", "hazard_y"} - set(reader.fieldnames or ())
        if missing:
            raise UserError(
                "The manifest lacks columns",
                expected="file, hazard_x, hazard_y (and, if known, kind, label, box_x1 ... box_y2)",
                got=f"none called {', '.join(sorted(missing))}",
            )
        yield from (r for r in reader if r.get("kind", "still") == "still" and r["hazard_x"])


def photo_case(folder: Path, row: Row) -> EvalCase:
    """One row; its slices are the label and the annotator's confidence."""
    labels = [row.get("label"), f"{row['confidence']}_confidence" if row.get("confidence") else ""]
    image = load_image(inside(folder, row["file"]))
    return EvalCase(image, {"point": photo_point(row)}, frozenset(x for x in labels if x))


def photo_point(row: Row) -> Point:
    """The row's hazard point, with the box round the hazard where it is given."""
    corners = [row.get(name) for name in ("box_x1", "box_y1", "box_x2", "box_y2")]
    box = tuple(float(c) for c in corners) if all(corners) else None  # type: ignore[arg-type]
    return Point(float(row["hazard_x"]), float(row["hazard_y"]), box, source="truth")  # type: ignore[arg-type]


def insight_rows(folder: Path) -> list[tuple[Path, Found]]:
    """All rows with messages of the folder's .parquet, .json and .jsonl files, each with its file.
    Raises UserError: there are none, or a row cannot be read."""
    files = sorted(p for p in folder.rglob("*") if p.suffix in READERS)
    rows = [(path, row) for path in files for row in READERS[path.suffix](path)]
    for path, row in rows:
        if row.problem is not None:
            raise UserError(f"Row {row.number} of {path.name} cannot be read", got=row.problem)
    rows = [(path, row) for path, row in rows if isinstance(row.messages, list)]
    if not rows:
        raise UserError(
            "The folder holds no data set that is known",
            expected="manifest.csv, or .parquet, .json or .jsonl rows with image and messages",
            got=str(folder),
        )
    return rows


def insight_case(file: Path, row: Found) -> EvalCase:
    """One row; its image lies inside, or below the file's folder."""
    image = _image(file.parent, row)
    return EvalCase(image, from_messages(find_task(TASK), row.messages, image.size_wh))


def _image(folder: Path, row: Found) -> ImageInput:
    assert row.picture is not None  # else the row has a problem
    if isinstance(row.picture, str):
        return load_image(inside(folder, row.picture))
    with tempfile.TemporaryDirectory() as place:  # load_image checks files, whatever their origin
        path = Path(place) / "image"
        path.write_bytes(row.picture)
        return load_image(path)
