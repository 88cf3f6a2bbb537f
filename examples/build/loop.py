"""One training loop for all stages: schedule by steps or by the clock, checkpoints, a log."""

from __future__ import annotations

import json
import math
import os
import queue
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any, TypeVar

import torch
from safetensors import safe_open
from safetensors.torch import save_file
from torch import Tensor, nn

from examples.build.settings import TRAIN, Plan

RAMP = 200  # steps in which the learning rate comes back where the optimiser starts anew
T = TypeVar("T")
Modules = dict[str, nn.Module]
Step = Callable[[int], tuple[Tensor, dict[str, float]]]


def learning_rate(plan: Plan, progress: float) -> float:
    """Linear warm-up, constant, then cosine to zero over the last `plan.decay` (Hägele et al. 2024,
    "Scaling laws and compute-optimal training beyond fixed training durations"); progress in
    [0, 1]."""
    if progress < plan.warmup:
        return plan.lr * progress / plan.warmup
    begin = max(plan.warmup, 1 - plan.decay)
    rest = max(progress - begin, 0.0) / (1 - begin)
    return plan.lr * 0.5 * (1 + math.cos(math.pi * min(rest, 1.0)))


def decayed_apart(modules: Iterable[nn.Module], weight_decay: float) -> list[dict[str, object]]:
    """Parameter groups: matrices are decayed, biases and norms are not."""
    parameters = [p for m in modules for p in m.parameters() if p.requires_grad]
    return [
        {"params": [p for p in parameters if p.ndim > 1], "weight_decay": weight_decay},
        {"params": [p for p in parameters if p.ndim <= 1], "weight_decay": 0.0},
    ]


def run(
    name: str, plan: Plan, modules: Modules, step: Step, folder: Path = TRAIN, *,
    log_every: int = 50, save_every_s: float = 240.0, spare: Path | None = None,
) -> dict[str, float]:  # fmt: skip
    """Train until the plan ends; continue from the last checkpoint if there is one.

    spare: a safetensors file that gets the weights with each checkpoint, and from which a machine
    without a checkpoint goes on (with a fresh optimiser, whose rate rises over RAMP steps).
    Returns the last logged numbers, of this run or the one it continues, with the steps done and
    the seconds spent; they also lie in folder/name.json.
    """
    folder.mkdir(parents=True, exist_ok=True)
    optimiser = torch.optim.AdamW(
        decayed_apart(modules.values(), plan.weight_decay), lr=plan.lr, betas=(0.9, 0.98)
    )
    fresh_from = 0
    if spare is not None and spare.exists() and not (folder / f"{name}.pt").exists():
        start, spent = read_weights(spare, modules)
        fresh_from = start
    else:
        start, spent = _resume(folder / f"{name}.pt", modules, optimiser)
    begun, saved, count = time.time() - spent, time.time(), 0
    sums: dict[str, float] = {}
    last = _last_logged(folder / f"{name}.jsonl") if start else {}
    index = start
    while True:
        elapsed = time.time() - begun
        progress = index / plan.steps
        if plan.minutes is not None:
            progress = max(progress, elapsed / (60 * plan.minutes))
        if progress >= 1:
            break
        for group in optimiser.param_groups:
            ramp = min((index - fresh_from + 1) / RAMP, 1.0) if fresh_from else 1.0
            group["lr"] = learning_rate(plan, progress) * ramp
        loss, numbers = step(index)
        if not torch.isfinite(loss):
            raise RuntimeError(f"{name}: the loss is not finite at step {index}")
        optimiser.zero_grad(set_to_none=True)
        loss.backward()
        trained = [p for g in optimiser.param_groups for p in g["params"]]
        nn.utils.clip_grad_norm_(trained, 1.0)
        optimiser.step()
        index += 1
        count += 1
        for key, value in {"loss": float(loss.detach()), **numbers}.items():
            sums[key] = sums.get(key, 0.0) + value
        if index % log_every == 0:
            last = {k: v / count for k, v in sums.items()}
            last |= {"step": index, "progress": progress, "seconds": time.time() - begun}
            _log(folder / f"{name}.jsonl", last)
            sums, count = {}, 0
        if time.time() - saved > save_every_s:
            _save(folder / f"{name}.pt", modules, optimiser, index, time.time() - begun, spare)
            saved = time.time()
    _save(folder / f"{name}.pt", modules, optimiser, index, time.time() - begun, spare)
    result = {**last, "step": index, "seconds": time.time() - begun}
    (folder / f"{name}.json").write_text(json.dumps(result))
    return result


