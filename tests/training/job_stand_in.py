"""A small worker in place of the real one, and the job's process with that worker in it.

`python job_stand_in.py HOME JOB` is what a Supervisor starts; with `worker CONFIG` and
`proof HOME JOB` it is the two stages. How they behave stands in HOME/behaviour.json.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import time
from pathlib import Path

import numpy as np
from safetensors.numpy import save_file

if __name__ == "__main__":  # sqlite_utils would load it, in a second
    sys.modules["pandas"] = None  # type: ignore[assignment]
sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from training.jobs import stages
from training.jobs.config import read_config
from training.jobs.local_runner import LocalRunner
from training.jobs.progress import CANCELLED, TRAINED, Progress
from training.store.home import Home

USUAL = {
    "steps": 20,
    "hold_at": None,  # the step at which to wait until this changes or somebody cancels
    "checkpoint_every": 5,
    "fail_at": None,  # [step, reason, hint]
    "raise_at": None,  # [step, text]: an exception that the worker does not explain
    "kill_at": None,  # [step, signal]
    "ignore_sigterm": False,
    "proof_s": 0.0,
    "proof_code": 0,
    "chatter": 0,  # bytes written to the log at each step
}


def behaviour(home: Path) -> dict:
    file = Path(os.environ.get("STAND_IN_BEHAVIOUR") or home / "behaviour.json")
    return {**USUAL, **(json.loads(file.read_text()) if file.exists() else {})}


def worker(config_file: str) -> int:
    config = read_config(Path(config_file))
    how = behaviour(config.home)
    asked: list[int] = []
    handler = signal.SIG_IGN if how["ignore_sigterm"] else lambda n, _f: asked.append(n)
    signal.signal(signal.SIGTERM, handler)
    progress = Progress(Home(config.home), config.job, flush_s=0.0)
    total, step = 0, 0
    saved = sorted(config.checkpoints.glob("checkpoint-*"), key=lambda p: int(p.name[11:]))
    if config.resume and saved:
        state = json.loads((saved[-1] / "state.json").read_text())
        total, step = state["total"], state["step"]
    progress.stage("Training")

    def save() -> None:
        folder = config.checkpoints / f"checkpoint-{step}"
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "state.json").write_text(json.dumps({"step": step, "total": total}))
        (folder / "complete.json").touch()

    while step < how["steps"]:
        if asked:
            save()
            progress.stage(CANCELLED)
            return 75
        step += 1
        total += step * step
        print("x" * how["chatter"], flush=True)
        progress.metrics(step, {"loss": 1 / step, "total": total})
        progress.step(step, how["steps"])
        while behaviour(config.home)["hold_at"] == step and not asked:
            time.sleep(0.02)
        if how["kill_at"] and how["kill_at"][0] == step:
            os.kill(os.getpid(), how["kill_at"][1])
        if how["raise_at"] and how["raise_at"][0] == step:
            raise RuntimeError(how["raise_at"][1])
        if how["fail_at"] and how["fail_at"][0] == step:
            progress.fail(*how["fail_at"][1:])
            return 76
        if step % how["checkpoint_every"] == 0:
            save()
    make_adapter(config.output, config.name, total)
    progress.stage(TRAINED)
    return 0


def make_adapter(folder: Path, name: str, value: float = 1.0) -> Path:
    """A folder that passes the checks of an adapter; its one weight is `value`."""
    folder.mkdir(parents=True)
    module = "base_model.model.model.language_model.layers.0.self_attn.q_proj"
    weights = {
        f"{module}.lora_A.weight": np.full((2, 4), value, np.float32),
        f"{module}.lora_B.weight": np.full((4, 2), value, np.float32),
    }
    save_file(weights, str(folder / "adapter_model.safetensors"))
    config = {"peft_type": "LORA", "r": 2, "lora_alpha": 4, "target_modules": ["q_proj"]}
    (folder / "adapter_config.json").write_text(json.dumps(config))
    card = {"name": name, "task": "hazard", "base_model": "sightline-tiny"}
    (folder / "card.json").write_text(json.dumps(card))
    return folder


def proof(home: str) -> int:
    how = behaviour(Path(home))
    time.sleep(how["proof_s"])
    return int(how["proof_code"])


def job(home: str, job_id: str) -> int:
    def me(*arguments: str) -> list[str]:
        return [sys.executable, __file__, *arguments]

    return stages.main(
        [home, job_id],
        lambda _name: LocalRunner(lambda row: me("worker", str(row.config_file)), grace_s=1.5),
        lambda at, job_id: me("proof", str(at.root), job_id),
    )


if __name__ == "__main__":
    if sys.argv[1] == "worker":
        raise SystemExit(worker(sys.argv[2]))
    if sys.argv[1] == "proof":
        raise SystemExit(proof(sys.argv[2]))
    raise SystemExit(job(*sys.argv[1:]))
