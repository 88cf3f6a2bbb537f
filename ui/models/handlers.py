"""The Models page: adapters with their cards and origins, two of them compared; in and out of
memory, and out of here.

Plain functions, no gradio. Who may load, unload and push stands in `ui.models.page.NEEDS`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from inference.adapter_files import read_card
from inference.errors import unknown
from training.adapters import lineage
from training.adapters.lineage import Lineage
from training.snapshots.counts import snapshot_counts
from ui.components import adapters
from ui.components.words import when
from ui.shell.desk import Desk, adapters_for
from ui.shell.visitors import Visitor, names_only


@dataclass(frozen=True)
class Scan:
    """The adapters that a visitor may use, as much of each as they may read, each read and checked
    once: the one in use first, then those trained here, newest first, then the built-in ones.
    loaded: names of those in memory. used: what the pages use now."""

    entries: tuple[Lineage, ...]
    loaded: frozenset[str]
    used: str | None

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
    if not visitor.reads("adapters on trial"):
        allowed = {e.name for e in usable}
        known = [e for e in known if e.embedded or e.promoted or e.name in allowed]
    entries = [*known, *(lineage.shipped(e, {}) for e in usable if e.name not in names)]
    if not visitor.reads("paths of the server"):
        entries = [replace(e, problem=names_only(e.problem or "") or None) for e in entries]
    used = desk.services.default_adapter()
    entries.sort(key=lambda e: (e.name != used, e.embedded))
    return Scan(tuple(entries), frozenset(e.name for e in usable if e.loaded), used)


def facts(visitor: Visitor, entry: Lineage) -> list[tuple[str, str]]:
    """Names and values of an adapter's card."""
    return [
        ("Task", entry.task),
        ("Size", f"{entry.size_bytes / 1e6:.1f} MB" if entry.size_bytes else ""),
        ("Made", when(entry.created)),
        ("Version", entry.version[:16]),
        ("Folder", str(entry.folder) if visitor.reads("paths of the server") else ""),
    ]


def origin(desk: Desk, entry: Lineage) -> list[str]:
    """Where it comes from, one sentence a step."""
    if entry.embedded:
        return ["Built-in: it came with Sightline, or with the command that started this app."]
    said = []
    if entry.job:
        said.append(f"Made by the job {entry.job}.")
    if entry.snapshot:
        counts = snapshot_counts(desk.home, entry.snapshot)
        learned = f": {counts[0]:,} corrected and {counts[1]:,} replayed images" if counts else ""
        said.append(f"Trained on the snapshot {entry.snapshot[:12]}{learned}.")
    if entry.parent:
        return [*said, f"Continued from the adapter {entry.parent}."]
    return [*said, "Started from fresh weights on the base model."]


def metrics(entry: Lineage) -> dict[str, Mapping[str, Any]]:
    """Held-out metrics of its card by side; the adapter's own is under its name."""
    sides = (entry.figures or {}).get("sides", {})
    return {side: values for side, values in sides.items() if ":" not in side}


def settings(entry: Lineage) -> Mapping[str, Any]:
    """What it was trained with, as its card says; empty where it does not."""
    card = None if entry.problem else read_card(entry.folder)
    return (card.extra.get("settings") or {}) if card is not None else {}


# ---- in and out ----------------------------------------------------------------------------------


def load(visitor: Visitor, desk: Desk, name: str) -> str:
    """Puts an adapter that is offered on the model."""
    scan(visitor, desk).find(name)
    return adapters.load(desk, name)[1]


def pack(visitor: Visitor, desk: Desk, name: str) -> str:
    """Path of a zip file with the adapter's folder."""
    entry = scan(visitor, desk).find(name)
    return str(lineage.download_zip(entry.folder, desk.pictures.new_file(f"{entry.name}.zip")))


def push(visitor: Visitor, desk: Desk, name: str, repo: str, private: bool) -> str:
    """Uploads the adapter to owner/name on the hub."""
    folder = scan(visitor, desk).find(name).folder
    address = lineage.push_to_hub(folder, (repo or "").strip(), private=private)
    return f"Uploaded to {address}."