def _log(path: Path, numbers: dict[str, float]) -> None:
    line = json.dumps({k: round(v, 5) for k, v in numbers.items()})
    print(path.stem, line, flush=True)
    with path.open("a") as file:
        file.write(line + "\n")


def _last_logged(path: Path) -> dict[str, float]:
    lines = path.read_text().splitlines() if path.exists() else []
    return dict(json.loads(lines[-1])) if lines else {}


def _save(
    path: Path, modules: Modules, optimiser: torch.optim.Optimizer, step: int, s: float,
    spare: Path | None,
) -> None:  # fmt: skip
    state = {
        "modules": {k: m.state_dict() for k, m in modules.items()},
        "optimiser": optimiser.state_dict(),
        "step": step,
        "seconds": s,
    }
    partial = path.with_suffix(".part")
    torch.save(state, partial)
    os.replace(partial, path)
    if spare is not None:
        write_weights(spare, modules, step, s)


def write_weights(path: Path, modules: Modules, step: int, seconds: float) -> None:
    """The modules' weights alone, in float16, with the step and the seconds spent."""
    path.parent.mkdir(parents=True, exist_ok=True)
    weights = {
        f"{name}.{key}": value.half().contiguous()
        for name, module in modules.items()
        for key, value in module.state_dict().items()
    }
    partial = path.with_suffix(".part")
    save_file(weights, partial, {"step": str(step), "seconds": str(round(seconds))})
    os.replace(partial, path)


def read_weights(path: Path, modules: Modules) -> tuple[int, float]:
    """Puts written weights into the modules; returns the step and the seconds spent."""
    with safe_open(path, "pt") as file:
        about = file.metadata()
        weights = {key: file.get_tensor(key).float() for key in file.keys()}  # noqa: SIM118
    for name, module in modules.items():
        own = {k: v for k, v in weights.items() if k.startswith(f"{name}.")}
        module.load_state_dict({k.removeprefix(f"{name}."): v for k, v in own.items()})
    print(f"{path.name}: goes on from the weights of step {about['step']}", flush=True)
    return int(about["step"]), float(about["seconds"])


def _resume(
    path: Path, modules: Modules, optimiser: torch.optim.Optimizer
) -> tuple[int, float]:
    if not path.exists():
        return 0, 0.0
    state = load_modules(path, modules)
    optimiser.load_state_dict(state["optimiser"])
    print(f"{path.stem}: goes on from step {state['step']}", flush=True)
    return int(state["step"]), float(state["seconds"])


def load_modules(path: Path, modules: Modules) -> dict[str, Any]:
    """Puts a checkpoint's weights into the modules; returns the whole checkpoint."""
    state: dict[str, Any] = torch.load(path, weights_only=True)
    for key, module in modules.items():
        module.load_state_dict(state["modules"][key])
    return state


def prefetch(make: Callable[[], T], ahead: int = 4) -> Iterator[T]:
    """Batches made in a thread of their own, a few ahead."""
    ready: queue.Queue[T | BaseException] = queue.Queue(ahead)

    def work() -> None:
        while True:
            try:
                ready.put(make())
            except BaseException as error:
                ready.put(error)
                return

    threading.Thread(target=work, daemon=True).start()
    while True:
        item = ready.get()
        if isinstance(item, BaseException):
            raise item
        yield item
