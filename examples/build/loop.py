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
from typing import TypeVar

import torch
from torch import Tensor, nn

from examples.build.settings import Plan

T = TypeVar("T")
Step = Callable[[int], tuple[Tensor, dict[str, float]]]


def learning_rate(plan: Plan, progress: float) -> float:
    """Linear warm-up, then cosine to zero; progress in [0, 1]."""
    if progress < plan.warmup:
        return plan.lr * progress / plan.warmup
    rest = (progress - plan.warmup) / (1 - plan.warmup)
    return plan.lr * 0.5 * (1 + math.cos(math.pi * min(rest, 1.0)))


def decayed_apart(modules: Iterable[nn.Module], weight_decay: float) -> list[dict[str, object]]:
    """Parameter groups: matrices are decayed, biases and norms are not."""
    parameters = [p for m in modules for p in m.parameters() if p.requires_grad]
    return [
        {"params": [p for p in parameters if p.ndim > 1], "weight_decay": weight_decay},
        {"params": [p for p in parameters if p.ndim <= 1], "weight_decay": 0.0},
    ]


def run(
    name: str,
    plan: Plan,
    modules: dict[str, nn.Module],
    step: Step,
    folder: Path,
    *,
    log_every: int = 50,
    save_every_s: float = 240.0,
    after_log: Callable[[int], dict[str, float]] | None = None,
    check_every: int = 0,
) -> dict[str, float]:
    """Train until the plan ends; continue from the last checkpoint if there is one.

    Returns the last logged numbers, of this run or the one it continues, with the steps done and
    the seconds spent.
    """
    folder.mkdir(parents=True, exist_ok=True)
    optimiser = torch.optim.AdamW(
        decayed_apart(modules.values(), plan.weight_decay), lr=plan.lr, betas=(0.9, 0.98)
    )
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
            group["lr"] = learning_rate(plan, progress)
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
            if check_every and after_log and index % check_every == 0:
                last |= after_log(index)
            _log(folder / f"{name}.jsonl", last)
            sums, count = {}, 0
        if time.time() - saved > save_every_s:
            _save(folder / f"{name}.pt", modules, optimiser, index, time.time() - begun)
            saved = time.time()
    _save(folder / f"{name}.pt", modules, optimiser, index, time.time() - begun)
    return {**last, "step": index, "seconds": time.time() - begun}


def _log(path: Path, numbers: dict[str, float]) -> None:
    line = json.dumps({k: round(v, 5) for k, v in numbers.items()})
    print(path.stem, line, flush=True)
    with path.open("a") as file:
        file.write(line + "\n")


def _last_logged(path: Path) -> dict[str, float]:
    lines = path.read_text().splitlines() if path.exists() else []
    return dict(json.loads(lines[-1])) if lines else {}


def _save(
    path: Path, modules: dict[str, nn.Module], optimiser: torch.optim.Optimizer, step: int, s: float
) -> None:
    state = {
        "modules": {k: m.state_dict() for k, m in modules.items()},
        "optimiser": optimiser.state_dict(),
        "step": step,
        "seconds": s,
    }
    partial = path.with_suffix(".part")
    torch.save(state, partial)
    os.replace(partial, path)


def _resume(
    path: Path, modules: dict[str, nn.Module], optimiser: torch.optim.Optimizer
) -> tuple[int, float]:
    if not path.exists():
        return 0, 0.0
    state = torch.load(path, weights_only=True)
    for key, module in modules.items():
        module.load_state_dict(state["modules"][key])
    optimiser.load_state_dict(state["optimiser"])
    print(f"{path.stem}: goes on from step {state['step']}", flush=True)
    return int(state["step"]), float(state["seconds"])


def load_modules(path: Path, modules: dict[str, nn.Module]) -> None:
    """Weights of a finished stage."""
    state = torch.load(path, weights_only=True)
    for key, module in modules.items():
        module.load_state_dict(state["modules"][key])


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
