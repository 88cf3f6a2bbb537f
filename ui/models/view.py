"""Pieces of HTML for the Models page. Everything that came from a file is escaped here."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from urllib.parse import quote

from ui.components.markup import facts, sign
from ui.components.words import bare
from ui.models.handlers import FIGURES, ModelDetail, ModelItem


def items(found: Sequence[ModelItem], current: str) -> str:
    """The list; one click shows one."""
    lines = "".join(_item(item, item.name == current) for item in found)
    return f'<nav aria-label="Adapters"><ul class="md-list">{lines}</ul></nav>'


def _item(item: ModelItem, current: bool) -> str:
    here = ' aria-current="true"' if current else ""
    tags = [
        ("in use", "md-use", item.in_use),
        ("loaded", "", item.loaded),
        ("came along", "", item.embedded),
        ("cannot be used", "", bool(item.problem)),
    ]
    said = "".join(f'<span class="md-tag {kind}">{text}</span>' for text, kind, yes in tags if yes)
    about = " · ".join(
        x for x in (item.task, f"{item.size_mb:.1f} MB" if item.size_mb else "", item.created) if x
    )
    return (
        f'<li><button type="button" class="md-item" data-adapter="{escape(item.name)}"{here}>'
        f'<b>{escape(item.name)}</b><span class="sl-quiet">{escape(about)}</span>{said}'
        "</button></li>"
    )


def detail(found: ModelDetail) -> str:
    """Card, origin and figures."""
    problem = (
        f'<div class="sl-error" role="alert"><b>It cannot be used.</b> '
        f"{escape(found.item.problem)}</div>"
        if found.item.problem
        else ""
    )
    about = f"<p>{escape(found.description)}</p>" if found.description else ""
    line = "".join(f"<li>{escape(step)}</li>" for step in found.line)
    job = ""
    if found.job:
        address = f"./training?job={quote(found.job)}&step=prove"
        job = f'<p><a href="{escape(address)}">Its job, curves and proof</a></p>'
    return (
        f'<div class="md-detail"><h2>{sign("finetuned")}{escape(found.item.name)}</h2>{problem}'
        f"{about}{facts(found.facts)}<h3>Where it comes from</h3>"
        f'<ol class="md-line">{line}</ol>{job}{_figures(found)}</div>'
    )


def _figures(found: ModelDetail) -> str:
    if not found.figures:
        return '<p class="sl-quiet">Its card names no figures on held-out scenes.</p>'
    keys = [k for k in FIGURES if any(_number(v, k) is not None for _, v in found.figures)]
    heads = "".join(f'<th scope="col">{escape(FIGURES[k][0])} ({FIGURES[k][1]})</th>' for k in keys)
    body = "".join(
        f'<tr><th scope="row">{escape(side)}</th>'
        + "".join(f"<td>{_shown(values, k)}</td>" for k in keys)
        + "</tr>"
        for side, values in found.figures
    )
    n = f" {found.n_scenes:,}" if found.n_scenes else ""
    return (
        f'<div class="tr-scroll" tabindex="0" role="region" aria-label="Figures">'
        f'<table class="tr-table"><caption>On{n} held-out scenes, at 1280 × 720</caption><thead>'
        f'<tr><th scope="col">side</th>{heads}</tr></thead><tbody>{body}</tbody></table></div>'
    )


def _number(values: Mapping[str, float], key: str) -> float | None:
    value = values.get(key) if isinstance(values, Mapping) else None
    return float(value) if isinstance(value, (int, float)) else None


def _shown(values: Mapping[str, float], key: str) -> str:
    value = _number(values, key)
    return "–" if value is None else bare(value * FIGURES[key][2], FIGURES[key][1])
