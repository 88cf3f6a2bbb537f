"""Runs stop when asked or abandoned; the store stays within its bounds, and is the only one that
keeps pictures."""

import gc
import logging
import threading
import time
import weakref
from contextlib import suppress
from dataclasses import replace

import numpy as np
import pytest

from inference.errors import Cancelled, UserError
from inference.inputs import ImageInput
from inference.schema import PairRequest
from tests.ui.fakes import fake_pair
from ui.scene.handlers import run as scene
from ui.scene.handlers.run import SceneForm
from ui.shell import runs as runs_module
from ui.shell.results import Results
from ui.shell.runs import Runs
from ui.shell.visitors import Visitor

ME = Visitor("me", "trainer")


def until_stopped(progress, cancelled):
    for _ in range(500):
        if cancelled():
            raise Cancelled
        progress("Working", 0.5)
        time.sleep(0.01)
    return "finished"


def test_cancel_stops_the_work():
    runs = Runs()
    run = runs.new()
    runs.start(run, until_stopped)
    assert runs.cancel(run.id)
    assert run.done.wait(60)
    assert isinstance(run.error, Cancelled)
    assert not runs.cancel(run.id)
    assert not runs.cancel("unknown")


def test_a_run_cancelled_before_its_turn_never_starts():
    runs, ran = Runs(), threading.Event()
    run = runs.new()
    runs.cancel(run.id)
    runs.start(run, lambda progress, cancelled: ran.set())
    assert run.done.wait(60)
    assert not ran.is_set()


def test_an_abandoned_run_stops(monkeypatch):
    monkeypatch.setattr(runs_module, "ABANDONED_S", 0.1)
    runs = Runs()
    run = runs.new()
    runs.start(run, until_stopped)
    assert run.done.wait(60)
    assert isinstance(run.error, Cancelled)


def test_only_the_first_page_starts_a_run():
    run = Runs().new()
    assert [run.claimed() for _ in range(3)] == [False, True, True]


def test_old_runs_are_forgotten_but_not_working_ones():
    runs = Runs(ended=2, waiting=3)
    working = runs.new()
    assert not working.claimed()
    waiting = [runs.new() for _ in range(5)]
    for _ in range(4):
        runs.new().done.set()
    runs.new()
    assert runs.get(working.id) is working
    assert [runs.get(run.id) is not None for run in waiting] == [False, False, False, True, True]
    assert len(runs._runs) <= 1 + 3 + 3


@pytest.mark.parametrize("error", [UserError, RuntimeError])
def test_an_error_holds_nothing_of_what_failed(error, caplog):
    caplog.set_level(logging.CRITICAL)  # pytest would keep what is logged
    watched = []

    def failing(progress, cancelled):
        held = small(1)
        watched.append(weakref.ref(held.pixels))
        try:
            raise KeyError(held)
        except KeyError as cause:
            raise error("wrong") from cause

    runs = Runs()
    run = runs.new()
    runs.start(run, failing)
    assert run.done.wait(60)
    gc.collect()
    assert watched[0]() is None
    assert isinstance(run.error, UserError)


def small(seed: int) -> ImageInput:
    pixels = np.full((20, 30, 3), seed, np.uint8)
    return ImageInput(pixels, f"{seed:064x}", f"{seed}.png")


@pytest.fixture
def pairs():
    request = PairRequest(prompt="Where?", adapter="hazard-patch")
    return [fake_pair(small(i), request) for i in range(5)]


def test_the_least_recently_used_result_goes_first(pairs, tmp_path):
    results = Results(max_items=2)
    first, second = (results.put(p, tmp_path) for p in pairs[:2])
    assert results.get(first.id) is first
    third = results.put(pairs[2], tmp_path)
    assert results.get(second.id) is None
    assert results.get(first.id) is first
    assert results.get(third.id) is third


def test_bytes_are_bounded_but_the_newest_stays(pairs, tmp_path):
    results = Results(max_bytes=1)
    kept = [results.put(p, tmp_path) for p in pairs]
    assert len(results) == 1
    assert results.get(kept[-1].id) is not None


def test_only_the_results_keep_pictures_and_within_their_bound(desk, picture, caplog):
    """Twenty looks at a big picture, as many that never started and as many that failed."""
    caplog.set_level(logging.CRITICAL)  # pytest would keep what is logged
    alive: list[weakref.ref[np.ndarray]] = []

    def big(path):
        pixels = np.zeros((2000, 3000, 3), np.uint8)
        alive.append(weakref.ref(pixels))
        return ImageInput(pixels, f"{len(alive):064x}", path.name)

    def failing(image, request, **more):
        if request.prompt == "fail":
            raise RuntimeError(image)
        return fake_pair(image, request)

    changed = replace(desk.services, load_media=big, predict_pair=failing)
    desk = replace(desk, services=changed, results=Results(max_bytes=60_000_000))
    for i in range(20):
        for prompt in ("look", "fail"):
            form = SceneForm(str(picture), prompt=prompt, adapter="hazard-patch")
            run = scene.begin(ME, desk, form)[0]
            with suppress(UserError):
                list(scene.follow(desk, run))
        scene.begin(ME, desk, replace(form, prompt=f"never {i}"))
    gc.collect()
    kept = sum(array.nbytes for ref in alive if (array := ref()) is not None)
    assert len(alive) == 20 * 5
    assert 0 < kept <= 60_000_000


def test_a_result_that_is_gone_before_it_is_shown_is_said(desk, picture):
    run, _ = scene.begin(ME, desk, SceneForm(str(picture), prompt="Where?"))
    list(scene.follow(desk, run))
    with pytest.raises(UserError, match="not in memory any more"):
        list(scene.follow(replace(desk, results=Results()), run))
