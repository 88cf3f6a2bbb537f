"""Photographs that no one here made, and unusual files, through the real app."""

from __future__ import annotations

import csv
import json
import re
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import expect

from tests.browser.conftest import ROOT
from tests.browser.scene import PHONE, WIDE, finished, upload

pytestmark = [pytest.mark.browser, pytest.mark.slow]
REAL = ROOT.parent / "shared" / "real"
NAMES = ("bdd_mp_file401.jpg", "bdd_mp_file403.jpg", "bdd_mp_file409.jpg")


@pytest.mark.skipif(not REAL.is_dir(), reason="../shared/real is not beside this checkout")
@pytest.mark.parametrize("name", NAMES)
def test_a_real_photo(visit, app_url: str, name: str) -> None:
    rows = csv.DictReader((REAL / "manifest.csv").open(encoding="utf-8"))
    row = next(row for row in rows if row["file"].endswith(name))
    width, height = int(row["width"]), int(row["height"])
    page = visit(app_url, PHONE if name == NAMES[0] else WIDE)
    upload(page, REAL / "stills" / name)
    expect(page.locator("#sl-image-message")).to_contain_text(f"{width} × {height} px")
    page.locator("#sl-compare").click()
    finished(page)
    page.locator("#sl-keep > button").click()
    with page.expect_download() as numbers:
        page.locator("#sl-json").click()
    said = json.loads(Path(numbers.value.path()).read_text())
    for side in ("base", "finetuned"):
        x, y = said[side]["point_px"]
        assert 0 <= x <= width
        assert 0 <= y <= height


def _cmyk(path: Path) -> tuple[int, int]:
    Image.new("CMYK", (320, 200), (10, 200, 30, 0)).save(path)
    return 320, 200


def _sixteen_bit(path: Path) -> tuple[int, int]:
    ramp = np.tile(np.linspace(0, 65535, 320).astype(np.uint16), (200, 1))
    Image.fromarray(ramp).save(path)
    return 320, 200


def _alpha(path: Path) -> tuple[int, int]:
    Image.new("RGBA", (320, 200), (10, 200, 30, 90)).save(path)
    return 320, 200


def _turned(path: Path) -> tuple[int, int]:
    exif = Image.Exif()
    exif[0x0112] = 6  # to be turned by 90 degrees
    Image.new("RGB", (320, 200), (90, 90, 90)).save(path, exif=exif)
    return 200, 320


FILES = {"ink.jpg": _cmyk, "deep.png": _sixteen_bit, "glass.png": _alpha, "turned.jpg": _turned}


@pytest.mark.parametrize("name", FILES)
def test_an_unusual_file_is_looked_at(visit, quick_url: str, tmp_path: Path, name: str) -> None:
    width, height = FILES[name](tmp_path / name)
    page = visit(quick_url)
    upload(page, tmp_path / name)
    expect(page.locator("#sl-image-message")).to_contain_text(f"{width} × {height} px")
    page.locator("#sl-compare").click()
    finished(page)
    expect(page).to_have_url(re.compile("image=[0-9a-f]{64}"))
