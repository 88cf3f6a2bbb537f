"""Choose and Preview: the filter, what goes in with its exact texts, and freezing it."""

from __future__ import annotations

from pathlib import Path

import pytest

from inference.errors import UserError
from tests.fixes import hazard_fix
from tests.ui import training_seed as seed
from tests.ui.corrections_seed import add_case, say
from training.snapshots.counts import snapshot_counts
from training.snapshots.freezing import freeze
from training.snapshots.plan import plan_snapshot
from training.store.feedback import Feedback
from training.store.home import Home, find_home
from ui.shell.desk import Desk
from ui.shell.visitors import Visitor
from ui.training import view as page_view
from ui.training.handlers import choose
from ui.training.handlers.place import FIRST_TASK as TASK
from ui.training.handlers.place import accepted_count

TRAINER = Visitor("tess", "trainer")
FORM = {"replay": 0, "validation": 25, "seed": 42}


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return find_home(tmp_path / "home")


@pytest.fixture
def desk(home: Home) -> Desk:
    return seed.desk_of(home)


def planned(desk: Desk, **changes):
    run = desk.runs.new()
    desk.runs.start(run, choose.planning(desk, {**FORM, **changes}, TASK))
    list(run.follow(0.02))
    if run.error is not None:
        raise run.error
    return run


@pytest.mark.parametrize(
    ("change", "field"),
    [({"replay": 96}, "replay"), ({"validation": -1}, "validation"), ({"seed": 1.5}, "seed"),
     ({"since": "yesterday"}, "since"), ({"replay": None}, "replay")],
)  # fmt: skip
def test_a_wrong_choice_names_its_field(change, field):
    with pytest.raises(UserError) as caught:
        choose.options_of({**FORM, **change}, TASK)
    assert caught.value.field == field


def test_the_preview_shows_exact_texts_and_counts(desk, home):
    seed.accepted(home, 8)
    plan = planned(desk).result
    html = page_view.preview(plan.examples, plan.left_out)
    for name, n in (("Training set", 6), ("Replayed", 0), ("Validation set", 2), ("Left out", 0)):
        assert f"<dt>{name}</dt><dd>{n}</dd>" in html
    assert html.count("<blockquote>") == html.count("data:image/jpeg") == 8
    # (200, 180) of 640 x 360, in the coordinate frame of the drawn model
    assert "(310,500)" in html


def test_what_is_left_out_is_said_with_its_reason(desk, home):
    seed.accepted(home, 4)
    kept = Feedback(home)
    case = add_case(kept, home.root, 77, name="empty road.jpg")
    kept.review([say(kept, case, "ann", hazard_fix("none"))], "accept", "bob")
    plan = planned(desk).result
    (left,) = plan.left_out
    html = page_view.preview(plan.examples, plan.left_out)
    assert left.what == "empty road.jpg"
    assert f"<b>1</b> {left.reason}" in html and left.what in html


def test_only_accepted_corrections_count(desk, home):
    seed.accepted(home, 3)
    kept = Feedback(home)
    say(kept, add_case(kept, home.root, 50), "ann", hazard_fix("wrong", (10.0, 10.0)))
    assert accepted_count(home, TASK) == 3
    assert choose.choices(home)["author"] == ["ann"]
    assert len(planned(desk).result.examples) == 3


def test_a_filter_takes_only_what_it_names(desk, home):
    seed.accepted(home, 4)
    assert len(planned(desk, slice="urban").result.examples) == 1
    assert len(planned(desk, since="2999-01-01").result.examples) == 0
    assert len(planned(desk, until="2999-01-01").result.examples) == 4


def test_exactly_the_preview_is_frozen(desk, home):
    seed.accepted(home, 4)
    run = planned(desk)
    seed.accepted(home, 6)  # more comes in after the preview
    snapshot = choose.freeze_plan(TRAINER, desk, run.id).snapshot
    assert snapshot_counts(home, snapshot) == (4, 0)
    assert len(choose.frozen(home, snapshot)[0]) == 4


def test_freezing_needs_a_preview(desk):
    with pytest.raises(UserError, match="not there any more"):
        choose.freeze_plan(TRAINER, desk, "x")


def test_markup_escapes_names_and_reasons(desk, home):
    seed.accepted(home, 2, name=f"{seed.EVIL}.jpg")
    plan = plan_snapshot(Feedback(home), validation_share=0.0)
    snapshot = freeze(home, plan, seed.EVIL)
    html = page_view.preview(*choose.frozen(home, snapshot.hash))
    assert seed.EVIL not in html
    assert "&lt;img src=x" in html
