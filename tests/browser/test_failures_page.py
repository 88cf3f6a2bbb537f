"""Many images: uploaded with their truth, compared, sorted, opened in Scene and back."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from PIL import Image
from playwright.sync_api import expect

from tests.browser.scene import PHONE

pytestmark = [pytest.mark.browser, pytest.mark.slow]
LONG_MS = 60_000


def test_a_grid_of_images_and_back(visit, start, tmp_path: Path) -> None:
    folder = tmp_path / "images"
    folder.mkdir()
    for i in range(3):
        Image.new("RGB", (640, 360), (60 * i, 90, 120)).save(folder / f"road-{i}.png")
    (folder / "manifest.csv").write_text(
        "file,hazard_x,hazard_y\nroad-0.png,10,10\nroad-1.png,320,180\n"
    )
    (folder / "broken.png").write_bytes(b"no image")
    url = start(tmp_path, "-m", "tests.ui.fake_app", "--seconds", "0.2").url
    page = visit(url + "failures")
    expect(page.locator("#fl-examples")).to_be_visible()
    page.locator("#fl-compare").click()
    expect(page.locator("#fl-progress")).to_contain_text("1 to 200 images")

    (folder / "notes.txt").write_text("left out")
    with page.expect_file_chooser() as chooser:
        page.locator("#fl-folder").click()
    chooser.value.set_files(folder)
    expect(page.locator("#fl-progress")).to_contain_text("1 other file left out")
    expect(page.locator("#fl-files")).to_contain_text("manifest")
    page.locator("#fl-compare").click()
    expect(page.locator(".fl-card")).to_have_count(4, timeout=LONG_MS)
    expect(page.locator("#fl-summary")).to_contain_text("over 2 images with ground truth")
    expect(page.locator("#fl-summary")).to_contain_text("1 could not be compared")
    page.locator("#fl-order input").click()
    page.get_by_role("option", name="Name").click()
    expect(page.locator(".fl-card").first).to_contain_text("broken.png")
    expect(page).to_have_url(re.compile("batch=.+&sort=name"))
    with page.expect_download() as saved:
        page.locator("#fl-json").click()
    assert saved.value.suggested_filename.endswith(".json")

    page.locator("a.fl-card").first.click()
    expect(page.locator("#sl-stage svg").first).to_be_visible(timeout=LONG_MS)
    page.go_back()
    expect(page.locator(".fl-card").first).to_contain_text("broken.png", timeout=LONG_MS)

    phone = visit(page.url, PHONE)
    expect(phone.locator(".fl-card")).to_have_count(4, timeout=LONG_MS)
    assert phone.evaluate("document.documentElement.scrollWidth - window.innerWidth") <= 0
