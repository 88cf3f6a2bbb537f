"""Pieces of HTML for the Corrections page: queue, cards, keys, confirmations. Every text that came
from a person, a file or a model is escaped here. Knows no gradio."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape
from pathlib import Path

from training.store.feedback import Case, Correction
from ui.components.fields import said
from ui.components.markup import sign
from ui.components.thumbnails import cropped
from ui.components.words import count, moment
from ui.corrections.words import status_badge, title

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
    """What to do where nobody has corrected anything yet. example: id of an example image."""
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
    which = f"match{'es' if total == 1 else ''} the filters, " if filtered else ""
    return (
        f'<p role="status"><b>{count(total, "case")}</b> <span class="sl-quiet">{which}'
        f"{shown[0]:,}–{shown[1]:,} shown, most disagreement × risk first</span>"
        '<span id="sl-cor-marked"></span></p>'
    )


def queue(rows: Sequence[tuple[Case, Path | None]], current: str) -> str:
    """The list at the left; each row comes with its image's file, if it is one."""
    items = "".join(_row(case, path, case.id == current) for case, path in rows)
    return items and f'<ol class="sl-queue" aria-label="Queue of cases">{items}</ol>'


def _row(case: Case, image: Path | None, here: bool) -> str:
    name = escape(title(case))
    people = len({c.author for c in case.corrections if c.status != "withdrawn"})
    who = "1 person" if people == 1 else f"{people} people"
    thumb = '<span class="sl-clip" aria-hidden="true">clip</span>'
    if data := cropped(image, THUMB_WH):
        thumb = f'<img alt="" src="{data}">'
    mark = escape(case.id, quote=True)
    # A share of the diagonal, or 1 where people say opposites.
    opposite = case.disagreement >= 0.9995
    apart = "opposite answers" if opposite else f"{100 * case.disagreement:.1f} % apart"
    return (
        f'<li><label><input type="checkbox" data-mark="{mark}" aria-label="Mark {name}"></label>'
        f'<button type="button" data-case="{mark}" aria-current="{str(here).lower()}">{thumb}'
        f"<b>{name}</b><span>{apart} · {who}</span>"
        f"<span>{status_badge(case.status)} {escape(case.task)}</span></button></li>"
    )


def cards(case: Case, me: str) -> str:
    """Each correction of the case; the browser marks the one that a decision is about."""
    if not case.corrections:
        return '<h3>Corrections</h3><p class="sl-quiet">Nobody has corrected this case.</p>'
    items = "".join(_card(i, c, me) for i, c in enumerate(case.corrections, start=1))
    return f"<h3>Corrections of this case</h3>{items}"


def _card(number: int, c: Correction, me: str) -> str:
    withdraw = '<button type="button" class="sl-small" data-role="withdraw">Withdraw mine</button>'
    own = c.author == me and c.status != "withdrawn"
    key = f"<kbd>{number}</kbd>" if number < 10 else ""
    return (
        f'<article class="sl-card" data-correction="{escape(c.id, quote=True)}" '
        f'data-status="{escape(c.status)}"><div class="sl-card-head">{key}'
        f'<button type="button" data-role="choose" aria-pressed="false">{sign("human")}'
        f"{escape(c.author)}</button>{status_badge(c.status)}</div><p>{said(c.payload)}</p>"
        f'<p class="sl-quiet">{escape(moment(c.created))}</p>{withdraw if own else ""}</article>'
    )


def confirm(n: int, n_cases: int, n_people: int) -> str:
    """The question before many are accepted. It says how many."""
    people = "1 person" if n_people == 1 else f"{n_people:,} people"
    what = count(n, "open correction")
    return f"<p><b>Accept {what}?</b> From {count(n_cases, 'case')}, by {people}. U undoes it.</p>"


def done(text: str) -> str:
    """What just happened."""
    return f'<div class="sl-hint" role="status">{escape(text)}</div>' if text else ""


def row_errors(title: str, problems: Iterable[str], most: int = 50) -> str:
    """A list of what is wrong with single rows of a file."""
    problems = list(problems)
    lines = "".join(f"<li>{escape(p)}</li>" for p in problems[:most])
    more = f"<li>and {len(problems) - most:,} more</li>" if len(problems) > most else ""
    return f'<h3>{escape(title)}</h3><ul class="sl-notes">{lines}{more}</ul>' if problems else ""
