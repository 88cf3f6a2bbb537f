"""Parquet that Hugging Face `datasets` loads with images: `load_dataset("parquet", ...)`.

The images lie inside, as {bytes, path}, and the schema's metadata under "huggingface" says that
the column is an Image (the way `datasets` itself writes it), so its viewer shows them.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from itertools import chain, islice
from pathlib import Path
from typing import Any

import pyarrow as pa
from pyarrow import parquet

from inference.tasks.base import Task
from training.evaluation.insight import GROUP
from training.exchange.fields import columns
from training.exchange.rows import FLAG, LIST, NUMBER, TEXT, Row
from training.exchange.sharegpt import to_messages

# The name decides the split, as `datasets` guesses it.
DATA = "train-00000-of-00001.parquet"
COLUMNS = {"image": ("image", "Image"), "clip": ("video", "Video")}  # and their type there

_ARROW = {TEXT: pa.string(), NUMBER: pa.float64(), FLAG: pa.bool_(), LIST: pa.list_(pa.string())}
_VALUE = {TEXT: "string", NUMBER: "float64", FLAG: "bool"}


def _value(dtype: str) -> dict[str, Any]:
    return {"dtype": dtype, "_type": "Value"}


def features(task: Task) -> dict[str, Any]:
    """The columns as `datasets` describes them."""
    turns = [{"role": _value("string"), "content": _value("string")}]
    named = {
        name: [_value("string")] if kind == LIST else _value(_VALUE[kind])
        for name, kind in columns(task).items()
    }
    sizes = {"width": _value("int64"), "height": _value("int64"), "sha256": _value("string")}
    column, kind = COLUMNS[task.media]
    return {column: {"_type": kind}, "messages": turns, **named, **sizes}


def schema(task: Task) -> pa.Schema:
    """Arrow's types with that description as metadata."""
    turn = pa.struct([("role", pa.string()), ("content", pa.string())])
    picture = pa.struct([("bytes", pa.binary()), ("path", pa.string())])
    typed = [(COLUMNS[task.media][0], picture), ("messages", pa.list_(turn))]
    typed += [(name, _ARROW[kind]) for name, kind in columns(task).items()]
    typed += [("width", pa.int64()), ("height", pa.int64()), ("sha256", pa.string())]
    described = json.dumps({"info": {"features": features(task)}})
    return pa.schema(typed, metadata={"huggingface": described})


def write(rows: Iterable[Row], folder: Path) -> None:
    """Group by group."""
    left = iter(rows)
    first = next(left)
    left, described = chain([first], left), schema(first.task)
    with parquet.ParquetWriter(folder / DATA, described) as writer:
        while group := [_as_record(row) for row in islice(left, GROUP)]:
            writer.write_table(pa.Table.from_pylist(group, schema=described))


def _as_record(row: Row) -> dict[str, Any]:
    return {
        COLUMNS[row.task.media][0]: {"bytes": row.source.read_bytes(), "path": Path(row.file).name},
        "messages": to_messages(row.task, row.values, row.size_wh),
        **row.cells,
        "width": row.size_wh[0],
        "height": row.size_wh[1],
        "sha256": row.sha256,
    }
