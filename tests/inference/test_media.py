"""Uploaded images: every kind of bad one gives a sentence, every odd one comes out right."""

from __future__ import annotations

import hashlib
import io
import struct
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from inference import media
from inference.errors import UserError
from inference.media import load_image


def encode(image: Image.Image, kind: str = "PNG", **options: object) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def noise(width: int = 64, height: int = 48) -> Image.Image:
    rng = np.random.default_rng(0)
    return Image.fromarray(rng.integers(0, 256, (height, width, 3), dtype=np.uint8))


def png_header(width: int, height: int) -> bytes:
    """A PNG that claims a size and has no pixels: refusing it must not need them."""
    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    chunks = [b"IHDR" + head, b"IDAT" + zlib.compress(b"")]
    framed = (struct.pack(">I", len(c) - 4) + c + struct.pack(">I", zlib.crc32(c)) for c in chunks)
    return b"\x89PNG\r\n\x1a\n" + b"".join(framed)


def damaged_png() -> bytes:
    data = bytearray(encode(noise()))
    data[len(data) // 2] ^= 0xFF
    return bytes(data)


BAD: dict[str, tuple[Callable[[], bytes], str]] = {
    "zero bytes": (lambda: b"", "empty"),
    "text": (lambda: b"this is no picture", "not an image"),
    "html": (lambda: b"<svg xmlns='http://www.w3.org/2000/svg'/>", "not an image"),
    "pdf": (lambda: b"%PDF-1.4\n%%EOF", "not an image"),
    "truncated jpeg": (lambda: encode(noise(640, 480), "JPEG")[:2000], "damaged"),
    "truncated png": (lambda: encode(noise(640, 480))[:5000], "damaged"),
    "header only": (lambda: encode(noise(), "JPEG")[:20], "not an image"),
    "damaged png": (damaged_png, "damaged"),
    "1 x 1": (lambda: encode(noise(1, 1)), "too small"),
    "15 pixels high": (lambda: encode(noise(64, 15)), "too small"),
    "20,000 x 20,000": (lambda: png_header(20_000, 20_000), "too many pixels"),
    "9,000 x 9,000": (lambda: png_header(9_000, 9_000), "too many pixels"),
    "30,000 x 1,000": (lambda: png_header(30_000, 1_000), "too many pixels"),
    "2^31 x 2^31": (lambda: png_header(2**31 - 1, 2**31 - 1), ""),
    "200:1": (lambda: png_header(3200, 16), "long and narrow"),
    "1:9": (lambda: encode(noise(20, 180)), "long and narrow"),
}


@pytest.mark.parametrize(("make", "reason"), BAD.values(), ids=BAD)
def test_bad_image_gives_a_sentence(make, reason, tmp_path):
    path = tmp_path / "upload.png"
    path.write_bytes(make())
    with pytest.raises(UserError) as caught:
        load_image(path)
    assert caught.value.field == "image"
    assert reason in str(caught.value)


def test_huge_file_is_refused_before_it_is_read(tmp_path, monkeypatch):
    path = tmp_path / "big.png"
    path.write_bytes(encode(noise()))
    monkeypatch.setattr(media, "MAX_BYTES", 100)
    monkeypatch.setattr(Path, "read_bytes", lambda _: pytest.fail("read"))
    with pytest.raises(UserError, match="too large"):
        load_image(path)


def test_size_is_refused_before_decoding(tmp_path, monkeypatch):
    path = tmp_path / "big.png"
    path.write_bytes(png_header(9_000, 9_000))
    monkeypatch.setattr(Image.Image, "load", lambda _: pytest.fail("decoded"))
    with pytest.raises(UserError, match="9000 x 9000"):
        load_image(path)


@pytest.mark.parametrize("path", ["missing.png", "."])
def test_no_file(path, tmp_path):
    with pytest.raises(UserError) as caught:
        load_image(tmp_path / path)
    assert caught.value.field == "image"


def test_content_decides_not_the_extension(tmp_path):
    path = tmp_path / "photo.png"
    data = encode(noise(), "JPEG")
    path.write_bytes(data)
    image = load_image(path)
    assert image.size_wh == (64, 48)
    assert image.content_hash == hashlib.sha256(data).hexdigest()
    assert image.name == "photo.png"


def load(tmp_path: Path, data: bytes) -> np.ndarray:
    path = tmp_path / "image"
    path.write_bytes(data)
    pixels = load_image(path).pixels
    assert pixels.dtype == np.uint8
    assert pixels.shape[2] == 3
    return pixels


@pytest.mark.parametrize("kind", ["PNG", "BMP", "TIFF", "PPM"])
def test_lossless_formats(kind, tmp_path):
    np.testing.assert_array_equal(load(tmp_path, encode(noise(), kind)), np.asarray(noise()))


def ramp(high: float, dtype: Any) -> Image.Image:
    return Image.fromarray(np.tile(np.linspace(0, high, 64).astype(dtype), (32, 1)))


def palette() -> bytes:
    image = Image.new("P", (64, 32), 0)
    image.putpalette([255, 0, 0, 0, 255, 0])
    image.paste(1, (0, 0, 16, 32))
    return encode(image, "PNG", transparency=0)


def plain(mode: str, colour: Any) -> Image.Image:
    return Image.new(mode, (64, 32), colour)


RED = plain("RGB", (255, 0, 0))
GREY = [128] * 3  # what a transparent pixel lies over
# The first pixel of a row and its last, of each kind that has to be converted.
CONVERTED = {
    "CMYK": (encode(RED.convert("CMYK"), "TIFF"), [255, 0, 0], [255, 0, 0]),
    "16 bits are scaled, not clipped": (encode(ramp(65535, np.uint16)), [0] * 3, [255] * 3),
    "floats": (encode(ramp(1, np.float32), "TIFF"), [0] * 3, [255] * 3),
    "RGBA": (encode(plain("RGBA", 0)), GREY, GREY),
    "LA": (encode(plain("LA", 0)), GREY, GREY),
    "palette with transparency": (palette(), [0, 255, 0], GREY),
    "1": (encode(plain("1", 255)), [255] * 3, [255] * 3),
    "L": (encode(plain("L", 255)), [255] * 3, [255] * 3),
}


@pytest.mark.parametrize(("data", "first", "last"), CONVERTED.values(), ids=CONVERTED)
def test_other_kinds_of_pixels_become_rgb(data, first, last, tmp_path):
    assert load(tmp_path, data)[0, [0, -1]].tolist() == [first, last]


@pytest.mark.parametrize("orientation", range(1, 9))
def test_exif_orientation_is_applied(orientation, tmp_path):
    upright = Image.new("RGB", (64, 32), (0, 0, 0))
    upright.paste((255, 255, 255), (0, 0, 8, 8))
    way = Image.Transpose
    undo = (way.FLIP_LEFT_RIGHT, way.ROTATE_180, way.FLIP_TOP_BOTTOM, way.TRANSPOSE,
            way.ROTATE_90, way.TRANSVERSE, way.ROTATE_270)  # fmt: skip
    stored = upright.transpose(undo[orientation - 2]) if orientation > 1 else upright
    exif = Image.Exif()
    exif[0x0112] = orientation
    pixels = load(tmp_path, encode(stored, "PNG", exif=exif))
    np.testing.assert_array_equal(pixels, np.asarray(upright))


def test_broken_exif_is_ignored(tmp_path):
    data = encode(noise(), "JPEG", exif=b"Exif\x00\x00II*\x00\xff\xff\xff\x7fgarbage")
    assert load(tmp_path, data).shape == (48, 64, 3)


@pytest.mark.parametrize("kind", ["GIF", "PNG", "WEBP"])
def test_animation_shows_its_first_frame(kind, tmp_path):
    frames = [Image.new("RGB", (32, 32), colour) for colour in ("red", "blue")]
    options = {"lossless": True} if kind == "WEBP" else {}
    data = encode(frames[0], kind, save_all=True, append_images=frames[1:], **options)
    assert load(tmp_path, data)[0, 0].tolist() == [255, 0, 0]


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "GIF", "BMP", "TIFF"])
def test_any_damage_gives_a_image_or_a_sentence(kind, tmp_path):
    data = encode(noise(), kind)
    rng = np.random.default_rng(1)
    path = tmp_path / "image"
    for _ in range(60):
        broken = bytearray(data)
        for position in rng.integers(0, len(data), 8):
            broken[position] = rng.integers(0, 256)
        path.write_bytes(bytes(broken[: rng.integers(1, len(data) + 1)]))
        try:
            load_image(path)
        except UserError as error:
            assert error.field == "image"  # noqa: PT017
