"""Corrections out of the page as a zip, and back in from a file. Plain functions, no gradio."""

from __future__ import annotations

from html import escape
from pathlib import Path

from inference.errors import UserError
from training.exchange.exporting import export
from training.exchange.formats import FORMATS, LOST_BY_ALL
from training.exchange.importing import import_file
from training.store.feedback import Feedback
from ui.components.words import count
from ui.corrections import view
from ui.corrections.address import QueueAddress
from ui.shell.desk import Desk
from ui.shell.visitors import Visitor


def format_choices() -> list[tuple[str, str]]:
    return [(spec.label, name) for name, spec in FORMATS.items()]


def format_note(name: str) -> str:
    """What a format keeps, as HTML."""
    spec = FORMATS.get(name)
    if spec is None:
        return ""
    return view.done(
        f"{spec.files}. Keeps {spec.keeps}. Loses {spec.loses}. No format keeps {LOST_BY_ALL}."
    )


def export_zip(desk: Desk, where: QueueAddress, name: str) -> tuple[str, str]:
    """The corrections that the filters show, with their images: path of a zip, and as HTML what is
    in it and what is not."""
    safe = "".join(c for c in str(name) if c.isalnum())[:20]
    target = desk.pictures.new_file(f"sightline-corrections-{safe}.zip")
    done = export(Feedback(desk.home), name, target, where.filter)
    said = f"{count(done.rows, 'correction')} of {count(done.pictures, 'image')}."
    left = [f"{n:,} left out: {why}" for why, n in done.left_out.items()]
    return str(done.path), view.done(said) + view.row_errors("Left out", left)


def import_rows(
    visitor: Visitor, desk: Desk, path: str | None, *, dry_run: bool
) -> tuple[str, int]:
    """Imports a file: all good rows, or none where the store cannot be written. Returns as HTML how
    many are new and what is wrong with which row, and how many are still to import.

    dry_run: only tells; of no file, nothing.
    """
    if not path:
        if dry_run:
            return "", 0
        raise UserError("There is no file to import", hint="Choose one first", field="file")
    found = import_file(Feedback(desk.home), Path(path), visitor.name, dry_run=dry_run)
    many = f"{count(found.added, 'correction')} of {count(found.pictures, 'image')}"
    said = f"{many} can be imported" if dry_run else f"Imported {many}"
    known = f", {found.known:,} were here already" if found.known else ""
    problems = [f"{p.place}: {p.reason}" for p in found.problems]
    wrong = f", {count(len(problems), 'row')} cannot be taken" if problems else ""
    text = (
        f'<p role="status"><b>{escape(said)}{known}{wrong}.</b></p>'
        f"{view.row_errors('Rows that cannot be taken', problems)}"
    )
    return text, found.added if dry_run else 0
