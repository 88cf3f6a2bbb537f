"""What a person does on the Scene page, for the tests that drive it."""

from __future__ import annotations

from pathlib import Path

from playwright.sync_api import Page, expect

WIDE, PHONE = {"width": 1440, "height": 900}, {"width": 390, "height": 844}
WAIT_MS = 180_000  # loading torch on a busy machine
MAP = "document.querySelector('#sl-tuned .js-plotly-plot')?.data?.find(t => t.type == 'heatmap')"


def upload(page: Page, path: Path) -> None:
    page.set_input_files("#sl-image input[type=file]", str(path))


def finished(page: Page) -> None:
    expect(page.locator(".sl-moved")).to_be_visible(timeout=WAIT_MS)
    page.wait_for_function(f"() => Boolean({MAP})")
