"""Uploaded images: checked before they are decoded in full, then made upright RGB.

Transparency is laid over mid-grey: black would look like night, white like sky or fog. Knows no
model. Pillow and numpy only; clips are in inference.clips.
"""

from __future__ import annotations

import hashlib
import io
import re
import warnings
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps

from inference.errors import UserError
from inference.inputs import ImageInput, Media

MAX_BYTES = 40_000_000
MAX_PIXELS = 60_000_000
MAX_SIDE = 16_000
MIN_SIDE = 16
MAX_ASPECT = 8
FORMATS = ("JPEG", "PNG", "WEBP", "BMP", "GIF", "TIFF", "PPM")
# First bytes of MP4 and MOV, of MKV and WebM, of AVI.
CLIP_MARKS = ((4, b"ftyp"), (4, b"moov"), (0, b"\x1aE\xdf\xa3"), (8, b"AVI "))
BACKGROUND = (128, 128, 128)

# Our own limit is checked on the header; Pillow's would only warn between its limit and twice that.
_HEADER_ERRORS = (OSError, ValueError, SyntaxError, EOFError, OverflowError, MemoryError)


def load_image(path: str | Path) -> ImageInput:
    """Read, check and decode an image.

    Raises:
        UserError: (field "image") with the limit that was broken.
    """
    path = Path(path)
    data = _read(path)
    with warnings.catch_warnings():
        # Damaged EXIF blocks make Pillow warn; the image itself is what counts.
        warnings.simplefilter("ignore")
        image = _open(data, path.name)
        _check_size(*image.size)
        pixels = _decode(image, path.name)
    return ImageInput(pixels, hashlib.sha256(data).hexdigest(), path.name)


def load_media(path: str | Path) -> Media:
    """Read an image or a clip, whichever the file's content is.

    Raises:
        UserError: (field "image" or "clip") with the limit that was broken.
    """
    if is_image(Path(path)):
        return load_image(path)
    from inference.clips import load_clip  # PyAV takes 60 ms to import, and most uploads are images

    return load_clip(path)


def is_image(path: Path) -> bool:
    """Whether the file begins as a clip does not. What is neither counts as an image, whose errors
    say what is expected."""
    try:
        with path.open("rb") as file:
            head = file.read(16)
    except OSError:
        return True
    return not any(head[at : at + len(mark)] == mark for at, mark in CLIP_MARKS)


def _read(path: Path) -> bytes:
    try:
        size = path.stat().st_size
        if not path.is_file():
            raise UserError("That is not a file", got=path.name, field="image")
        if size == 0:
            raise UserError("The file is empty (zero bytes)", got=path.name, field="image")
        if size > MAX_BYTES:
            raise UserError(
                "The file is too large",
                expected=f"at most {MAX_BYTES // 1_000_000} MB",
                got=f"{size / 1e6:.0f} MB",
                field="image",
            )
        return path.read_bytes()
    except OSError as error:
        raise UserError(
            "The file cannot be read", got=f"{path.name}: {error.strerror}", field="image"
        ) from error


def _open(data: bytes, name: str) -> Image.Image:
    """The header alone. The content decides, not the file's extension."""
    try:
        return Image.open(io.BytesIO(data), formats=FORMATS)
    except Image.DecompressionBombError as error:
        pixels = next((int(n) for n in re.findall(r"\d+", str(error))), 0)
        raise _too_large(f"{pixels / 1e6:.0f} megapixels") from error
    except _HEADER_ERRORS as error:
        raise UserError(
            "The file is not an image that can be opened",
            expected=f"one of {', '.join(f for f in FORMATS if f not in ('MPO', 'PPM'))}",
            got=name,
            field="image",
        ) from error


def _too_large(got: str) -> UserError:
    return UserError(
        "The image has too many pixels",
        expected=f"at most {MAX_PIXELS // 1_000_000} megapixels and {MAX_SIDE} pixels a side",
        got=got,
        hint="Make it smaller and upload it again",
        field="image",
    )


def _check_size(width: int, height: int) -> None:
    size = f"{width} x {height}"
    if width * height > MAX_PIXELS or max(width, height) > MAX_SIDE:
        raise _too_large(size)
    if min(width, height) < MIN_SIDE:
        raise UserError(
            "The image is too small",
            expected=f"at least {MIN_SIDE} pixels a side",
            got=size,
            field="image",
        )
    if max(width, height) > MAX_ASPECT * min(width, height):
        raise UserError(
            "The image is too long and narrow",
            expected=f"sides within {MAX_ASPECT}:1",
            got=f"{size} ({max(width, height) / min(width, height):.0f}:1)",
            field="image",
        )


def _decode(image: Image.Image, name: str) -> NDArray[np.uint8]:
    """Upright RGB of the first frame."""
    try:
        image.seek(0)
        image.load()
        rgb = _to_rgb(_upright(image))
        return np.array(rgb, dtype=np.uint8)
    except _HEADER_ERRORS as error:
        raise UserError(
            "The image is damaged or cut off",
            got=name,
            hint="Open it in a viewer and save it again",
            field="image",
        ) from error


def _upright(image: Image.Image) -> Image.Image:
    """Turned as its EXIF orientation says; a broken EXIF block is ignored."""
    try:
        return ImageOps.exif_transpose(image)
    except (*_HEADER_ERRORS, KeyError, TypeError, AttributeError, ZeroDivisionError):
        return image


def _to_rgb(image: Image.Image) -> Image.Image:
    if image.mode in ("I", "F") or image.mode.startswith("I;16"):
        return _from_deep(image)
    if image.mode in ("RGBA", "LA", "PA", "La", "RGBa") or "transparency" in image.info:
        image = image.convert("RGBA")
        ground = Image.new("RGBA", image.size, (*BACKGROUND, 255))
        return Image.alpha_composite(ground, image).convert("RGB")
    return image.convert("RGB")


def _from_deep(image: Image.Image) -> Image.Image:
    """16-bit, 32-bit and float grey to 8 bits, which Pillow's own convert would clip to white.

    Whole-range 16-bit is divided by 257. Values that already fit 8 bits are kept, and floats up to
    1 are stretched from 0..1; anything else is scaled by its maximum.
    """
    values = np.nan_to_num(np.asarray(image, dtype=np.float64), posinf=0.0, neginf=0.0)
    top = float(values.max())
    if image.mode == "F" and top <= 1.0:
        values = values * 255.0
    elif top > 65535:
        values = values * (255.0 / top)
    elif top > 255:
        values = values / 257.0
    return Image.fromarray(np.clip(np.round(values), 0, 255).astype(np.uint8)).convert("RGB")
