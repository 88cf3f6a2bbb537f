"""Pieces of HTML for the Models page. Everything that came from a file is escaped here."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from typing import Any
from urllib.parse import quote

from training.adapters.lineage import Lineage
from training.jobs.settings import FIELDS
from ui.components.markup import facts as fact_list
from ui.components.markup import sign
from ui.components.words import bare, when
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
    lines = "".join(_item(scan, entry, entry.name == current) for entry in scan.entries)
    return f'<nav aria-label="Adapters"><ul class="md-list">{lines}</ul></nav>'


def _item(scan: Scan, entry: Lineage, current: bool) -> str:
    here = ' aria-current="true"' if current else ""
    tags = [
        ("in use", "md-use", entry.name == scan.used),
        ("loaded", "", entry.name in scan.loaded),
        ("built-in", "", entry.embedded),
        ("cannot be used", "", bool(entry.problem)),
    ]
    said = "".join(f'<span class="md-tag {kind}">{text}</span>' for text, kind, yes in tags if yes)
    size = f"{entry.size_bytes / 1e6:.1f} MB" if entry.size_bytes else ""
    about = " · ".join(x for x in (entry.task, size, when(entry.created)) if x)
    return (
        f'<li><button type="button" class="md-item" data-adapter="{escape(entry.name)}"{here}>'
        f'<b>{escape(entry.name)}</b><span class="sl-quiet">{escape(about)}</span>{said}'
        "</button></li>"
    )


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
    found = metrics(entry)
    rows = [(side, values) for side, values in found.items()]
    return _metrics(rows, (entry.figures or {}).get("n")) + _settings(entry, None)


def two(entry: Lineage, other: Lineage) -> str:
    """Metrics of both beside the base, and the settings that differ."""
    rows = [("base", metrics(entry).get("base", {}))]
    rows += [(e.name, metrics(e).get(e.name, {})) for e in (entry, other)]
    sizes = {(e.figures or {}).get("n") for e in (entry, other)}
    note = ""
    if len(sizes) > 1:
        note = '<p class="sl-hint">Measured on different numbers of scenes: compare with care.</p>'
    n = sizes.pop() if len(sizes) == 1 else None
    return _metrics([r for r in rows if r[1]], n) + note + _settings(entry, other)


def _metrics(rows: Sequence[tuple[str, Mapping[str, Any]]], n: int | None) -> str:
    keys = [k for k in METRICS if any(_number(v, k) is not None for _, v in rows)]
    if not keys:
        return '<p class="sl-quiet">No metrics on held-out scenes in the card.</p>'
    heads = "".join(f'<th scope="col">{METRICS[k][0]} ({METRICS[k][1]})</th>' for k in keys)
    body = "".join(
        f'<tr><th scope="row">{escape(side.replace("_", " "))}</th>'
        + "".join(f'<td data-label="{METRICS[k][0]}">{_shown(values, k)}</td>' for k in keys)
        + "</tr>"
        for side, values in rows
    )
    scenes = f"On{f' {n:,}' if n else ''} held-out scenes, at 1280 × 720"
    return (
        f'<table class="tr-table tr-stack"><caption>{scenes}</caption><thead>'
        f'<tr><th scope="col">side</th>{heads}</tr></thead><tbody>{body}</tbody></table>'
    )


def _settings(entry: Lineage, other: Lineage | None) -> str:
    """All settings of one, or those of two that differ."""
    columns = [settings(e) for e in (entry, other) if e is not None]
    if not all(columns):
        missing = " and ".join(
            e.name for e, c in zip((entry, other), columns, strict=False) if e and not c
        )
        return f'<p class="sl-quiet">No settings in the card of {escape(missing)}.</p>'
    names = [k for k in FIELDS if any(k in c for c in columns)]
    if other is not None:
        names = [k for k in names if columns[0].get(k) != columns[1].get(k)]
        if not names:
            return '<p class="sl-quiet">Trained with the same settings.</p>'
    body = "".join(
        f'<tr><th scope="row">{escape(FIELDS[k].label)}</th>'
        + "".join(f"<td>{_value(c.get(k))}</td>" for c in columns)
        + "</tr>"
        for k in names
    )
    heads = "".join(f'<th scope="col">{escape(e.name)}</th>' for e in (entry, other) if e)
    title = "Settings" if other is None else "Settings that differ"
    table = (
        f'<table class="tr-table tr-diff"><thead><tr><th scope="col">setting</th>{heads}</tr>'
        f"</thead><tbody>{body}</tbody></table>"
    )
    opened = "" if other is None else " open"
    return f"<details{opened}><summary>{title}: {len(names)}</summary>{table}</details>"


def _value(value: Any) -> str:
    if value is None:
        return "–"
    if isinstance(value, bool):
        return "yes" if value else "no"
    return escape(", ".join(map(str, value)) if isinstance(value, list) else f"{value}")


def _number(values: Mapping[str, Any], key: str) -> float | None:
    value = values.get(key) if isinstance(values, Mapping) else None
    return float(value) if isinstance(value, (int, float)) else None


def _shown(values: Mapping[str, Any], key: str) -> str:
    value = _number(values, key)
    return "–" if value is None else bare(value * METRICS[key][2], METRICS[key][1])
