"""Find, install and start the browser that the tests and the screenshots use.

Debian's chromium is preferred, since Playwright's own download is not to be had everywhere.
`python -m dev.browser` makes sure that there is one.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Playwright

# No sandbox: root cannot have one. No background networking: the browser talks to the page alone.
FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--disable-dev-shm-usage",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
    "--force-color-profile=srgb",
)

LOCK_WAIT_S = 600.0  # another program may be upgrading the machine
RETRY_S = 2.0


def find_chromium() -> str | None:
    """Path of the system's chromium, or None. SIGHTLINE_BROWSER names another."""
    named = os.environ.get("SIGHTLINE_BROWSER")
    if named:
        return named
    for name in ("chromium", "chromium-browser", "google-chrome"):
        if path := shutil.which(name):
            return path
    return None


def launch(playwright: Playwright) -> Browser:
    """Start the system's chromium without a window, or Playwright's own where there is none."""
    return playwright.chromium.launch(executable_path=find_chromium(), args=list(FLAGS))


def install() -> None:
    """Install Debian's chromium when root, else Playwright's build."""
    if shutil.which("apt-get") and os.geteuid() == 0:
        apt("update", "-q")
        # A bare chromium draws boxes for letters: it needs a font.
        apt("install", "-qy", "--no-install-recommends", "chromium", "fonts-liberation")
        return
    subprocess.run([sys.executable, "-m", "playwright", "install", "chromium"], check=True)


def apt(*words: str, wait_s: float = LOCK_WAIT_S) -> None:
    """Run `apt-get *words`, waiting for another program's locks.

    apt's own option waits for dpkg's lock only: for the lists' and the archives' it gives up at
    once, so it is started again.
    """
    env = {**os.environ, "DEBIAN_FRONTEND": "noninteractive", "LC_ALL": "C"}
    command = ["apt-get", "-o", f"DPkg::Lock::Timeout={wait_s:.0f}", *words]
    deadline = time.monotonic() + wait_s
    while True:
        done = subprocess.run(
            command, env=env, stdin=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
        )
        print(done.stderr, end="", file=sys.stderr, flush=True)
        locked = done.returncode and "Could not get lock" in done.stderr
        if not locked or time.monotonic() > deadline:
            done.check_returncode()
            return
        time.sleep(RETRY_S)


def main() -> int:
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        own = Path(playwright.chromium.executable_path).exists()
    if find_chromium() is None and not own:
        install()
    with sync_playwright() as playwright:
        browser = launch(playwright)
        print(f"browser: chromium {browser.version} ({find_chromium() or 'Playwright'})")
        browser.close()
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
