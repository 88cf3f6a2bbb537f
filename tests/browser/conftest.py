"""The app as a user starts it, on a free port, and a page in a real browser.

The embedded model is used where the checkout has it, else a tiny random one.
"""

from __future__ import annotations

import json
import os
import re
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import Browser, Page, expect

from tests.browser.scene import WAIT_MS, WIDE

ROOT = Path(__file__).resolve().parents[2]
EMBEDDED = ROOT / "examples" / "models" / "sightline-tiny"
START_S = 180  # the machine may be busy
expect.set_options(timeout=60_000)


@dataclass(frozen=True)
class Server:
    url: str
    pid: int


@contextmanager
def serve(folder: Path, *command: str) -> Iterator[Server]:
    """`python *command --port FREE`, stopped at the end."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    log = (folder / "app.log").open("w")
    process = subprocess.Popen(
        [sys.executable, *command, "--port", str(port)],
        cwd=ROOT, stdout=log, stderr=subprocess.STDOUT,
        env={**os.environ, "HF_HUB_OFFLINE": "1", "OMP_NUM_THREADS": "2",
             "SIGHTLINE_HOME": str(folder / "home")},
    )  # fmt: skip
    url = f"http://127.0.0.1:{port}/"
    try:
        deadline = time.monotonic() + START_S
        while not _answers(url):
            assert process.poll() is None, (folder / "app.log").read_text()
            assert time.monotonic() < deadline, (folder / "app.log").read_text()
            time.sleep(0.2)
        yield Server(url, process.pid)
    finally:
        process.terminate()
        process.wait(START_S)
        log.close()


def _answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=5) as answer:
            return answer.status == 200
    except OSError:
        return False


@pytest.fixture(scope="session")
def model_flags(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """The embedded model, or a tiny random one with an adapter."""
    if (EMBEDDED / "model.safetensors").is_file():
        return []
    from tests.tiny import make_tiny, make_tiny_adapter

    folder = tmp_path_factory.mktemp("tiny")
    base = make_tiny("qwen2_vl", folder / "base")
    make_tiny_adapter(base, folder / "tuned", head="patch")
    return ["--embedded", str(base), "--adapter", str(folder / "tuned")]


@pytest.fixture(scope="session")
def app_url(model_flags: list[str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The real app."""
    with serve(tmp_path_factory.mktemp("app"), "app.py", *model_flags) as server:
        yield server.url


def fake_app(folder: Path, road: Path, seconds: float) -> tuple[str, ...]:
    """The page over a fake model that takes that long, with two examples."""
    rows = []
    for i, name in enumerate(("day", "night")):
        (folder / f"{name}.jpg").write_bytes(road.read_bytes() + bytes([i]))
        rows.append({"file": f"{name}.jpg", "label": name, "hazard_px": [300, 200]})
    (folder / "manifest.json").write_text(json.dumps(rows))
    return "-m", "tests.ui.fake_app", "--seconds", str(seconds), "--examples", str(folder)


@pytest.fixture(scope="session")
def slow_url(tmp_path_factory: pytest.TempPathFactory, road: Path) -> Iterator[str]:
    folder = tmp_path_factory.mktemp("slow")
    with serve(folder, *fake_app(folder, road, 30)) as server:
        yield server.url


@pytest.fixture(scope="session")
def quick_url(tmp_path_factory: pytest.TempPathFactory, road: Path) -> Iterator[str]:
    folder = tmp_path_factory.mktemp("quick")
    with serve(folder, *fake_app(folder, road, 0.2)) as server:
        yield server.url


@pytest.fixture(scope="session")
def road(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A 640 × 360 JPEG."""
    y, x = np.mgrid[0:360, 0:640]
    pixels = np.stack([x * 255 / 640, y * 255 / 360, (x + y) % 256], axis=-1).astype(np.uint8)
    path = tmp_path_factory.mktemp("pictures") / "road.jpg"
    Image.fromarray(pixels).save(path, quality=90)
    return path


@pytest.fixture
def start() -> Iterator[Callable[..., Server]]:
    """start(folder, *command) -> a server of this test, stopped after its pages are closed."""
    with ExitStack() as servers:
        yield lambda folder, *command: servers.enter_context(serve(folder, *command))


@pytest.fixture
def visit(chromium: Browser, start):  # after `start`, so closed before its servers stop
    """visit(url, size) -> a page of a new visitor; what it must not do is checked at the end."""
    contexts, strangers, broken = [], [], []

    def open_page(url: str, size: dict[str, int] = WIDE, **options) -> Page:
        context = chromium.new_context(
            viewport=size, accept_downloads=True, reduced_motion="reduce", **options
        )
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(WAIT_MS)
        home = re.match(r"https?://[^/]+", url).group()
        page.on("request", lambda r: _note_stranger(r.url, home, strangers))
        page.on("pageerror", lambda error: broken.append(str(error)))
        page.goto(url)
        expect(page.locator(".sl-who")).to_be_visible(timeout=60_000)  # the server has answered
        if page.locator("#sl-prompt").count():
            expect(page.locator("#sl-prompt textarea")).not_to_have_value("", timeout=60_000)
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert not strangers, f"the page asked the network for {strangers}"
    assert not broken, f"script errors: {broken}"


def _note_stranger(url: str, home: str, strangers: list[str]) -> None:
    if not url.startswith((home, "data:", "blob:")):
        strangers.append(url)
