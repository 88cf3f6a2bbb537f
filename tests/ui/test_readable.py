"""What each role may read: the table in the code and in README, no path of the server in any answer
to a viewer, and errors that are text."""

from __future__ import annotations

import dataclasses
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from inference.errors import UserError
from inference.schema import AdapterEntry
from tests.ui import training_seed as seed
from tests.ui.fakes import INFO, fake_services
from tests.ui.served import Server
from tests.ui.test_file_fields import error_in
from training.store.database import connect, explained
from training.store.home import Home, find_home
from ui.shell.errors import as_shown
from ui.shell.visitors import READABLE, ROLES, Visitor

ROOT = Path(__file__).resolve().parents[2]
HTML = "<a href=//evil.example><h1>Win & go</h1></a>"


def test_the_readme_has_the_same_table():
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    rows = dict(re.findall(r"(?m)^\| ([a-z ]+)[^|]* \| (viewer|annotator|trainer) \|$", text))
    assert {what.strip(): role for what, role in rows.items()} == READABLE


# ---- paths ------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Home:
    """With jobs in every state, a failed one whose reason names a file."""
    made = find_home(tmp_path_factory.mktemp("readable") / "home")
    jobs = seed.full(made)
    reason = f"No such file: '{made.root}/jobs/x.json' or {ROOT}/training/worker"
    seed.set_row(made, jobs["failed"].id, reason=reason, hint=f"See {made.jobs}/log")
    return made


@pytest.fixture(scope="module")
def server(home: Home, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """Its model and one of its adapters could not be had, and the reasons name folders."""
    plain = seed.services_of(home)
    why = f"That folder is not a model. Got {home.root}/models/mine."
    info = dataclasses.replace(INFO, requested=str(home.root / "models/mine"), fallback_reason=why)
    problem = f"That folder is not an adapter. Got {ROOT}/adapters/odd."
    odd = AdapterEntry("odd", str(ROOT / "adapters/odd"), None, False, False, problem=problem)

    def predict(*_: Any, **__: Any) -> Any:
        raise UserError("The model could not be loaded", got=f"{ROOT}/models/x: no such file")

    services = dataclasses.replace(
        plain, model_info=lambda: info, predict_pair=predict,
        list_adapters=lambda: [*plain.list_adapters(), odd],
    )  # fmt: skip
    running = Server(tmp_path_factory.mktemp("served"), services)
    yield running
    running.page.close()


def secrets(home: Home) -> list[str]:
    return [str(home.root), str(ROOT), str(Path.home()) + "/", home.database.name]


def test_no_answer_to_a_viewer_names_a_path_of_the_server(server, home):
    steps = ("choose", "preview", "set", "run", "prove", "promote")
    jobs = [row.id for row in seed.jobs.jobs(home)]
    opened = [("training_opened", f"step={s}&job={j}") for s in steps for j in jobs]
    opened += [("models_opened", "adapter=odd"), ("scene_open", "adapter=odd")]
    for name, query in opened:
        check(server, home, name, query=query)
    meta = {"path": str(home.database), "meta": {"_type": "gradio.FileData"}}
    for name, fn in server.calls.items():
        check(server, home, name)
        for place, part in enumerate(fn.inputs):
            if not part.stateful:
                check(server, home, name, sent={place: meta})
                break


def test_nor_where_the_database_is_broken(tmp_path):
    home = find_home(tmp_path / "home")
    home.database.write_bytes(b"no database" * 1000)
    services = dataclasses.replace(fake_services(), home=home)
    running = Server(tmp_path, services)
    try:
        for name in running.calls:
            check(running, home, name)
        answer = running.call("training_opened", "viewer", query="")
        assert "The database could not be used" in answer
    finally:
        running.page.close()


def check(server: Server, home: Home, name: str, **more: Any) -> None:
    answer = server.call(name, "viewer", **more)
    for secret in secrets(home):
        at = answer.find(secret)
        assert at < 0, f"{name} {more}: {answer[max(0, at - 200) : at + 80]}"


def test_what_anybody_may_fetch_names_no_path(server, home):
    for page in ("", "config", "gradio_api/info"):
        answer = httpx.get(server.url + page).text
        assert not [secret for secret in secrets(home) if secret in answer], page


def test_a_viewer_reads_no_log_no_name_and_no_corrected_picture(server, home):
    done = next(row.id for row in seed.jobs.jobs(home) if row.name == "animals-1")
    pages = {
        role: "".join(
            server.call("training_opened", role, query=f"step={step}&job={done}")
            for step in ("run", "prove", "promote", "preview")
        )
        for role in ROLES
    }
    for what, words in {
        "job logs": "onerror=window.__hit", "names of people": " · ann · ",
        "corrections": "corrected, validation set", "training previews": "data:image/jpeg",
        "paths of the server": str(home.root),
    }.items():  # fmt: skip
        for role in ROLES:
            assert (words in pages[role]) == Visitor("x", role).reads(what), (what, role)
    for role in ROLES:
        assert "animals-1" in pages[role]
        assert "Mean error" in pages[role]


def test_a_trainer_reads_the_paths(server, home):
    row = seed.jobs.jobs(home)[0]
    query = f"step=run&job={row.id}"
    assert str(home.root) in server.call("training_opened", "trainer", query=query)


@pytest.mark.parametrize(
    "error", [PermissionError(13, "Permission denied", "/a/b/sightline.db"), OSError("odd"),
              ValueError("database or disk is full")],
)  # fmt: skip
def test_an_error_of_the_database_does_not_say_where_it_is(tmp_path, error):
    problem = str(explained(Home(tmp_path), error))
    assert str(tmp_path) not in problem
    assert "sightline.db" not in problem


def test_a_broken_database_is_told_without_its_place(tmp_path):
    home = find_home(tmp_path / "home")
    home.database.write_bytes(b"no database" * 1000)
    with pytest.raises(UserError) as caught, connect(home):
        pass
    assert home.database.name not in str(caught.value)
    assert "restore" in str(caught.value)


# ---- errors are text ----------------------------------------------------------------------------


def test_html_in_a_link_comes_back_as_text(server):
    """The whole way: opened with the link, then the page's next call with what it shows."""
    opened = server.call("scene_open", "viewer", query=f"example=gone&adapter={HTML}")
    assert "<h1>" not in opened
    assert "Win" not in opened
    place = next(
        i for i, part in enumerate(server.calls["scene_look"].inputs)
        if getattr(part, "elem_id", "") == "sl-adapter"
    )  # fmt: skip
    said = json.loads(server.call("scene_look", "viewer", {place: HTML}))["error"]
    assert "<" not in said
    assert "&lt;h1&gt;Win &amp; go" in said


def test_errors_are_escaped_once():
    problem = UserError("No such thing", got=f"'{HTML}'", hint="Say “yes” & wait")
    said = as_shown(problem).message
    assert "&lt;a href=//evil.example&gt;&lt;h1&gt;Win &amp; go" in said
    assert "Say “yes” &amp; wait." in said
    assert "'" in said  # quotes are no danger in text, and clients of the API read them
    assert "&amp;amp;" not in said


def test_gradios_own_errors_are_escaped_too():
    import gradio as gr

    assert as_shown(gr.Error(f"Value: {HTML}")).message.startswith("Value: &lt;a")


def test_what_a_page_says_is_escaped_once(server):
    """A message of a page is HTML of ours, an error of gradio is not: neither twice."""
    answer = server.call("predict", "viewer", {1: "a & b", 2: "x <b> & y"})
    assert "&amp;amp;" not in answer
    assert "&lt;b&gt; &amp; y" in error_in(answer) or "There is no image yet" in error_in(answer)
