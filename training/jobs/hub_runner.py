"""Trains on Hugging Face Jobs: the snapshot goes into a private bucket, a machine of the hub mounts
it, trains, and puts the adapter back. No torch here.

A bucket keeps no history, so what is deleted after the job is gone.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from inference.errors import UserError
from inference.hub import is_hub_id
from training.jobs import control as jobs
from training.jobs import failures
from training.jobs.config import launch_command
from training.jobs.hub_reports import Reports
from training.jobs.progress import CANCELLED, FAILED, TRAINED
from training.jobs.rows import JobRow, change
from training.jobs.runners import Outcome
from training.store.database import connect
from training.store.home import Home

ROOT = Path(__file__).resolve().parents[2]
SCRIPT = Path(__file__).with_name("hub_job.py")
MOUNT = "/job"
BUCKET = "sightline-jobs"
ROOMS = ("inference", "training")
PAGE_ONLY = ("gradio", "plotly", "captum")  # requirements that training does without
POLL_S = 10.0
TRIES = 6  # how many unanswered questions in a row are too many
# The hub ends a job after 30 minutes unless told otherwise.
MINUTES, MARGIN_MINUTES = 240, 30
ENDED = ("COMPLETED", "CANCELED", "ERROR", "DELETED")


def hub_errors(*more: type[Exception]) -> tuple[type[Exception], ...]:
    """What the hub's client raises, and more."""
    import httpx

    return OSError, ValueError, httpx.HTTPError, *more


def launch(row: JobRow) -> list[str]:
    """What starts the worker there, after the name of the interpreter."""
    return launch_command(row.settings, Path("{work}/config.json"))[1:]


class HubRunner:
    """api: a huggingface_hub.HfApi (tests put a stand-in). command: what starts the worker.

    SIGHTLINE_JOBS_FLAVOR, SIGHTLINE_JOBS_MINUTES and SIGHTLINE_JOBS_BUCKET change the machine, the
    time limit and the bucket.
    """

    def __init__(
        self,
        api: Any = None,
        command: Callable[[JobRow], Sequence[str]] = launch,
        poll_s: float = POLL_S,
        token: Callable[[], str | None] | None = None,
    ) -> None:
        self._api, self._command, self._poll_s, self._token = api, command, poll_s, token

    def train(self, home: Home, row: JobRow, stop: Callable[[], bool]) -> Outcome:
        """Send the job, unless it is already there, and follow it to its end."""
        import huggingface_hub as hub

        self._api = self._api or hub.HfApi()
        token = (self._token or hub.get_token)()
        if token is None:
            return Outcome(
                FAILED,
                "There is no token for the Hugging Face hub.",
                "Set HF_TOKEN, with the right to write and to run jobs, then press Resume.",
            )
        try:
            place = f"{self._bucket()}/jobs/{row.id}"
            if not self._still_there(row):
                self._send(home, row, place, token)
            return self._follow(home, row.id, place, stop)
        except hub_errors(UserError) as error:
            return Outcome(
                FAILED,
                f"The hub could not be used: {str(error)[:300]}",
                "Check the token's rights and the connection, then press Resume.",
            )

    def _bucket(self) -> str:
        named = os.environ.get("SIGHTLINE_JOBS_BUCKET")
        return named or f"{self._api.whoami()['name']}/{BUCKET}"

    def _still_there(self, row: JobRow) -> bool:
        """An earlier process sent it, and it has not ended: then only follow it."""
        return row.remote is not None and self._stage(row.remote) not in ENDED

    def _stage(self, remote: str) -> str:
        stage = self._api.inspect_job(job_id=remote).status.stage
        return str(getattr(stage, "value", stage))

    # ---- there -----------------------------------------------------------------------------------

    def _send(self, home: Home, row: JobRow, place: str, token: str) -> None:
        """Upload the bundle and start the job. Checkpoints of an earlier start stay there."""
        with connect(home) as db:
            change(db, row.id, {"stage": "Sending the snapshot"})
        bucket = "/".join(place.split("/")[:2])
        self._api.create_bucket(bucket, private=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=row.folder) as folder:
            make_bundle(home, row, Path(folder), self._command(row))
            self._api.sync_bucket(folder, f"hf://buckets/{place}", quiet=True)
        if not row.config["resume"]:
            self._delete(place, "checkpoints/")
        from huggingface_hub import Volume

        path = place.split("/", 2)[2]
        made = self._api.run_uv_job(
            str(SCRIPT),
            script_args=[MOUNT],
            dependencies=dependencies(),
            python="3.11",
            flavor=flavor(row),
            timeout=f"{minutes(row)}m",
            secrets={"HF_TOKEN": token},
            volumes=[Volume(type="bucket", source=bucket, mount_path=MOUNT, path=path)],
        )
        sent = {"remote": made.id, "stage": "Waiting for a machine of the hub"}
        with connect(home) as db:
            change(db, row.id, sent)

    def _follow(self, home: Home, job_id: str, place: str, stop: Callable[[], bool]) -> Outcome:
        """Copy log and figures until the job has ended; asks it to end when stop() is true."""
        remote = str(jobs.job(home, job_id).remote)
        reports, cancelled, unanswered = Reports(home, job_id), False, 0
        while True:
            try:
                stage = self._stage(remote)
                reports.take(self._api.fetch_job_logs(job_id=remote))
                unanswered = 0
            except hub_errors():  # the connection comes and goes; the job goes on
                unanswered += 1
                if unanswered >= TRIES:
                    raise
                stage = ""
            if stage in ENDED:
                return self._ended(home, job_id, place, stage, reports, cancelled)
            if stop() and not cancelled:
                self._api.cancel_job(job_id=remote)
                cancelled = True
            time.sleep(self._poll_s)

    def _ended(
        self, home: Home, job_id: str, place: str, stage: str, reports: Reports, cancelled: bool
    ) -> Outcome:
        row = jobs.job(home, job_id)
        if stage == "COMPLETED":
            self._fetch(row, place)
            self._delete(place, "")
            return Outcome(TRAINED)
        if cancelled:
            return Outcome(CANCELLED)
        if reports.reason:
            return Outcome(FAILED, reports.reason, "See the log; Resume sends it again.")
        if stage in ("CANCELED", "DELETED"):
            reason = f"The job was ended on the hub {failures.at_step(row)}."
            return Outcome(FAILED, reason, "Resume sends it again.")
        status = self._api.inspect_job(job_id=row.remote).status
        said = f" ({status.message})" if getattr(status, "message", None) else ""
        failure = failures.explain(row, None, reports.end)
        return Outcome(FAILED, f"On the hub{said}: {failure.reason}", failure.hint)

    def _fetch(self, row: JobRow, place: str) -> None:
        """The adapter, whole or not at all."""
        fresh = row.output.with_name(".fetched")
        shutil.rmtree(fresh, ignore_errors=True)
        self._api.sync_bucket(f"hf://buckets/{place}/adapter", str(fresh), quiet=True)
        if not (fresh / "adapter_config.json").is_file():
            raise UserError("The hub's job ended without an adapter", got=place)
        shutil.rmtree(row.output, ignore_errors=True)
        os.replace(fresh, row.output)

    def _delete(self, place: str, below: str) -> None:
        """Best effort: the training does not fail because something was left behind."""
        owner, name, path = place.split("/", 2)
        bucket, prefix = f"{owner}/{name}", f"{path}/{below}"
        try:
            found = self._api.list_bucket_tree(bucket, prefix=prefix, recursive=True)
            gone = [item.path for item in found if item.type == "file"]
            if gone:
                self._api.batch_bucket_files(bucket, delete=gone)
        except hub_errors() as error:
            print(f"{prefix} of {bucket} was not deleted: {error}", flush=True)


