"""Pieces of HTML for Prove and Promote: the outcome, the forest plot, the gallery, the rule.

Everything that came from a person or a file is escaped here. Knows no gradio.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from html import escape

from training.adapters.promotion import Decision
from training.evaluation.bootstrap import Interval
from training.proof import results
from training.proof.comparison import Comparison, Verdict
from training.proof.results import (
    BASE,
    CANDIDATE,
    CORRECTED,
    CURRENT,
    FEWEST,
    HELDOUT,
    CaseResult,
    Change,
)
from ui.components.markup import sign
from ui.components.tables import table
from ui.components.words import bare, when
from ui.training.handlers.promote import BASE_ALONE
from ui.training.handlers.prove import label as case_label
from ui.training.view import image, mark

VERDICTS = {
    "better": ("▲", "better"),
    "worse": ("▼", "worse"),
    "same": ("≈", "no clear difference"),
    "too few": ("·", f"too few (below {FEWEST})"),
}
WHOLES = {
    (CORRECTED, results.ALL): "Corrected cases",
    (CORRECTED, results.KEPT): "Corrected, validation set",
    (CORRECTED, results.LEARNED): "Corrected, trained on",
    (HELDOUT, results.ALL): "Held-out scenes",
    (HELDOUT, results.UNSEEN): "Held out, unseen kinds",
}
MEANINGS = {
    "newly wrong": ("!", "right before, wrong now"),
    "much worse": ("▼", "wrong before, and much further off now"),
    "still wrong": ("✕", "wrong before and now, about as far off"),
    "much closer": ("▲", "still wrong, but much nearer"),
    "fixed": ("✓", "wrong before, right now"),
    "kept": ("=", "right before and now"),
}
MOST_TILES = 24
UNITS = {"px": "px at 1280 × 720", "%": "% of the answers wrong"}


# ---- what changed --------------------------------------------------------------------------------


def outcome(found: Comparison) -> str:
    """One sentence, the forest plot, slices and numbers folded below it."""
    wholes = [c for key in WHOLES for c in found.changes if (c.kind, c.label) == key]
    slices = sorted((c for c in found.changes if not c.whole), key=lambda c: (c.kind, c.label))
    worse, better = found.headline.startswith("Worse"), found.headline.startswith("Better")
    kind = "tr-no" if worse else "tr-yes" if better else "tr-open"
    enough = [c.mean_change for c in (*wholes, *slices) if c.n >= FEWEST]
    ends = [v for i in enough for v in (i.low, i.high) if math.isfinite(v)]
    scale = (min([0.0, *ends]), max([0.0, *ends]))
    n = Counter(c.verdict for c in slices)
    told = ", ".join(f"{n[v]} {VERDICTS[v][1]}" for v in VERDICTS if n[v])
    some = "1 slice" if len(slices) == 1 else f"{len(slices)} slices"
    fold = f"{some}, corrected for their number (Holm): {told}"
    before = escape(found.names.get(CURRENT, BASE_ALONE))
    return (
        f'<p class="tr-outcome {kind}" role="status">{escape(found.headline)}</p>'
        f'<h3>Change of the mean error <span class="sl-quiet">{before} → '
        f"{escape(found.names[CANDIDATE])}, {UNITS[found.changes[0].unit]}; bars are 95 % "
        "intervals of a paired bootstrap; left of the line is better</span></h3>"
        + _forest(wholes, scale)
        + (_fold(fold, _forest(slices, scale)) if slices else "")
        + _fold("All numbers", _numbers([*wholes, *slices], found.names))
    )


def _fold(summary: str, inside: str) -> str:
    return f"<details><summary>{summary}</summary>{inside}</details>"


def _forest(changes: Sequence[Change], scale: tuple[float, float]) -> str:
    low, high = scale
    width = max(high - low, 1e-9)

    def at(value: float) -> float:
        return 100 * min(max((value - low) / width, 0.0), 1.0)

    rows = []
    for change in changes:
        found, (glyph, words) = change.mean_change, VERDICTS[change.verdict]
        drawn = ""
        if change.n >= FEWEST:
            ends = at(found.low), at(found.high)
            drawn = (
                f'<i class="tr-whisker" style="left:{ends[0]:.1f}%;width:{ends[1] - ends[0]:.1f}%">'
                f'</i><i class="tr-dot" style="left:{at(found.estimate):.1f}%"></i>'
            )
        rows.append(
            f'<li class="tr-{change.verdict.replace(" ", "-")}"><span>{escape(name_of(change))} '
            f'<span class="sl-quiet">n = {change.n:,}</span></span>'
            f'<span class="tr-axis" style="--zero:{at(0):.1f}%" aria-hidden="true">{drawn}</span>'
            f'<span>{_interval(found, change.unit, signed=True)} <span class="tr-verdict">'
            f'<i aria-hidden="true">{glyph}</i> {words}</span></span></li>'
        )
    return f'<ul class="tr-forest">{"".join(rows)}</ul>'


def name_of(change: Change) -> str:
    """Of a part or a slice, for people."""
    name = WHOLES.get((change.kind, change.label))
    kind = "corrected" if change.kind == CORRECTED else "held out"
    return name or f"{change.label.replace('_', ' ')}, {kind}"


def _interval(found: Interval, unit: str, signed: bool = False) -> str:
    """ "−41.3 px (−55.0 to −28.0)"."""
    text = f"<b>{bare(found.estimate, unit, signed)} {unit}</b>"
    if not (math.isfinite(found.low) and math.isfinite(found.high)):
        return text
    return f"{text} ({bare(found.low, unit, signed)} to {bare(found.high, unit, signed)})"


def _numbers(changes: Sequence[Change], names: Mapping[str, str]) -> str:
    """Mean and median error of each side."""
    sides = [side for side in (BASE, CURRENT, CANDIDATE) if side in names]
    heads = ["base" if s == BASE else f"{s}: {names[s]}" for s in sides]

    def cell(change: Change, side: str) -> str:
        if side not in change.mean:
            return ""
        median = bare(change.median[side].estimate, change.unit)
        mean = _interval(change.mean[side], change.unit)
        return f"{mean}<small>median {median} {change.unit}</small>"

    rows = [(name_of(c), [f"{c.n:,}", *(cell(c, s) for s in sides)]) for c in changes]
    title = "Mean error with its 95 % interval, and the median"
    return table(["scenes", "cases", *heads], rows, title, stack=True)


# ---- cases ---------------------------------------------------------------------------------------


def gallery(
    cases: Sequence[CaseResult], names: Mapping[str, str], picture: Callable[[CaseResult], str]
) -> str:
    """By what became of the cases, worst first; of each, corrected cases first, then by how much
    they changed. picture: a data URI."""
    if not cases:
        return ""
    parts = []
    for fate in results.FATES:
        some = sorted(
            (c for c in cases if c.fate == fate),
            key=lambda c: (c.kind != CORRECTED, -abs(c.change)),
        )
        if not some:
            continue
        glyph, meaning = MEANINGS[fate]
        more = f", the first {MOST_TILES} shown" if len(some) > MOST_TILES else ""
        tiles = "".join(_tile(c, picture(c)) for c in some[:MOST_TILES])
        parts.append(
            f'<section class="tr-fate"><h3><i aria-hidden="true">{glyph}</i> '
            f"{_named(fate).capitalize()}: {len(some):,} "
            f'<span class="sl-quiet">{meaning}{more}</span></h3>'
            f'<ul class="tr-cases">{tiles}</ul></section>'
        )
    return (
        f"<h3>Cases, sorted by change</h3><p>{_counted(cases, CORRECTED, 'Corrected')}"
        f"{_counted(cases, HELDOUT, 'Held out')}{_rule(cases[0])}</p>"
        f'<p class="sl-quiet tr-legend">{sign("human")}correct point {sign("before")}'
        f"{escape(names.get(CURRENT, 'base'))} {sign('finetuned')}{escape(names[CANDIDATE])}</p>"
        + "".join(parts)
    )


def _named(fate: str) -> str:
    return "still right" if fate == "kept" else fate


def _counted(cases: Sequence[CaseResult], kind: str, name: str) -> str:
    """ "Corrected: 1 fixed · 4 much closer. "; nothing where there are no such cases."""
    counts = Counter(c.fate for c in cases if c.kind == kind)
    told = " · ".join(f"{counts[f]} {_named(f)}" for f in results.FATES if counts[f])
    return f"{name}: {told}. " if told else ""


def _rule(case: CaseResult) -> str:
    """What counts as right, in the case's unit."""
    if case.unit != "px":
        return "Right means the correct answer."
    within = f"{case.right_within:.0f} px"
    return (
        f"Right means at most {within} from the corrected point, much further or nearer a change "
        f"by more than {within}, at 1280 × 720."
    )


