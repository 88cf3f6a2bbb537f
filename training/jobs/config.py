"""What the worker is started with: one JSON file, and the command that starts it. No torch."""

from __future__ import annotations

import dataclasses
import json
import re
import shlex
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from inference.errors import UserError
from training.jobs.settings import TrainSettings
from training.store.whole import write_json

MAX_NAME = 80
DEVICES = ("auto", "cpu", "cuda")
PATHS = ("home", "output", "checkpoints", "parent_adapter")
_NAME = re.compile(rf"[A-Za-z0-9][A-Za-z0-9._-]{{0,{MAX_NAME - 1}}}")

# Exit codes of `python -m training.worker`. A launcher may turn them into 1: the job row's stage
# (training.jobs.progress) says the same and outlives the process.
EXIT_TRAINED, EXIT_FAILED, EXIT_CANCELLED = 0, 76, 75


@dataclass(frozen=True)
class WorkerConfig:
    """One run.

    job: id of its row in `jobs`, or None where there is none (then figures go to the output only).
    home: Sightline's folder. snapshot: its hash. base: folder or hub id of the model.
    parent_adapter: adapter folder to go on from, or None. output: adapter folder to write; must not
    exist. name: the adapter's. checkpoints: folder for them. resume: go on from the newest one.
    device: auto | cpu | cuda. Raises UserError: `field` names what is wrong.
    """

    job: str | None
    home: Path
    snapshot: str
    settings: TrainSettings
    base: str
    parent_adapter: Path | None
    output: Path
    name: str
    checkpoints: Path
    resume: bool = False
    device: str = "auto"

    def __post_init__(self) -> None:
        for field, valid, expected in (
            ("name", _NAME.fullmatch(self.name), f"at most {MAX_NAME} of A-Z a-z 0-9 . _ -"),
            ("snapshot", re.fullmatch(r"[0-9a-f]{16,64}", self.snapshot), "a snapshot's hash"),
            ("device", self.device in DEVICES, f"one of {', '.join(DEVICES)}"),
            ("resume", isinstance(self.resume, bool), "true or false"),
        ):
            if not valid:
                got = repr(getattr(self, field))[:100]
                what = "adapter's name" if field == "name" else field
                raise UserError(f"The {what} is not valid", expected=expected, got=got, field=field)

    def to_json(self) -> dict[str, Any]:
        values = {f.name: getattr(self, f.name) for f in dataclasses.fields(self)}
        values = {k: str(v) if isinstance(v, Path) else v for k, v in values.items()}
        return {**values, "settings": self.settings.to_json()}

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> WorkerConfig:
        """Checked configuration. Raises UserError: a name is unknown or missing, or a value is not
        valid."""
        known = {f.name for f in dataclasses.fields(cls)}
        if strange := sorted(set(values) - known):
            raise UserError("The config has an unknown entry", got=", ".join(strange)[:200])
        try:
            paths = {name: Path(values[name]) for name in PATHS if values[name] is not None}
            settings = TrainSettings.from_json(values["settings"])
            return cls(**{**values, **paths, "settings": settings})
        except (KeyError, TypeError) as error:
            got = f"{type(error).__name__}: {error}"
            raise UserError(
                "The config lacks an entry, or one is of a wrong kind", got=got
            ) from error

    def write(self, path: Path) -> Path:
        """As a JSON file, whole or not at all."""
        path.parent.mkdir(parents=True, exist_ok=True)
        write_json(path, self.to_json())
        return path


def read_config(path: Path) -> WorkerConfig:
    """The config in a JSON file. Raises UserError: it cannot be read, or an entry is wrong."""
    try:
        values = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise UserError("The config cannot be read", got=f"{path}: {error}"[:300]) from error
    if not isinstance(values, dict):
        raise UserError("The config is not a JSON object", got=type(values).__name__)
    return WorkerConfig.from_json(values)


def launch_command(
    settings: TrainSettings, config: Path, *, cpu: bool = False, python: str = sys.executable
) -> list[str]:
    """The command that starts a run, from the repository's root. The same for the page, for a
    terminal, and with more of accelerate's flags for several machines.

    cpu: keep off the GPUs; several processes on a CPU talk through gloo.
    """
    many = settings.processes > 1
    command = [python, "-m", "accelerate.commands.launch", "--num_processes"]
    command += [str(settings.processes), "--num_machines", "1", "--dynamo_backend", "no"]
    command += ["--mixed_precision", "no"]
    if settings.deepspeed:
        command += ["--use_deepspeed", "--zero_stage", "2"]
    elif many:
        # accelerate's name for "start several processes with torchrun"; on a CPU too.
        command += ["--multi_gpu"]
    elif cpu:
        command += ["--cpu"]
    if many or settings.deepspeed:
        command += ["--main_process_port", "0"]
    if settings.threads:
        command += ["--num_cpu_threads_per_process", str(settings.threads)]
    return [*command, "-m", "training.worker", str(config)]


def command_text(settings: TrainSettings, config: Path, *, cpu: bool = False) -> str:
    """`launch_command` as one line to paste into a terminal."""
    return shlex.join(launch_command(settings, config, cpu=cpu, python="python"))
