"""Small upright copies of images, and of clips' first frames, as data URIs."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

from PIL import Image, ImageOps

from inference.errors import UserError
from inference.media import is_image, load_media
from ui.shell.pictures import data_uri

SMALL_PX = 340


def small(path: Path | None) -> str:
    """The whole image, at most 340 px wide or high; "" where there is none that can be read."""
    return _copy(path, (SMALL_PX, SMALL_PX), crop=False)


def cropped(path: Path | None, size_wh: tuple[int, int]) -> str:
    """The image cropped to that size in px; "" where there is none that can be read."""
    return _copy(path, size_wh, crop=True)


def _copy(path: Path | None, size_wh: tuple[int, int], crop: bool) -> str:
    try:
        return _encoded(path, path.stat().st_mtime_ns, size_wh, crop) if path else ""
    except (OSError, ValueError, UserError):
        return ""


@lru_cache(maxsize=1000)
def _encoded(path: Path, stamp_ns: int, size_wh: tuple[int, int], crop: bool) -> str:
    if is_image(path):
        with Image.open(path) as image:
            image.draft("RGB", (2 * size_wh[0], 2 * size_wh[1]))
            upright = ImageOps.exif_transpose(image).convert("RGB")
    else:
        upright = Image.fromarray(load_media(path).still().pixels)
    if crop:
        upright = ImageOps.fit(upright, size_wh)
    else:
        upright.thumbnail(size_wh)
    return data_uri(upright, quality=70)
