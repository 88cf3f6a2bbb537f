"""One training run from its config to the finished adapter folder."""

from __future__ import annotations

import shutil
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import torch
from accelerate import PartialState
from peft import PeftModel
from torch import Tensor
from transformers import set_seed

from inference.adapters import BackboneInfo, CheckedAdapter, validate_adapter
from inference.backbones.base import Backbone
from inference.backbones.loading import load_backbone, pick_device
from inference.errors import Cancelled, UserError
from inference.hub import local_folder
from inference.loaded_adapters import backbone_info
from training.jobs import failures
from training.jobs.config import EXIT_CANCELLED, EXIT_FAILED, EXIT_TRAINED, WorkerConfig
from training.jobs.progress import CANCELLED, TRAINED, Progress
from training.snapshots.freezing import load_snapshot, verify
from training.snapshots.types import REPLAY, TRAIN, VALIDATION, Snapshot
from training.store.home import Home
from training.worker import checkpoints, saving, validation
from training.worker.callbacks import Reporting, Watching
from training.worker.feature_cache import FeatureCache, prune, tower_hash
from training.worker.items import (
    Collate,
    Item,
    Preparer,
    Samples,
    pad_id,
    training_items,
    whole_items,
)
from training.worker.model import Pointing, interpolated
from training.worker.start import continue_lora, make_head, with_lora
from training.worker.stopping import Stop
from training.worker.trainer import InsightTrainer, arguments

DTYPES = {"fp32": "float32", "bf16": "bfloat16"}
LEAST_FREE_BYTES = 200_000_000


@dataclass
class Built:
    """What a run works with."""

    backbone: Backbone
    info: BackboneInfo
    parent: CheckedAdapter | None
    tuned: PeftModel
    model: Pointing
    frame: str


def run(config: WorkerConfig) -> int:
    """Train; the exit code of training.jobs.config. Errors end in the job's row, not in a traceback
    alone."""
    settings = config.settings
    if settings.threads:
        torch.set_num_threads(settings.threads)
    cpu = pick_device(config.device) == "cpu"
    state = PartialState(cpu=cpu)
    main = state.is_main_process
    progress = Progress(Home(config.home), config.job if main else None, quiet=not main)
    stop = Stop(settings.time_limit_minutes * 60).listen()
    try:
        _train(config, progress, stop, state)
    except Cancelled:
        progress.stage(CANCELLED)
        return EXIT_CANCELLED
    except Exception as error:  # every library below raises its own kinds
        traceback.print_exc()
        _tell(Progress(Home(config.home), config.job), failures.of_error(error))
        return EXIT_FAILED
    progress.stage(TRAINED)
    return EXIT_TRAINED


def _tell(progress: Progress, failure: failures.Failure) -> None:
    """Into the job's row; where the disk is full that may fail too, and the log has to do."""
    try:
        progress.fail(failure.reason, failure.hint)
    except (UserError, OSError):
        traceback.print_exc()


def _train(config: WorkerConfig, progress: Progress, stop: Stop, state: PartialState) -> None:
    if config.output.exists():
        raise UserError(
            "There is already an adapter at the place of the new one", got=str(config.output)
        )
    _check_space(config)
    snapshot = load_snapshot(Home(config.home), config.snapshot)
    resumed = None
    if config.resume:
        resumed = checkpoints.newest(config.checkpoints, config.settings, snapshot.hash)
    elif state.is_main_process:
        checkpoints.forget(config.checkpoints)
    progress.stage("loading the model")
    verify(snapshot)
    built = build(config, snapshot)
    began = _continued(built)
    stop.check()
    preparer = _preparer(config, snapshot, built)
    train = training_items([e for e in snapshot.examples if e.split == TRAIN], config.settings)
    held = whole_items([e for e in snapshot.examples if e.split == VALIDATION], config.settings)
    if preparer.cache is not None:
        _fill(preparer, [*held, *train], progress, stop, state)
    trainer, measured = _trainer(config, snapshot, built, preparer, (train, held), progress, stop)
    progress.stage("training")
    stop.start_clock(resumed.seconds if resumed else 0.0)
    trainer.train(resume_from_checkpoint=str(resumed.folder) if resumed else None)
    progress.flush()
    if stop.requested and trainer.state.global_step < trainer.state.max_steps:
        raise Cancelled
    if trainer.state.global_step < trainer.state.max_steps:
        print(f"time limit: {trainer.state.global_step} of {trainer.state.max_steps} steps done")
    if state.is_main_process:
        progress.stage("saving the adapter")
        measured |= {"steps": trainer.state.global_step, "seconds": round(stop.seconds, 1)}
        if _settle(config, built, began, measured) and held:
            collate = Collate(built.backbone, pad_id(built.backbone))
            found = validation.measure(
                built.model, Samples(held, preparer), collate, trainer._prepare_inputs
            )
            measured["saved"] = found.figures(held)
        _save(config, snapshot, built, preparer, held or train, measured)


