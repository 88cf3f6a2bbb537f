"""When the Training tab reads the database: not before it is opened."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from tests.ui import training_seed as seed
from tests.ui.served import Server
from training.jobs import control as jobs
from training.store.home import find_home
from ui.training import page as tab

OPENED = {"value": "Training", "index": 2, "selected": True}
LEFT = {"value": "Scene", "index": 0, "selected": True}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A home with jobs in every state."""
    folder = tmp_path_factory.mktemp("opening")
    home = find_home(folder / "home")
    seed.full(home)
    server = Server(folder, seed.services_of(home))
    yield server
    server.page.close()


@pytest.fixture
def shown(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The step of each time that the tab was drawn."""
    steps, show = [], tab.show

    def noted(*args, **more):
        steps.append(args[3].step)
        return show(*args, **more)

    monkeypatch.setattr(tab, "show", noted)
    return steps


def call(server: Server, name: str, session: str, **more) -> str:
    answer = server.call(name, "viewer", session=session, **more)
    assert json.loads(answer).get("error") is None, answer
    return answer


def test_a_visit_of_another_tab_reads_nothing(server, shown):
    for query in ("", "tab=scene", "tab=corrections"):
        call(server, "training_opened", "other", query=query)
    assert shown == []


def test_the_first_opening_shows_the_running_job_and_the_next_the_same_place(server, shown):
    call(server, "training_opened", "first", query="tab=scene")
    running = next(row for row in jobs.jobs(server.home) if row.active or row.state == "queued")
    assert running.name in call(server, "training_tab", "first", event=OPENED)
    assert shown == ["run"]
    call(server, "training_tab", "first", event=LEFT)
    assert shown == ["run"]
    call(server, "training_new", "first")
    call(server, "training_tab", "first", event=OPENED)
    assert shown == ["run", "choose", "choose"], "where the person was, not the first place again"


def test_a_link_to_the_tab_opens_it(server, shown):
    call(server, "training_opened", "link", query="tab=training&step=set")
    call(server, "training_tab", "link", event=OPENED)
    assert shown == ["set", "set"]


def test_corrections_asks_for_nothing_when_the_page_opens(server):
    """Its script does, once the tab is in view."""
    events = {fn.api_name: [event for _, event in fn.targets] for fn in server.page.fns.values()}
    assert "load" in events["training_opened"]
    asked = [name for name, when in events.items() if "load" in when]
    assert not [name for name in asked if str(name).startswith("corrections_")]
