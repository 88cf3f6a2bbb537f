"""How far people agree, over the cases that the filters show, as HTML. Knows no gradio."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import replace
from html import escape

from markupsafe import Markup

from training.agreement.measures import (
    ALL,
    Agreement,
    CaseAgreement,
    Coefficient,
    SliceAgreement,
    agreement,
)
from training.store.feedback import Case, Feedback
from ui.components.tables import Row, table
from ui.components.words import count
from ui.corrections.address import QueueAddress
from ui.corrections.view import row_errors
from ui.corrections.words import title
from ui.shell.desk import Desk

MOST_DISPUTES, MOST_PAIRS = 30, 10
NOBODY = (
    "<p>Agreement needs cases that two people corrected. Let a second person mark the same "
    "images.</p>"
)


def agreement_html(desk: Desk, where: QueueAddress) -> str:
    """All statuses: agreement is about people, whatever became of what they said."""
    wanted = replace(where, status="any").filter
    cases = {case.id: case for case in Feedback(desk.home).cases(wanted)}
    found = agreement(cases.values())
    if not found.cases:
        return NOBODY
    spread = [s for s in found.slices if s.spread_percent_mean is not None]
    spread.sort(key=lambda s: (s.name != ALL, -(s.spread_percent_mean or 0)))
    parts = [_sentence(found), _spread(spread), _disputes(found.cases, cases), *_labels(found)]
    return "".join(parts)


def _name(s: SliceAgreement) -> str:
    return f"{s.task}: all" if s.name == ALL else f"{s.task}: {s.name}"


def _sentence(found: Agreement) -> str:
    disputed = sum(c.disputed for c in found.cases)
    return (
        f"<p>{len(found.cases):,} cases were corrected by two people or more, {disputed:,} of "
        "them in dispute.</p>"
    )


def _spread(slices: list[SliceAgreement]) -> str:
    """How far apart people point, a row and a bar a slice, the widest first."""
    rows = [
        (
            _name(s),
            [f"{s.cases:,}", f"{s.spread_px_mean:.0f}", f"{s.spread_px_median:.0f}",
             _bar(s.spread_percent_mean or 0)],
        )
        for s in slices
    ]  # fmt: skip
    heads = ["Slice", "Cases", "Mean (px)", "Median (px)", "Mean, of the diagonal"]
    return table(heads, rows, "How far apart people point", stack=True)


def _bar(percent: float) -> str:
    bar = f'<i class="sl-cor-spread" style="width:{2 * min(percent, 60):.0f}px"></i>'
    return f"{bar}{percent:.1f} %"


def _disputes(found: tuple[CaseAgreement, ...], cases: dict[str, Case]) -> str:
    """Cases in dispute, the sharpest first; each leads to the case."""
    rows = [_dispute(c, cases[c.case_id]) for c in found if c.disputed][:MOST_DISPUTES]
    heads = ["Case", "People", "Spread (px)", "Spread, of the diagonal", "Labels"]
    none = "<h3>Disputes</h3><p>None.</p>"
    return table(heads, rows, "Disputes, the sharpest first", stack=True) or none


def _dispute(c: CaseAgreement, case: Case) -> Row:
    link = escape(f"./corrections?status=any&case={c.case_id}", quote=True)
    labels = "; ".join(
        ", ".join(f"{n} × {label}" for label, n in counts.items())
        for counts in c.labels.values()
        if len(counts) > 1
    )
    px = "–" if c.spread_px is None else f"{c.spread_px:.0f}"
    percent = "–" if c.spread_percent is None else f"{c.spread_percent:.1f} %"
    name = Markup(f'<a href="{link}">{escape(title(case))}</a>')
    return name, [str(c.people), px, percent, escape(labels) or "–"]


def _labels(found: Agreement) -> list[str]:
    """Coefficients for labels, and those that cannot be computed, with the reason."""
    rows, missing = [], defaultdict(list)
    for s in found.slices:
        for label, alpha in s.alpha.items() if s.cases else ():
            if alpha.value is None:
                missing[alpha.reason or ""].append(f"{_name(s)} ({label})")
            else:
                rows.append((_name(s), [escape(label), _coefficient(alpha), _kappa(s, label)]))
    heads = ["Slice", "Label", "Krippendorff’s α", "Cohen’s κ"]
    why = [f"{', '.join(names)}: {reason}" for reason, names in missing.items()]
    caption = "Labels: 1 is full agreement, 0 what chance gives"
    return [table(heads, rows, caption, stack=True), row_errors("No coefficient for", why)]


def _kappa(s: SliceAgreement, label: str) -> str:
    """Of two people; of more, pair by pair."""
    pairs = list(s.pairs.get(label, {}).items())
    if s.kappa[label].value is not None or len(pairs) < 2:
        return _coefficient(s.kappa[label])
    values = ("–" if c.value is None else f"{c.value:.2f}" for _, c in pairs)
    told = [f"{a} and {b}: {value}" for ((a, b), _), value in zip(pairs, values, strict=True)]
    return escape("; ".join(told[:MOST_PAIRS]))


def _coefficient(c: Coefficient) -> str:
    if c.value is None:
        return f'<span class="sl-quiet">{escape(c.reason or "")}</span>'
    of = f"{count(c.items, 'case')}, {c.raters} people"
    return f'<b>{c.value:.2f}</b> <span class="sl-quiet">{of}</span>'