def _check_space(config: WorkerConfig) -> None:
    config.checkpoints.mkdir(parents=True, exist_ok=True)
    free = shutil.disk_usage(config.checkpoints).free
    if free < LEAST_FREE_BYTES:
        raise UserError(
            "The disk is nearly full",
            expected=f"at least {LEAST_FREE_BYTES // 10**6} MB free",
            got=f"{free // 10**6} MB",
            hint="Free some space and resume",
        )


def build(config: WorkerConfig, snapshot: Snapshot) -> Built:
    """The frozen base with its LoRA layers and the head."""
    settings = config.settings
    folder = local_folder(config.base, field="model")
    backbone = load_backbone(
        folder,
        quantize=settings.quantize,
        device=config.device,
        dtype=DTYPES[settings.precision],
        for_training=True,
    )
    info = backbone_info(backbone, folder, config.base)
    parent = validate_adapter(config.parent_adapter, info) if config.parent_adapter else None
    card = parent.entry.card if parent is not None else None
    if card is not None and card.task != snapshot.task:
        raise UserError(
            "The adapter to go on from is for another task", expected=snapshot.task, got=card.task
        )
    set_seed(settings.seed)
    tuned = with_lora(backbone, settings)
    if parent is not None:
        continue_lora(tuned, parent, settings)
    head = make_head(settings, info, parent, backbone.device)
    if settings.gradient_checkpointing:
        backbone.model.gradient_checkpointing_enable({"use_reentrant": False})
    frame = (card.coordinate_frame if card else None) or backbone.spec.frame
    return Built(backbone, info, parent, tuned, Pointing(backbone, head, settings), frame)


def _preparer(config: WorkerConfig, snapshot: Snapshot, built: Built) -> Preparer:
    cache = None
    if config.settings.cache_features:
        root = config.home / "features"
        cache = FeatureCache(root, tower_hash(built.backbone))
        prune(root)
    return Preparer(built.backbone, snapshot.task, built.frame, cache)


def _fill(
    preparer: Preparer, items: list[Item], progress: Progress, stop: Stop, state: PartialState
) -> None:
    """Each process sees its share of the images; then all may read them."""
    progress.stage("encoding the images")

    def tell(done: int, total: int) -> None:
        if done % 50 == 0 or done == total:
            progress.stage(f"encoding the images: {done} of {total}")

    preparer.backbone.model.eval()
    mine = items[state.process_index :: state.num_processes]
    preparer.fill(mine, tell, stop.check)
    state.wait_for_everyone()


