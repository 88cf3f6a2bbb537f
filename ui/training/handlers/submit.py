"""Starting a job from the page: where it runs, what is run, and with which changes. No gradio."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from inference.errors import UserError
from training.adapters.folders import adapter_folder
from training.adapters.lineage import can_push
from training.adapters.promotion import in_use
from training.jobs import control as jobs
from training.jobs.config import WorkerConfig
from training.jobs.rows import JobRow
from training.jobs.runners import HUB, RUNNERS, default_runner, why_not_here
from training.jobs.settings import TrainSettings
from training.store.home import Home
from ui.shell.desk import Desk
from ui.shell.visitors import Visitor, names_only, require
from ui.training.handlers import choose as training_choose
from ui.training.handlers import set as training_set
from ui.training.handlers.place import TASK, Place
from ui.training.handlers.set import Checked, Recipe

BY_HAND = "by-hand"


@dataclass(frozen=True)
class Where:
    """choices: (label, runner). note: what the visitor should know about them."""

    choices: tuple[tuple[str, str], ...]
    usual: str
    note: str


def places_to_run() -> Where:
    """The runners that can be used: the hub's only with a token, this machine unless it cannot."""
    offered = [(spec.label, key) for key, spec in RUNNERS.items()]
    notes = []
    if (why := why_not_here()) is not None:
        notes.append(why)
        offered = [o for o in offered if o[1] == HUB]
    if not can_push():
        offered = [o for o in offered if o[1] != HUB] or offered
        notes.append("Hugging Face Jobs need a login: run `hf auth login`, or set HF_TOKEN.")
    values = [o[1] for o in offered]
    usual = default_runner() if default_runner() in values else values[0]
    about = [RUNNERS[v].about for v in values]
    return Where(tuple(offered), usual, " ".join([*about, *notes]))


def read_settings(visitor: Visitor, desk: Desk, place: Place, values: Mapping[str, Any]) -> Checked:
    """The form with what the snapshot decides."""
    require(visitor, "viewer", "The settings of a training")
    fixed: Mapping[str, Any] = {}
    if place.snapshot:
        fixed = training_choose.fixed_settings(desk.home, place.snapshot)
    return training_set.check(values, fixed)


def recipe(
    visitor: Visitor, desk: Desk, place: Place, settings: TrainSettings, name: str
) -> Recipe:
    """The command and config that would train this in a terminal, without a job."""
    require(visitor, "viewer", "The command of a training")
    home = desk.home
    folder = home.root / BY_HAND / (name or "my-adapter")
    current = in_use(home, TASK) if settings.start == "current" else None
    parent = adapter_folder(home, current) if current else None
    config = WorkerConfig(
        job=None, home=home.root, snapshot=place.snapshot or training_set.NO_SNAPSHOT,
        settings=settings, base=_base(desk) or str(jobs.EMBEDDED_MODEL), parent_adapter=parent,
        output=folder / "adapter", name=name or "my-adapter", checkpoints=folder / "checkpoints",
        device=_device(desk),
    )  # fmt: skip
    made = training_set.recipe(config, folder / "config.json", cpu=_device(desk) == "cpu")
    return _readable(visitor, made)


def recipe_of_job(visitor: Visitor, home: Home, job: JobRow) -> Recipe:
    """The same of a job that exists."""
    require(visitor, "viewer", "The command of a job")
    config = jobs.worker_config(home, job)
    made = training_set.recipe(config, job.config_file, cpu=job.config["device"] == "cpu")
    return _readable(visitor, made)


def _readable(visitor: Visitor, made: Recipe) -> Recipe:
    if visitor.reads("paths of the server"):
        return made
    return Recipe(names_only(made.command), names_only(made.config))


def submit(
    visitor: Visitor,
    desk: Desk,
    place: Place,
    values: Mapping[str, Any],
    name: str,
    runner: str,
) -> Place:
    """Queues a job on the frozen snapshot; the place where it is watched. UserError names the
    field that is wrong."""
    require(visitor, "trainer", "Training")
    if not place.snapshot:
        raise UserError(
            "Nothing is chosen to train on",
            hint="Choose corrections, look at what goes in, and press “Use these”",
            field="snapshot",
        )
    checked = read_settings(visitor, desk, place, values)
    if checked.settings is None:
        raise next(iter(checked.problems.values()))
    if runner == HUB and not can_push():
        raise UserError(
            "Hugging Face Jobs need a login", hint="Run `hf auth login`, or set HF_TOKEN"
        )
    if runner != HUB and (why := why_not_here()) is not None:
        raise UserError("This machine cannot train", got=why, field="runner")
    job_id = jobs.submit(
        desk.home, place.snapshot, checked.settings, visitor.name, runner or default_runner(),
        place.retry or None, base=_base(desk), name=(name or "").strip() or None,
        device=_device(desk),
    )  # fmt: skip
    return Place("run", job_id, place.snapshot)


def frozen_place(visitor: Visitor, snapshot: str) -> Place:
    """The Set step for a snapshot that is frozen already."""
    require(visitor, "trainer", "Training on a snapshot")
    return Place("set", "", snapshot)


def retry_place(visitor: Visitor, desk: Desk, job_id: str) -> tuple[Place, TrainSettings]:
    """The Set step with a job's settings, to be changed."""
    require(visitor, "trainer", "Trying a job again")
    row = jobs.job(desk.home, job_id)
    return Place("set", row.id, row.snapshot, row.id), row.settings


def changed_against(
    home: Home, place: Place, settings: TrainSettings
) -> tuple[tuple[str, str, str], ...]:
    """What differs from the job that is tried again."""
    if not place.retry:
        return ()
    return training_set.differences(jobs.job(home, place.retry).settings, settings)


def _base(desk: Desk) -> str | None:
    """Folder or hub id of the model that this app shows; None for the embedded one."""
    return desk.services.base_model()


def _device(desk: Desk) -> str:
    device = desk.services.model_info().device
    return "cuda" if device.startswith("cuda") else device if device == "cpu" else "auto"
