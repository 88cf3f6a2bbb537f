"""What the Training page shows first."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from tests.ui import training_seed as seed
from tests.ui.served import Server
from training.jobs import control as jobs
from training.store.home import find_home
from ui.training import page as tab


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


def test_it_opens_with_the_running_job_or_where_a_link_leads(server, shown):
    running = next(row for row in jobs.jobs(server.home) if row.active or row.state == "queued")
    assert running.name in call(server, "training_opened", "first")
    call(server, "training_opened", "link", query="step=set")
    assert shown == ["run", "set"]
