"""Seconds until Scene can be used, with the app's four pages and with seven (three are copies).

Usable: the primary button, pressed as soon as it can be, is answered by the server. Each load is a
new visitor in headless chromium. Nothing is predicted.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

from benchmarks.measure import ROOT, interleaved, medians, ratio
from benchmarks.startup import ENVIRONMENT, free_port, wait_for_page

LOADS = 9
LIMIT_MS = 60_000
# A string, not a file: only app.py may import ui.
APP = """
import runpy, sys
from ui.pages import PAGES
PAGES.update({f"{name}-copy": PAGES[name] for name in COPIES})
sys.argv = ["app.py", "--port", "PORT"]
runpy.run_path("app.py", run_name="__main__")
"""
COPIES = ["corrections", "training", "models"]
# Runs in the page from its first moment: no time goes to the test's own clicks and polls.
USABLE = """
const press = () => {
  const button = document.querySelector("#sl-compare");
  if (!button || button.disabled) return requestAnimationFrame(press);
  button.click();
  const error = () => document.querySelector("#sl-image-message .sl-error");
  const answered = () => {
    if (!error()) return requestAnimationFrame(answered);
    window.usableMs = performance.now();
  };
  answered();
};
press();
"""


@contextmanager
def served(copies: list[str], home: str) -> Iterator[str]:
    """The app with copies of those pages beside its own; its address."""
    port = free_port()
    script = APP.replace("COPIES", repr(copies)).replace("PORT", str(port))
    env = {**os.environ, **ENVIRONMENT, "SIGHTLINE_HOME": home}
    out = subprocess.DEVNULL
    process = subprocess.Popen(
        [sys.executable, "-c", script], cwd=ROOT, env=env, stdin=out, stdout=out, stderr=out
    )
    try:
        url = f"http://127.0.0.1:{port}/"
        wait_for_page(process, url)
        yield url
    finally:
        process.terminate()
        process.wait()


def usable_s(browser: Any, url: str) -> float:
    """Seconds from the start of a new visitor's navigation to the button's answer."""
    with browser.new_context() as context:
        page = context.new_page()
        page.add_init_script(USABLE)
        page.goto(url, wait_until="commit")
        page.wait_for_function("window.usableMs", timeout=LIMIT_MS)
        return float(page.evaluate("window.usableMs")) / 1000


def run(smoke: bool) -> dict[str, Any]:
    from playwright.sync_api import sync_playwright

    from dev.browser import launch

    with ExitStack() as stack:
        browser = launch(stack.enter_context(sync_playwright()))
        stack.callback(browser.close)
        calls = {}
        for name, copies in (("4", []), ("7", COPIES)):
            home = stack.enter_context(tempfile.TemporaryDirectory())
            url = stack.enter_context(served(copies, home))
            calls[name] = lambda url=url: usable_s(browser, url)
        if not smoke:
            interleaved(calls, 2)
        times = interleaved(calls, 1 if smoke else LOADS)
    usual = medians(times)
    return {
        "usable_4_s": usual["4"],
        "usable_7_s": usual["7"],
        "ratio": ratio(times, "7", "4"),
        "seconds": times,
    }
