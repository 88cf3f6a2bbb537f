"""`python -m training.proof.run JOB`: is the new adapter better where it should be, and not worse
elsewhere? Measures the base, the adapter in use and the candidate on the frozen held-out scenes
and the corrected images, case by case.

A stage of a job, run by `training.jobs.stages`. The model is reached through a string entry.
"""

from __future__ import annotations

import argparse
import json
import secrets
import sys
import time
import traceback
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from inference.errors import UserError
from inference.registry import load_plugins
from inference.registry import task as find_task
from inference.tasks.base import Task
from training.adapters.folders import adapter_folder
from training.adapters.promotion import in_use
from training.evaluation.fields import scored
from training.evaluation.run import MakeRespond, Respond, model_sides, write_card
from training.evaluation.scoring import Response, Tally, report
from training.jobs import control as jobs
from training.jobs.config import EXIT_FAILED
from training.jobs.progress import PROVING, Progress
from training.jobs.rows import JobRow
from training.proof import cases as proofcases
from training.proof.cases import ProofCase, ProofSet
from training.proof.changes import changes
from training.proof.results import BASE, CANDIDATE, CORRECTED, CURRENT, HELDOUT, CaseResult
from training.snapshots.freezing import load_snapshot
from training.store.adding import insert
from training.store.database import connect
from training.store.home import Home, find_home
from training.store.rows import now, writing

TELL_EVERY = 10


@dataclass(frozen=True)
class Sides:
    """names: of the adapters by role. unfit: the adapter in use, where it is for another base."""

    respond: Respond
    names: dict[str, str]
    unfit: str | None = None


def parser() -> argparse.ArgumentParser:
    p = argparse.ArgumentParser(prog="python -m training.proof.run", description=__doc__)
    p.add_argument("job")
    p.add_argument("--home", type=Path, help="Sightline's folder (default: SIGHTLINE_HOME)")
    p.add_argument(
        "--n", type=int, default=proofcases.HELDOUT_N, help="held-out scenes of the trained slices"
    )
    return p


def main(argv: Sequence[str] | None = None, make_respond: MakeRespond = model_sides) -> int:
    """Run the command. make_respond: gives the sides (tests put a fake)."""
    load_plugins()
    arguments = parser().parse_args(argv)
    home = find_home(arguments.home)
    progress = Progress(home, arguments.job)
    try:
        prove(home, arguments.job, arguments.n, make_respond, progress)
    except UserError as error:
        traceback.print_exc()
        hint = error.hint or "Mend that, then press Resume; the adapter is trained."
        progress.fail(f"The proof could not be made: {error}", hint)
        return EXIT_FAILED
    return 0


def prove(home: Home, job_id: str, n: int, make_respond: MakeRespond, progress: Progress) -> None:
    """Measure, and write both evaluations in one transaction, and the metrics into the card."""
    row = jobs.job(home, job_id)
    started = time.monotonic()
    progress.stage(f"{PROVING}: loading the model")
    sides = _sides(home, row, make_respond)
    progress.stage(f"{PROVING}: the held-out scenes")
    sets = {
        HELDOUT: proofcases.heldout(home, row.task, n),
        CORRECTED: proofcases.corrected(home, load_snapshot(home, row.snapshot)),
    }
    tell = _Teller(progress, sum(one.data.total for one in sets.values()))
    measured = {kind: measure(row.task, sides, one, tell) for kind, one in sets.items()}
    seconds = round(time.monotonic() - started, 3)
    with connect(home) as db, writing(db):
        for kind, (cases, metrics) in measured.items():
            data = sets[kind].data
            result = {
                "task": row.task,
                "names": sides.names,
                "unfit": sides.unfit,
                "data": data.name,
                "figures": metrics,
                "changes": [change.to_json() for change in changes(cases, kind, data.unseen)],
                "cases": [case.to_json() for case in cases],
                "seconds": seconds,
            }
            if cases:
                values = {"id": secrets.token_hex(8), "job": row.id, "adapter": row.name}
                values |= {"name": kind, "result": json.dumps(result), "created": now()}
                insert(db, "evaluations", values)
    folder = adapter_folder(home, row.name)
    if folder is not None:
        write_card(folder, {**measured[HELDOUT][1], "seconds": seconds}, photos=False)


def _sides(home: Home, row: JobRow, make_respond: MakeRespond) -> Sides:
    candidate = adapter_folder(home, row.name)
    if candidate is None:
        raise UserError("The adapter of this job is gone", got=row.name, hint="Train it again")
    names, unfit = {BASE: BASE, CANDIDATE: row.name}, None
    current = in_use(home, row.task)
    folder = adapter_folder(home, current) if current else None

    def sides(*folders: Path) -> Respond:
        quantize, device = row.settings.quantize, row.config["device"]
        base = row.config["base"]
        return make_respond(base, folders, task=row.task, quantize=quantize, device=device)

    if current is not None and current != row.name and folder is not None:
        try:
            return Sides(sides(folder, candidate), {CURRENT: current, **names})
        except UserError as error:
            print(f"{current} cannot be compared: {error}", file=sys.stderr, flush=True)
            unfit = current
    return Sides(sides(candidate), names, unfit)


class _Teller:
    """Says how far the proof is."""

    def __init__(self, progress: Progress, total: int) -> None:
        self._progress, self._total, self._done = progress, total, 0
        self._began = time.monotonic()
        progress.proof(0, total)

    def __call__(self) -> None:
        self._done += 1
        if self._done % TELL_EVERY == 0 or self._done == self._total:
            each = (time.monotonic() - self._began) / self._done
            self._progress.proof(self._done, self._total, each * (self._total - self._done))


def measure(
    task: str, sides: Sides, proof_set: ProofSet, tell: Callable[[], None]
) -> tuple[list[CaseResult], dict[str, Any]]:
    """Every case's result, and the metrics of `training.evaluation.run` over all of them."""
    tally, results = Tally(find_task(task)), []
    for case in proof_set.cases:
        answers = sides.respond(case.case)
        tally.add(case.case, answers)
        results.append(_case_result(tally.task, case, sides.names, answers))
        tell()
    return results, report(tally, proof_set.data) if results else {}


def _case_result(
    task: Task, case: ProofCase, names: Mapping[str, str], answers: Mapping[str, Response]
) -> CaseResult:
    of, main = scored(task.main_field), task.main
    shown = {role: answers[name].values for role, name in names.items()}
    size, truth = case.case.image.size_wh, case.case.truth
    errors = {role: of.error(v.get(main), truth[main], size) for role, v in shown.items()}
    return CaseResult(
        id=case.id,
        kind=case.kind,
        slices=tuple(sorted(case.case.slices)),
        size_wh=size,
        truth=truth,
        answers=shown,
        errors={role: round(error, 2) for role, error in errors.items()},
        right_within=of.right_within,
        unit=of.unit,
        picture=case.picture,
        media=case.media,
        split=case.split,
    )


if __name__ == "__main__":
    raise SystemExit(main())