def _trainer(
    config: WorkerConfig,
    snapshot: Snapshot,
    built: Built,
    preparer: Preparer,
    items: tuple[list[Item], list[Item]],
    progress: Progress,
    stop: Stop,
) -> tuple[InsightTrainer, dict[str, Any]]:
    """The trainer, and the figures that its validations fill in."""
    settings, (train, held) = config.settings, items
    collate = Collate(built.backbone, pad_id(built.backbone))
    cpu = built.backbone.device.type == "cpu"
    args = arguments(settings, config.checkpoints, len(train), cpu=cpu, name=config.name)
    measured: dict[str, Any] = {}
    samples = Samples(held, preparer)

    def validate(step: int) -> None:
        if not held:
            return
        found = validation.measure(built.model, samples, collate, trainer._prepare_inputs)
        figures = found.figures(held)
        progress.metrics(step, figures)
        measured.setdefault("before" if step == 0 else "first", figures)
        measured["last"] = figures
        # Fresh weights are no candidate; an adapter that training goes on from is.
        counts = step > 0 or built.parent is not None
        if settings.keep == "best" and counts and args.should_save:
            state, score = built.model.trainable(), validation.score(figures)
            if checkpoints.keep_best(config.checkpoints, state, score, step):
                measured["best"] = {**figures, "step": step}

    whole = settings.batch * settings.accumulation * settings.processes
    reporting, watching = Reporting(progress, stop, whole), Watching(stop, validate)
    taught = Samples(train, preparer)
    trainer = InsightTrainer(
        built.model,
        args,
        taught,
        collate,
        [reporting, watching],
        lambda folder: checkpoints.mark(folder, stop.seconds, settings, snapshot.hash),
    )
    if settings.lambda_keep and built.parent is not None and built.model.head is not None:
        progress.stage("remembering the replayed images")
        remember(built.model, taught, collate, trainer._prepare_inputs, stop.check)
    return trainer, measured


def remember(
    model: Pointing,
    samples: Samples,
    collate: Collate,
    to_device: Callable[[Any], Any],
    check: Callable[[], None],
) -> None:
    """Keep the heatmaps that the adapter makes of replayed images before it is trained further.
    Called before a checkpoint is loaded, so a resumed run remembers the same."""
    replayed = [i for i, item in enumerate(samples.items) if item.example.source == REPLAY]
    for first in range(0, len(replayed), validation.BATCH):
        check()
        chosen = replayed[first : first + validation.BATCH]
        inputs = to_device(collate([samples[i] for i in chosen]))
        for i, heatmap in zip(chosen, model.heatmaps(inputs), strict=True):
            samples.before[i] = heatmap.cpu()


def _continued(built: Built) -> dict[str, Tensor]:
    """The weights that a parent gave, by name: none without one, no head's where it has none."""
    if built.parent is None:
        return {}
    headed = built.parent.entry.has_head
    given = built.model.trainable().items()
    return {n: p.detach().clone() for n, p in given if headed or not n.startswith("head.")}


def _settle(
    config: WorkerConfig, built: Built, began: dict[str, Tensor], measured: dict[str, Any]
) -> bool:
    """Put in place the weights that are to be saved. Whether they are other than any measured."""
    settings, model = config.settings, built.model
    best = checkpoints.best_so_far(config.checkpoints)
    if settings.keep == "best" and best is not None:
        model.restore(checkpoints.load_weights(config.checkpoints / checkpoints.BEST))
        measured["kept_step"] = best[1]
    measured.pop("first", None)
    if settings.interpolation == 1 or not began:
        return False
    model.restore(interpolated(began, model.trainable(), settings.interpolation))
    return True


def _save(
    config: WorkerConfig,
    snapshot: Snapshot,
    built: Built,
    preparer: Preparer,
    items: list[Item],
    measured: dict[str, Any],
) -> None:
    fresh = saving.beside(config.output)
    head, sha = built.model.head, built.info.sha256 or ""
    about = partial(saving.card_of, config, snapshot, built.info, head, built.frame, built.parent)
    collate = Collate(built.backbone, pad_id(built.backbone))
    try:
        base = Path(config.base).name if Path(config.base).exists() else config.base
        saving.write(fresh, built.tuned, head, base, about(measured), sha)
        saving.check(fresh, built.tuned, built.model, built.info, Samples(items, preparer), collate)
        saving.move_into_place(fresh, config.output)
    finally:
        shutil.rmtree(fresh, ignore_errors=True)
    print(f"saved {config.output}", flush=True)
