"""Pieces of HTML for a scene. Every text that came from a user or a model is escaped here.

Knows no gradio: strings in, strings out.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape

from inference.errors import UserError
from ui.shell.runs import Snapshot
from ui.shell.visitors import names_only


def sign(kind: str) -> str:
    """The sign of a side, drawn by CSS; hidden from screen readers, who get the words."""
    return f'<span class="sl-sign sl-sign-{kind}" aria-hidden="true"></span>'


def seconds(value_s: float) -> str:
    """0.4 s, 12 s, 3 min 20 s."""
    if value_s < 10:
        return f"{value_s:.1f} s"
    if value_s < 100:
        return f"{value_s:.0f} s"
    minutes, rest = divmod(round(value_s), 60)
    return f"{minutes} min {rest} s"


def error(problem: UserError | None) -> str:
    """A message that stands next to its field; nothing when all is well."""
    if problem is None:
        return ""
    first = problem.message.rstrip(".")
    rest = names_only(str(problem)[len(first) + 1 :].strip())
    more = f" <span>{escape(rest)}</span>" if rest else ""
    return f'<div class="sl-error" role="alert"><b>{escape(names_only(first))}.</b>{more}</div>'


def hint(text: str) -> str:
    """A quiet line under a field."""
    return f'<div class="sl-hint">{escape(text)}</div>' if text else ""


def warnings(sentences: Iterable[str]) -> str:
    """Things to know about a result."""
    lines = "".join(f"<li>{escape(s)}</li>" for s in sentences if s)
    return f'<ul class="sl-notes" aria-label="Notes">{lines}</ul>' if lines else ""


def progress(now: Snapshot | None) -> str:
    """Stage, bar and time left; an empty string takes it off the page."""
    if now is None:
        return ""
    left = f"· about {seconds(now.left_s)} left" if now.left_s is not None else ""
    return (
        '<div class="sl-progress"><div class="sl-progress-text">'
        f'<b role="status">{escape(now.stage)}</b>'
        f"<span>{seconds(now.elapsed_s)} {left}</span></div>{bar(now.fraction, now.stage)}</div>"
    )


def bar(fraction: float, label: str) -> str:
    """A progress bar. fraction: 0..1. label: for screen readers."""
    percent = round(100 * fraction)
    return (
        '<div class="sl-bar" role="progressbar" aria-valuemin="0" aria-valuemax="100" '
        f'aria-valuenow="{percent}" aria-label="{escape(label)}">'
        f'<i style="width:{max(percent, 2)}%"></i></div>'
    )


def confirmed(text: str) -> str:
    """What the server has done, and will not lose."""
    return f'<div class="sl-confirmed" role="status">{escape(text)}</div>' if text else ""


def stopped(text: str) -> str:
    """What stands in the place of the bar after a cancel or a failure."""
    return f'<div class="sl-progress sl-stopped" role="status">{escape(text)}</div>'


def heading(title: str, sentence: str) -> str:
    """Over each step: what it is for."""
    return (
        f'<div class="tr-head"><h2>{escape(title)}</h2><p class="sl-quiet">{escape(sentence)}</p>'
        "</div>"
    )


def nothing_yet(title: str, text: str) -> str:
    """What to do where there is nothing yet; the button stands below it."""
    return (
        f'<div class="sl-empty tr-empty"><p class="sl-empty-title">{escape(title)}</p>'
        f"<p>{escape(text)}</p></div>"
    )


def note(text: str, kind: str = "") -> str:
    """A sentence about what just happened."""
    return f'<div class="sl-hint {kind}" role="status">{escape(text)}</div>' if text else ""


def facts(pairs: Sequence[tuple[str, str]]) -> str:
    """Names and values in one line that wraps."""
    rows = "".join(f"<div><dt>{escape(k)}</dt><dd>{escape(v)}</dd></div>" for k, v in pairs if v)
    return f'<dl class="tr-facts">{rows}</dl>'
