"""CSV for spreadsheets: corrections.csv and the images beside it.

A cell of text that a spreadsheet would take for a formula gets an apostrophe in front (OWASP,
"CSV injection"), and so does one that begins with an apostrophe, so that reading can take exactly
that one away again. Text is quoted, so that no separator of another country cuts it in two.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from inference.errors import UserError
from inference.registry import task as find_task
from training.evaluation.insight import Found, check_size
from training.exchange.fields import OLD_NAMES, columns
from training.exchange.folders import put
from training.exchange.rows import DEFAULT_TASK, FLAG, LIST, NUMBER, TEXT, Row

DATA = "corrections.csv"
MEDIA = ("image", "clip")  # the column with the file
# The last four are the full-width forms, which Excel takes for the plain ones.
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")


def guarded(text: str) -> str:
    """The text so that a spreadsheet shows it instead of running it."""
    risky = text.lstrip(" \u00a0").startswith(_FORMULA) or text.startswith("'")
    return f"'{text}" if risky else text


def plain(cell: str) -> str:
    """The text behind `guarded`; other people's cells stay as they are."""
    inner = cell[1:]
    return inner if cell.startswith("'") and guarded(inner) == cell else cell


def write(rows: Iterable[Row], folder: Path) -> None:
    """With a byte order mark, without which Excel reads UTF-8 as Latin-1."""
    with (folder / DATA).open("w", encoding="utf-8-sig", newline="") as file:
        writer = csv.writer(file, quoting=csv.QUOTE_NONNUMERIC)
        for number, row in enumerate(rows):
            kinds = columns(row.task)
            if number == 0:
                writer.writerow((row.task.media, "width", "height", *kinds))
            if not (folder / row.file).exists():
                put(row.source, folder / row.file)
            cells = [_cell(kind, row.cells[name]) for name, kind in kinds.items()]
            writer.writerow([guarded(row.file), *row.size_wh, *cells])


def _cell(kind: str, value: Any) -> Any:
    if kind == LIST:
        return guarded(json.dumps(list(value), ensure_ascii=False))
    if kind == FLAG:
        return int(bool(value))
    if value is None:
        return ""
    return guarded(str(value)) if kind == TEXT else float(value)


# ---- reading ---------------------------------------------------------------------------------


def read(path: Path) -> Iterator[Found]:
    """The rows below the heading, numbered from 1. Columns that are not ours are ignored."""
    check_size(path)
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            heading = file.readline()
            file.seek(0)
            # Spreadsheets of countries with a decimal comma write semicolons.
            semicolons = heading.count(";") > heading.count(",")
            reader = csv.DictReader(file, delimiter=";" if semicolons else ",")
            _check(reader.fieldnames or ())
            for number, row in enumerate(reader, 1):
                yield _found(number, row)
    except (csv.Error, UnicodeDecodeError) as error:
        raise UserError(
            "The file is not CSV in UTF-8",
            got=f"{path.name}: {error}",
            hint="In a spreadsheet, save as “CSV UTF-8”",
            field="file",
        ) from error


def _check(names: Iterable[str]) -> None:
    if not set(MEDIA) & set(names):
        raise UserError(
            "The table lacks columns",
            expected="image or clip, and for hazard points x and y (if known verdict, author ...)",
            got=", ".join(sorted(names))[:300],
            field="file",
        )


def _found(number: int, row: dict[str, Any]) -> Found:
    if None in row or None in row.values():
        return Found(number, problem="more or fewer cells than the heading has")
    try:
        kinds = columns(find_task(plain(row.get("task", "")) or DEFAULT_TASK))
        cells = {n: _value(kinds.get(OLD_NAMES.get(n, n), TEXT), cell) for n, cell in row.items()}
    except ValueError as error:
        return Found(number, problem=str(error))
    except UserError as error:
        return Found(number, problem=error.message)
    file = next(row[name] for name in MEDIA if name in row)
    return Found(number, plain(file), cells)


def _value(kind: str, cell: str) -> Any:
    if kind == NUMBER:
        return float(cell) if cell.strip() else None
    if kind == FLAG:
        return cell.strip().lower() in ("1", "1.0", "true", "yes")
    if kind == LIST:
        return json.loads(plain(cell)) if cell.strip() else []
    return plain(cell)
