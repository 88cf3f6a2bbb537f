"""Pieces of HTML for the Training page: steps, preview, queue, status, log. Everything that came
from a person or a file is escaped here. Knows no gradio.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from html import escape

from inference.fields import first_point
from training.jobs.reads import HowFar
from training.jobs.rows import JobRow
from training.snapshots.types import CORRECTED, REPLAY, TRAIN, VALIDATION, LeftOut, SnapshotExample
from ui.components.choosers import Item, chooser
from ui.components.markup import bar, hint, seconds, sign
from ui.components.tables import table
from ui.components.thumbnails import small
from ui.components.words import when
from ui.training.figures import NO_UNIT, Chart
from ui.training.handlers.configure import Change
from ui.training.handlers.place import STEPS, StepState

STATES = {
    "todo": ("○", "not yet"),
    "ready": ("◔", "can be done now"),
    "doing": ("◑", "under way"),
    "done": ("●", "done"),
    "measured": ("●", "done, nothing gained"),
    "bad": ("✕", "needs you"),
}
"""State of a step -> its sign and its words."""

JOB_SIGNS = {
    "queued": ("○", "waiting for its turn"),
    "running": ("◑", "running"),
    "cancelling": ("◑", "stopping: it saves a checkpoint first"),
    "cancelled": ("◻", "cancelled"),
    "failed": ("✕", "failed"),
    "done": ("●", "done"),
}
GONE = '<span class="tr-gone">image not on this machine</span>'
SHOWN_CORRECTIONS, SHOWN_REPLAY = 18, 6


def steps(states: Mapping[str, StepState], current: str) -> str:
    """The row of steps; each is a button that shows it."""
    items = []
    for number, key in enumerate(STEPS, start=1):
        state, note = states[key]
        glyph, words = STATES[state]
        name = f"{number}. {key.capitalize()}"
        items.append(Item(key, name, note, f"tr-{state}", glyph, words))
    return chooser("Steps of a training", "step", items, current)


def mark(kind: str, xy: Sequence[float], size_wh: Sequence[int]) -> str:
    """A sign over an image, at pixels of it."""
    left, top = (100 * min(max(v / n, 0.0), 1.0) for v, n in zip(xy, size_wh, strict=True))
    return f'<i class="tr-mark" style="left:{left:.2f}%;top:{top:.2f}%">{sign(kind)}</i>'


def image(source: str, marks: str) -> str:
    """source: a data URI, or "" where the file is gone."""
    shown = f'<img alt="" loading="lazy" src="{escape(source)}">{marks}' if source else GONE
    return f'<span class="tr-picture">{shown}</span>'


# ---- preview -------------------------------------------------------------------------------------


def preview(examples: Sequence[SnapshotExample], left_out: Sequence[LeftOut]) -> str:
    """Counts, what was left out and why, then images with their exact target texts."""
    n = Counter((e.split, e.source) for e in examples)
    validation = n[VALIDATION, CORRECTED] + n[VALIDATION, REPLAY]
    counts = "".join(
        f"<div><dt>{name}</dt><dd>{number:,}</dd><span>{meaning}</span></div>"
        for name, number, meaning in (
            ("Training set", n[TRAIN, CORRECTED], "corrected images"),
            (
                "Replayed",
                n[TRAIN, REPLAY],
                "original training scenes against forgetting",
            ),
            (
                "Validation set",
                validation,
                f"{n[VALIDATION, CORRECTED]} of them corrected",
            ),
            ("Left out", len(left_out), "see below"),
        )
    )
    some = sorted(examples, key=lambda e: e.source != CORRECTED)
    if len(examples) > SHOWN_CORRECTIONS + SHOWN_REPLAY:
        replayed = [e for e in some if e.source == REPLAY]
        some = [e for e in some if e.source == CORRECTED][:SHOWN_CORRECTIONS]
        some += replayed[:SHOWN_REPLAY]
    which = f"{len(some)} of {len(examples):,}" if len(some) < len(examples) else f"all {len(some)}"
    return (
        f'<dl class="tr-counts">{counts}</dl>{_left_out(left_out)}<h3>Images and target texts '
        f'<span class="sl-quiet">{which} images, each with the exact text to be learned</span></h3>'
        f'<ul class="tr-samples">{"".join(map(_sample, some))}</ul>'
    )


def _left_out(left_out: Sequence[LeftOut]) -> str:
    if not left_out:
        return '<p class="tr-left sl-quiet">Nothing was left out.</p>'
    reasons: dict[str, list[str]] = {}
    for item in left_out:
        reasons.setdefault(item.reason, []).append(item.what)
    rows = "".join(
        f'<li><b>{len(names):,}</b> {escape(why)} <span class="sl-quiet">'
        f"{escape(', '.join(names[:4]))}</span></li>"
        for why, names in sorted(reasons.items())
    )
    return f'<div class="tr-left"><h3>Left out, and why</h3><ul>{rows}</ul></div>'


def _sample(example: SnapshotExample) -> str:
    n = len(example.corrections)
    who = "correction" if n <= 1 else f"{n} corrections that agree"
    source = who if example.source == CORRECTED else "original training scene"
    part = "training set" if example.split == TRAIN else "validation set"
    slices = ", ".join(example.slices[:3])
    about = f"{source}, {part}{' · ' if slices else ''}{slices}"
    point = first_point(example.values)
    cross = mark("human", point.xy, example.size_wh) if point else ""
    return (
        f"<li><figure>{image(small(example.picture), cross)}<figcaption>"
        f'<span class="sl-quiet"><b>{escape(example.name)}</b> {escape(about)}</span>'
        f"<blockquote>{escape(example.target)}</blockquote></figcaption></figure></li>"
    )


# ---- queue and run -------------------------------------------------------------------------------


def queue(jobs: Sequence[JobRow], current: str | None) -> str:
    """All jobs, newest first; one click shows one."""
    items = []
    for job in jobs:
        glyph, words = JOB_SIGNS[job.state]
        note = " · ".join(part for part in (words, job.author, when(job.created)) if part)
        items.append(Item(job.id, job.name, note, f"tr-{job.state}", glyph))
    return chooser("Jobs", "job", items, current)


def status(job: JobRow, far: HowFar | None, changed: Sequence[Change] = ()) -> str:
    """Where the job is: in words, one bar over training and proof, time left; why it stopped and
    what to do."""
    glyph, words = JOB_SIGNS[job.state]
    said, drawn = [_took(job)], ""
    if far is None and job.steps:
        said = [f"step {job.step:,} of {job.steps:,}", *said]
    if far is not None:
        drawn = bar(far.fraction, job.name)
        said = [job.stage.partition(":")[0], far.said, *said]
        if far.left_s is not None:
            said.append(f"about {seconds(far.left_s)} left")
        elif far.training_s:
            said.append(f"about {seconds(far.training_s)} of training left, then the proof")
    return (
        f'<div class="sl-progress tr-status tr-{job.state}"><div class="sl-progress-text">'
        f'<b role="status"><i aria-hidden="true">{glyph}</i> {escape(job.name)}: {words}</b>'
        f"<span>{escape(' · '.join(filter(None, said)))}</span></div>{drawn}</div>"
        + _stopped(job)
        + changes(changed, "Changed against the job that it retries")
    )


def _took(job: JobRow) -> str:
    if job.started is None:
        return ""
    end = datetime.fromisoformat(job.ended) if job.ended else datetime.now(UTC)
    took_s = max(0.0, (end - datetime.fromisoformat(job.started)).total_seconds())
    return seconds(took_s) if job.ended else f"{seconds(took_s)} so far"


def _stopped(job: JobRow) -> str:
    if not job.reason:
        return ""
    hint = f" <span>{escape(job.hint)}</span>" if job.hint else ""
    kind, role = ("sl-error", "alert") if job.state == "failed" else ("sl-hint", "status")
    return f'<div class="{kind}" role="{role}"><b>{escape(job.reason)}</b>{hint}</div>'


def changes(
    changed: Sequence[Change], title: str, heads: tuple[str, str] = ("before", "now")
) -> str:
    """Settings that differ: name, and the two values."""
    rows = [(name, (escape(old), f"<b>{escape(new)}</b>")) for name, old, new in changed]
    return table(["setting", *heads], rows, title) if rows else ""


def chart_title(chart: Chart, said: str) -> str:
    """Over a chart: its name, and its latest values in words."""
    unit = "" if chart.unit in NO_UNIT else chart.unit
    return (
        f'<h3 class="tr-chart-title">{escape(chart.title)} <span class="sl-quiet">{escape(unit)}'
        f'</span></h3><p class="sl-quiet tr-said">{escape(said)}</p>'
    )


def log(text: str) -> str:
    """The end of the worker's log."""
    if not text:
        return hint("The log is empty so far.")
    return f'<pre class="tr-log" tabindex="0" aria-label="The end of the log">{escape(text)}</pre>'


def elsewhere(role: str, needed: str, what: str) -> str:
    """Why there are no buttons for this visitor."""
    return hint(f"You are here as {role}. To {what} you need the role {needed}.")
