"""Files that appear whole or not at all, however their writing ends."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any


@contextmanager
def whole(path: Path, durable: bool = False) -> Iterator[Path]:
    """A place beside `path` to write to, which becomes `path` where the block ends well. durable:
    its content is on disk first."""
    fresh = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        yield fresh
        if durable:
            with fresh.open("rb") as file:
                os.fsync(file.fileno())
        os.replace(fresh, path)
    finally:
        fresh.unlink(missing_ok=True)


def write_json(path: Path, value: Any, durable: bool = False) -> None:
    with whole(path, durable) as fresh:
        fresh.write_text(json.dumps(value, indent=2) + "\n", encoding="utf-8")
