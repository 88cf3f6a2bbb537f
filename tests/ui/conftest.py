"""Pictures, desks and results for the page's tests. No model."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from inference.fields import Point
from inference.inputs import ImageInput
from inference.media import load_image
from inference.schema import PairRequest
from tests.ui.fakes import fake_pair, fake_services
from ui.shell.desk import Desk
from ui.shell.pictures import Pictures
from ui.shell.results import StoredResult


@pytest.fixture
def picture(tmp_path: Path) -> Path:
    """A 640 × 360 JPEG with content."""
    y, x = np.mgrid[0:360, 0:640]
    pixels = np.stack([x * 255 / 640, y * 255 / 360, (x + y) % 256], axis=-1).astype(np.uint8)
    path = tmp_path / "road.jpg"
    Image.fromarray(pixels).save(path, quality=90)
    return path


@pytest.fixture
def media(tmp_path: Path, picture: Path) -> Path:
    """An examples folder with two pictures, one of them with its hazard."""
    folder = tmp_path / "media"
    folder.mkdir()
    rows = []
    for name, hazard in (("night", [100, 200]), ("fog", None)):
        (folder / f"{name}.jpg").write_bytes(picture.read_bytes() + name.encode())
        rows.append({"file": f"{name}.jpg", "label": f"<{name}>", "hazard_px": hazard})
    (folder / "manifest.json").write_text(json.dumps(rows))
    return folder


@pytest.fixture
def desk(tmp_path: Path, media: Path) -> Desk:
    copies = tmp_path / "copies"
    copies.mkdir()
    return Desk(fake_services(examples=media), pictures=Pictures(copies))


@pytest.fixture
def image(picture: Path) -> ImageInput:
    return load_image(picture)


@pytest.fixture
def result(desk: Desk, image: ImageInput, picture: Path) -> StoredResult:
    """A finished pair with a known hazard, in the desk's store."""
    request = PairRequest(prompt="Where?", adapter="hazard-patch")
    truth = Point(460.0, 170.0, source="truth")
    return desk.results.put(fake_pair(image, request), picture, None, truth)
