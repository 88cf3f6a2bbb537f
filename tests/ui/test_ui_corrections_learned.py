"""Which adapters learned a case, and what the one in use says now."""

import json

import pytest

from inference.errors import UserError
from inference.fields import Point
from tests.ui.corrections_seed import seed
from tests.ui.fakes import fake_services
from training.proof.results import CaseResult
from training.store.database import connect
from training.store.feedback import Feedback
from training.store.home import find_home
from ui.corrections.case_view import learned
from ui.corrections.handlers.learned import lessons, run_now
from ui.shell.desk import Desk

NOW = "2026-11-21T00:00:00+00:00"


@pytest.fixture
def desk(tmp_path):
    return Desk(fake_services(home=find_home(tmp_path / "home")))


@pytest.fixture
def case(desk, tmp_path):
    return Feedback(desk.home).case(seed(desk.home, tmp_path, 1)[0])


def trained(desk, case, *, job=True, adapter=True, proof=True):
    """What a finished job leaves behind in the tables."""
    result = CaseResult(
        case.id, "corrected", (), (640, 360), {"point": Point(120, 190)},
        {"base": {"point": Point(262, 202)}, "candidate": {"point": Point(130, 190)}},
        {"base": 284.0, "candidate": 20.0},
        media=case.media.hash, split="train",
    )  # fmt: skip
    with connect(desk.home) as db:
        db.execute("BEGIN")
        db.execute("insert into snapshots values ('abc', 'hazard', 'f', '{}', 'you', ?)", [NOW])
        db.execute(
            "insert into snapshot_corrections values ('abc', ?, 'train')", [case.corrections[0].id]
        )
        if job:
            db["jobs"].insert({"id": "j", "task": "hazard", "snapshot": "abc", "state": "done",
                               "runner": "local", "config": "{}", "folder": "j", "author": "you",
                               "created": NOW})  # fmt: skip
        if adapter:
            db["adapters"].insert({"name": "<mine>", "task": "hazard", "folder": "a",
                                   "version": "v", "job": "j", "snapshot": "abc",
                                   "created": NOW})  # fmt: skip
        if proof:
            text = json.dumps({"cases": [result.to_json()]})
            db["evaluations"].insert({"id": "e", "job": "j", "adapter": "<mine>", "result": text,
                                      "name": "corrected", "created": NOW})  # fmt: skip
        db.commit()


def test_nobody_learned_it_yet(desk, case):
    assert lessons(desk.home, case) == []
    assert "None yet" in learned([])


def test_a_proof_shows_before_and_after(desk, case):
    trained(desk, case)
    (found,) = lessons(desk.home, case)
    assert (found.adapter, found.split) == ("<mine>", "train")
    assert (found.result.before, found.result.after) == (284.0, 20.0)
    text = learned([found])
    assert "284" in text and ">20</td>" in text and "fixed" in text and "&lt;mine&gt;" in text


@pytest.mark.parametrize(
    ("has", "said"),
    [
        ({"job": False, "adapter": False, "proof": False}, "not trained yet"),
        ({"adapter": False, "proof": False}, "job done"),
        ({"proof": False}, "not measured"),
    ],
)
def test_halfway_there(desk, case, has, said):
    trained(desk, case, **has)
    assert said in learned(lessons(desk.home, case))


def test_the_adapter_in_use_is_run(desk, case):
    text = run_now(desk, case.id)
    assert "hazard-patch</b> now points at (461, 173) px: 155 px (21.2 %) from ben (2)" in text
    assert "still wrong" in text


def test_running_it_needs_a_case(desk, case):
    with pytest.raises(UserError, match="no such case"):
        run_now(desk, "")
