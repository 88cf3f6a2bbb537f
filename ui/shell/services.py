"""Everything the page may ask of the rooms below it, as one dataclass of callables.

Knows no gradio, no plotly and no torch. `app.py` fills it with the real ones, tests with fakes.
"""

from __future__ import annotations

import json
import platform
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Any

from inference.errors import UserError
from inference.fields import Point
from inference.inputs import Media
from inference.schema import AdapterEntry, ModelInfo, PairPrediction, Trace
from training.store.home import Home
from ui.shell.visitors import Visitor, who

if TYPE_CHECKING:
    from explain.registry import ExplainerSpec
    from explain.types import MapSettings, PairMaps

Progress = Callable[[str, float], None]


@dataclass(frozen=True)
class Example:
    """An image of the examples strip. `hazard` is the ground truth where it is known."""

    id: str
    path: Path
    label: str
    hazard: Point | None = None
    slices: tuple[str, ...] = ()


@dataclass(frozen=True)
class Services:
    """What the tabs call. Nothing here imports torch until `predict_pair` or `load_adapter` runs.

    predict_pair(image, request, *, progress=None, cancelled=None): runs both sides; raises
        UserError, or Cancelled soon after `cancelled()` turns true.
    default_adapter: the adapter chosen when the page opens, or None.
    describe: a sentence about a pair and its maps, for the headline and screen readers.
    home: where corrections, jobs and adapters are kept; None where nothing is kept.
    base_model: folder or hub id of the shown base, to train on; None for the embedded one.
    who: the visitor behind a request. Tests put another one in; nothing else may.
    """

    model_info: Callable[[], ModelInfo]
    load_media: Callable[[Path], Media]
    list_adapters: Callable[[], Sequence[AdapterEntry]]
    default_adapter: Callable[[], str | None]
    load_adapter: Callable[[str], AdapterEntry]
    unload_adapter: Callable[[str], None]
    predict_pair: Callable[..., PairPrediction]
    make_pair_maps: Callable[[PairPrediction, MapSettings], PairMaps]
    default_tokens: Callable[[Trace], Sequence[int]]
    explainers: Mapping[str, ExplainerSpec]
    examples: Callable[[], Sequence[Example]] = tuple
    describe: Callable[[PairPrediction, PairMaps], str] | None = None
    versions: Callable[[], Mapping[str, str]] = dict
    home: Home | None = None
    base_model: Callable[[], str | None] = lambda: None
    who: Callable[[Any], Visitor] = who


def read_examples(folder: Path) -> tuple[Example, ...]:
    """The pictures listed in `folder/manifest.json`; none when there is no manifest.

    Each row: {"file", "label", "hazard_px": [x, y] or null, "slices": [...]}.
    """
    manifest = folder / "manifest.json"
    if not manifest.is_file():
        return ()
    rows = json.loads(manifest.read_text(encoding="utf-8"))
    return tuple(_example(folder, row) for row in rows)


def _example(folder: Path, row: Mapping[str, Any]) -> Example:
    path = folder / row["file"]
    if path.parent != folder or not path.is_file():
        expected = f"a file in {folder}"
        raise UserError("An example image is missing", expected=expected, got=row["file"])
    point = row.get("hazard_px")
    hazard = Point(float(point[0]), float(point[1]), source="truth") if point else None
    return Example(
        path.stem, path, row.get("label", path.stem), hazard, tuple(row.get("slices") or ())
    )


def find_example(services: Services, example_id: str | None) -> Example | None:
    """The example with that id, or None."""
    return next((e for e in services.examples() if e.id == example_id), None)


def default_adapter(
    entries: Sequence[AdapterEntry], wanted: Sequence[str], promoted: str | None, examples: Path
) -> str | None:
    """Name of the adapter to choose first: the first one wanted by a flag, else the promoted one,
    else the one named in `examples/adapters/default.txt`, else any that can be used."""
    usable = [entry for entry in entries if not entry.problem]
    named = examples / "adapters" / "default.txt"
    usual = [named.read_text(encoding="utf-8").strip()] if named.is_file() else []
    for choice in [*wanted, *([promoted] if promoted else []), *usual]:
        for entry in usable:
            if choice in (entry.source, entry.name) or Path(choice).name == Path(entry.source).name:
                return entry.name
    return usable[0].name if usable else None


@cache
def installed_versions() -> dict[str, str]:
    """Versions of the libraries that make the numbers, without importing them."""
    found = {"python": platform.python_version()}
    for name in ("torch", "transformers", "peft", "numpy", "gradio"):
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return found
