"""Every endpoint of the page, also those to come, called raw with values that no page sends: each
answer is a sentence for a person, and the log holds no traceback for it."""

from __future__ import annotations

import inspect
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest
from PIL import Image

from inference.registry import task as find_task
from tests.ui.fakes import fake_services
from tests.ui.served import Server
from tests.ui.test_visitors import table
from training.store.home import find_home
from ui.scene.handlers import correct
from ui.scene.handlers.correct import CorrectionForm
from ui.shell.visitors import Role, Visitor


def nested(levels: int) -> Any:
    value: Any = "x"
    for _ in range(levels):
        value = [{"a": value}]
    return value


VALUES: dict[str, Any] = {
    "null": None,
    "a word": "abc",
    "a number": 7,
    "negative": -1,
    "a fraction": 2.5,
    "not a number": float("nan"),
    "infinite": float("-inf"),
    "beyond every number": 10**400,
    "true": True,
    "a list": ["abc", None, 3],
    "an object": {"path": None, "a": 1},
    "a long text": "x" * 200_000,
    "5,000 characters": "x/" * 2_500,
    "a NUL": "a\0b",
    "half a letter": "a\ud800b",
    "HTML": "<img src=x onerror=alert(1)><h1>",
    "commas": ",,,",
    "JSON": '{"point": [null, {}], "case": []}',
    "deep": nested(200),
}
EVENTS: dict[str, Any] = {
    "null": None, "a list": [1], "a text": "abc", "empty": {}, "deep": {"id": nested(200)},
    "odd": {"id": None, "index": {}, "value": [], "query": 3, "correction": {}},
    "a NUL": {"id": "\0", "query": "case=\0", "correction": "\0", "value": "\0"},
}  # fmt: skip
PYTHON = re.compile(
    r"unexpected error|Traceback|NoneType|<class|[a-z]Error\b|object has no|is not iterable"
    r"|not subscriptable|unsupported operand|invalid literal|could not convert|unhashable"
    r"|not supported between|object at 0x|validation error|positional argument|codec can't"
)


class Sweep(Server):
    """One visit that has opened the page, looked at an example and may be of any role."""

    def __init__(self, folder: Path) -> None:
        media = folder / "media"
        media.mkdir()
        pixels = np.indices((36, 64)).sum(0).astype(np.uint8)
        Image.fromarray(pixels).convert("RGB").resize((640, 360)).save(media / "day.png")
        (media / "manifest.json").write_text('[{"file": "day.png", "label": "day"}]')
        super().__init__(folder, fake_services(home=find_home(folder / "home"), examples=media))
        self.client = httpx.Client(base_url=f"{self.url}gradio_api/", timeout=60)
        for name in ("scene_frame", "scene_open", "models_opened", "training_opened"):
            assert '"error"' not in self.send(name)
        picture = self.upload(media / "day.png")
        for name in ("look", "run_look", "draw_look"):
            fields = self.calls[f"scene_{name}"].inputs
            shown = [getattr(f, "label", None) for f in fields]
            sent = {shown.index("Road scene"): picture, **self._filled(fields, shown)}
            assert '"error"' not in self.send(f"scene_{name}", sent)
        (result,) = self.desk.results._kept.values()
        correct.save(Visitor("ann", "annotator"), self.desk, result.id, CorrectionForm("right"))

    def _filled(self, fields: list[Any], shown: list[Any]) -> dict[int, Any]:
        prompt = find_task("hazard").prompt
        return {shown.index("Prompt (Enter runs it)"): prompt}

    def send(
        self,
        name: str,
        sent: dict[int, Any] | None = None,
        event: Any = None,
        few: int | None = None,
    ) -> str:
        """All that the server says. few: so many arguments only."""
        fn = self.calls[name]
        data = [None if field.stateful else _first(field) for field in fn.inputs]
        for place, value in (sent or {}).items():
            data[place] = value
        order = {"data": data[:few], "fn_index": fn._id, "session_hash": "sweep",
                 "event_data": event}  # fmt: skip
        body = {"content": json.dumps(order), "headers": {"content-type": "application/json"}}
        if not fn.queue:
            return self.client.post("run/predict", **body).text
        self.client.post("queue/join", **body).raise_for_status()
        said = ""
        with self.client.stream("GET", "queue/data?session_hash=sweep") as answer:
            for line in answer.iter_lines():
                said += line
                if '"process_completed"' in line:
                    break
        return said


def _first(field: Any) -> Any:
    """What a page sends of a field that nobody has touched."""
    value = getattr(field, "value", None)
    try:
        json.dumps(value)
    except TypeError:
        return None
    return value


@pytest.fixture(scope="module")
def sweep(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sweep]:
    running = Sweep(tmp_path_factory.mktemp("sweep"))
    yield running
    running.client.close()
    running.page.close()


def calls(sweep: Sweep, name: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """Nothing at all, nothing in each field, each value in one field after another, odd events."""
    fn = sweep.calls[name]
    places = [i for i, field in enumerate(fn.inputs) if not field.stateful]
    if fn.inputs:
        yield "no arguments", {"few": 0}
    if places:
        yield "null everywhere", {"sent": dict.fromkeys(places)}
        for turn in range(max(len(places), len(VALUES))):
            place, what = places[turn % len(places)], list(VALUES)[turn % len(VALUES)]
            yield f"{what} at {place}", {"sent": {place: VALUES[what]}}
    heeded = "event" in inspect.signature(fn.fn).parameters
    for what, value in EVENTS.items() if heeded else [("null", None)]:
        yield f"event: {what}", {"event": value}


ROLES: list[tuple[str, Role]] = [
    (name, role)
    for name, least in table().items()
    for role in ("viewer", *([least] if least != "viewer" else []))
]


@pytest.mark.parametrize(("name", "role"), ROLES)
def test_wrong_arguments_get_a_sentence(sweep, name, role, capfd, caplog):
    """As a viewer, and as who may do it: to the others it says so before it reads anything."""
    sweep.visitor = Visitor("tester", role, "s")
    for what, call in calls(sweep, name):
        said = sweep.send(name, **call)
        assert not (found := PYTHON.search(said)), f"{what}: {_around(said, found)}"
        if (error := re.search(r'"error":("(?:[^"\\]|\\.)*"|null)', said)) is not None:
            sentence = json.loads(error[1])
            assert sentence and sentence.endswith("."), f"{what}: {said[:300]}"
            assert len(sentence) < 2000, what
    assert not [r for r in caplog.records if r.exc_info], caplog.text[-3000:]
    assert "Traceback" not in capfd.readouterr().err


def _around(said: str, found: re.Match[str]) -> str:
    return said[max(0, found.start() - 200) : found.end() + 200]
