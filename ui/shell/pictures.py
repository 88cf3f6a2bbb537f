"""Small copies of pictures for the browser: files for the figures, data URIs for thumbnails.

Files lie in a temporary folder of this process under names that cannot be guessed; only the most
recent are kept. Knows no gradio: `app.py` allows the folder to be served.
"""

from __future__ import annotations

import base64
import io
import secrets
import shutil
import tempfile
import threading
from collections import OrderedDict
from dataclasses import dataclass, field
from pathlib import Path

from PIL import Image, ImageOps

from inference.schema import ImageInput

MAX_WIDTH_PX = 1280
KEEP = 120
THUMB_WH = (240, 150)


@dataclass
class _Copy:
    """One file. lock: of who writes it; only those who want this very copy wait for that."""

    path: Path
    lock: threading.Lock = field(default_factory=threading.Lock)
    written: bool = False


class Pictures:
    """JPEG copies, at most 1280 px wide, in colour and in dimmed grey (under a difference)."""

    def __init__(self, folder: Path | None = None) -> None:
        self._holder = None if folder else tempfile.TemporaryDirectory(prefix="sightline-")
        self.folder = Path(folder or self._holder.name)  # type: ignore[union-attr]
        self._lock = threading.Lock()
        self._downloads: list[Path] = []
        self._copies: OrderedDict[tuple[str, bool], _Copy] = OrderedDict()

    def new_file(self, name: str) -> Path:
        """A place for a file to download, in a folder of its own; old ones are removed."""
        with self._lock:
            place = self.folder / f"download-{secrets.token_hex(16)}"
            place.mkdir()
            self._downloads.append(place)
            while len(self._downloads) > KEEP:
                shutil.rmtree(self._downloads.pop(0), ignore_errors=True)
        return place / name

    def url(self, image: ImageInput, grey: bool = False) -> str:
        """Address of the copy, relative to the page. Written on first use."""
        key = (image.content_hash, grey)
        with self._lock:
            fresh = _Copy(self.folder / f"{secrets.token_hex(16)}.jpg")
            copy = self._copies.setdefault(key, fresh)
            self._copies.move_to_end(key)
            while len(self._copies) > KEEP:
                self._copies.popitem(last=False)[1].path.unlink(missing_ok=True)
        with copy.lock:
            if not copy.written:
                _shrunk(image, grey).save(copy.path, quality=85)
                copy.written = True
        return f"gradio_api/file={copy.path}"


def _shrunk(image: ImageInput, grey: bool) -> Image.Image:
    picture = Image.fromarray(image.pixels)
    picture.thumbnail((MAX_WIDTH_PX, 4 * MAX_WIDTH_PX))
    if grey:
        # Dim and flat, so that blue and amber are the only colours of a difference.
        picture = ImageOps.grayscale(picture).point(lambda v: 70 + v * 0.5).convert("RGB")
    return picture


def thumbnail(path: Path, size_wh: tuple[int, int] = THUMB_WH, quality: int = 72) -> str:
    """A JPEG data URI of the picture, upright and cropped to that size, for strips and queues."""
    with Image.open(path) as picture:
        picture.draft("RGB", (2 * size_wh[0], 2 * size_wh[1]))
        upright = ImageOps.exif_transpose(picture).convert("RGB")
    return data_uri(ImageOps.fit(upright, size_wh), quality)


def data_uri(picture: Image.Image, quality: int) -> str:
    """The picture as a JPEG within an address."""
    buffer = io.BytesIO()
    picture.save(buffer, "JPEG", quality=quality)
    return "data:image/jpeg;base64," + base64.b64encode(buffer.getvalue()).decode("ascii")
