"""Pieces of HTML for the Training page: steps, preview, queue, status, log. Everything that came
from a person or a file is escaped here. Knows no gradio: view dataclasses in, strings out.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape

from ui.components.markup import seconds
from ui.training.figures import NO_UNIT
from ui.training.views import STATES, STEPS, JobView, PreviewView, SampleView, StepState

JOB_SIGNS = {
    "queued": ("○", "waiting for its turn"),
    "running": ("◑", "running"),
    "cancelling": ("◑", "stopping: it saves a checkpoint first"),
    "cancelled": ("◻", "cancelled"),
    "failed": ("✕", "failed"),
    "done": ("●", "done"),
}
ROLE_WORDS = {"viewer": "look", "annotator": "look and correct", "trainer": "train and promote"}


def steps(states: Mapping[str, StepState], current: str) -> str:
    """The row of steps; each is a button that shows it."""
    items = []
    for number, (key, name) in enumerate(STEPS.items(), start=1):
        now = states[key]
        glyph, words = STATES[now.state]
        here = ' aria-current="step"' if key == current else ""
        items.append(
            f'<li><button type="button" class="tr-step tr-{now.state}" data-step="{key}"{here}>'
            f'<span class="tr-step-name"><i aria-hidden="true">{glyph}</i>{number}. {name}</span>'
            f'<span class="tr-step-note">{escape(now.note)}</span>'
            f'<span class="tr-spoken">, {words}</span></button></li>'
        )
    return f'<nav aria-label="Steps of a training"><ol class="tr-steps">{"".join(items)}</ol></nav>'


# ---- preview -------------------------------------------------------------------------------------


def preview(view: PreviewView) -> str:
    """Counts, what was left out and why, then pictures with their exact target texts."""
    counts = "".join(
        f"<div><dt>{escape(label)}</dt><dd>{n:,}</dd><span>{escape(meaning)}</span></div>"
        for label, n, meaning in view.counts
    )
    shown = len(view.samples)
    which = f"{shown} of {view.shown_of:,}" if shown < view.shown_of else f"all {shown:,}"
    notes = "".join(f"<li>{escape(n)}</li>" for n in view.notes if n)
    return (
        f'<dl class="tr-counts">{counts}</dl>'
        + (f'<ul class="sl-notes">{notes}</ul>' if notes else "")
        + _left_out(view)
        + f'<h3>What the model will be taught <span class="sl-quiet">{which} pictures, each with '
        f"the exact text to say</span></h3>"
        f'<ul class="tr-samples">{"".join(_sample(s) for s in view.samples)}</ul>'
    )


def _left_out(view: PreviewView) -> str:
    if not view.left_out:
        return '<p class="tr-left sl-quiet">Nothing was left out.</p>'
    rows = "".join(
        f"<li><b>{n:,}</b> {escape(why)}"
        + (f' <span class="sl-quiet">{escape(", ".join(names))}</span>' if names else "")
        + "</li>"
        for why, n, names in view.left_out
    )
    return f'<div class="tr-left"><h3>Left out, and why</h3><ul>{rows}</ul></div>'


def _sample(sample: SampleView) -> str:
    cross = ""
    if sample.mark is not None:
        left, top = (f"{100 * min(max(v, 0.0), 1.0):.2f}%" for v in sample.mark)
        cross = f'<i class="tr-mark tr-human" style="left:{left};top:{top}"></i>'
    picture = (
        f'<img alt="" loading="lazy" src="{escape(sample.picture)}">{cross}'
        if sample.picture
        else '<span class="tr-gone">picture not on this machine</span>'
    )
    name = f"<b>{escape(sample.name)}</b> " if sample.name else ""
    return (
        f'<li><figure><div class="tr-picture">{picture}</div><figcaption>'
        f'<span class="sl-quiet">{name}{escape(sample.source)}, {escape(sample.split)}'
        f"{' · ' + escape(sample.note) if sample.note else ''}</span>"
        f"<blockquote>{escape(sample.text)}</blockquote></figcaption></figure></li>"
    )


# ---- queue and run -------------------------------------------------------------------------------


def queue(jobs: Sequence[JobView], current: str | None) -> str:
    """All jobs, newest first; one click shows one."""
    if not jobs:
        return ""
    items = "".join(_queue_item(job, job.id == current) for job in jobs)
    return f'<nav aria-label="Jobs"><ol class="tr-queue">{items}</ol></nav>'


def _queue_item(job: JobView, current: bool) -> str:
    glyph, words = JOB_SIGNS.get(job.state, ("?", job.state))
    here = ' aria-current="true"' if current else ""
    said = " · ".join(part for part in (words, job.author, job.created) if part)
    return (
        f'<li><button type="button" data-job="{escape(job.id)}"{here} '
        f'class="tr-job tr-{escape(job.state)}">'
        f'<span class="tr-step-name"><i aria-hidden="true">{glyph}</i>{escape(job.title)}</span>'
        f'<span class="sl-quiet">{escape(said)}</span></button></li>'
    )


def status(job: JobView) -> str:
    """Where the job is: in words, a bar, time left; why it stopped and what to do."""
    glyph, words = JOB_SIGNS.get(job.state, ("?", job.state))
    percent = round(100 * job.fraction)
    times = []
    if job.took_s is not None:
        times.append(f"{seconds(job.took_s)} so far" if not job.over else seconds(job.took_s))
    if job.left_s is not None and not job.over:
        times.append(f"about {seconds(job.left_s)} left")
    steps_done = f"step {job.step:,} of {job.steps:,}" if job.steps else ""
    stage = "" if job.over else job.stage.partition(":")[0]
    said = " · ".join(t for t in (stage, job.counts or steps_done, *times) if t)
    bar = (
        f'<div class="sl-bar" role="progressbar" aria-valuemin="0" aria-valuemax="100" '
        f'aria-valuenow="{percent}" aria-label="{escape(job.title)}">'
        f'<i style="width:{max(percent, 2)}%"></i></div>'
    )
    return (
        f'<div class="sl-progress tr-status tr-{job.state}"><div class="sl-progress-text">'
        f'<b role="status"><i aria-hidden="true">{glyph}</i> {escape(job.title)}: {words}</b>'
        f"<span>{escape(said)}</span></div>{bar if not job.over else ''}</div>"
        + _stopped(job)
        + changes(job.changed, "Changed against the job that it retries")
    )


def _stopped(job: JobView) -> str:
    if not job.reason:
        return ""
    hint = f" <span>{escape(job.hint)}</span>" if job.hint else ""
    kind = "sl-error" if job.state == "failed" else "sl-hint"
    role = "alert" if job.state == "failed" else "status"
    return f'<div class="{kind}" role="{role}"><b>{escape(job.reason)}</b>{hint}</div>'


def changes(changed: Sequence[tuple[str, str, str]], title: str) -> str:
    """Settings that differ: name, before, after."""
    if not changed:
        return ""
    rows = "".join(
        f'<tr><th scope="row">{escape(name)}</th><td><del>{escape(old)}</del></td>'
        f"<td><ins>{escape(new)}</ins></td></tr>"
        for name, old, new in changed
    )
    return (
        f'<table class="tr-table tr-diff"><caption>{escape(title)}</caption><thead><tr>'
        '<th scope="col">setting</th><th scope="col">before</th><th scope="col">now</th></tr>'
        f"</thead><tbody>{rows}</tbody></table>"
    )


def chart_title(title: str, unit: str, said: str) -> str:
    """Over a chart: its name, and its latest values in words."""
    return (
        f'<h3 class="tr-chart-title">{escape(title)} <span class="sl-quiet">'
        f"{'' if unit in NO_UNIT else escape(unit)}</span></h3>"
        f'<p class="sl-quiet tr-said">{escape(said)}</p>'
    )


def log(text: str, cut: bool) -> str:
    """The end of the worker's log."""
    if not text:
        return '<p class="sl-quiet">The log is empty so far.</p>'
    head = "The last lines of the log" if cut else "The log"
    return f'<pre class="tr-log" tabindex="0" aria-label="{head}">{escape(text)}</pre>'


def elsewhere(role: str, needed: str, what: str) -> str:
    """Why there are no buttons for this visitor."""
    return (
        f'<p class="sl-hint">You may {ROLE_WORDS.get(role, "look")} here. To {escape(what)} you '
        f"need the role {escape(needed)}.</p>"
    )
