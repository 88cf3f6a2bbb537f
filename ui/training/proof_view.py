"""Pieces of HTML for Prove and Promote: the table with intervals, the gallery, the rule.

Everything that came from a person or a file is escaped here. Knows no gradio.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape

from ui.components.markup import sign
from ui.components.words import bare
from ui.training.views import CaseView, Cell, ConditionView, ProofRow

VERDICTS = {
    "better": ("▲", "better"),
    "worse": ("▼", "worse"),
    "same": ("≈", "no clear difference"),
    "too few": ("·", "too few"),
    "": ("", ""),
}
FATES = {
    "much worse": ("!", "Much worse", "wrong with both, and more than 50 px further off"),
    "much closer": ("↘", "Much closer", "wrong with both, but more than 50 px nearer"),
    "fixed": ("✓", "Fixed", "wrong with the current adapter, right with the candidate"),
    "still wrong": ("✕", "Still wrong", "wrong with both"),
    "newly wrong": ("!", "Newly wrong", "right with the current adapter, wrong with the candidate"),
}
MOST_TILES = 12


def table(rows: Sequence[ProofRow], names: Mapping[str, str], caption: str) -> str:
    """Sides as columns, slices as rows. names: side -> column heading."""
    heads = "".join(
        f'<th scope="col">{sign("base") if side == "base" else ""}{escape(name)}</th>'
        for side, name in names.items()
    )
    body, last = [], None
    for row in rows:
        if row.group != last:
            body.append(
                f'<tr class="tr-group"><th scope="rowgroup" colspan="{len(names) + 3}">'
                f"{escape(row.group)}</th></tr>"
            )
            last = row.group
        body.append(_row(row, list(names)))
    return (
        f'<div class="tr-scroll" tabindex="0" role="region" aria-label="{escape(caption)}">'
        f'<table class="tr-table tr-proof"><caption>{escape(caption)}</caption><thead><tr>'
        f'<th scope="col">scenes</th><th scope="col">number</th>{heads}'
        '<th scope="col">candidate minus current</th></tr></thead>'
        f"<tbody>{''.join(body)}</tbody></table></div>"
    )


def _row(row: ProofRow, sides: Sequence[str]) -> str:
    cells = "".join(f"<td>{cell(row.cells.get(side), row.unit)}</td>" for side in sides)
    glyph, words = VERDICTS.get(row.verdict, ("", row.verdict))
    mark = (
        f'<span class="tr-verdict tr-{escape(row.verdict)}"><i aria-hidden="true">{glyph}</i> '
        f"{words}</span>"
        if words
        else ""
    )
    return (
        f'<tr><th scope="row">{escape(row.label)}</th><td>{row.n:,}</td>{cells}'
        f"<td>{cell(row.difference, row.unit, signed=True)}{mark}</td></tr>"
    )


def cell(value: Cell | None, unit: str, signed: bool = False) -> str:
    """ "31.2 px" and, below it, "28.0 to 35.1"."""
    if value is None or value.value is None:
        return '<span class="sl-quiet">not measured</span>'
    text = f"<b>{number(value.value, unit, signed)}</b>"
    if value.low is not None and value.high is not None:
        low, high = (bare(v, unit, signed) for v in (value.low, value.high))
        text += f"<small>{low} to {high}</small>"
    if value.median is not None:
        text += f"<small>median {bare(value.median, unit)}</small>"
    return text


def number(value: float, unit: str, signed: bool = False) -> str:
    """With its unit, at one sensible precision."""
    return f"{bare(value, unit, signed)}{' ' + escape(unit) if unit else ''}"


def gallery(cases: Sequence[CaseView], sides: Mapping[str, str]) -> str:
    """Fixed, still wrong, newly wrong: each with its pictures. sides: current and candidate."""
    if not cases:
        return ""
    legend = (
        '<p class="sl-quiet tr-legend"><i class="tr-mark tr-human tr-inline"></i> what a person or '
        f'the drawn world says <i class="tr-mark tr-before tr-inline"></i> '
        f'{escape(sides["current"])} <i class="tr-mark tr-after tr-inline"></i> '
        f"{escape(sides['candidate'])}</p>"
    )
    parts = [_fate(fate, [c for c in cases if c.fate == fate]) for fate in FATES]
    return legend + "".join(parts)


def _fate(fate: str, cases: Sequence[CaseView]) -> str:
    glyph, title, meaning = FATES[fate]
    kind = fate.replace(" ", "-")
    if not cases:
        tiles = '<p class="sl-quiet">None.</p>'
    else:
        tiles = f'<ul class="tr-cases">{"".join(_tile(c) for c in cases[:MOST_TILES])}</ul>'
    more = f", the first {MOST_TILES} shown" if len(cases) > MOST_TILES else ""
    return (
        f'<section class="tr-fate tr-{kind}"><h3><i aria-hidden="true">{glyph}</i> {title}: '
        f'{len(cases):,} <span class="sl-quiet">{meaning}{more}</span></h3>{tiles}</section>'
    )


def _tile(case: CaseView) -> str:
    marks = "".join(
        _mark(kind, at)
        for kind, at in (("human", case.truth), ("before", case.before), ("after", case.after))
        if at is not None
    )
    picture = (
        f'<img alt="" loading="lazy" src="{escape(case.picture)}">{marks}'
        if case.picture
        else '<span class="tr-gone">picture not on this machine</span>'
    )
    before, after = (_px(v) for v in (case.before_px, case.after_px))
    return (
        f'<li><button type="button" data-case="{escape(case.id)}" '
        f'title="Compare the attention maps of this case">'
        f'<span class="tr-picture">{picture}</span>'
        f"<b>{before} → {after}</b><span class='sl-quiet'>{escape(case.label)}</span></button></li>"
    )


def _px(value: float | None) -> str:
    return "no point" if value is None else f"{value:,.0f} px"


def _mark(kind: str, at: tuple[float, float]) -> str:
    left, top = (f"{100 * min(max(v, 0.0), 1.0):.2f}%" for v in at)
    return f'<i class="tr-mark tr-{kind}" style="left:{left};top:{top}"></i>'


def rule(conditions: Sequence[ConditionView], verdict: bool, words: str) -> str:
    """The rule, each of its conditions with what was found, and the outcome."""
    items = "".join(
        f'<li class="{"tr-yes" if c.passed else "tr-no"}"><i aria-hidden="true">'
        f"{'✓' if c.passed else '✕'}</i><div><b>{escape(c.text)}</b>"
        f'<span class="tr-spoken">{"holds" if c.passed else "does not hold"}: </span>'
        f"<span>{escape(c.found)}</span></div></li>"
        for c in conditions
    )
    kind = "tr-yes" if verdict else "tr-no"
    return (
        f'<div class="tr-rule"><p class="tr-outcome {kind}" role="status">{escape(words)}</p>'
        f'<ol class="tr-conditions">{items}</ol></div>'
    )


def history(rows: Sequence[Mapping[str, str]]) -> str:
    """Promotions and rollbacks, newest first."""
    if not rows:
        return '<p class="sl-quiet">Nothing was promoted yet: the shipped adapter is in use.</p>'
    body = "".join(
        f"<tr><td>{escape(r['when'])}</td><th scope='row'>{escape(r['adapter'])}</th>"
        f"<td>{escape(r['previous'])}</td><td>{escape(r['author'])}</td>"
        f"<td>{escape(r['why'])}</td></tr>"
        for r in rows
    )
    return (
        '<div class="tr-scroll" tabindex="0" role="region" aria-label="History"><table '
        'class="tr-table"><caption>What was in use, newest first</caption><thead><tr>'
        '<th scope="col">when</th><th scope="col">adapter</th><th scope="col">instead of</th>'
        '<th scope="col">who</th><th scope="col">why</th></tr></thead>'
        f"<tbody>{body}</tbody></table></div>"
    )
