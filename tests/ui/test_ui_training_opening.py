"""What the Training page shows first."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from tests.ui import training_seed as seed
from tests.ui.served import Server
from training.jobs import control as jobs
from training.store.home import find_home


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A home with jobs in every state."""
    folder = tmp_path_factory.mktemp("opening")
    home = find_home(folder / "home")
    seed.full(home)
    server = Server(folder, seed.services_of(home))
    yield server
    server.page.close()


def test_it_opens_with_the_running_job_or_where_a_link_leads(server):
    running = next(row for row in jobs.jobs(server.home) if row.active or row.state == "queued")
    for query, shown in (
        ("", running.name),
        ("step=set", "step=configure"),
        (f"job={running.id}&step=prove", "There is no proof yet"),
        ("job=gone", "was deleted"),
    ):
        answer = server.call("training_opened", "viewer", query=query)
        assert json.loads(answer).get("error") is None
        assert shown in answer
