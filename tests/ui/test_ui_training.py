"""The Training page up to a job: address, steps, queue, curves, settings, what goes in."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from inference.errors import UserError
from tests.fixes import hazard_fix
from tests.ui import training_seed as seed
from tests.ui.corrections_seed import add_case, say
from training.jobs import control as jobs
from training.jobs.config import WorkerConfig
from training.jobs.rows import STATES, JobRow
from training.jobs.settings import PRESETS
from training.jobs.supervisor import TROUBLE
from training.snapshots.counts import snapshot_counts
from training.snapshots.freezing import freeze
from training.snapshots.plan import plan_snapshot
from training.store.feedback import Feedback
from training.store.home import Home, find_home
from ui.shell.desk import Desk
from ui.shell.visitors import Visitor
from ui.training import view
from ui.training.handlers import choose, configure
from ui.training.handlers import place as places
from ui.training.handlers import run as training_run
from ui.training.handlers.place import FIRST_TASK, Place, accepted_count
from ui.training.handlers.run import curves

TRAINER, VIEWER = Visitor("tess", "trainer"), Visitor("vic", "viewer")
FORM = {"replay": 0, "validation": 25, "seed": 42}


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Home:
    """A home with jobs in every state; tests that change it make their own."""
    home = find_home(tmp_path_factory.mktemp("shared"))
    seed.full(home)
    return home


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return find_home(tmp_path / "home")


@pytest.fixture
def desk(home: Home) -> Desk:
    return seed.desk_of(home)


def named(home: Home, name: str) -> JobRow:
    return next(row for row in jobs.jobs(home) if row.name == name)


# ---- address -------------------------------------------------------------------------------------


def test_the_address_leads_back_to_the_same_place():
    place = Place("prove", "20261121-010203-abcd", over="other-job", smooth=0.9, log=True)
    query = dict(part.split("=") for part in places.to_query(place).split("&"))
    assert places.from_query(query) == place


@pytest.mark.parametrize(
    ("query", "place"),
    [
        ({"step": "nonsense", "job": "../x", "smooth": "7", "log": "yes"}, Place()),
        ({"job": "j-1"}, Place("run", "j-1")),
        ({"step": "set", "snapshot": "a" * 64}, Place("configure", "", "a" * 64)),  # older links
    ],
)
def test_a_link_that_makes_no_sense_is_ignored(query, place):
    assert places.from_query(query) == place


def test_it_opens_with_the_running_job_or_says_that_a_links_job_is_gone(shared):
    place, _ = places.opened(shared, {})
    assert place.step == "run"
    assert jobs.job(shared, place.job).state in ("running", "queued")
    place, note = places.opened(shared, {"job": "gone"})
    assert place == Place()
    assert "deleted" in note


# ---- steps ---------------------------------------------------------------------------------------


def states(home: Home, *place: str) -> dict[str, tuple[str, str]]:
    return {key: tuple(state) for key, state in places.step_states(home, Place(*place)).items()}


def test_each_step_shows_the_selected_jobs_state(shared, home):
    empty = states(home)
    assert empty["choose"] == ("bad", "no accepted corrections")
    assert empty["run"][0] == empty["promote"][0] == "todo"
    done, running, failed = (named(shared, f"animals-{n}") for n in (1, 3, 2))
    of_done = states(shared, "run", done.id, done.snapshot)
    assert of_done["choose"] == ("done", "12 corrections")
    assert of_done["run"][0] == of_done["prove"][0] == "done"
    assert of_done["promote"] == ("ready", "the rule allows it")
    assert states(shared, "run", running.id)["run"] == ("doing", "50 % trained")
    assert states(shared, "run", failed.id)["run"] == ("bad", "failed")


def test_to_configure_a_job_is_another_try_of_it():
    place = places.moved(Place("run", "a-job", "a"), "configure")
    assert place.retry == "a-job"
    assert places.moved(place, "run").retry == ""


# ---- queue and one job ---------------------------------------------------------------------------


def test_the_queue_is_newest_first_with_its_states(shared):
    rows = training_run.queue(VIEWER, shared)
    assert [row.name for row in rows] == ["animals-4", "animals-3", "animals-2", "animals-1"]
    assert [row.state for row in rows] == ["queued", "running", "failed", "done"]
    assert {row.author for row in rows} == {""}  # names are not for viewers


def test_a_failed_retry_shows_its_reason_and_what_it_changed(shared):
    row, far = training_run.one_job(VIEWER, shared, named(shared, "animals-2"))
    assert far is None
    assert "not a number" in row.reason
    assert "Lower the learning rate" in row.hint
    changed = training_run.retried(shared, row)
    assert {name for name, _, _ in changed} == {"Learning rate", "LoRA rank r"}
    assert ("LoRA rank r", "8", "16") in changed


def test_a_run_that_its_time_limit_ended_says_so(home):
    seed.accepted(home, 6)
    job = seed.add_job(home, seed.frozen(home).hash, "done", step=5, steps=10)
    row, _ = training_run.one_job(VIEWER, home, job)
    assert "time limit" in row.reason
    assert "longer limit" in row.hint
    job = seed.set_row(home, job.id, step=10)
    assert not training_run.one_job(VIEWER, home, job)[0].reason


def test_the_mark_changes_with_what_the_page_shows_and_only_then(home):
    """Drawn again for another job's news, a proof's chosen case would be lost."""
    seed.accepted(home, 6)
    snapshot = seed.frozen(home).hash
    mine = seed.add_job(home, snapshot)
    place = Place("prove", mine.id, snapshot)
    first = training_run.mark(home, place)
    assert training_run.mark(home, place) == first
    other = seed.add_job(home, snapshot)
    now = training_run.mark(home, place)
    assert now != first
    assert now.proof == first.proof
    jobs.cancel(home, other.id)
    jobs.cancel(home, mine.id)
    ended = training_run.mark(home, place)
    assert ended.proof != first.proof
    assert (first.state, ended.state) == ("queued", "cancelled")


def test_a_queue_that_stands_still_says_so(home):
    """What went wrong may name paths: that is for trainers."""
    before = training_run.mark(home, Place("run"))
    (home.jobs / TROUBLE).write_text("OSError: no space in /srv/home")
    assert training_run.mark(home, Place("run")) != before
    assert "no space in /srv/home" in training_run.trouble(TRAINER, home)
    told = training_run.trouble(VIEWER, home)
    assert "stands still" in told
    assert "/srv" not in told


# ---- curves --------------------------------------------------------------------------------------


def test_curves_are_drawn_once_for_all_who_look(shared):
    job = named(shared, "animals-1")
    first = curves(shared, job)
    assert curves(shared, job) is first
    assert all(drawn.plot for drawn in first.values())
    assert "now 1,020 MB" in first["memory"].said


def test_a_second_job_lies_under_the_first(shared):
    one, other = named(shared, "animals-1"), named(shared, "animals-2")
    drawn = json.loads(curves(shared, one, other)["lr"].plot)["data"]
    assert [len(trace["x"]) for trace in drawn] == [40, 120]
    assert drawn[0]["name"] == "animals-2, fainter" and drawn[0]["opacity"] < 1
    alone = json.loads(curves(shared, one)["lr"].plot)["data"]
    assert len(alone) == 1


def test_curves_follow_a_run_that_goes_on_or_back(home):
    """Steps after a checkpoint are run, and measured, a second time."""
    seed.accepted(home, 6)
    job = seed.add_job(home, seed.frozen(home).hash, "running", step=20, steps=100)
    seed.measure(home, job, 20)
    assert "now 920 MB" in curves(home, job)["memory"].said
    seed.measure(home, job, 40)
    job = seed.set_row(home, job.id, step=40)
    assert "now 940 MB" in curves(home, job)["memory"].said
    with seed.connect(home) as db, seed.writing(db):
        db.execute("update job_metrics set value = 5, time = time + 9 where name = 'memory_mb'")
        db.execute("delete from job_metrics where step > 20")
    job = seed.set_row(home, job.id, step=20)
    assert curves(home, job)["memory"].said.startswith("now 5 MB")


# ---- actions -------------------------------------------------------------------------------------


def test_only_what_a_state_allows_is_offered():
    offered = training_run.ACTIONS
    assert "delete" not in offered["running"]
    assert offered["cancelling"] == ()
    assert set(offered) == set(STATES)


# ---- submitting ----------------------------------------------------------------------------------


def form(**changes):
    return {**configure.form_values(PRESETS["quick_fix"].settings), **changes}


@pytest.fixture
def frozen(home) -> Place:
    seed.accepted(home, 6)
    return Place("configure", "", seed.frozen(home).hash)


def test_a_submitted_job_has_exactly_the_forms_settings(home, desk, frozen):
    values = form(rank=4, learning_rate=2e-3)
    there = configure.submit(TRAINER, desk, frozen, values, "mine", "local")
    row = jobs.job(home, there.job)
    assert (row.settings.rank, row.settings.learning_rate, row.name) == (4, 2e-3, "mine")
    assert (row.author, row.snapshot, row.parent) == ("tess", frozen.snapshot, None)
    # What the snapshot decides is what is recorded, not the preset's.
    assert row.settings.replay_share == 0.0
    assert row.settings.validation_share == 0.25


def test_another_try_is_recorded_with_its_parent_and_changes(home, desk, frozen):
    settings = seed.QUICK.changed_by(replay_share=0.0, validation_share=0.25)  # the snapshot's
    first = seed.add_job(home, frozen.snapshot, "failed", settings=settings)
    place = Place("configure", first.id, first.snapshot, first.id)
    values = configure.form_values(settings) | {"learning_rate": 1e-4}
    changed, _ = configure.read_settings(home, place, values)
    assert configure.differences(settings, changed) == {
        "learning_rate": ("Learning rate", "0.001", "0.0001")
    }
    there = configure.submit(TRAINER, desk, place, values, "", "local")
    row = jobs.job(home, there.job)
    assert row.parent == first.id
    assert row.settings.learning_rate == 1e-4


@pytest.mark.parametrize(
    ("change", "field"),
    [({"rank": 0}, "rank"), ({"learning_rate": None}, "learning_rate"),
     ({"target_modules": []}, "target_modules"), ({"head": "round"}, "head")],
)  # fmt: skip
def test_a_wrong_value_is_refused_at_its_field(change, field, home, desk, frozen):
    settings, problems = configure.read_settings(home, frozen, form(**change))
    assert settings is None
    assert list(problems) == [field]
    with pytest.raises(UserError) as caught:
        configure.submit(TRAINER, desk, frozen, form(**change), "", "local")
    assert caught.value.field == field
    assert jobs.jobs(home) == []


def test_the_shown_recipe_is_what_a_terminal_would_run(home, desk, frozen):
    settings, _ = configure.read_settings(home, frozen, form())
    command, text = configure.recipe(TRAINER, desk, frozen, settings, "mine")
    config = WorkerConfig.from_json(json.loads(text))
    assert (config.snapshot, config.settings, config.name) == (frozen.snapshot, settings, "mine")
    assert "-m training.worker" in command
    assert command.endswith("mine/config.json")
    assert config.parent_adapter is not None  # the quick fix goes on from the adapter in use


def test_marks_show_what_differs_from_the_preset():
    usual = PRESETS["quick_fix"].settings
    settings = usual.changed_by(learning_rate=2e-3, replay_share=0.1)
    assert configure.nearest_preset(settings) == "quick_fix"
    assert configure.differences(usual, settings, configure.NAMES) == {
        "learning_rate": ("Learning rate", "0.001", "0.002")
    }


def test_hub_jobs_are_offered_only_with_a_login(monkeypatch):
    monkeypatch.setattr(configure, "can_push", lambda: False)
    offered, _, note = configure.places_to_run()
    assert [value for _, value in offered] == ["local"]
    assert "login" in note
    monkeypatch.setattr(configure, "can_push", lambda: True)
    assert "hub" in [value for _, value in configure.places_to_run()[0]]
    monkeypatch.setenv("SPACES_ZERO_GPU", "1")
    offered, usual, _ = configure.places_to_run()
    assert [value for _, value in offered] == ["hub"] == [usual]


# ---- choosing and previewing -------------------------------------------------------------------


def planned(desk: Desk, **changes):
    run = desk.runs.new()
    desk.runs.start(run, choose.planning(desk, {**FORM, **changes}, FIRST_TASK))
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
        choose.options_of({**FORM, **change}, FIRST_TASK)
    assert caught.value.field == field


def test_the_preview_shows_exact_texts_and_counts(desk, home):
    seed.accepted(home, 8)
    plan = planned(desk).result
    html = view.preview(plan.examples, plan.left_out)
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
    html = view.preview(plan.examples, plan.left_out)
    assert left.what == "empty road.jpg"
    assert f"<b>1</b> {left.reason}" in html and left.what in html


def test_only_accepted_corrections_count(desk, home):
    seed.accepted(home, 3)
    kept = Feedback(home)
    say(kept, add_case(kept, home.root, 50), "ann", hazard_fix("wrong", (10.0, 10.0)))
    assert accepted_count(home, FIRST_TASK) == 3
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
    html = view.preview(*choose.frozen(home, snapshot.hash))
    assert seed.EVIL not in html
    assert "&lt;img src=x" in html
