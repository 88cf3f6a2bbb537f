"""Small whole pictures as data URIs, for pages whose files lie outside every served folder."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

from PIL import Image, ImageOps

from ui.shell.pictures import data_uri

SMALL_PX = 340


@lru_cache(maxsize=400)
def _encoded(path: str, stamp: float) -> str:
    with Image.open(path) as picture:
        picture.draft("RGB", (2 * SMALL_PX, 2 * SMALL_PX))
        upright = ImageOps.exif_transpose(picture).convert("RGB")
    upright.thumbnail((SMALL_PX, SMALL_PX))
    return data_uri(upright, quality=70)


def small(path: Path | None) -> str:
    """The whole picture, at most 340 px wide or high; "" where there is none that can be read."""
    if path is None:
        return ""
    try:
        return _encoded(str(path), path.stat().st_mtime)
    except (OSError, ValueError):
        return ""
