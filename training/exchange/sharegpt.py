"""LLaMA-Factory's ShareGPT rows: data.json, dataset_info.json and the pictures beside them.

Copied into LLaMA-Factory's `data/` folder, or named by `dataset_dir`, the data set is called
`sightline_TASK`. Also reads INSIGHT's rows, as JSON or JSON lines.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from inference.errors import UserError
from training.exchange.folders import put
from training.exchange.messages import to_messages
from training.exchange.rows import Found, Row

DATA, INFO = "data.json", "dataset_info.json"
MAX_BYTES = 500_000_000  # of one list of rows, without pictures
DATASET_INFO = {
    "file_name": DATA,
    "formatting": "sharegpt",
    "columns": {"messages": "messages", "images": "images"},
    "tags": {
        "role_tag": "role",
        "content_tag": "content",
        "user_tag": "user",
        "assistant_tag": "assistant",
    },
}


def refuses(row: Row) -> str | None:
    """Why a correction cannot go into this format, or None."""
    there = row.task.main in row.values
    if not there and row.cells["verdict"] == "right":
        return "it calls an answer right that is not known"
    if not there:
        return f"a model is not taught a sentence for “{row.task.absent.lower()}”"
    if row.cells["status"] in ("rejected", "withdrawn"):
        return "LLaMA-Factory would train on what was rejected or withdrawn"
    return None


def write(rows: Iterable[Row], folder: Path) -> None:
    """Row by row, so that a large export does not stand in memory."""
    with (folder / DATA).open("w", encoding="utf-8") as file:
        file.write("[")
        for index, row in enumerate(rows):
            put(row.source, folder / row.file)
            file.write(",\n" if index else "\n")
            file.write(json.dumps(as_json(row), ensure_ascii=False))
        file.write("\n]\n")
    info = {f"sightline_{row.task.name}": DATASET_INFO}
    (folder / INFO).write_text(json.dumps(info, indent=2) + "\n", encoding="utf-8")


def as_json(row: Row) -> dict[str, Any]:
    """One row; it must have a value of the main field."""
    return {"messages": to_messages(row.task, row.values, row.size_wh), "images": [row.file]}


# ---- reading ---------------------------------------------------------------------------------


def read(path: Path) -> Iterator[Found]:
    """The rows of a list in JSON, numbered from 1."""
    data = load(path)
    if not isinstance(data, list):
        raise UserError(
            "The file holds no list of rows",
            expected="a list of objects with image and messages",
            got=type(data).__name__,
            field="file",
        )
    return (found(number, row) for number, row in enumerate(data, 1))


def read_lines(path: Path) -> Iterator[Found]:
    """The rows of JSON lines, numbered as the lines are."""
    check_size(path)
    with path.open("rb") as file:  # json tells the encoding, and bad bytes spoil one line only
        for number, line in enumerate(file, 1):
            if not line.strip():
                continue
            try:
                yield found(number, json.loads(line))
            except (ValueError, RecursionError) as error:
                yield Found(number, problem=f"not JSON: {error}")


def found(number: int, row: Any) -> Found:
    """A row of INSIGHT's: image or images, and messages."""
    if not isinstance(row, dict):
        return Found(number, problem=f"not an object but {type(row).__name__}")
    picture = row.get("image") or row.get("images")
    if isinstance(picture, list):
        if len(picture) > 1:
            return Found(number, problem=f"{len(picture)} pictures; one is wanted")
        picture = picture[0] if picture else None
    if isinstance(picture, dict):  # Hugging Face's struct
        picture = picture.get("bytes") or picture.get("path")
    if not isinstance(picture, (str, bytes)) or not picture:
        return Found(number, problem="no picture")
    return Found(number, picture, messages=row.get("messages", row.get("conversations")))


def load(path: Path) -> Any:
    """A JSON file of bounded size."""
    check_size(path)
    try:
        return json.loads(path.read_text(encoding="utf-8-sig"))
    except (ValueError, RecursionError, OSError) as error:
        raise UserError(
            "The file is not JSON", got=f"{path.name}: {error}", field="file"
        ) from error


def check_size(path: Path) -> None:
    """Raises UserError where a list of rows is too large to read."""
    try:
        size = path.stat().st_size
    except OSError as error:
        got = f"{path.name}: {error.strerror}"
        raise UserError("The file cannot be read", got=got, field="file") from error
    if size > MAX_BYTES:
        expected = f"at most {MAX_BYTES // 10**6} MB of rows"
        got = f"{size / 1e6:.0f} MB"
        raise UserError("The file is too large", expected=expected, got=got, field="file")
