"""Settings and fixtures for every test. Knows nothing of the rooms."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, settings

if TYPE_CHECKING:
    from playwright.sync_api import Browser

# Before anything imports torch or gradio: two workers with two threads each would fight for two
# cores, and no test may reach for the network (a hub id then fails at once, not after a minute).
if "PYTEST_XDIST_WORKER" in os.environ:
    os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("HF_HUB_OFFLINE", "1")
os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")
os.environ.setdefault("GRADIO_ANALYTICS_ENABLED", "False")
os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")


# How long an example takes says how busy the machine is, not whether the code is right.
settings.register_profile(
    "any machine", deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("any machine")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Skip tests marked gpu where there is no CUDA device. Imports torch only if there are any."""
    gpu_items = [item for item in items if item.get_closest_marker("gpu")]
    if not gpu_items:
        return
    import torch

    if not torch.cuda.is_available():
        for item in gpu_items:
            item.add_marker(pytest.mark.skip(reason="no CUDA device"))


@pytest.fixture
def made_up(monkeypatch: pytest.MonkeyPatch) -> Any:
    """The task of tests/fixes.py, registered for one test."""
    from inference.registry import TASKS, Spec, task

    monkeypatch.setitem(TASKS, "made_up", Spec("Made up", "tests.fixes:MADE_UP"))
    return task("made_up")


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    """A running headless browser (Playwright's sync API). Open a context of your own in it."""
    from playwright.sync_api import sync_playwright

    from dev.browser import launch

    with sync_playwright() as playwright:
        browser = launch(playwright)
        yield browser
        browser.close()


@pytest.fixture(params=[True, False], ids=["avx512_bf16", "no_avx512_bf16"])
def avx512_bf16(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> bool:
    """Whether new 4-bit layers are told that the processor has AVX512-BF16: a test that takes this
    runs both ways on any machine. Where the processor has it not, a packed layer cannot answer."""
    monkeypatch.setattr("bitsandbytes.nn.modules.has_avx512bf16", lambda: request.param)
    return bool(request.param)