def _tile(case: CaseResult, source: str) -> str:
    points = case.points
    places = (
        ("human", case.true_point),
        ("before", points.get(CURRENT, points.get(BASE))),
        ("finetuned", points.get(CANDIDATE)),
    )
    marks = "".join(mark(kind, at.xy, case.size_wh) for kind, at in places if at is not None)
    return (
        f'<li><button type="button" data-case="{escape(case.id)}" title="Compare the maps of this '
        f'case">{image(source, marks)}<b>{case.before:,.0f} → {case.after:,.0f} {case.unit}</b>'
        f'<span class="sl-quiet">{escape(case_label(case))}</span></button></li>'
    )


# ---- the rule ------------------------------------------------------------------------------------


def rule(verdict: Verdict) -> str:
    """The rule, each of its conditions with what was measured, and the outcome."""
    items = "".join(
        f'<li class="{"tr-yes" if c.passed else "tr-no"}"><i aria-hidden="true">'
        f"{'✓' if c.passed else '✕'}</i><div><b>{escape(c.text)}</b>"
        f'<span class="sl-spoken">{"holds" if c.passed else "does not hold"}: </span>'
        f"<span>{escape(c.found)}</span></div></li>"
        for c in verdict.checks
    )
    kind = "tr-yes" if verdict.allowed else "tr-no"
    return (
        f'<p class="tr-outcome {kind}" role="status">{escape(verdict.words)}</p>'
        f'<ol class="tr-conditions">{items}</ol>'
    )


def history(decisions: Sequence[Decision]) -> str:
    """Promotions and rollbacks, newest first."""
    if not decisions:
        return '<p class="sl-quiet">Nothing was promoted yet: the built-in adapter is in use.</p>'
    rows = [
        (
            when(d.created),
            [f"<b>{escape(d.adapter or BASE_ALONE)}</b>", escape(d.previous or BASE_ALONE),
             escape(d.author), escape(why(d))],
        )
        for d in decisions
    ]  # fmt: skip
    heads = ["when", "adapter", "instead of", "who", "why"]
    return table(heads, rows, "What was in use, newest first", stack=True)


def why(decision: Decision) -> str:
    if decision.is_rollback:
        return "rolled back" + (f": {decision.overridden}" if decision.overridden else "")
    return f"overridden: {decision.overridden}" if decision.overridden else "the rule allowed it"
