"""Folders of pictures as evaluation sets: a manifest.csv, or rows in INSIGHT's released format.

INSIGHT's rows are {"image" or "images", "messages": [user, assistant]}, the point standing in the
assistant's text in original pixels; as Parquet (pictures inside) or JSON (pictures beside).
Knows no model.
"""

from __future__ import annotations

import csv
import json
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from inference.errors import UserError
from inference.media import load_image
from inference.schema import ImageInput
from inference.tasks.coordinates import parse_point
from training.evaluation.sets import EvalCase, EvalSet, point_case

Row = dict[str, Any]


def load_folder(folder: Path, n: int | None = None) -> EvalSet:
    """The set of the first n pictures (all by default) in the folder that have a point."""
    manifest = folder / "manifest.csv"
    if manifest.is_file():
        rows: list[Row] = list(photo_rows(manifest))[:n]
        return _as_set(folder, rows, photo_case)
    return _as_set(folder, insight_rows(folder)[:n], insight_case)


def _as_set(folder: Path, rows: list[Row], case: Callable[[Path, Row], EvalCase]) -> EvalSet:
    if not rows:
        raise UserError("No pictures with a hazard point", got=str(folder))
    return EvalSet(folder.name, len(rows), lambda: (case(folder, row) for row in rows))


# ---- manifest.csv ----------------------------------------------------------------------------


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
    corners = [row.get(name) for name in ("box_x1", "box_y1", "box_x2", "box_y2")]
    box = tuple(float(c) for c in corners) if all(corners) else None  # type: ignore[arg-type]
    labels = [row.get("label"), f"{row['confidence']}_confidence" if row.get("confidence") else ""]
    return point_case(
        load_image(inside(folder, row["file"])),
        (float(row["hazard_x"]), float(row["hazard_y"])),
        box,  # type: ignore[arg-type]
        frozenset(label for label in labels if label),
    )


# ---- INSIGHT's format ------------------------------------------------------------------------


def insight_rows(folder: Path) -> list[Row]:
    """All rows of the folder's .parquet, .json and .jsonl files that have messages."""
    readers = {".parquet": _parquet, ".json": _json, ".jsonl": _jsonl}
    files = sorted(p for p in folder.rglob("*") if p.suffix in readers)
    rows = [row for path in files for row in _rows(path, readers[path.suffix])]
    rows = [row for row in rows if isinstance(row.get("messages"), list)]
    if not rows:
        raise UserError(
            "The folder holds no data set that is known",
            expected="manifest.csv, or .parquet, .json or .jsonl rows with image and messages",
            got=str(folder),
        )
    return rows


def _rows(path: Path, reader: Callable[[Path], list[Any]]) -> list[Row]:
    try:
        return [row for row in reader(path) if isinstance(row, dict)]
    except (ValueError, OSError) as error:  # also pyarrow's own, which are both
        raise UserError(
            f"{path.name} cannot be read", expected="whole rows", got=str(error)[:200]
        ) from error


def insight_case(folder: Path, row: Row) -> EvalCase:
    """One row."""
    turns = [m for m in row["messages"] if isinstance(m, dict)]
    said = [str(m.get("content")) for m in turns if m.get("role") == "assistant"]
    image = _image(folder, row)
    answer = parse_point(said[-1] if said else "", image.size_wh, "original_px")
    if isinstance(answer, str):
        raise UserError(
            f"No hazard point for {image.name}",
            expected="an assistant message with (x,y) in original pixels",
            got=answer,
        )
    return point_case(image, answer.xy)


def _image(folder: Path, row: Row) -> ImageInput:
    value = row.get("image", row.get("images"))
    value = value[0] if isinstance(value, (list, tuple)) and value else value
    if isinstance(value, str):
        return load_image(inside(folder, value))
    if isinstance(value, dict) and value.get("bytes"):
        return _from_bytes(value["bytes"])
    if isinstance(value, dict) and value.get("path"):
        return load_image(inside(folder, value["path"]))
    raise UserError("A row has no picture", expected="a path or bytes", got=type(value).__name__)


def _from_bytes(data: bytes) -> ImageInput:
    with tempfile.TemporaryDirectory() as folder:  # load_image checks files, whatever their origin
        path = Path(folder) / "picture"
        path.write_bytes(data)
        return load_image(path)


def inside(folder: Path, name: str) -> Path:
    """The file of that name; a UserError if it leaves the folder."""
    path = (folder / name).resolve()
    if not path.is_relative_to(folder.resolve()):
        raise UserError("A path leaves its folder", expected=f"a file in {folder}", got=name)
    return path


def _json(path: Path) -> list[Any]:
    data = json.loads(path.read_text(encoding="utf-8"))
    return data if isinstance(data, list) else []


def _jsonl(path: Path) -> list[Any]:
    lines = path.read_text(encoding="utf-8").splitlines()
    return [json.loads(line) for line in lines if line.strip()]


def _parquet(path: Path) -> list[Any]:
    from pyarrow import parquet  # half a second, and most folders have none

    rows: list[Any] = parquet.read_table(path).to_pylist()
    return rows
