"""The Models page: adapters with their cards and origins; in and out of memory, and out of here.

Plain functions, no gradio.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from inference.errors import UserError, unknown
from training.adapters import lineage
from training.adapters.lineage import Lineage
from training.snapshots.counts import snapshot_counts
from ui.components import adapters
from ui.components.words import when
from ui.shell.address import query_of
from ui.shell.desk import Desk, adapters_for
from ui.shell.visitors import Visitor, names_only, require

FIGURES = {
    "median_px": ("median error", "px", 1.0),
    "mse_px2": ("mean squared error", "px²", 1.0),
    "hit_50px": ("within 50 px", "%", 100.0),
    "in_box": ("inside the hazard's box", "%", 100.0),
    "parse_rate": ("answers with a point", "%", 100.0),
}
"""Key in a card -> its words, unit, and what to multiply it with."""


@dataclass(frozen=True)
class ModelItem:
    """A line of the list."""

    name: str
    task: str
    size_mb: float
    in_use: bool
    loaded: bool
    embedded: bool
    created: str
    problem: str


@dataclass(frozen=True)
class ModelDetail:
    """Everything about one adapter. line: its origin, one sentence a step, oldest last. figures:
    (side, {key: value}). job: id of the job that made it, where it is still there."""

    item: ModelItem
    description: str
    facts: tuple[tuple[str, str], ...]
    line: tuple[str, ...]
    figures: tuple[tuple[str, Mapping[str, float]], ...]
    n_scenes: int | None
    job: str | None


@dataclass(frozen=True)
class Scan:
    """The adapters that a visitor may use, each read and checked once: the store's, and what this
    app was started with besides. loaded: names of those in memory. in_use: the one that Scene
    begins with, as the header says."""

    entries: tuple[Lineage, ...]
    loaded: frozenset[str]
    in_use: str | None

    def find(self, name: str) -> Lineage:
        entries = {entry.name: entry for entry in self.entries}
        if name not in entries:
            raise unknown("adapter", name[:100], entries or ["(none)"], field="adapter")
        return entries[name]


def scan(visitor: Visitor, desk: Desk) -> Scan:
    """Reads every adapter's files: once for all that a page shows at a time."""
    known = lineage.adapters(desk.home)
    names = {entry.name for entry in known}
    usable = adapters_for(visitor, desk.services)
    more = [e for e in usable if e.name not in names]
    if not visitor.reads("adapters on trial"):
        allowed = {e.name for e in usable}
        known = [e for e in known if e.embedded or e.promoted or e.name in allowed]
    besides = [
        Lineage(
            name=e.name, task=e.card.task if e.card else "", version="",
            size_bytes=lineage.size_of(Path(e.source)), folder=Path(e.source),
            figures=e.card.heldout if e.card else None,
            description=e.card.description if e.card else "", embedded=True, problem=e.problem,
        )
        for e in more
    ]  # fmt: skip
    return Scan(
        (*known, *besides),
        frozenset(e.name for e in usable if e.loaded),
        desk.services.default_adapter(),
    )


def items(visitor: Visitor, desk: Desk, found: Scan | None = None) -> list[ModelItem]:
    """Those in use first, then those trained here, newest first, then those that came along."""
    require(visitor, "viewer", "The list of adapters")
    found = found or scan(visitor, desk)
    listed = [_item(visitor, found, entry) for entry in found.entries]
    return sorted(listed, key=lambda item: (not item.in_use, item.embedded))


def detail(visitor: Visitor, desk: Desk, name: str, found: Scan | None = None) -> ModelDetail:
    """UserError for an adapter that is not there."""
    require(visitor, "viewer", "An adapter's card")
    found = found or scan(visitor, desk)
    entry = found.find(name)
    heldout: Mapping[str, Any] = entry.figures or {}
    sides = heldout.get("sides", {})
    return ModelDetail(
        item=_item(visitor, found, entry),
        description=entry.description,
        facts=(
            ("Task", entry.task),
            ("Size", f"{entry.size_bytes / 1e6:.1f} MB" if entry.size_bytes else ""),
            ("Made", when(entry.created)),
            ("Version", entry.version[:16]),
            ("Folder", str(entry.folder) if visitor.reads("paths of the server") else ""),
        ),
        line=tuple(_line(desk, entry)),
        figures=tuple((side, values) for side, values in sides.items() if ":" not in side),
        n_scenes=heldout.get("n"),
        job=entry.job,
    )


def _item(visitor: Visitor, found: Scan, entry: Lineage) -> ModelItem:
    problem, loaded = entry.problem or "", entry.name in found.loaded
    return ModelItem(
        entry.name, entry.task, entry.size_bytes / 1e6, entry.name == found.in_use, loaded,
        entry.embedded, when(entry.created),
        problem if visitor.reads("paths of the server") else names_only(problem),
    )  # fmt: skip


def _line(desk: Desk, entry: Lineage) -> list[str]:
    """Where it comes from, step by step."""
    if entry.embedded:
        return ["It came with Sightline, or with the command that started this app."]
    said = []
    if entry.job:
        said.append(f"Made by the job {entry.job}.")
    counts = snapshot_counts(desk.home, entry.snapshot or "")
    if entry.snapshot:
        learned = f": {counts[0]:,} corrected and {counts[1]:,} original pictures" if counts else ""
        said.append(f"Learned from the snapshot {entry.snapshot[:12]}{learned}.")
    if entry.parent:
        said.append(f"Went on from the adapter {entry.parent}.")
    else:
        said.append("Started from fresh weights on the base model.")
    return said


# ---- address -------------------------------------------------------------------------------------


def to_query(name: str) -> str:
    return query_of({"adapter": name})


def named(query: Mapping[str, str]) -> str:
    """The adapter that a link names, or ""."""
    return query.get("adapter", "")[:100]


# ---- in and out ----------------------------------------------------------------------------------


def load(visitor: Visitor, desk: Desk, name: str) -> str:
    """Puts an adapter that is offered on the model."""
    require(visitor, "trainer", "Loading an adapter")
    scan(visitor, desk).find(name)
    return adapters.load(visitor, desk, name).message


def unload(visitor: Visitor, desk: Desk, name: str) -> str:
    require(visitor, "trainer", "Unloading an adapter")
    return adapters.unload(visitor, desk, name).message


def pack(visitor: Visitor, desk: Desk, name: str) -> str:
    """Path of a zip file with the adapter's folder."""
    require(visitor, "viewer", "Downloading an adapter")
    entry = scan(visitor, desk).find(name)
    return str(lineage.download_zip(entry.folder, desk.pictures.new_file(f"{entry.name}.zip")))


def can_push() -> bool:
    return lineage.can_push()


def push(visitor: Visitor, desk: Desk, name: str, repo: str, private: bool, api: Any = None) -> str:
    """Uploads the adapter to owner/name on the hub. api: for tests, a stand-in of HfApi."""
    require(visitor, "trainer", "Pushing an adapter to the hub")
    repo = (repo or "").strip()
    if not repo:
        raise UserError("No repository named", expected="owner/name", field="repo")
    folder = scan(visitor, desk).find(name).folder
    token = None if api is None else (lambda: "stand-in")
    address = lineage.push_to_hub(folder, repo, private=bool(private), api=api, token=token)
    return f"Uploaded to {address}."
