"""Small whole pictures as data URIs, for pages whose files lie outside every served folder."""

from __future__ import annotations

import base64
import io
from functools import lru_cache
from pathlib import Path

from PIL import Image, ImageOps

SMALL_PX = 340


@lru_cache(maxsize=400)
def _encoded(path: str, stamp: float) -> str:
    with Image.open(path) as picture:
        picture.draft("RGB", (2 * SMALL_PX, 2 * SMALL_PX))
        upright = ImageOps.exif_transpose(picture).convert("RGB")
    upright.thumbnail((SMALL_PX, SMALL_PX))
    buffer = io.BytesIO()
    upright.save(buffer, "JPEG", quality=70)
    return "data:image/jpeg;base64," + base64.b64encode(buffer.getvalue()).decode("ascii")


def small(path: Path | None) -> str:
    """The whole picture, at most 340 px wide or high; "" where there is none that can be read."""
    if path is None:
        return ""
    try:
        return _encoded(str(path), path.stat().st_mtime)
    except (OSError, ValueError):
        return ""
