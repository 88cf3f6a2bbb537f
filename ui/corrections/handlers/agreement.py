"""How far people agree, over the cases that the filters show. Plain functions, no gradio."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, replace
from html import escape

from training.agreement.measures import (
    ALL,
    Agreement,
    CaseAgreement,
    Coefficient,
    SliceAgreement,
    agreement,
)
from training.store.feedback import Case, Feedback
from ui.corrections import figures as corrections_figures
from ui.corrections.address import QueueAddress
from ui.corrections.handlers.queue import filter_of
from ui.corrections.view import row_errors
from ui.corrections.words import share
from ui.shell.desk import Desk
from ui.shell.visitors import READABLE, Visitor, require

MOST_DISPUTES, MOST_PAIRS = 30, 10
NOBODY = (
    "<p>Agreement needs cases that two people corrected. Let a second person mark the same "
    "images.</p>"
)


@dataclass(frozen=True)
class AgreementView:
    """plot: figure as JSON text, None where there is nothing to draw. text: HTML."""

    plot: str | None
    text: str


def agreement_view(visitor: Visitor, desk: Desk, where: QueueAddress) -> AgreementView:
    """All statuses: agreement is about people, whatever became of what they said."""
    require(visitor, READABLE["corrections"], "Reading corrections")
    wanted = filter_of(replace(where, status="any"))
    cases = {case.id: case for case in Feedback(desk.home).cases(wanted)}
    found = agreement(cases.values())
    if not found.cases:
        return AgreementView(None, NOBODY)
    spread = [s for s in found.slices if s.spread_percent_mean is not None]
    spread.sort(key=lambda s: (s.name != ALL, -(s.spread_percent_mean or 0)))
    plot = None
    if spread:
        plot = corrections_figures.spread_bars(
            [_name(s) for s in spread],
            [s.spread_percent_mean or 0.0 for s in spread],
            [s.cases for s in spread],
        )
    text = _sentence(found, spread) + _disputes(found.cases, cases) + _table(found.slices)
    return AgreementView(plot, text)


def _name(s: SliceAgreement) -> str:
    return f"{s.task}: all" if s.name == ALL else f"{s.task}: {s.name}"


def _sentence(found: Agreement, spread: list[SliceAgreement]) -> str:
    disputed = sum(c.disputed for c in found.cases)
    said = f"{len(found.cases):,} cases were corrected by two people or more, {disputed:,} of them "
    said += "in dispute."
    for s in spread:
        if s.name == ALL:
            said += (
                f" {s.task.capitalize()}: people point {s.spread_px_mean:.0f} px apart on average "
                f"({s.spread_percent_mean:.1f} % of the diagonal), median "
                f"{s.spread_px_median:.0f} px."
            )
    return f'<p class="sl-cor-said">{escape(said)}</p>'


def _disputes(found: tuple[CaseAgreement, ...], cases: dict[str, Case]) -> str:
    """Cases in dispute, the sharpest first; each leads to the case."""
    disputed = [c for c in found if c.disputed][:MOST_DISPUTES]
    if not disputed:
        return "<h3>Disputes</h3><p>None.</p>"
    rows = "".join(_dispute(c, cases[c.case_id]) for c in disputed)
    return (
        '<div class="sl-cor-table-box"><table class="sl-cor-table"><caption>Disputes, the sharpest '
        'first</caption><thead><tr><th scope="col">Case</th><th scope="col">People</th>'
        '<th scope="col">Spread (px)</th><th scope="col">% of diagonal</th>'
        f'<th scope="col">Labels</th></tr></thead><tbody>{rows}</tbody></table></div>'
    )


def _dispute(c: CaseAgreement, case: Case) -> str:
    name = case.media.name or case.media.hash[:12]
    link = f"./corrections?status=any&case={c.case_id}"
    px = "–" if c.spread_px is None else f"{c.spread_px:.0f}"
    percent = "–" if c.spread_percent is None else share(c.spread_percent / 100)
    labels = "; ".join(
        ", ".join(f"{n} × {label}" for label, n in counts.items())
        for counts in c.labels.values()
        if len(counts) > 1
    )
    return (
        f'<tr><th scope="row" class="sl-free"><a href="{escape(link, quote=True)}">{escape(name)}'
        f"</a></th><td>{c.people}</td><td>{px}</td><td>{percent}</td>"
        f'<td class="sl-free">{escape(labels) or "–"}</td></tr>'
    )


def _table(slices: tuple[SliceAgreement, ...]) -> str:
    """Coefficients for labels. 1 is full agreement, 0 what chance would give. Those that cannot be
    had are named with the reason, below."""
    pairs = [(s, label) for s in slices if s.cases for label in s.alpha]
    had = [(s, label) for s, label in pairs if s.alpha[label].value is not None]
    why = defaultdict(list)
    for s, label in pairs:
        if s.alpha[label].value is None:
            why[s.alpha[label].reason or ""].append(f"{_name(s)} ({label})")
    missing = [f"{', '.join(names)}: {reason}" for reason, names in why.items()]
    rows = "".join(_labels(s, label) for s, label in had)
    table = (
        '<div class="sl-cor-table-box"><table class="sl-cor-table"><caption>Labels<span class='
        '"sl-quiet"> 1 is full agreement, 0 what chance gives</span></caption><thead><tr>'
        '<th scope="col">Slice</th><th scope="col">Label</th><th scope="col">Krippendorff’s α</th>'
        f'<th scope="col">Cohen’s κ</th></tr></thead><tbody>{rows}</tbody></table></div>'
    )
    return (table if rows else "") + row_errors("No coefficient for", missing)


def _labels(s: SliceAgreement, label: str) -> str:
    alpha = s.alpha[label]
    kappa = s.kappa[label]
    pairs = s.pairs.get(label, {})
    if kappa.value is None and len(pairs) > 1:
        told = [f"{a} and {b}: {_short(c)}" for (a, b), c in list(pairs.items())[:MOST_PAIRS]]
        cohen = escape("; ".join(told))
    else:
        cohen = _figure(kappa)
    return (
        f'<tr><th scope="row" class="sl-free">{escape(_name(s))}</th><td>{escape(label)}</td>'
        f'<td class="sl-free">{_figure(alpha)}</td><td class="sl-free">{cohen}</td></tr>'
    )


def _figure(c: Coefficient) -> str:
    if c.value is None:
        return f'<span class="sl-quiet">{escape(c.reason or "")}</span>'
    cases = "1 case" if c.items == 1 else f"{c.items:,} cases"
    return f'<b>{c.value:.2f}</b> <span class="sl-quiet">{cases}, {c.raters} people</span>'


def _short(c: Coefficient) -> str:
    return "–" if c.value is None else f"{c.value:.2f}"
