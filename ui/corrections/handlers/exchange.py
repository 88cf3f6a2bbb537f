"""Corrections out of the page as a zip, and back in from a file. Plain functions, no gradio."""

from __future__ import annotations

from dataclasses import dataclass
from html import escape
from pathlib import Path

from inference.errors import UserError
from training.exchange.exporting import export
from training.exchange.formats import FORMATS, LOST_BY_ALL
from training.exchange.importing import Imported, import_file
from training.store.feedback import Feedback
from ui.corrections import view
from ui.corrections.address import QueueAddress
from ui.corrections.handlers.queue import filter_of
from ui.shell.desk import Desk
from ui.shell.visitors import Visitor, require


@dataclass(frozen=True)
class ExportedFile:
    """path: a zip to download. text: HTML, what is in it and what is not."""

    path: str
    text: str


@dataclass(frozen=True)
class ImportView:
    """text: HTML. fresh: corrections that would be new, 0 where there is nothing to import."""

    text: str
    fresh: int


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


def export_zip(visitor: Visitor, desk: Desk, where: QueueAddress, name: str) -> ExportedFile:
    """The corrections that the filters show, with their images."""
    require(visitor, "trainer", "Exporting corrections")
    target = desk.pictures.new_file(f"sightline-corrections-{_safe(name)}.zip")
    done = export(Feedback(desk.home), name, target, filter_of(where))
    said = f"{_n(done.rows, 'correction')} of {_n(done.pictures, 'image')}."
    left = [f"{n:,} left out: {why}" for why, n in done.left_out.items()]
    return ExportedFile(str(done.path), view.done(said) + view.row_errors("Left out", left))


def _safe(name: str) -> str:
    return "".join(c for c in str(name) if c.isalnum())[:20]


def preview(visitor: Visitor, desk: Desk, path: str | None) -> ImportView:
    """Looks into a file: how many are new, and what is wrong with which row."""
    require(visitor, "trainer", "Importing corrections")
    if not path:
        return ImportView("", 0)
    found = import_file(Feedback(desk.home), Path(path), visitor.name, dry_run=True)
    said = f"{_n(found.added, 'correction')} of {_n(found.pictures, 'image')} can be imported"
    return ImportView(_said(said, found), found.added)


def bring_in(visitor: Visitor, desk: Desk, path: str | None) -> ImportView:
    """Imports the file: all good rows, or none where the store cannot be written."""
    require(visitor, "trainer", "Importing corrections")
    if not path:
        raise UserError("There is no file to import", hint="Choose one first", field="file")
    found = import_file(Feedback(desk.home), Path(path), visitor.name)
    said = f"Imported {_n(found.added, 'correction')} of {_n(found.pictures, 'image')}"
    return ImportView(_said(said, found), 0)


def _said(text: str, found: Imported) -> str:
    known = f", {found.known:,} were here already" if found.known else ""
    problems = [f"{p.place}: {p.reason}" for p in found.problems]
    wrong = f", {_n(len(problems), 'row')} cannot be taken" if problems else ""
    return (
        f'<p role="status"><b>{escape(text)}{known}{wrong}.</b></p>'
        f"{view.row_errors('Rows that cannot be taken', problems)}"
    )


def _n(count: int, what: str) -> str:
    return f"1 {what}" if count == 1 else f"{count:,} {what}s"
