"""Real processes, really killed: whatever dies, the row says what happened, and Resume goes on."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from tests.training.job_hand import (
    PROGRAM,
    SNAPSHOT,
    behave,
    make_home,
    submit,
    supervisor,
    until,
    wait_for,
    wait_for_step,
    worker_pid,
)
from training.adapters import lineage
from training.jobs import control as jobs
from training.jobs import processes
from training.jobs.supervisor import Supervisor
from training.store.database import connect
from training.store.home import Home
from training.store.rows import one

pytestmark = pytest.mark.slow  # each starts several processes
ROOT = Path(__file__).parents[2]
UNDISTURBED = float(sum(n * n for n in range(1, 21)))  # what the stand-in's weights end at


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Home]:
    home = make_home(tmp_path / "home")
    yield home
    for row in jobs.jobs(home):  # no process outlives its test
        processes.send(processes.marked(row.id), signal.SIGKILL)
        if row.pid is not None and processes.alive(row.pid, row.process_started):
            os.kill(row.pid, signal.SIGKILL)


@pytest.fixture
def boss(home: Home) -> Iterator[Supervisor]:
    boss = supervisor(home).start()
    yield boss
    boss.stop()


def weight(home: Home, name: str) -> float:
    from safetensors.numpy import load_file

    tensors = load_file(home.adapters / name / "adapter_model.safetensors")
    return float(next(iter(tensors.values()))[0, 0])


def goes_on_as_if_nothing_had_been(home: Home, job_id: str) -> None:
    behave(home)
    jobs.resume(home, job_id)
    row = wait_for(home, job_id, "done", "failed")
    assert (row.state, row.reason) == ("done", "")
    assert weight(home, "made") == UNDISTURBED


def starts(home: Home, job_id: str) -> int:
    """How many processes ever worked on the job."""
    return jobs.job(home, job_id).log.read_text().count("---- 20")


# ---- the usual way -------------------------------------------------------------------------------


def test_a_job_ends_with_its_adapter_registered(home: Home, boss: Supervisor) -> None:
    row = wait_for(home, submit(home, "made"), "done", "failed")
    assert (row.state, row.reason, row.step, row.steps) == ("done", "", 20, 20)
    assert row.pid is None
    assert row.ended is not None
    assert weight(home, "made") == UNDISTURBED
    made = lineage.adapters(home)[0]
    assert (made.name, made.job, made.snapshot, made.problem) == ("made", row.id, SNAPSHOT, None)
    assert jobs.metrics(home, row.id)["loss"].steps == tuple(range(1, 21))
    assert not row.output.exists()


def test_one_at_a_time_in_order(home: Home, boss: Supervisor) -> None:
    made = [submit(home, name) for name in ("one", "two")]
    at_once, order = 0, []
    while {row.state for row in jobs.jobs(home)} != {"done"}:
        running = [row.id for row in jobs.jobs(home, ("running", "cancelling"))]
        at_once = max(at_once, len(running))
        order += [j for j in running if j not in order]
        time.sleep(0.02)
    assert at_once == 1
    assert order == made


def test_two_supervisors_start_nothing_twice(home: Home) -> None:
    """Two apps on one home, as two processes: one is in charge."""
    code = (
        "import sys, time; from pathlib import Path; from training.store.home import Home;"
        "from training.jobs.supervisor import Supervisor;"
        f"Supervisor(Home(Path({str(home.root)!r})), {PROGRAM!r}, tick_s=0.02).start();"
        "time.sleep(60)"
    )
    apps = [subprocess.Popen([sys.executable, "-c", code], cwd=ROOT) for _ in range(2)]
    try:
        made = [submit(home) for _ in range(2)]
        rows = [wait_for(home, job_id, "done", "failed") for job_id in made]
        assert [(row.state, starts(home, row.id)) for row in rows] == [("done", 1)] * 2
    finally:
        for app in apps:
            app.kill()
            app.wait()


def test_a_second_start_of_the_same_job_does_nothing(home: Home, boss: Supervisor) -> None:
    behave(home, hold_at=1)
    job_id = submit(home)
    wait_for_step(home, job_id, 1)
    pid = jobs.job(home, job_id).pid
    done = subprocess.run([*PROGRAM, str(home.root), job_id], cwd=ROOT, check=False)
    assert done.returncode == 0
    assert jobs.job(home, job_id).pid == pid
    assert len([p for p in processes.marked(job_id) if "worker" in p.cmdline()]) == 1


def test_a_chatty_worker_is_not_stopped_by_its_own_output(home: Home, boss: Supervisor) -> None:
    """A pipe that nobody reads is full after 64 kB."""
    behave(home, chatter=200_000)
    row = wait_for(home, submit(home), "done", "failed")
    assert row.state == "done"
    assert row.log.stat().st_size > 20 * 200_000
    assert len(jobs.log_tail(home, row.id)) <= 64_000


def test_the_environment_is_clean(
    home: Home, boss: Supervisor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OAUTH_CLIENT_SECRET", "s3cret")
    monkeypatch.setenv("DISPLAY", ":1")
    monkeypatch.setenv("PYTHONPATH", "/somewhere/else")
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "1")
    behave(home, hold_at=1)
    job_id = submit(home)
    wait_for_step(home, job_id, 1)
    row = jobs.job(home, job_id)
    assert row.pid is not None
    for pid in (row.pid, worker_pid(job_id)):
        process = psutil.Process(pid)
        env = process.environ()
        assert not {"OAUTH_CLIENT_SECRET", "DISPLAY", "PYTHONPATH"} & set(env)
        assert env["CUDA_VISIBLE_DEVICES"] == "1"
        assert env["SIGHTLINE_HOME"] == str(home.root)
        assert process.exe() == psutil.Process().exe()
        assert os.getsid(pid) == row.pid != os.getsid(0)


# ---- cancelled -----------------------------------------------------------------------------------


def test_cancel_writes_a_checkpoint_and_resume_ends_with_the_same_weights(
    home: Home, boss: Supervisor
) -> None:
    behave(home, hold_at=7)
    job_id = submit(home, "made")
    wait_for_step(home, job_id, 7)
    assert jobs.cancel(home, job_id) == "cancelling"
    row = wait_for(home, job_id, "cancelled", "done", "failed")
    assert (row.state, row.reason) == ("cancelled", "")
    assert processes.marked(job_id) == []
    assert {p.name for p in row.checkpoints.iterdir()} == {"checkpoint-5", "checkpoint-7"}
    goes_on_as_if_nothing_had_been(home, job_id)


def test_a_worker_that_does_not_listen_is_killed_after_the_grace(
    home: Home, boss: Supervisor
) -> None:
    behave(home, hold_at=1, ignore_sigterm=True)
    job_id = submit(home)
    wait_for_step(home, job_id, 1)
    jobs.cancel(home, job_id)
    assert wait_for(home, job_id, "cancelled", "failed", "done").state == "cancelled"
    assert processes.marked(job_id) == []


def test_cancel_in_the_proof_keeps_the_adapter_and_resume_proves(
    home: Home, boss: Supervisor
) -> None:
    behave(home, proof_s=60.0)
    job_id = submit(home, "made")
    until(lambda: jobs.job(home, job_id).stage == "Proving")
    jobs.cancel(home, job_id)
    assert wait_for(home, job_id, "cancelled", "failed", "done").state == "cancelled"
    assert weight(home, "made") == UNDISTURBED
    behave(home)
    jobs.resume(home, job_id)
    assert wait_for(home, job_id, "done", "failed").state == "done"
    assert "already trained" in jobs.log_tail(home, job_id)


# ---- killed --------------------------------------------------------------------------------------


def test_a_killed_worker_says_so_and_resume_goes_on(home: Home, boss: Supervisor) -> None:
    behave(home, kill_at=[13, signal.SIGKILL])
    job_id = submit(home, "made")
    row = wait_for(home, job_id, "failed", "done")
    assert row.reason == "The worker was killed (signal 9, SIGKILL) at step 13 of 20."
    assert row.hint.startswith("Its last checkpoint is from step 10: Resume goes on from there.")
    assert "memory" in row.hint
    goes_on_as_if_nothing_had_been(home, job_id)


@pytest.mark.parametrize("kill", [os.kill, os.killpg], ids=["alone", "with all of its group"])
def test_the_jobs_own_process_killed_leaves_no_worker_behind(
    home: Home, boss: Supervisor, kill: Callable[[int, int], None]
) -> None:
    behave(home, hold_at=6)
    job_id = submit(home, "made")
    row = wait_for_step(home, job_id, 6)
    assert row.pid is not None
    kill(row.pid, signal.SIGKILL)
    row = wait_for(home, job_id, "failed", "done")
    assert "The job's process was killed, or the machine was restarted, at step" in row.reason
    assert "Resume goes on from there" in row.hint
    assert processes.marked(job_id) == []
    goes_on_as_if_nothing_had_been(home, job_id)


def test_stopped_from_outside_is_not_a_cancel(home: Home, boss: Supervisor) -> None:
    """A shutdown asks every process to end; nobody pressed Cancel."""
    behave(home, hold_at=3)
    job_id = submit(home)
    row = wait_for_step(home, job_id, 3)
    assert row.pid is not None
    os.kill(row.pid, signal.SIGTERM)
    row = wait_for(home, job_id, "failed", "cancelled", "done")
    assert row.state == "failed"
    assert "stopped from outside (signal 15, SIGTERM)" in row.reason
    assert processes.marked(job_id) == []


def test_the_app_killed_the_job_goes_on_and_the_next_app_finds_it(home: Home) -> None:
    behave(home, hold_at=2)
    code = (
        "import time; from pathlib import Path; from training.store.home import Home;"
        "from training.jobs.supervisor import Supervisor;"
        f"Supervisor(Home(Path({str(home.root)!r})), {PROGRAM!r}, tick_s=0.02).start();"
        "time.sleep(60)"
    )
    app = subprocess.Popen([sys.executable, "-c", code], cwd=ROOT)
    job_id = submit(home, "made")
    waiting = submit(home)
    before = wait_for_step(home, job_id, 2)
    app.kill()
    app.wait()
    boss = supervisor(home).start()
    try:
        until(lambda: boss._in_charge)
        behave(home, hold_at=5)
        after = wait_for_step(home, job_id, 5)
        assert after.pid == before.pid
        assert jobs.job(home, waiting).state == "queued"
        behave(home)
        assert wait_for(home, job_id, "done", "failed").state == "done"
        assert starts(home, job_id) == 1
        assert wait_for(home, waiting, "done", "failed").state == "done"
    finally:
        boss.stop()


def test_an_app_killed_between_taking_and_starting_a_job(home: Home) -> None:
    job_id = submit(home)
    boss = supervisor(home)
    assert boss._take_charge()
    taken = boss._next()
    assert taken is not None and taken.id == job_id
    boss.tick()  # it may still report
    assert jobs.job(home, job_id).state == "running"
    with connect(home) as db:
        db.execute("update jobs set started = '2026-01-01T00:00:00+00:00'")
    boss.tick()
    row = jobs.job(home, job_id)
    assert row.state == "failed"
    assert "ended before it began" in row.reason
    boss.stop()


@pytest.mark.parametrize(
    ("program", "reason"),
    [
        (["/no/such/python"], "could not be started: No such file or directory"),
        ([sys.executable, "-c", "raise SystemExit(3)"], "ended before it began"),
    ],
    ids=["cannot start", "ends at once"],
)
def test_a_program_that_does_not_run(home: Home, program: list[str], reason: str) -> None:
    boss = Supervisor(home, program, tick_s=0.05).start()
    row = wait_for(home, submit(home), "failed")
    assert reason in row.reason
    boss.stop()


def test_whatever_goes_wrong_in_watching_no_worker_is_left(home: Home) -> None:
    from training.jobs.local_runner import run_watched

    behave(home, hold_at=1)
    row = jobs.job(home, submit(home))
    jobs.worker_config(home, row).write(row.config_file)

    def broken() -> bool:
        if jobs.job(home, row.id).step < 1:
            return False
        raise RuntimeError("the watcher broke")

    with pytest.raises(RuntimeError):
        run_watched(home, row, [*PROGRAM, "worker", str(row.config_file)], broken, 5.0)
    assert processes.marked(row.id) == []


def test_a_number_used_again_is_not_the_same_process() -> None:
    pid, started = os.getpid(), processes.own_start()
    assert processes.alive(pid, started)
    assert not processes.alive(pid, started - 100)
    assert not processes.alive(None, started)
    child = subprocess.Popen([sys.executable, "-c", ""])
    born = psutil.Process(child.pid).create_time()
    until(lambda: psutil.Process(child.pid).status() == psutil.STATUS_ZOMBIE)
    assert not processes.alive(child.pid, born)
    child.wait()


# ---- failed --------------------------------------------------------------------------------------


def test_the_workers_own_words_are_kept(home: Home, boss: Supervisor) -> None:
    behave(home, fail_at=[3, "The loss is no longer a number.", "Use a lower learning rate."])
    row = wait_for(home, submit(home), "failed", "done")
    assert row.reason == "The loss is no longer a number."
    assert row.hint == "Use a lower learning rate."


def test_an_error_without_words_is_explained(home: Home, boss: Supervisor) -> None:
    """The log says why; but an old error in the log does not explain a new end."""
    behave(home, raise_at=[6, "[Errno 28] No space left on device"])
    job_id = submit(home)
    row = wait_for(home, job_id, "failed", "done")
    assert row.reason == "The disk is full at step 6 of 20."
    assert "Free some space" in row.hint
    behave(home, kill_at=[12, signal.SIGABRT])
    jobs.resume(home, job_id)
    row = wait_for(home, job_id, "failed", "done")
    assert row.reason == "The worker was killed (signal 6, SIGABRT) at step 12 of 20."


def test_no_space_is_seen_before_anything_starts(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    from training.jobs import local_runner
    from training.jobs.local_runner import LocalRunner

    monkeypatch.setattr(local_runner, "LEAST_FREE_BYTES", 10**18)
    job_id = submit(home)
    outcome = LocalRunner().train(home, jobs.job(home, job_id), lambda: False)
    assert outcome.state == "failed"
    assert "MB are free" in outcome.reason
    assert not jobs.job(home, job_id).config_file.exists()


def test_a_proof_that_fails_says_that_the_adapter_is_there(home: Home, boss: Supervisor) -> None:
    behave(home, proof_code=3)
    row = wait_for(home, submit(home, "made"), "failed", "done")
    assert row.reason == "The proof ended without a word (exit code 3)."
    assert row.hint == "The adapter made is trained: Resume makes the proof again."
    assert lineage.adapters(home)[0].name == "made"


def test_a_failed_job_holds_nobody_up_and_touches_nothing_else(
    home: Home, boss: Supervisor
) -> None:
    behave(home, fail_at=[2, "A sample is broken.", "Leave it out."])
    failed, waiting = submit(home), submit(home, "made")
    wait_for(home, failed, "failed")
    behave(home)
    assert wait_for(home, waiting, "done", "failed").state in ("done", "failed")
    with connect(home) as db:
        assert one(db, "select count(*) n from adapters where job = ?", [failed]) == {"n": 0}
    assert not any(p.name.startswith("hazard-") for p in home.adapters.iterdir())
