"""Pieces of HTML for the Corrections page: queue, cards, keys, confirmations. Every text that came
from a person, a file or a model is escaped here. Knows no gradio."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import lru_cache
from html import escape
from pathlib import Path

from inference.fields import Text
from training.store.feedback import Case, Correction
from ui.components.markup import sign
from ui.corrections.words import apart, moment, status_badge, what_they_said, where_of
from ui.shell.pictures import thumbnail

THUMB_WH = (96, 72)
STATUS_CHOICES = [
    ("Open", "open"),
    ("Accepted", "accepted"),
    ("Rejected", "rejected"),
    ("Withdrawn", "withdrawn"),
    ("Any", "any"),
]
KEYS = (
    ("J / K", "next and previous case"),
    ("A / R", "accept or reject the chosen correction"),
    ("1 … 9", "choose a correction of this case"),
    ("U", "undo my last review"),
    ("C", "write a comment, Esc leaves the field"),
    ("X", "mark the case for bulk work"),
    ("O", "open the case in Scene"),
    ("?", "this list"),
)
KEYS_BUTTON = (
    '<button type="button" class="sl-small" data-role="keys">All keys <kbd>?</kbd></button>'
)
BULK_TITLE = (
    '<h3 class="sl-row-title">Many at once <span class="sl-quiet">asks before it acts</span></h3>'
)
FORGET_NOTE = (
    '<p class="sl-quiet">Deletes every correction of one person, the reviews of them, and the '
    "images that nobody else has corrected. Snapshots that were already trained on keep their "
    "hash, not the content. This cannot be undone.</p>"
)
IMPORT_NOTE = (
    '<p class="sl-hint">First you see what is in it. A file above 44 MB: '
    "<code>python -m training.exchange import FILE</code></p>"
)


def keys() -> str:
    """The dialog that lists all keys."""
    rows = "".join(f"<dt><kbd>{escape(k)}</kbd></dt><dd>{escape(v)}</dd>" for k, v in KEYS)
    return (
        '<dialog class="sl-keys" id="sl-cor-help" aria-labelledby="sl-cor-help-title">'
        f'<h2 id="sl-cor-help-title">Keys of this page</h2><dl>{rows}</dl>'
        '<button type="button" class="sl-small" data-role="close-keys" autofocus>Close</button>'
        "</dialog>"
    )


def empty(example: str | None) -> str:
    """What to do where nobody has corrected anything yet. example: id of an example picture."""
    link = f"./?example={escape(example, quote=True)}" if example else "./"
    label = "Correct an example in Scene" if example else "Open Scene"
    return (
        '<div class="sl-empty"><p class="sl-empty-title">No corrections yet</p><p>Run an image in '
        "Scene, then press <b>Wrong</b> and mark what is right, or <b>Right</b>. "
        "What people say there waits here for review, and accepted corrections are what the "
        f'adapters are trained on.</p><a class="sl-button" href="{link}">{label}</a></div>'
    )


def summary(shown: tuple[int, int], total: int, filtered: bool) -> str:
    """How many cases there are. shown: first and last place on this page, from 1. filtered: other
    than the open ones were asked for; the filters are folded, so it is said."""
    if not total:
        what = "No case fits the filters." if filtered else "No open case."
        return f'<p role="status">{what}</p>'
    cases, match = ("case", "matches") if total == 1 else ("cases", "match")
    which = f"{match} the filters, " if filtered else ""
    return (
        f'<p role="status"><b>{total:,} {cases}</b> <span class="sl-quiet">{which}{shown[0]:,}–'
        f"{shown[1]:,} shown, most disagreement × risk first</span>"
        '<span id="sl-cor-marked"></span></p>'
    )


def queue(rows: Sequence[tuple[Case, Path | None]], current: str) -> str:
    """The list at the left; each row comes with its image's file, if it is one."""
    if not rows:
        return ""
    items = "".join(_row(case, path, case.id == current) for case, path in rows)
    return f'<ol class="sl-queue" aria-label="Queue of cases">{items}</ol>'


def _row(case: Case, picture: Path | None, here: bool) -> str:
    name = escape(case.media.name or case.media.hash[:12])
    people = len({c.author for c in case.corrections if c.status != "withdrawn"})
    who = "1 person" if people == 1 else f"{people} people"
    thumb = '<span class="sl-clip" aria-hidden="true">clip</span>'
    if picture is not None and (data := _thumbnail(picture)):
        thumb = f'<img alt="" src="{data}">'
    mark = escape(case.id, quote=True)
    return (
        f'<li><label><input type="checkbox" data-mark="{mark}" aria-label="Mark {name}"></label>'
        f'<button type="button" data-case="{mark}" aria-current="{str(here).lower()}">{thumb}'
        f"<b>{name}</b><span>{apart(case.disagreement)} · {who}</span>"
        f"<span>{status_badge(case.status)} {escape(case.task)}</span></button></li>"
    )


@lru_cache(maxsize=512)
def _thumbnail(path: Path) -> str:
    """A small JPEG data URI; empty where the file is gone or broken."""
    try:
        return thumbnail(path, THUMB_WH, quality=60)
    except (OSError, ValueError):
        return ""


def cards(case: Case | None, me: str) -> str:
    """Each correction of the case; the browser marks the one that a decision is about."""
    if case is None:
        return ""
    if not case.corrections:
        return '<h3>Corrections</h3><p class="sl-quiet">Nobody has corrected this case.</p>'
    items = "".join(_card(i, c, me) for i, c in enumerate(case.corrections, start=1))
    return f"<h3>Corrections of this case</h3>{items}"


def _card(number: int, c: Correction, me: str) -> str:
    own = c.author == me and c.status != "withdrawn"
    withdraw = (
        '<button type="button" class="sl-small" data-role="withdraw">Withdraw mine</button>'
        if own
        else ""
    )
    key = f"<kbd>{number}</kbd>" if number < 10 else ""
    texts = [v.text for v in c.payload.values.values() if isinstance(v, Text)]
    quote = "".join(f"<p><q>{escape(text)}</q></p>" for text in texts)
    return (
        f'<article class="sl-card" data-correction="{escape(c.id, quote=True)}" '
        f'data-status="{escape(c.status)}"><div class="sl-card-head">{key}'
        f'<button type="button" data-role="choose" aria-pressed="false">{sign("human")}'
        f"{escape(c.author)}</button>{status_badge(c.status)}</div>"
        f"<p>{escape(what_they_said(c))}{where_of(c)}</p>{quote}"
        f'<p class="sl-quiet">{moment(c.created)}</p>{withdraw}</article>'
    )


def confirm(n: int, n_cases: int, n_people: int, verdict: str = "accept") -> str:
    """The question before a bulk review. It says how many."""
    cases = "1 case" if n_cases == 1 else f"{n_cases:,} cases"
    people = "1 person" if n_people == 1 else f"{n_people:,} people"
    what = "1 open correction" if n == 1 else f"{n:,} open corrections"
    return f"<p><b>{verdict.capitalize()} {what}?</b> From {cases}, by {people}. U undoes it.</p>"


def done(text: str) -> str:
    """What just happened."""
    return f'<div class="sl-hint" role="status">{escape(text)}</div>' if text else ""


def row_errors(title: str, problems: Iterable[str], most: int = 50) -> str:
    """A list of what is wrong with single rows of a file."""
    problems = list(problems)
    lines = "".join(f"<li>{escape(p)}</li>" for p in problems[:most])
    more = f"<li>and {len(problems) - most:,} more</li>" if len(problems) > most else ""
    return f'<h3>{escape(title)}</h3><ul class="sl-notes">{lines}{more}</ul>' if problems else ""
