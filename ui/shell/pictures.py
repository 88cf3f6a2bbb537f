"""Small copies of images for the browser, and files to download.

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
from pathlib import Path

from PIL import Image

from inference.inputs import ImageInput

MAX_WIDTH_PX = 1280
KEEP = 120


class Pictures:
    """JPEG copies, at most 1280 px wide."""

    def __init__(self, folder: Path | None = None) -> None:
        self._holder = None if folder else tempfile.TemporaryDirectory(prefix="sightline-")
        self.folder = Path(folder or self._holder.name)  # type: ignore[union-attr]
        self._lock = threading.Lock()
        self._downloads: list[Path] = []
        self._copies: OrderedDict[str, Path] = OrderedDict()

    def new_file(self, name: str) -> Path:
        """A place for a file to download, in a folder of its own; old ones are removed."""
        with self._lock:
            place = self.folder / f"download-{secrets.token_hex(16)}"
            place.mkdir()
            self._downloads.append(place)
            while len(self._downloads) > KEEP:
                shutil.rmtree(self._downloads.pop(0), ignore_errors=True)
        return place / name

    def url(self, image: ImageInput) -> str:
        """Address of the copy, relative to the page. Written on first use; nobody waits for that of
        another image."""
        with self._lock:
            fresh = self.folder / f"{secrets.token_hex(16)}.jpg"
            copy = self._copies.setdefault(image.content_hash, fresh)
            self._copies.move_to_end(image.content_hash)
            while len(self._copies) > KEEP:
                self._copies.popitem(last=False)[1].unlink(missing_ok=True)
        if not copy.is_file():
            part = copy.with_suffix(f".{secrets.token_hex(4)}")
            _shrunk(image).save(part, "JPEG", quality=85)
            part.replace(copy)
        return f"gradio_api/file={copy}"


def _shrunk(image: ImageInput) -> Image.Image:
    small = Image.fromarray(image.pixels)
    small.thumbnail((MAX_WIDTH_PX, 4 * MAX_WIDTH_PX))
    return small


def data_uri(picture: Image.Image, quality: int) -> str:
    """The picture as a JPEG within an address."""
    buffer = io.BytesIO()
    picture.save(buffer, "JPEG", quality=quality)
    return "data:image/jpeg;base64," + base64.b64encode(buffer.getvalue()).decode("ascii")
