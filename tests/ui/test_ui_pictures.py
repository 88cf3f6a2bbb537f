"""Copies of pictures: upright, one lock each, and a Save that needs no copy."""

from __future__ import annotations

import base64
import io
import threading
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from inference.inputs import ImageInput
from ui.components.thumbnails import cropped, small
from ui.shell import pictures
from ui.shell.pictures import Pictures


def image(seed: int) -> ImageInput:
    return ImageInput(np.full((20, 30, 3), seed, np.uint8), f"{seed:064x}", "a.png")


@pytest.fixture
def turned(tmp_path: Path) -> Path:
    """Stored lying on its side, as phones do; upright its upper half is red, its lower one blue."""
    upright = Image.new("RGB", (400, 400), "blue")
    upright.paste("red", (0, 0, 400, 200))
    exif = Image.Exif()
    exif[0x0112] = 6  # to be turned by 90 degrees clockwise
    path = tmp_path / "turned.jpg"
    upright.rotate(90).save(path, exif=exif, quality=95)
    return path


@pytest.mark.parametrize("small_copy", [small, lambda path: cropped(path, (96, 72))])
def test_thumbnails_are_upright(turned, small_copy):
    data = base64.b64decode(small_copy(turned).partition(",")[2])
    with Image.open(io.BytesIO(data)) as shown:
        middle, height = shown.width // 2, shown.height
        top, bottom = (shown.getpixel((middle, y)) for y in (height // 4, 3 * height // 4))
    assert top[0] > 200 > 60 > top[2]
    assert bottom[2] > 200 > 60 > bottom[0]


def test_nobody_waits_for_another_picture(tmp_path, monkeypatch):
    copies = Pictures(tmp_path)
    shrunk, begun, go_on = pictures._shrunk, threading.Event(), threading.Event()
    done = threading.Event()

    def slow(picture: ImageInput) -> Any:
        if picture.content_hash == image(1).content_hash:
            begun.set()
            go_on.wait(60)
        return shrunk(picture)

    def other() -> None:
        copies.url(image(2))
        done.set()

    monkeypatch.setattr(pictures, "_shrunk", slow)
    first = threading.Thread(target=copies.url, args=(image(1),))
    first.start()
    assert begun.wait(60)
    second = threading.Thread(target=other, daemon=True)
    second.start()
    assert done.wait(20), "the second picture waited for the first one"
    go_on.set()
    first.join(60)
    assert copies.url(image(1)) == copies.url(image(1))
    assert len(list(tmp_path.glob("*.jpg"))) == 2


def test_a_copy_that_could_not_be_written_is_tried_again(tmp_path, monkeypatch):
    copies = Pictures(tmp_path)
    with monkeypatch.context() as broken:
        broken.setattr(pictures, "_shrunk", None)
        with pytest.raises(TypeError):
            copies.url(image(1))
    assert Path(copies.url(image(1)).partition("=")[2]).is_file()
