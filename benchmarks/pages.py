"""Seconds until Scene can be used, with the app's four pages and with seven (three are copies).

Usable: the primary button, pressed as soon as it can be, is answered by the server. Each load is a
new visitor in headless chromium. Nothing is predicted.
"""

from __future__ import annotations

import tempfile
from contextlib import ExitStack
from typing import Any

from benchmarks.measure import interleaved, medians, ratio
from benchmarks.startup import served

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
            script = APP.replace("COPIES", repr(copies))
            url, _ = stack.enter_context(served(["-c", script], SIGHTLINE_HOME=home))
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
