"""Screenshots of the real app: `python -m dev.screenshot` writes the one in README.md.

Starts `python app.py` with the embedded model, opens the page in a browser, chooses an example
and waits until every panel is drawn. `--all FOLDER` writes 1440 and 390 px wide pages, light and
dark, before and after that, for the eye of whoever changes the page. `--url` uses a page that
is already served.
"""

from __future__ import annotations

import argparse
import os
from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

ROOT = Path(__file__).resolve().parent.parent
README_IMAGE = ROOT / "dev" / "screenshots" / "scene.png"
MAX_BYTES = 400_000
PREDICT_S = 180
Theme = Literal["light", "dark"]
THEMES: tuple[Theme, ...] = ("light", "dark")
DRAWN = "() => document.querySelectorAll('#sl-stage .sl-svg .sl-photo').length > 0"


def opened(browser: Browser, url: str, width: int, height: int, theme: Theme) -> Page:
    """The page in a fresh visit, its examples there."""
    context = browser.new_context(
        viewport={"width": width, "height": height}, color_scheme=theme, reduced_motion="reduce"
    )
    page = context.new_page()
    page.goto(f"{url.rstrip('/')}/?__theme={theme}", wait_until="domcontentloaded")
    page.wait_for_selector("#sl-examples [data-example]", timeout=60_000)
    page.wait_for_timeout(500)
    return page


def predict(page: Page, example: int) -> None:
    """Choose an example, which runs at once, and wait until every panel is drawn."""
    page.locator("#sl-examples [data-example]").nth(example).click()
    page.wait_for_selector("#sl-cancel", state="visible", timeout=30_000)
    page.wait_for_selector("#sl-cancel", state="hidden", timeout=PREDICT_S * 1000)
    page.wait_for_selector("#sl-result", state="visible", timeout=30_000)
    page.wait_for_function(DRAWN, timeout=60_000)
    page.wait_for_timeout(1_500)  # fonts and the last redraw


def save(page: Page, path: Path, full_page: bool = False) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    page.evaluate("window.scrollTo(0, 0)")
    page.screenshot(path=path, full_page=full_page)
    print(f"{path}: {path.stat().st_size / 1000:.0f} kB")


def shrink(path: Path, most_bytes: int) -> None:
    """Fewer colours until the file is small enough: a page has few, the road image more."""
    from PIL import Image

    colours = 256
    while path.stat().st_size > most_bytes and colours >= 32:
        with Image.open(path) as image:
            small = image.convert("RGB").quantize(colours, Image.Quantize.MAXCOVERAGE)
        small.save(path, optimize=True)
        colours //= 2


def for_readme(browser: Browser, url: str, example: int, path: Path) -> None:
    page = opened(browser, url, 1440, 900, "light")
    predict(page, example)
    save(page, path)
    shrink(path, MAX_BYTES)
    page.context.close()


def for_the_eye(browser: Browser, url: str, example: int, folder: Path) -> None:
    for width, height in ((1440, 900), (390, 844)):
        for theme in THEMES:
            page = opened(browser, url, width, height, theme)
            save(page, folder / f"{width}-{theme}-empty.png", full_page=True)
            predict(page, example)
            save(page, folder / f"{width}-{theme}-result.png", full_page=True)
            page.context.close()


def main(arguments: list[str] | None = None) -> int:
    from playwright.sync_api import sync_playwright

    from benchmarks.startup import APP, served
    from dev.browser import launch

    parser = argparse.ArgumentParser(prog="python -m dev.screenshot", description=__doc__)
    parser.add_argument("--all", type=Path, metavar="FOLDER", help="all widths and themes")
    parser.add_argument("--url", help="a page that is already served")
    parser.add_argument("--example", type=int, default=2, help="which example, from 0")
    parser.add_argument("--out", type=Path, default=README_IMAGE)
    options = parser.parse_args(arguments)
    os.environ.setdefault("HF_HUB_OFFLINE", "1")
    source = nullcontext((options.url, 0)) if options.url else served(APP)
    with source as (url, _), sync_playwright() as playwright:
        browser = launch(playwright)
        if options.all:
            for_the_eye(browser, url, options.example, options.all)
        else:
            for_readme(browser, url, options.example, options.out)
        browser.close()
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
