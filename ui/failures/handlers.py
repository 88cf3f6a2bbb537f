"""What the Failures page does: reads the upload, compares image by image, writes files. Plain
functions, no gradio. Who may do it stands in `ui.failures.page.NEEDS`.
"""

from __future__ import annotations

import csv
import mimetypes
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from inference.errors import Cancelled, UserError
from inference.fields import Value
from inference.fingerprint import file_sha256
from inference.registry import task as find_task
from inference.schema import PairRequest
from training.evaluation.folders import photo_point, photo_rows
from training.exchange.fields import from_cells
from training.exchange.table import read as read_table
from ui.failures.batches import MAX_IMAGES, Batch, Compared, as_csv, as_json, compared
from ui.shell.desk import Desk, ask_model, check_adapter
from ui.shell.services import Progress
from ui.shell.visitors import Visitor, names_only

Truth = dict[str, Mapping[str, Value]]


def batch_of(
    visitor: Visitor, desk: Desk, files: Iterable[str], task: str, adapter: str | None
) -> Batch:
    """What was uploaded, checked: images, and at most one table of what is true.

    Raises:
        UserError: (field "files") there is no image, there are too many, or the table is wrong.
    """
    paths = [Path(file) for file in files]
    tables = [path for path in paths if path.suffix.lower() == ".csv"]
    images = sorted((p for p in paths if p not in tables), key=lambda p: p.name)
    if not 1 <= len(images) <= MAX_IMAGES or len(tables) > 1:
        raise UserError(
            "Not images to compare",
            expected=f"1 to {MAX_IMAGES} images, and at most one CSV file",
            got=f"{len(images)} images and {len(tables)} CSV files",
            field="files",
        )
    chosen = check_adapter(visitor, desk.services, adapter)
    truth = truth_of(tables[0], task) if tables else {}
    if task == "hazard":
        # By content: gradio hands out copies of the app's own files.
        known = {file_sha256(e.path): e.hazard for e in desk.services.examples() if e.hazard}
        found = {path.name: known.get(file_sha256(path)) for path in images} if known else {}
        truth |= {name: {"point": point} for name, point in found.items() if point}
    _each_once([path.name for path in images if path.name in truth], "images")
    return Batch(task, find_task(task).prompt, chosen, images, truth)


def of_folder(files: Iterable[str]) -> tuple[list[str], int]:
    """The images and tables of a folder, and how many other files it holds: the field for uploads
    refuses all where one is of another type."""
    files = list(files)
    kinds = {file: mimetypes.guess_type(file)[0] or "" for file in files}
    taken = [f for f in files if kinds[f].startswith("image/") or f.lower().endswith(".csv")]
    return taken, len(files) - len(taken)


def truth_of(table: Path, task: str) -> Truth:
    """Values by field, by file name, of a manifest (file, hazard_x, hazard_y ...) or of a table as
    corrections are exported (image, and a column or more a field).

    Raises:
        UserError: (field "files") it is neither.
    """
    known = find_task(task)
    with table.open(newline="", encoding="utf-8-sig", errors="replace") as file:
        names = next(csv.reader(file), [])
    rows: list[tuple[str, Mapping[str, Value]]]
    if "hazard_x" in names and known.main_field.kind == "point":
        try:
            rows = [
                (Path(row["file"]).name, {known.main: photo_point(row)})
                for row in photo_rows(table)
            ]
        except (ValueError, TypeError) as error:
            got = str(error)[:200]
            raise UserError("The manifest cannot be read", got=got, field="files") from error
    else:
        read = [row for row in read_table(table) if isinstance(row.picture, str)]
        rows = [(Path(str(row.picture)).name, from_cells(known, row.fields)) for row in read]
        rows = [(name, values) for name, values in rows if known.main in values]
    _each_once([name for name, _ in rows], "rows of the table")
    return dict(rows)


def _each_once(names: list[str], what: str) -> None:
    """Folders are not told apart: a truth must not fall on another image of the same name.

    Raises:
        UserError: (field "files") two of one name.
    """
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        got = ", ".join(twice[:5])
        expected = "one of each name"
        raise UserError(f"Two {what} have one file name", expected=expected, got=got, field="files")


@dataclass(frozen=True)
class Comparing:
    """The work over a batch's images. A broken image is a row that says so; the result is the
    batch's id."""

    desk: Desk
    batch: Batch
    id: str

    def __call__(self, progress: Progress, cancelled: Callable[[], bool]) -> str:
        paths, rows = self.batch.paths, self.batch.rows
        for i, path in enumerate(paths):
            if cancelled():
                raise Cancelled
            progress(f"Image {i + 1} of {len(paths)}", i / len(paths))
            rows.append(_row(self.desk, self.batch, path, cancelled))
        return self.id


def _row(desk: Desk, batch: Batch, path: Path, cancelled: Callable[[], bool]) -> Compared:
    forced = "finetuned" if batch.adapter else "base"
    request = PairRequest(batch.task, batch.prompt, batch.adapter, forced)  # type: ignore[arg-type]
    try:
        media = desk.services.load_media(path)
        pair = ask_model(desk.services, media, request, cancelled=cancelled)
    except UserError as problem:
        return Compared(path.name, path, problem=names_only(str(problem)))
    desk.results.remember(pair.image.content_hash, path)
    return compared(pair, path, batch.truth.get(path.name, {}))


def found(desk: Desk, batch_id: str) -> Batch | None:
    """The batch of that id; None where the memory has dropped it."""
    batch = desk.batches.get(batch_id)
    return batch if isinstance(batch, Batch) else None


def write(desk: Desk, batch_id: str, kind: str) -> str:
    """A file with the rows so far. kind: csv | json."""
    batch = found(desk, batch_id)
    if batch is None or not batch.rows:
        raise UserError("Nothing is compared yet", hint="Upload images and press Compare all")
    text = as_csv(batch) if kind == "csv" else as_json(batch)
    path = desk.pictures.new_file(f"sightline-{batch.task}-{len(batch.rows)}-images.{kind}")
    path.write_text(text, encoding="utf-8-sig" if kind == "csv" else "utf-8")
    return str(path)
