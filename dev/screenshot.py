"""Screenshots of the real app: `python -m dev.screenshot` writes the one in README.md.

Starts `python app.py` with the embedded model, opens the page in a browser, chooses an example
and waits until every panel is drawn. `--all FOLDER` writes 1440 and 390 px wide pages, light and
dark, before and after that, for the eye of whoever changes the page. `--url` uses a page that
is already served.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

ROOT = Path(__file__).resolve().parent.parent
README_PICTURE = ROOT / "dev" / "screenshots" / "scene.png"
MAX_BYTES = 400_000
START_S, PREDICT_S = 120, 180
DRAWN = "() => document.querySelectorAll('#sl-stage .sl-svg .sl-photo').length > 0"


@contextlib.contextmanager
def served() -> Iterator[str]:
    """Start the app on a free port; its address. Ended when the block is left."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    url = f"http://127.0.0.1:{port}"
    process = subprocess.Popen(
        [sys.executable, "app.py", "--port", str(port)], cwd=ROOT, stdin=subprocess.DEVNULL
    )
    try:
        until = time.monotonic() + START_S
        while True:
            if process.poll() is not None:
                raise RuntimeError(f"app.py ended with {process.returncode}")
            with contextlib.suppress(OSError), urllib.request.urlopen(url, timeout=START_S):
                break
            if time.monotonic() > until:
                raise RuntimeError(f"no page within {START_S} s")
            time.sleep(0.1)
        yield url
    finally:
        process.terminate()
        process.wait(20)


def opened(browser: Browser, url: str, width: int, height: int, theme: str, scale: float) -> Page:
    """The page in a fresh visit, its examples there."""
    context = browser.new_context(
        viewport={"width": width, "height": height},
        color_scheme="dark" if theme == "dark" else "light",
        device_scale_factor=scale,
        reduced_motion="reduce",
    )
    page = context.new_page()
    page.goto(f"{url}/?__theme={theme}", wait_until="domcontentloaded")
    page.wait_for_selector("#sl-examples [data-example]", timeout=60_000)
    page.wait_for_timeout(500)
    return page


def look(page: Page, example: int) -> None:
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
    """Fewer colours until the file is small enough: a page has few, the road picture more."""
    from PIL import Image

    colours = 256
    while path.stat().st_size > most_bytes and colours >= 32:
        with Image.open(path) as picture:
            small = picture.convert("RGB").quantize(colours, dither=Image.Dither.FLOYDSTEINBERG)
        small.save(path, optimize=True)
        colours //= 2


def for_readme(browser: Browser, url: str, example: int, path: Path) -> None:
    page = opened(browser, url, 1440, 900, "light", 1)
    look(page, example)
    save(page, path)
    shrink(path, MAX_BYTES)
    page.context.close()


def for_the_eye(browser: Browser, url: str, example: int, folder: Path) -> None:
    for width, height in ((1440, 900), (390, 844)):
        for theme in ("light", "dark"):
            page = opened(browser, url, width, height, theme, 1)
            save(page, folder / f"{width}-{theme}-empty.png", full_page=True)
            look(page, example)
            save(page, folder / f"{width}-{theme}-result.png", full_page=True)
            page.context.close()


def main(arguments: list[str] | None = None) -> int:
    from playwright.sync_api import sync_playwright

    from dev.browser import launch

    parser = argparse.ArgumentParser(prog="python -m dev.screenshot", description=__doc__)
    parser.add_argument("--all", type=Path, metavar="FOLDER", help="all widths and themes")
    parser.add_argument("--url", help="a page that is already served")
    parser.add_argument("--example", type=int, default=2, help="which example, from 0")
    parser.add_argument("--out", type=Path, default=README_PICTURE)
    options = parser.parse_args(arguments)
    os.environ.setdefault("HF_HUB_OFFLINE", "1")
    source = contextlib.nullcontext(options.url) if options.url else served()
    with source as url, sync_playwright() as playwright:
        browser = launch(playwright)
        if options.all:
            for_the_eye(browser, url, options.example, options.all)
        else:
            for_readme(browser, url, options.example, options.out)
        browser.close()
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
