"""Who presses Stop, presses too often or comes to a full queue, over the real page."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.ui.served import Server
from ui.shell.runs import Run


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    running = Server(tmp_path)
    yield running
    running.page.close()


def form_of(server: Server, picture: Path) -> dict[int, object]:
    """What the page sends of its Scene tab: a picture and a question."""
    shown = [getattr(field, "label", None) for field in server.calls["scene_look"].inputs]
    sent = {"Road scene": server.upload(picture), "Prompt (Enter runs it)": "Where?"}
    return {shown.index(label): value for label, value in sent.items()}


def test_stop_does_not_undo_the_look_that_follows(server, picture, monkeypatch):
    """The stopped run's last word comes when the next one has begun already."""
    follow, following, go_on = Run.follow, threading.Event(), threading.Event()

    def held(run, every_s=0.15):
        yield run.snapshot()
        following.set()
        assert go_on.wait(60)
        yield from follow(run, every_s)

    monkeypatch.setattr(Run, "follow", held)
    sent = form_of(server, picture)
    server.call("scene_look", "viewer", sent, session="a")
    first = threading.Thread(target=server.call, args=("scene_run_look", "viewer", sent, None, "a"))
    first.start()
    assert following.wait(60)
    server.call("scene_stop", "viewer", session="a")
    assert "Waiting for the model" in server.call("scene_look", "viewer", sent, session="a")
    go_on.set()
    first.join(60)
    server.call("scene_run_look", "viewer", sent, session="a")
    assert "sl-headline" in server.call("scene_draw_look", "viewer", sent, session="a")


def test_a_look_that_was_left_out_says_so(server, picture):
    """Whoever fills the list of waiting runs must not make a page wait for ever."""
    sent = form_of(server, picture)
    server.call("scene_look", "viewer", sent, session="a")
    for _ in range(400):
        server.desk.runs.new()
    assert "Press Compare once more" in server.call("scene_run_look", "viewer", sent, session="a")


def test_a_full_queue_says_when_to_come_back(server):
    server.page._queue.max_size = 0
    order = {"data": [None, "", "", "finetuned", 8], "session_hash": "a",
             "fn_index": server.calls["predict"]._id}  # fmt: skip
    for path, body in (("queue/join", order), ("call/predict", {"data": order["data"]})):
        answer = httpx.post(f"{server.url}gradio_api/{path}", json=body)
        assert answer.status_code == 503
        assert int(answer.headers["retry-after"]) > 0
        assert "Come back in" in answer.json()["detail"]


def test_a_visit_is_forgotten_after_some_others(server):
    assert server.page.app.state_holder.capacity <= 200


def test_who_is_forgotten_is_told_to_reload(server, picture):
    sent = form_of(server, picture)
    labels = [getattr(field, "label", None) for field in server.calls["scene_look"].inputs]
    sent[labels.index("Adapter")] = "hazard-patch"
    server.call("scene_open", "viewer", session="a")
    assert "Waiting for the model" in server.call("scene_look", "viewer", sent, session="a")
    server.page.app.state_holder.capacity = 1
    server.call("scene_open", "viewer", session="b")
    assert "reload it" in server.call("scene_look", "viewer", sent, session="a")
