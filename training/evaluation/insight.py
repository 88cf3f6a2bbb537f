"""Rows of other people's data sets: an image and chat turns, as JSON, JSON lines or Parquet.

INSIGHT's rows are {"image" or "images", "messages": [user, assistant]}, the point standing in the
assistant's text in original pixels; LLaMA-Factory's and OpenAI's spellings are read too. Nothing
in a row is believed: each is given with what it holds, or with why it cannot be used.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Any

from inference.errors import UserError
from inference.fields import Value
from inference.tasks.base import WH, Task

FRAME = "original_px"
MAX_BYTES = 500_000_000  # of one list of rows, without images
MAX_ROWS = 200_000
MAX_TURNS = 64
FILES = ("image", "images", "video", "videos")  # columns of a file's path or bytes
GROUP = 32  # rows of a Parquet file in memory at once: images are large
ASSISTANTS = ("assistant", "gpt")


@dataclass(frozen=True)
class Found:
    """One row of a file.

    number: where it stands, from 1. picture: a path below the file's folder, or the image's bytes.
    fields: other cells. messages: the turns, if any. problem: why it could not even be read.
    """

    number: int
    picture: str | bytes | None = None
    fields: Mapping[str, Any] = field(default_factory=dict)
    messages: Any = None
    problem: str | None = None


def read_json(path: Path) -> Iterator[Found]:
    """The rows of a list in JSON."""
    check_size(path)
    try:
        data = json.loads(path.read_text(encoding="utf-8-sig"))
    except (ValueError, RecursionError, OSError) as error:
        got = f"{path.name}: {error}"
        raise UserError("The file is not JSON", got=got, field="file") from error
    if not isinstance(data, list):
        raise UserError(
            "The file holds no list of rows",
            expected="a list of objects with image and messages",
            got=type(data).__name__,
            field="file",
        )
    return (_found(number, row) for number, row in enumerate(data, 1))


def read_lines(path: Path) -> Iterator[Found]:
    """The rows of JSON lines, numbered as the lines are."""
    check_size(path)
    with path.open("rb") as file:  # json tells the encoding, and bad bytes spoil one line only
        for number, line in enumerate(file, 1):
            if line.strip():
                try:
                    yield _found(number, json.loads(line))
                except (ValueError, RecursionError) as error:
                    yield Found(number, problem=f"not JSON: {error}")


def read_parquet(path: Path) -> Iterator[Found]:
    """The rows of a Parquet file, with their other columns. Raises UserError: it is not Parquet, is
    damaged, or has too many rows or no images."""
    import pyarrow as pa  # half a second, and most folders have no Parquet
    from pyarrow import parquet

    try:
        with parquet.ParquetFile(path) as file:
            names = file.schema_arrow.names
            if not set(FILES) & set(names):
                raise UserError(
                    "The Parquet file has no images",
                    expected="a column image (or images), and messages",
                    got=", ".join(sorted(names))[:300],
                    field="file",
                )
            if (rows := file.metadata.num_rows) > MAX_ROWS:
                expected = f"at most {MAX_ROWS}"
                raise UserError("Too many rows", expected=expected, got=str(rows), field="file")
            number = 0
            for batch in file.iter_batches(batch_size=GROUP):
                for record in batch.to_pylist():
                    number += 1
                    yield _found(number, record, cells=True)
    except (pa.ArrowException, OSError) as error:
        got = f"{path.name}: {error}"
        raise UserError("The Parquet file cannot be read", got=got, field="file") from error


READERS: dict[str, Callable[[Path], Iterator[Found]]] = {
    ".json": read_json,
    ".jsonl": read_lines,
    ".parquet": read_parquet,
}


def _found(number: int, row: Any, cells: bool = False) -> Found:
    if not isinstance(row, dict):
        return Found(number, problem=f"not an object but {type(row).__name__}")
    image = next((row[name] for name in FILES if row.get(name)), None)
    if isinstance(image, list):
        if len(image) > 1:
            return Found(number, problem=f"{len(image)} images; one is wanted")
        image = image[0] if image else None
    if isinstance(image, dict):  # Hugging Face's struct
        image = image.get("bytes") or image.get("path")
    if not isinstance(image, (str, bytes)) or not image:
        return Found(number, problem="no image")
    read = (*FILES, "messages")
    others = {k: v for k, v in row.items() if k not in read} if cells else {}
    return Found(number, image, others, row.get("messages") or row.get("conversations"))


def check_size(path: Path) -> None:
    """Raises UserError where a list of rows is too large to read."""
    try:
        size = path.stat().st_size
    except OSError as error:
        got = f"{path.name}: {error.strerror}"
        raise UserError("The file cannot be read", got=got, field="file") from error
    if size > MAX_BYTES:
        expected, got = f"at most {MAX_BYTES // 10**6} MB of rows", f"{size / 1e6:.0f} MB"
        raise UserError("The file is too large", expected=expected, got=got, field="file")


def inside(folder: Path, name: str) -> Path:
    """The file of that name in the folder. Raises UserError: the name is absolute, has "..", a
    drive or a NUL, or leads out through a link."""
    plain = PurePosixPath(name.replace("\\", "/"))
    rooted = plain.is_absolute() or name[1:2] == ":"  # C:, on Windows
    odd = not name or "\0" in name or rooted or ".." in plain.parts
    path = folder / plain if not odd else folder
    if odd or not Path(os.path.realpath(path)).is_relative_to(os.path.realpath(folder)):
        raise UserError(
            "A path leaves its folder",
            expected="a file beside or below the list of rows",
            got=name[:200],
            field="image",
        )
    return path


# ---- chat turns ------------------------------------------------------------------------------


def from_messages(task: Task, messages: Any, image_wh: WH) -> Mapping[str, Value]:
    """Values by field, in the last assistant turn, as the task's parser reads them.

    Turns are {"role", "content"} (user, assistant) or {"from", "value"} (human, gpt). Raises
    UserError (field "messages"): why the row has no value of the main field.
    """
    if not isinstance(messages, (list, tuple)) or not messages:
        raise _bad("No messages", "a list of turns", type(messages).__name__)
    if len(messages) > MAX_TURNS:
        raise _bad("Too many turns", f"at most {MAX_TURNS}", str(len(messages)))
    turns = [_turn(turn) for turn in messages]
    answers = [text for who, text in turns if who in ASSISTANTS]
    if not answers:
        roles = ", ".join(who[:20] for who, _ in turns)
        raise _bad("No assistant turn", "a user turn and an assistant turn", roles)
    answer = task.parse(answers[-1], image_wh, FRAME, None)
    if task.main not in answer.values:
        label = task.main_field.label.lower()
        why = answer.missing.get(task.main, "")
        raise _bad(f"No {label}", f"a {label} that the task's parser reads", why)
    return answer.values


def _turn(turn: Any) -> tuple[str, str]:
    if not isinstance(turn, dict):
        raise _bad("A turn is not an object", "role and content", type(turn).__name__)
    who = turn.get("role", turn.get("from"))
    said = turn.get("content", turn.get("value"))
    if isinstance(said, list):  # OpenAI's parts
        said = " ".join(str(p.get("text") or "") for p in said if isinstance(p, dict))
    if not isinstance(who, str) or not isinstance(said, str):
        got = f"{type(who).__name__} and {type(said).__name__}"
        raise _bad("A turn lacks its role or its text", "two texts", got)
    return who.lower(), said


def _bad(message: str, expected: str, got: str) -> UserError:
    return UserError(message, expected=expected, got=got, field="messages")
