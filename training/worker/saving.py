"""The finished adapter: written beside its place, loaded back and compared, then renamed."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import torch
from peft import PeftModel

from inference.adapter_files import CARD, CONFIG
from inference.adapters import BackboneInfo, CheckedAdapter, validate_adapter
from inference.errors import UserError
from inference.heads import Head, save_head
from inference.loaded_adapters import LoadedAdapters
from training.jobs.config import WorkerConfig
from training.snapshots.types import Snapshot, counts_of
from training.worker.items import Collate, Samples
from training.worker.model import Pointing

TOLERANCE = 1e-3  # of the image's side; the mixed batch may round differently


def write(
    folder: Path, tuned: PeftModel, head: Head | None, base: str, card: dict[str, Any], sha: str
) -> None:
    """PEFT's files, the head beside them, and the card."""
    folder.mkdir(parents=True)
    tuned.save_pretrained(folder, save_embedding_layers=False)
    (folder / "README.md").unlink(missing_ok=True)
    config = json.loads((folder / CONFIG).read_text()) | {"base_model_name_or_path": base}
    (folder / CONFIG).write_text(json.dumps(config, indent=2, sort_keys=True) + "\n")
    if head is not None:
        save_head(head, folder, sha)
    (folder / CARD).write_text(json.dumps(card, indent=2) + "\n")


def card_of(
    config: WorkerConfig,
    snapshot: Snapshot,
    info: BackboneInfo,
    head: Head | None,
    frame: str,
    parent: CheckedAdapter | None,
    figures: dict[str, Any],
) -> dict[str, Any]:
    """The adapter's card, with its lineage."""
    learned = {s for e in snapshot.examples if e.split == "train" for s in e.slices}
    before = parent.entry.card if parent is not None else None
    missing = [s for s in (before.not_trained_on if before else ()) if s not in learned]
    counts = {k: n for k, n in counts_of(snapshot.manifest).items() if k != "left out"}
    return {
        "name": config.name,
        "task": snapshot.task,
        "base_model": Path(config.base).name if Path(config.base).exists() else config.base,
        "base_sha256": info.sha256,
        "head": None if head is None else head.config["architecture"],
        "coordinate_frame": frame,
        "not_trained_on": missing,
        "description": f"Trained on {counts.get('train correction', 0)} corrections and "
        f"{counts.get('train replay', 0)} replayed examples"
        + (f", going on from {parent.entry.name}." if parent is not None else "."),
        "heldout": {},
        "extra": {
            "lineage": {
                "snapshot": snapshot.hash,
                "parent": parent.entry.name if parent is not None else None,
                "job": config.job,
            },
            "examples": counts,
            "settings": config.settings.to_json(),
            "figures": figures,
            "loss": f"{config.settings.lambda_text:g} text + {config.settings.lambda_coord:g} MSE"
            f" (INSIGHT, Eq. 1) + {config.settings.lambda_map:g} heatmap + "
            f"{config.settings.lambda_shown:g} shown point + "
            f"{config.settings.lambda_keep:g} staying near the parent's",
        },
    }


@torch.no_grad()
def check(
    folder: Path,
    tuned: PeftModel,
    model: Pointing,
    info: BackboneInfo,
    samples: Samples,
    collate: Collate,
) -> None:
    """Load the folder through inference.adapters as the page does, and compare one answer with the
    trained model's. Takes the trained layers off the backbone. Raises UserError: it is refused, or
    it answers differently."""
    model.eval()
    backbone, device = model.backbone, model.backbone.device
    inputs = collate([samples[0]])
    inputs = {k: v.to(device) if isinstance(v, torch.Tensor) else v for k, v in inputs.items()}
    before = model(**inputs)
    tuned.unload()
    loaded = LoadedAdapters(backbone, info)
    name = loaded.load(validate_adapter(folder, info), str(folder)).name
    adapter = loaded.get(name)
    model.head = adapter.head
    with loaded.bank.rows([adapter.slot]):
        after = model(**inputs)
    pairs = [(float(before["text_loss"]), float(after["text_loss"]))]
    if "points01" in before:
        pairs += list(
            zip(before["points01"][0].tolist(), after["points01"][0].tolist(), strict=True)
        )
    if any(abs(a - b) > TOLERANCE * max(1.0, abs(a)) for a, b in pairs):
        raise UserError(
            "The saved adapter does not answer as the trained one did",
            expected=", ".join(f"{a:.5g}" for a, _ in pairs),
            got=", ".join(f"{b:.5g}" for _, b in pairs),
            hint="This is a fault of Sightline: please report it with the log",
        )


def move_into_place(fresh: Path, output: Path) -> None:
    """Rename; never onto an adapter that is there."""
    if output.exists():
        raise UserError("There is already something at the adapter's place", got=str(output))
    output.parent.mkdir(parents=True, exist_ok=True)
    fresh.rename(output)


def beside(output: Path) -> Path:
    """An empty place for the unfinished folder, in the same file system."""
    fresh = output.with_name(f".{output.name}.new")
    shutil.rmtree(fresh, ignore_errors=True)
    return fresh
