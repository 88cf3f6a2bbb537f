"""The files of an adapter folder, read without trusting them: JSON within bounds, tensor shapes
from safetensors headers, nothing that points elsewhere. Knows no model."""

from __future__ import annotations

import json
from dataclasses import fields
from pathlib import Path
from typing import Any

from safetensors import SafetensorError, safe_open

from inference.errors import UserError
from inference.schema import AdapterCard
from inference.tasks.coordinates import FRAMES

WEIGHTS, CONFIG, CARD = "adapter_model.safetensors", "adapter_config.json", "card.json"
HEAD, HEAD_CONFIG = "head.safetensors", "head.json"
FILES = (CONFIG, WEIGHTS, CARD, HEAD, HEAD_CONFIG)
PICKLES = (".bin", ".pt", ".pth", ".pkl", ".ckpt", ".pickle")
MAX_JSON_BYTES = 1_000_000
MAX_WEIGHT_BYTES = 4_000_000_000


def bad(message: str, **details: Any) -> UserError:
    return UserError(message, field="adapter", **details)


def check_files(folder: Path) -> None:
    """The folder is there, holds what it must, and nothing in it points elsewhere."""
    if not folder.is_dir():
        raise bad("There is no such adapter folder", got=str(folder))
    root = folder.resolve()
    for file in FILES:
        path = folder / file
        if path.is_symlink() and not _stays(path, root):
            raise bad("A file of the adapter points outside its folder", got=file)
    if not (folder / CONFIG).is_file():
        raise bad("That folder is not an adapter", expected=f"a file {CONFIG}", got=str(folder))
    if not (folder / WEIGHTS).is_file():
        pickles = sorted(p.name for p in folder.iterdir() if p.suffix.lower() in PICKLES)
        if pickles:
            raise bad(
                "The adapter's weights are a pickle, which can run code when it is opened",
                expected=WEIGHTS,
                got=", ".join(pickles),
                hint="Save it again with safe_serialization=True",
            )
        raise bad("The adapter has no weights", expected=f"a file {WEIGHTS}", got=str(folder))
    if (folder / WEIGHTS).stat().st_size > MAX_WEIGHT_BYTES:
        raise bad("The adapter's weights are too large", expected="at most 4 GB")


def _stays(path: Path, root: Path) -> bool:
    """A link may lead to its own folder, or into the blob store of a hub cache snapshot."""
    target = path.resolve()
    if target.is_relative_to(root):
        return True
    in_cache = root.parent.name == "snapshots"
    return in_cache and target.parent == root.parent.parent / "blobs"


def read_json(path: Path) -> dict[str, Any]:
    try:
        if path.stat().st_size > MAX_JSON_BYTES:
            raise bad(f"{path.name} is too large", expected="at most 1 MB")
        value = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise bad(f"{path.name} cannot be read as JSON", got=str(error)[:200]) from error
    if not isinstance(value, dict):
        raise bad(f"{path.name} is not a JSON object", got=type(value).__name__)
    return value


def read_card(folder: Path) -> AdapterCard | None:
    """The adapter's card, or None where it has none."""
    if not (folder / CARD).is_file():
        return None
    values = read_json(folder / CARD)
    known = {f.name: f for f in fields(AdapterCard)}
    strange = sorted(set(values) - set(known))
    if strange:
        raise bad(
            f"{CARD} has unknown fields",
            expected=f"only {', '.join(known)}",
            got=", ".join(strange)[:200],
        )
    for key in ("name", "task", "base_model"):
        if not isinstance(values.get(key), str) or not values[key]:
            raise bad(f"{CARD} lacks the text {key!r}", got=repr(values.get(key))[:100])
    for key in ("base_sha256", "head", "coordinate_frame"):
        if not isinstance(values.get(key), str | None):
            raise bad(f"{CARD}: {key!r} must be text or null", got=repr(values[key])[:100])
    for key in ("heldout", "extra"):
        if not isinstance(values.get(key, {}), dict):
            raise bad(f"{CARD}: {key!r} must be an object", got=repr(values[key])[:100])
    frame = values.get("coordinate_frame")
    if frame is not None and frame not in FRAMES:
        raise bad(
            f"{CARD} names an unknown coordinate frame",
            expected=f"one of {', '.join(FRAMES)}",
            got=frame[:100],
        )
    values["not_trained_on"] = tuple(str(v) for v in values.get("not_trained_on") or ())
    return AdapterCard(**values)


def header(path: Path) -> dict[str, tuple[int, ...]]:
    """Tensor shapes of a safetensors file. The library also checks that the file is whole."""
    try:
        with safe_open(path, framework="np") as file:
            return {key: tuple(file.get_slice(key).get_shape()) for key in file.keys()}  # noqa: SIM118
    except (SafetensorError, OSError, ValueError) as error:
        raise bad(
            f"{path.name} is damaged or cut off",
            expected="a safetensors file",
            got=str(error)[:200],
        ) from error