# ---- the bundle ----------------------------------------------------------------------------------


def make_bundle(home: Home, row: JobRow, folder: Path, command: Sequence[str]) -> None:
    """All that the hub's machine needs, and nothing else: the code of two rooms, the snapshot, the
    base where it is a folder, the adapter to go on from."""
    for room in ROOMS:
        shutil.copytree(
            ROOT / room,
            folder / "code" / room,
            ignore=lambda at, names: [
                n for n in names if not (n.endswith(".py") or (Path(at) / n).is_dir())
            ],
        )
    place = Path("snapshots") / row.snapshot
    shutil.copytree(home.root / place, folder / "home" / place)
    config = jobs.worker_config(home, row).to_json()
    config |= {
        "job": None,
        "home": "{work}/home",
        "output": "{work}/adapter",
        "checkpoints": "{work}/checkpoints",
    }
    if not is_hub_id(row.config["base"]) or Path(row.config["base"]).is_dir():
        shutil.copytree(row.config["base"], folder / "base")
        config["base"] = "{bundle}/base"
    if row.config["parent_adapter"]:
        shutil.copytree(row.config["parent_adapter"], folder / "parent")
        config["parent_adapter"] = "{bundle}/parent"
    (folder / "config.json").write_text(json.dumps(config, indent=2), encoding="utf-8")
    (folder / "command.json").write_text(json.dumps(list(command)), encoding="utf-8")


def dependencies() -> list[str]:
    """The requirements without what only the page needs."""
    lines = (ROOT / "requirements.txt").read_text(encoding="utf-8").splitlines()
    found = [line.partition("#")[0].strip() for line in lines]
    return [d for d in found if d and re.split(r"[<>=!~ ]", d)[0] not in PAGE_ONLY]


def flavor(row: JobRow) -> str:
    """A GPU for a model of the hub, a CPU for a small one that lies here."""
    usual = "a10g-small" if is_hub_id(row.config["base"]) else "cpu-upgrade"
    return os.environ.get("SIGHTLINE_JOBS_FLAVOR") or usual


def minutes(row: JobRow) -> int:
    """After which the hub ends the job."""
    named = os.environ.get("SIGHTLINE_JOBS_MINUTES", "")
    if named.isdecimal():
        return int(named)
    limit = row.settings.time_limit_minutes
    return int(limit) + MARGIN_MINUTES if limit else MINUTES
