"""Parquet that Hugging Face `datasets` loads with pictures: `load_dataset("parquet", ...)`.

The pictures lie inside, as {bytes, path}, and the schema's metadata under "huggingface" says that
the column is an Image (the way `datasets` itself writes it), so its viewer shows them. Also reads
INSIGHT's released Parquet.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from itertools import islice
from pathlib import Path
from typing import Any

import pyarrow as pa
from pyarrow import parquet

from inference.errors import UserError
from training.exchange.messages import to_messages
from training.exchange.rows import FIELDS, FLAG, LIST, NUMBER, TEXT, Found, Row
from training.exchange.sharegpt import found

# The name decides the split, as `datasets` guesses it.
DATA = "train-00000-of-00001.parquet"
GROUP = 32  # rows in memory at once: pictures are large
MAX_ROWS = 200_000
PARTS = ("width", "height", "sha256")

_ARROW = {TEXT: pa.string(), NUMBER: pa.float64(), FLAG: pa.bool_(), LIST: pa.list_(pa.string())}
_VALUE = {TEXT: "string", NUMBER: "float64", FLAG: "bool"}


def _value(dtype: str) -> dict[str, Any]:
    return {"dtype": dtype, "_type": "Value"}


def features() -> dict[str, Any]:
    """The columns as `datasets` describes them."""
    turns = [{"role": _value("string"), "content": _value("string")}]
    named = {
        name: [_value("string")] if kind == LIST else _value(_VALUE[kind])
        for name, kind in FIELDS.items()
    }
    sizes = {"width": _value("int64"), "height": _value("int64"), "sha256": _value("string")}
    return {"image": {"_type": "Image"}, "messages": turns, **named, **sizes}


def schema() -> pa.Schema:
    """Arrow's types with that description as metadata."""
    turn = pa.struct([("role", pa.string()), ("content", pa.string())])
    picture = pa.struct([("bytes", pa.binary()), ("path", pa.string())])
    columns = [("image", picture), ("messages", pa.list_(turn))]
    columns += [(name, _ARROW[kind]) for name, kind in FIELDS.items()]
    columns += [("width", pa.int64()), ("height", pa.int64()), ("sha256", pa.string())]
    described = json.dumps({"info": {"features": features()}})
    return pa.schema(columns, metadata={"huggingface": described})


def write(rows: Iterable[Row], folder: Path) -> None:
    """Group by group."""
    with parquet.ParquetWriter(folder / DATA, schema()) as writer:
        left = iter(rows)
        while group := [_as_record(row) for row in islice(left, GROUP)]:
            writer.write_table(pa.Table.from_pylist(group, schema=schema()))


def _as_record(row: Row) -> dict[str, Any]:
    point = row.point_px
    return {
        "image": {"bytes": row.source.read_bytes(), "path": Path(row.file).name},
        "messages": to_messages(point, (row.width, row.height)) if point else [],
        **row.fields,
        **{name: getattr(row, name) for name in PARTS},
    }


def read(path: Path) -> Iterator[Found]:
    """The rows of one file, numbered from 1.

    Raises:
        UserError: it is not Parquet, is damaged, or has too many rows or the wrong columns.
    """
    try:
        with parquet.ParquetFile(path) as file:
            _check(file)
            number = 0
            for batch in file.iter_batches(batch_size=GROUP):
                for record in batch.to_pylist():
                    number += 1
                    yield _found(number, record)
    except (pa.ArrowException, OSError) as error:
        raise UserError(
            "The Parquet file cannot be read", got=f"{path.name}: {error}", field="file"
        ) from error


def _check(file: parquet.ParquetFile) -> None:
    names = set(file.schema_arrow.names)
    if not names & {"image", "images"}:
        raise UserError(
            "The Parquet file has no pictures",
            expected="a column image (or images), and messages",
            got=", ".join(sorted(names))[:300],
            field="file",
        )
    if file.metadata.num_rows > MAX_ROWS:
        got = str(file.metadata.num_rows)
        raise UserError("Too many rows", expected=f"at most {MAX_ROWS}", got=got, field="file")


def _found(number: int, record: dict[str, Any]) -> Found:
    row = found(number, record)
    if row.problem:
        return row
    fields = {name: record[name] for name in FIELDS if name in record}
    return Found(number, row.picture, fields, row.messages or None)
