"""Which weights a model has: a hash that adapters name as their base."""

from __future__ import annotations

import hashlib
import re
from functools import lru_cache
from pathlib import Path

_SHA256 = re.compile(r"[0-9a-f]{64}")


def file_sha256(path: Path) -> str:
    """sha256 hex digest of a file, remembered until the file changes.

    In a hub cache the link's target is named by its sha256, which saves reading gigabytes.
    """
    real = path.resolve()
    if real.parent.name == "blobs" and _SHA256.fullmatch(real.name):
        return real.name
    stat = real.stat()
    return _digest(real, stat.st_size, stat.st_mtime_ns)


@lru_cache(maxsize=64)
def _digest(path: Path, size: int, mtime_ns: int) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def weights_file(folder: Path) -> Path | None:
    """The one file that stands for a model's weights: model.safetensors, or the index of a
    sharded model, or None."""
    for name in ("model.safetensors", "model.safetensors.index.json"):
        if (folder / name).is_file():
            return folder / name
    return None
