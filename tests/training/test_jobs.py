"""Jobs as rows: the queue, its states, what a retry changed, bounded logs."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from pathlib import Path

import pytest

from inference.errors import UserError
from tests.training.job_hand import SETTINGS, SNAPSHOT, submit
from training.adapters import lineage
from training.jobs import control as jobs
from training.jobs.logs import tail
from training.jobs.progress import Progress
from training.jobs.reads import HowFar, how_far
from training.jobs.rows import change
from training.store.database import connect
from training.store.home import Home

ROOT = Path(__file__).parents[2]


def set_state(home: Home, job_id: str, state: str) -> None:
    with connect(home) as db:
        db.execute("update jobs set state = ? where id = ?", [state, job_id])


def test_a_submitted_job_waits_with_all_that_its_worker_needs(home: Home) -> None:
    job_id = submit(home, "fix", rank=4)
    row = jobs.job(home, job_id)
    assert (row.state, row.task, row.snapshot, row.author) == ("queued", "hazard", SNAPSHOT, "ann")
    assert row.settings.rank == 4
    config = jobs.worker_config(home, row)
    assert (config.job, config.name, config.output) == (job_id, "fix", row.output)
    assert config.resume is False
    assert config.base == str(jobs.EMBEDDED_MODEL)
    assert row.folder.is_dir()


def test_settings_that_go_on_take_the_adapter_in_use(home: Home) -> None:
    fresh = jobs.job(home, submit(home))
    assert fresh.config["parent_adapter"] is None
    current = jobs.job(home, submit(home, start="current"))
    assert current.config["parent_adapter"].endswith("examples/adapters/hazard-patch")


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"snapshot_hash": "f" * 16}, "snapshot"),
        ({"runner": "moon"}, "runner"),
        ({"settings": {"rank": 0}}, "rank"),
        ({"name": "../../etc"}, "name"),
        ({"name": "hazard-patch"}, "name"),
    ],
)
def test_what_cannot_run_is_refused_and_leaves_nothing(
    home: Home, change: dict[str, object], field: str
) -> None:
    with pytest.raises(UserError) as caught:
        jobs.submit(**{"home": home, "snapshot_hash": SNAPSHOT, "settings": SETTINGS,
                       "author": "ann", **change})  # type: ignore[arg-type]  # fmt: skip
    assert caught.value.field == field
    assert jobs.jobs(home) == []
    assert list(home.jobs.iterdir()) == []


def test_two_jobs_cannot_make_adapters_of_one_name(home: Home) -> None:
    submit(home, "fix")
    with pytest.raises(UserError, match="already an adapter or a job"):
        submit(home, "fix")


def test_where_training_is_impossible_it_goes_to_the_hub(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SPACES_ZERO_GPU", "true")
    with pytest.raises(UserError, match="cannot train") as caught:
        submit(home)
    assert caught.value.field == "runner"
    made = jobs.submit(home, SNAPSHOT, SETTINGS, "ann", runner="hub")
    assert jobs.job(home, made).runner == "hub"


def test_newest_first_and_by_state(home: Home) -> None:
    first, second, third = (submit(home) for _ in range(3))
    assert [row.id for row in jobs.jobs(home)] == [third, second, first]
    set_state(home, first, "running")
    assert [row.id for row in jobs.jobs(home, ("running",))] == [first]


@pytest.mark.parametrize(
    ("state", "cancelled"),
    [
        ("queued", "cancelled"),
        ("running", "cancelling"),
        ("cancelling", "cancelling"),
        ("done", None),
        ("failed", None),
    ],
)
def test_cancel(home: Home, state: str, cancelled: str | None) -> None:
    job_id = submit(home)
    set_state(home, job_id, state)
    if cancelled is None:
        with pytest.raises(UserError, match=f"one that is {state}"):
            jobs.cancel(home, job_id)
    else:
        assert jobs.cancel(home, job_id) == cancelled
        assert jobs.job(home, job_id).state == cancelled


def test_resume_only_what_ended_badly_and_with_the_same_settings(home: Home) -> None:
    job_id = submit(home, rank=4)
    with pytest.raises(UserError, match="cannot go on"):
        jobs.resume(home, job_id)
    set_state(home, job_id, "failed")
    jobs.resume(home, job_id)
    row = jobs.job(home, job_id)
    assert (row.state, row.reason, row.settings.rank) == ("queued", "", 4)
    assert jobs.worker_config(home, row).resume is True


def test_retry_uses_the_changed_settings(home: Home) -> None:
    first = submit(home, rank=4)
    changed = jobs.job(home, first).settings.changed_by(rank=16)
    again = jobs.submit(home, SNAPSHOT, changed, "bob", parent=first)
    row = jobs.job(home, again)
    assert (row.parent, row.author, row.settings.rank) == (first, "bob", 16)
    assert jobs.worker_config(home, row).settings.rank == 16
    assert jobs.worker_config(home, row).resume is False


def test_delete_takes_row_folder_and_curves_but_no_adapter(home: Home) -> None:
    from tests.training.job_stand_in import make_adapter

    job_id = submit(home, "made")
    child = jobs.submit(home, SNAPSHOT, SETTINGS, "ann", parent=job_id)
    with connect(home) as db:
        db.execute("insert into job_metrics values (?, 1, 'loss', 2.0, 3.0)", [job_id])
    make_adapter(home.adapters / "made", "made")
    lineage.register(home, name="made", task="hazard", job=job_id, snapshot=SNAPSHOT)
    set_state(home, job_id, "running")
    with pytest.raises(UserError, match="running"):
        jobs.delete(home, job_id)
    assert lineage.adapters(home)[0].job == job_id
    set_state(home, job_id, "done")
    folder = jobs.job(home, job_id).folder
    jobs.delete(home, job_id)
    assert not folder.exists()
    assert jobs.job(home, child).parent is None
    assert lineage.adapters(home)[0].name == "made"
    with connect(home) as db:
        assert db.execute("select count(*) from job_metrics").fetchone()[0] == 0
    with pytest.raises(UserError, match="no such job"):
        jobs.job(home, job_id)


def test_metrics_by_name_and_since(home: Home) -> None:
    job_id = submit(home)
    with connect(home) as db:
        sql = "insert into job_metrics values (?, ?, ?, ?, 0.0)"
        for step in range(1, 4):
            for name in ("loss", "lr"):
                db.execute(sql, [job_id, step, name, 1 / step])
    found = jobs.metrics(home, job_id)
    assert set(found) == {"loss", "lr"}
    assert found["loss"].steps == (1, 2, 3)
    assert found["loss"].values == (1, 1 / 2, 1 / 3)
    assert jobs.metrics(home, job_id, ["lr"], since=2)["lr"].steps == (3,)
    assert jobs.metrics(home, job_id, since=3) == {}


def test_one_bar_over_training_and_proof(home: Home) -> None:
    """Once all steps are done the rest is the proof's, not 0 s."""
    job_id = submit(home)

    def at(stage: str, step: int, **figures: float) -> HowFar:
        began = datetime.fromtimestamp(time.time() - 60, UTC).isoformat()
        with connect(home) as db:
            change(db, job_id, {"state": "running", "stage": stage, "started": began})
        progress = Progress(home, job_id, quiet=True)
        progress.step(step, 60)
        progress.metrics(step, figures)
        progress.flush()
        return how_far(home, jobs.job(home, job_id), 160, case_s)

    case_s: float | None = None
    half = at("training", 30, eta_s=60.0)
    assert (half.fraction, half.left_s) == (30 / 220, None)  # nobody knows what a case takes
    assert half.said == "step 30 of 60 · proof: 0 of 160 cases"
    case_s = 0.5
    assert at("training", 30, eta_s=60.0).left_s == pytest.approx(140, abs=1)
    done = at("Proving: loading the model", 60, eta_s=0.0)
    assert done.left_s == pytest.approx(80, abs=1)
    assert done.fraction == pytest.approx(60 / 140, abs=0.02)
    Progress(home, job_id, quiet=True).proof(110, 172, 31.0)
    proving = how_far(home, jobs.job(home, job_id), 160, case_s)
    assert proving.left_s == pytest.approx(31, abs=1)
    assert proving.said == "step 60 of 60 · proof: 110 of 172 cases"


def test_log_tail_is_bounded(home: Home) -> None:
    job_id = submit(home)
    assert jobs.log_tail(home, job_id) == ""
    log = jobs.job(home, job_id).log
    with log.open("wb") as file:
        file.seek(5_000_000_000)  # a sparse file of 5 GB, read in no time
        file.write(b"\nlast but one\nprogress 1\rprogress 2\r\n")
    assert jobs.log_tail(home, job_id, 2) == "last but one\nprogress 2"
    assert len(jobs.log_tail(home, job_id, 10_000, max_bytes=1000)) <= 1000


def test_tail_of_broken_text(tmp_path: Path) -> None:
    path = tmp_path / "log"
    path.write_bytes(b"\xff\xfe caf\xc3\xa9\n" * 3)
    assert tail(path, 1).endswith("café")
    assert tail(path, start=9999) == ""
    assert tail(tmp_path / "none") == ""
