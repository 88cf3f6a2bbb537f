"""Pieces of HTML for the Models page. Everything that came from a file is escaped here."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from typing import Any
from urllib.parse import quote

from training.adapters.lineage import Lineage
from training.jobs.settings import FIELDS
from ui.components.choosers import Item, chooser
from ui.components.markup import facts as fact_list
from ui.components.markup import hint, sign
from ui.components.tables import table
from ui.components.words import bare, setting, when
from ui.models.handlers import Scan, metrics, settings

METRICS = {
    "median_px": ("median distance", "px", 1.0),
    "mse_px2": ("mean squared distance", "px²", 1.0),
    "hit_50px": ("within 50 px", "%", 100.0),
    "in_box": ("inside the hazard's box", "%", 100.0),
    "parse_rate": ("answers with a point", "%", 100.0),
}
"""Key in a card -> its words, unit, and what to multiply it with."""


def items(scan: Scan, current: str) -> str:
    """The list; one click shows one."""
    return chooser("Adapters", "adapter", [_item(scan, entry) for entry in scan.entries], current)


def _item(scan: Scan, entry: Lineage) -> Item:
    tags = [
        ("in use", "md-use", entry.name == scan.used),
        ("loaded", "", entry.name in scan.loaded),
        ("built-in", "", entry.embedded),
        ("cannot be used", "", bool(entry.problem)),
    ]
    said = "".join(f'<span class="md-tag {kind}">{text}</span>' for text, kind, yes in tags if yes)
    size = f"{entry.size_bytes / 1e6:.1f} MB" if entry.size_bytes else ""
    note = " · ".join(x for x in (entry.task, size, when(entry.created)) if x)
    return Item(entry.name, entry.name, note, tags=said)


def card(entry: Lineage, facts: Sequence[tuple[str, str]], origin: Sequence[str]) -> str:
    """Card and origin of one adapter."""
    problem = ""
    if entry.problem:
        problem = (
            '<div class="sl-error" role="alert"><b>It cannot be used.</b> '
            f"{escape(entry.problem)}</div>"
        )
    about = f"<p>{escape(entry.description)}</p>" if entry.description else ""
    steps = "".join(f"<li>{escape(step)}</li>" for step in origin)
    job = ""
    if entry.job:
        address = f"./training?job={quote(entry.job)}&step=prove"
        job = f'<p><a href="{escape(address)}">Its job, curves and proof</a></p>'
    return (
        f'<div class="md-detail"><h2>{sign("finetuned")}{escape(entry.name)}</h2>{problem}'
        f'{about}{fact_list(facts)}<h3>Lineage</h3><ol class="md-line">{steps}</ol>{job}</div>'
    )


def one(entry: Lineage) -> str:
    """Metrics and settings of one adapter."""
    return _metrics(metrics(entry), (entry.figures or {}).get("n")) + _settings(entry, None)


def two(entry: Lineage, other: Lineage) -> str:
    """Metrics of both beside the base, and the settings that differ."""
    sides = {"base": metrics(entry).get("base", {})}
    sides |= {e.name: metrics(e).get(e.name, {}) for e in (entry, other)}
    n, theirs = ((e.figures or {}).get("n") for e in (entry, other))
    if n == theirs:
        return _metrics(sides, n) + _settings(entry, other)
    note = hint("Measured on different numbers of scenes: compare with care.")
    return _metrics(sides, None) + note + _settings(entry, other)


def _metrics(sides: Mapping[str, Mapping[str, Any]], n: int | None) -> str:
    measured = [k for k in METRICS if any(_number(v, k) is not None for v in sides.values())]
    if not measured:
        return '<p class="sl-quiet">No metrics on held-out scenes in the card.</p>'
    heads = ["side", *(f"{METRICS[k][0]} ({METRICS[k][1]})" for k in measured)]
    rows = [
        (side.replace("_", " "), [_shown(values, k) for k in measured])
        for side, values in sides.items()
        if values
    ]
    scenes = f"On{f' {n:,}' if n else ''} held-out scenes, at 1280 × 720"
    return table(heads, rows, scenes, stack=True)


def _settings(entry: Lineage, other: Lineage | None) -> str:
    """All settings of one, or those of two that differ."""
    cards = {e.name: settings(e) for e in (entry, other) if e is not None}
    if missing := " and ".join(name for name, values in cards.items() if not values):
        return f'<p class="sl-quiet">No settings in the card of {escape(missing)}.</p>'
    names = [k for k in FIELDS if any(k in values for values in cards.values())]
    if other is not None:
        mine, theirs = settings(entry), settings(other)
        names = [k for k in names if mine.get(k) != theirs.get(k)]
        if not names:
            return '<p class="sl-quiet">Trained with the same settings.</p>'
    rows = [(FIELDS[k].label, [escape(setting(v.get(k))) for v in cards.values()]) for k in names]
    title = "Settings" if other is None else "Settings that differ"
    return (
        f"<details{' open' if other else ''}><summary>{title}: {len(names)}</summary>"
        f"{table(['setting', *cards], rows)}</details>"
    )


def _number(values: Mapping[str, Any], key: str) -> float | None:
    value = values.get(key) if isinstance(values, Mapping) else None
    return float(value) if isinstance(value, (int, float)) else None


def _shown(values: Mapping[str, Any], key: str) -> str:
    value = _number(values, key)
    return "–" if value is None else bare(value * METRICS[key][2], METRICS[key][1])
