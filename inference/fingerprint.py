"""Which weights a model has: a hash that adapters name as their base."""

from __future__ import annotations

import hashlib
import json
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


def weights_files(folder: Path) -> list[Path]:
    """The files that a model's weights are loaded from: model.safetensors, or the shards that its
    index names; none where there are neither."""
    whole, index = folder / "model.safetensors", folder / "model.safetensors.index.json"
    if whole.is_file() or not index.is_file():
        return [whole] if whole.is_file() else []
    try:
        named = json.loads(index.read_text(encoding="utf-8"))["weight_map"].values()
        return [folder / name for name in sorted(set(named))]
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return []


def weights_sha256(folder: Path) -> str | None:
    """What names a model's weights: the file's sha256, or that of its shards' digests; None where
    the folder has no weights."""
    digests = [file_sha256(file) for file in weights_files(folder)]
    if len(digests) < 2:
        return digests[0] if digests else None
    return hashlib.sha256("\n".join(digests).encode()).hexdigest()
