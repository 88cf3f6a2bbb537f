"""`python -m training.exchange export FORMAT FOLDER [filters]` and `... import FILE`."""

from __future__ import annotations

import argparse
import getpass
import sys
from collections.abc import Sequence
from pathlib import Path

from inference.errors import UserError
from training.exchange.exporting import export
from training.exchange.formats import FORMATS, LOST_BY_ALL
from training.exchange.importing import import_file
from training.store.cases import STATUSES, CaseFilter
from training.store.feedback import Feedback
from training.store.home import find_home

SHOWN = 50  # problems that are printed


def main(argv: Sequence[str] | None = None) -> int:
    """0: done; 1: done, but some rows were not taken; 2: not done."""
    arguments = parser().parse_args(argv)
    try:
        feedback = Feedback(find_home(arguments.home))
        return (
            _export(feedback, arguments)
            if arguments.do == "export"
            else _import(feedback, arguments)
        )
    except UserError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2


def parser() -> argparse.ArgumentParser:
    p = argparse.ArgumentParser(
        prog="python -m training.exchange",
        description=__doc__,
        epilog=_described(),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    p.add_argument("--home", type=Path, help="default: SIGHTLINE_HOME, else the user's data folder")
    both = p.add_subparsers(dest="do", required=True)
    out = both.add_parser("export", help="write corrections with their images")
    out.add_argument("format", choices=sorted(FORMATS))
    out.add_argument("folder", type=Path, help="new or empty; or a file ending in .zip")
    out.add_argument("--status", choices=STATUSES)
    for name in ("author", "adapter", "slice", "since", "until"):
        out.add_argument(f"--{name}")
    out.add_argument("--min-disagreement", type=float, help="0 to 1")
    into = both.add_parser("import", help="read them back, or INSIGHT's rows")
    into.add_argument("file", type=Path, help="a file, folder or zip")
    into.add_argument("--author", default=_me(), help="of rows that name none")
    into.add_argument("--mine", action="store_true", help="all rows are that author's, and open")
    into.add_argument("--dry-run", action="store_true", help="check only")
    return p


def _export(feedback: Feedback, a: argparse.Namespace) -> int:
    wanted = CaseFilter(
        status=a.status,
        author=a.author,
        adapter=a.adapter,
        slice=a.slice,
        since=a.since,
        until=a.until,
        min_disagreement=a.min_disagreement,
    )
    done = export(feedback, a.format, a.folder, wanted)
    print(f"{done.rows} corrections of {done.pictures} images in {done.path}")
    for why, count in done.left_out.items():
        print(f"left out {count}: {why}")
    return 0


def _import(feedback: Feedback, a: argparse.Namespace) -> int:
    done = import_file(feedback, a.file, a.author, keep_people=not a.mine, dry_run=a.dry_run)
    verb = "would be added" if a.dry_run else "added"
    print(f"{done.added} corrections of {done.pictures} images {verb}, {done.known} known before")
    for problem in done.problems[:SHOWN]:
        print(f"{problem.place}: {problem.reason}", file=sys.stderr)
    if len(done.problems) > SHOWN:
        print(f"... and {len(done.problems) - SHOWN} more", file=sys.stderr)
    return 1 if done.problems else 0


def _described() -> str:
    lines = [
        f"{name}: {spec.files}\n  keeps {spec.keeps}\n  loses {spec.loses}"
        for name, spec in FORMATS.items()
    ]
    return "\n".join(["formats:", *lines, f"none keeps {LOST_BY_ALL}."])


def _me() -> str:
    try:
        return getpass.getuser()
    except (OSError, KeyError):  # a user without a name, as in some containers
        return "me"


if __name__ == "__main__":
    sys.exit(main())
