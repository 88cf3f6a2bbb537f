"""Adapter folders: found, fetched and checked before a single weight is loaded.

Reads JSON and safetensors headers only. Knows neither torch nor PEFT, so the page can list
adapters before the model is there.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from inference import adapter_config
from inference.adapter_files import (
    CARD,
    CONFIG,
    HEAD,
    HEAD_CONFIG,
    WEIGHTS,
    bad,
    check_files,
    header,
    read_card,
    read_json,
)
from inference.errors import UserError
from inference.fingerprint import file_sha256, weights_sha256
from inference.schema import AdapterCard, AdapterEntry

HEAD_FIELDS = {
    "architecture",
    "hidden_size",
    "grid",
    "offsets",
    "decode",
    "base_sha256",
    "sha256",
}
_KEY = re.compile(
    r"^(?:base_model\.model\.)?(?P<module>.+)\.lora_(?P<half>[AB])(?:\.default)?\.weight$"
)
_VISION = re.compile(r"(^|\.)(visual|vision_model|vision_tower|connector)\.")
__all__ = [
    "CARD",
    "BackboneInfo",
    "CheckedAdapter",
    "discover",
    "examine",
    "name_taken",
    "read_card",
    "validate_adapter",
]

# Where older transformers kept what is now elsewhere; tried in order.
_RENAMES = (
    ("", ""),
    ("model.layers.", "model.language_model.layers."),
    ("visual.", "model.visual."),
    ("model.visual.", "visual."),
    ("language_model.model.layers.", "model.language_model.layers."),
)


@dataclass(frozen=True)
class BackboneInfo:
    """What an adapter is checked against. shapes: module name -> (in_features, out_features) of
    each linear layer. folder: of the base. sha256: of its weights, computed when first asked
    for."""

    id: str
    hidden_size: int
    shapes: Mapping[str, tuple[int, int]]
    folder: Path | None = None

    @property
    def sha256(self) -> str | None:
        return weights_sha256(self.folder) if self.folder is not None else None


@dataclass(frozen=True)
class CheckedAdapter:
    """An adapter that may be loaded.

    settings: arguments for LoraConfig. keys: name in the file -> name on this backbone
    ("<module>.lora_A.weight").
    """

    entry: AdapterEntry
    folder: Path
    settings: dict[str, Any]
    keys: dict[str, str]
    notes: tuple[str, ...] = ()


def validate_adapter(
    folder: Path | str, backbone: BackboneInfo | None = None, name: str | None = None
) -> CheckedAdapter:
    """Check an adapter folder, against a backbone where one is given.

    Raises:
        UserError: (field "adapter") for everything that would fail or be unsafe later.
    """
    folder = Path(folder)
    check_files(folder)
    config = read_json(folder / CONFIG)
    settings = adapter_config.lora_settings(config)
    card = read_card(folder)
    shapes = header(folder / WEIGHTS)
    keys, halves = _modules(shapes, backbone)
    _check_shapes(halves, backbone)
    has_head = _check_head(folder, backbone)
    if card is not None and backbone is not None:
        _check_base(card.base_sha256, backbone, "The adapter was trained on another base model")
    settings["target_modules"] = sorted(halves)
    settings["rank_pattern"] = {
        m: h["A"][0] for m, h in halves.items() if h["A"][0] != settings["r"]
    }
    entry = AdapterEntry(
        name=name or (card.name if card else folder.resolve().name),
        source=str(folder),
        card=card,
        has_head=has_head,
        loaded=False,
        targets_vision=any(_VISION.search(m) for m in halves),
    )
    return CheckedAdapter(entry, folder, settings, keys, _notes(config, card, backbone))


def _modules(
    shapes: Mapping[str, tuple[int, ...]], backbone: BackboneInfo | None
) -> tuple[dict[str, str], dict[str, dict[str, tuple[int, ...]]]]:
    """Names of the file's tensors on this backbone, and each module's two halves."""
    keys: dict[str, str] = {}
    halves: dict[str, dict[str, tuple[int, ...]]] = {}
    for key, shape in shapes.items():
        match = _KEY.match(key)
        if match is None:
            raise bad(
                "The adapter holds a weight that is not a LoRA of a linear layer",
                expected="only lora_A.weight and lora_B.weight",
                got=key[:200],
            )
        module = _place(match["module"], backbone)
        keys[key] = f"{module}.lora_{match['half']}.weight"
        halves.setdefault(module, {})[match["half"]] = shape
    if not halves:
        raise bad("The adapter has no weights in it", expected="LoRA weights")
    return keys, halves


def _place(module: str, backbone: BackboneInfo | None) -> str:
    if backbone is None:
        return module
    for old, new in _RENAMES:
        if module.startswith(old) and new + module[len(old) :] in backbone.shapes:
            return new + module[len(old) :]
    raise bad(
        "The adapter is for another base model",
        expected=f"layers of {backbone.id}",
        got=f"{module[:200]}, which it does not have",
    )


def _check_shapes(
    halves: Mapping[str, dict[str, tuple[int, ...]]], backbone: BackboneInfo | None
) -> None:
    for module, pair in halves.items():
        if set(pair) != {"A", "B"} or any(len(s) != 2 for s in pair.values()):
            raise bad("The adapter is incomplete", expected="lora_A and lora_B", got=module[:200])
        (rank, n_in), (n_out, rank_b) = pair["A"], pair["B"]
        if rank != rank_b:
            raise bad("The adapter's halves differ in rank", got=f"{rank}, {rank_b} at {module}")
        if backbone is not None and backbone.shapes[module] != (n_in, n_out):
            want_in, want_out = backbone.shapes[module]
            raise bad(
                "The adapter is for another base model",
                expected=f"{want_in} -> {want_out} at {module} in {backbone.id}",
                got=f"{n_in} -> {n_out}",
            )


def _check_head(folder: Path, backbone: BackboneInfo | None) -> bool:
    """Whether there is a head; it is whole and made for this base."""
    weights, description = folder / HEAD, folder / HEAD_CONFIG
    if not weights.is_file() and not description.is_file():
        return False
    if not (weights.is_file() and description.is_file()):
        raise bad("The adapter's head is incomplete", expected=f"{HEAD} and {HEAD_CONFIG}")
    config = read_json(description)
    strange = sorted(set(config) - HEAD_FIELDS)
    if strange:
        raise bad(f"{HEAD_CONFIG} has unknown fields", got=", ".join(strange)[:200])
    if config.get("architecture") not in ("patch", "pooled"):
        raise bad(
            "Unknown head architecture",
            expected="patch or pooled",
            got=repr(config.get("architecture"))[:100],
        )
    if config.get("offsets") not in (None, True, False):
        raise bad(f"{HEAD_CONFIG}: offsets is not true or false", got=repr(config["offsets"])[:100])
    header(weights)
    digest = file_sha256(weights)
    if digest != config.get("sha256"):
        raise bad(
            "The adapter's head is damaged or was changed",
            expected=f"sha256 {config.get('sha256')}",
            got=digest,
        )
    if backbone is not None:
        if config.get("hidden_size") != backbone.hidden_size:
            raise bad(
                "The adapter's head is for another base model",
                expected=f"width {backbone.hidden_size}",
                got=repr(config.get("hidden_size"))[:100],
            )
        _check_base(
            config.get("base_sha256"),
            backbone,
            "The adapter's head was trained on another base model",
        )
    return True


def _check_base(claimed: object, backbone: BackboneInfo, message: str) -> None:
    if claimed is None:
        return
    actual = backbone.sha256
    if actual is not None and claimed != actual:
        raise bad(message, expected=f"base sha256 {actual}", got=str(claimed)[:100])


def _notes(
    config: Mapping[str, Any], card: AdapterCard | None, backbone: BackboneInfo | None
) -> tuple[str, ...]:
    """The base's name is only a hint: folders and mirrors carry any name."""
    claimed = (card.base_model if card else None) or config.get("base_model_name_or_path")
    if backbone is None or not claimed:
        return ()
    if Path(str(claimed)).name.lower() == Path(backbone.id).name.lower():
        return ()
    return (f"The adapter names {claimed} as its base; it runs on {backbone.id}.",)


def discover(
    roots: Iterable[Path | str], backbone: BackboneInfo | None = None
) -> list[AdapterEntry]:
    """All adapters in the sub-folders of the roots, the faulty ones with their problem."""
    entries: list[AdapterEntry] = []
    for root in map(Path, roots):
        if not root.is_dir():
            continue
        for folder in sorted(p for p in root.iterdir() if p.is_dir() and not p.is_symlink()):
            if (folder / CONFIG).exists():
                entries.append(examine(folder, backbone))
    return entries


def name_taken(name: str) -> UserError:
    """Why an adapter with the name of another one is refused: people and links mean that one."""
    hint = f"Give it another name in its {CARD}"
    return bad(f"Another adapter is already called {name}", hint=hint)


def examine(folder: Path | str, backbone: BackboneInfo | None = None) -> AdapterEntry:
    """The folder's entry; never raises a UserError, but carries it as `problem`."""
    try:
        return validate_adapter(folder, backbone).entry
    except UserError as error:
        return AdapterEntry(Path(folder).name, str(folder), None, False, False, problem=str(error))
