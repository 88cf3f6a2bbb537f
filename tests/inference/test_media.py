"""Uploaded pictures: every kind of bad one gives a sentence, every odd one comes out right."""

from __future__ import annotations

import hashlib
import io
import struct
import zlib
from collections.abc import Callable
from pathlib import Path

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
    body = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    chunk = b"IHDR" + body
    data = zlib.compress(b"")
    return (
        b"\x89PNG\r\n\x1a\n"
        + struct.pack(">I", len(body))
        + chunk
        + struct.pack(">I", zlib.crc32(chunk))
        + struct.pack(">I", len(data))
        + b"IDAT"
        + data
        + struct.pack(">I", zlib.crc32(b"IDAT" + data))
    )


def damaged_png() -> bytes:
    data = bytearray(encode(noise()))
    data[len(data) // 2] ^= 0xFF
    return bytes(data)


BAD: dict[str, tuple[Callable[[], bytes], str]] = {
    "zero bytes": (lambda: b"", "empty"),
    "text": (lambda: b"this is no picture", "not a picture"),
    "html": (lambda: b"<svg xmlns='http://www.w3.org/2000/svg'/>", "not a picture"),
    "pdf": (lambda: b"%PDF-1.4\n%%EOF", "not a picture"),
    "truncated jpeg": (lambda: encode(noise(640, 480), "JPEG")[:2000], "damaged"),
    "truncated png": (lambda: encode(noise(640, 480))[:5000], "damaged"),
    "header only": (lambda: encode(noise(), "JPEG")[:20], "not a picture"),
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


@pytest.mark.parametrize("name", BAD)
def test_bad_picture_gives_a_sentence(name: str, tmp_path: Path) -> None:
    make, reason = BAD[name]
    path = tmp_path / "upload.png"
    path.write_bytes(make())
    with pytest.raises(UserError) as caught:
        load_image(path)
    assert caught.value.field == "image"
    assert reason in str(caught.value)


def test_huge_file_is_refused_before_it_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "big.png"
    path.write_bytes(encode(noise()))
    monkeypatch.setattr(media, "MAX_BYTES", 100)
    monkeypatch.setattr(Path, "read_bytes", lambda _: pytest.fail("read"))
    with pytest.raises(UserError, match="too large"):
        load_image(path)


def test_size_is_refused_before_decoding(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "big.png"
    path.write_bytes(png_header(9_000, 9_000))
    monkeypatch.setattr(Image.Image, "load", lambda _: pytest.fail("decoded"))
    with pytest.raises(UserError, match="9000 x 9000"):
        load_image(path)


@pytest.mark.parametrize("path", ["missing.png", "."])
def test_no_file(path: str, tmp_path: Path) -> None:
    with pytest.raises(UserError) as caught:
        load_image(tmp_path / path)
    assert caught.value.field == "image"


def test_content_decides_not_the_extension(tmp_path: Path) -> None:
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
def test_lossless_formats(kind: str, tmp_path: Path) -> None:
    np.testing.assert_array_equal(load(tmp_path, encode(noise(), kind)), np.asarray(noise()))


def test_cmyk(tmp_path: Path) -> None:
    red = Image.new("RGB", (32, 32), (255, 0, 0)).convert("CMYK")
    assert load(tmp_path, encode(red, "TIFF"))[16, 16].tolist() == [255, 0, 0]


def test_sixteen_bit_is_scaled_not_clipped(tmp_path: Path) -> None:
    ramp = np.tile(np.linspace(0, 65535, 64).astype(np.uint16), (32, 1))
    pixels = load(tmp_path, encode(Image.fromarray(ramp)))
    assert pixels[0, 0, 0] == 0
    assert pixels[0, -1, 0] == 255
    assert abs(int(pixels[0, 32, 0]) - 130) <= 1


def test_float_tiff(tmp_path: Path) -> None:
    ramp = np.tile(np.linspace(0, 1, 64, dtype=np.float32), (32, 1))
    pixels = load(tmp_path, encode(Image.fromarray(ramp), "TIFF"))
    assert pixels[0, 0, 0] == 0
    assert pixels[0, -1, 0] == 255


@pytest.mark.parametrize("mode", ["RGBA", "LA"])
def test_transparency_lies_over_mid_grey(mode: str, tmp_path: Path) -> None:
    clear = Image.new(mode, (32, 32), 0)
    assert load(tmp_path, encode(clear))[0, 0].tolist() == [128, 128, 128]


def test_palette_with_transparency(tmp_path: Path) -> None:
    image = Image.new("P", (32, 32), 0)
    image.putpalette([255, 0, 0, 0, 255, 0])
    image.paste(1, (0, 0, 16, 32))
    pixels = load(tmp_path, encode(image, "PNG", transparency=0))
    assert pixels[0, 0].tolist() == [0, 255, 0]
    assert pixels[0, 31].tolist() == [128, 128, 128]


@pytest.mark.parametrize("mode", ["1", "L"])
def test_grey(mode: str, tmp_path: Path) -> None:
    assert load(tmp_path, encode(Image.new(mode, (32, 32), 255)))[0, 0].tolist() == [255] * 3


@pytest.mark.parametrize("orientation", range(1, 9))
def test_exif_orientation_is_applied(orientation: int, tmp_path: Path) -> None:
    upright = Image.new("RGB", (64, 32), (0, 0, 0))
    upright.paste((255, 255, 255), (0, 0, 8, 8))
    undo = {
        2: Image.Transpose.FLIP_LEFT_RIGHT,
        3: Image.Transpose.ROTATE_180,
        4: Image.Transpose.FLIP_TOP_BOTTOM,
        5: Image.Transpose.TRANSPOSE,
        6: Image.Transpose.ROTATE_90,
        7: Image.Transpose.TRANSVERSE,
        8: Image.Transpose.ROTATE_270,
    }
    stored = upright.transpose(undo[orientation]) if orientation > 1 else upright
    exif = Image.Exif()
    exif[0x0112] = orientation
    pixels = load(tmp_path, encode(stored, "PNG", exif=exif))
    np.testing.assert_array_equal(pixels, np.asarray(upright))


def test_broken_exif_is_ignored(tmp_path: Path) -> None:
    data = encode(noise(), "JPEG", exif=b"Exif\x00\x00II*\x00\xff\xff\xff\x7fgarbage")
    assert load(tmp_path, data).shape == (48, 64, 3)


@pytest.mark.parametrize("kind", ["GIF", "PNG", "WEBP"])
def test_animation_shows_its_first_frame(kind: str, tmp_path: Path) -> None:
    frames = [Image.new("RGB", (32, 32), colour) for colour in ("red", "blue")]
    options = {"lossless": True} if kind == "WEBP" else {}
    data = encode(frames[0], kind, save_all=True, append_images=frames[1:], **options)
    assert load(tmp_path, data)[0, 0].tolist() == [255, 0, 0]


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "GIF", "BMP", "TIFF"])
def test_any_damage_gives_a_picture_or_a_sentence(kind: str, tmp_path: Path) -> None:
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
