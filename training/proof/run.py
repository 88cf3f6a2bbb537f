"""`python -m training.proof.run JOB`: is the new adapter better where it should be, and not worse
elsewhere? Asks the base, the adapter in use and the candidate about the frozen held-out scenes and
the corrected pictures, and keeps every case's error.

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
from inference.registry import load_plugins, resolve
from inference.registry import task as find_task
from inference.tasks.base import Task
from training.adapters.folders import adapter_folder
from training.adapters.promotion import in_use
from training.evaluation.fields import scored
from training.evaluation.run import ASKER, write_card
from training.evaluation.scoring import Response, Tally, report
from training.evaluation.sets import EvalCase
from training.jobs import control as jobs
from training.jobs.config import EXIT_FAILED
from training.jobs.progress import PROVING, Progress
from training.jobs.rows import JobRow
from training.proof import cases as proofcases
from training.proof.cases import ProofCase, ProofSet
from training.proof.changes import changes
from training.proof.results import BASE, CANDIDATE, CORRECTED, CURRENT, HELDOUT, CaseResult
from training.snapshots.freezing import load_snapshot
from training.store.database import connect
from training.store.home import Home, find_home
from training.store.rows import now, writing

TELL_EVERY = 10
Ask = Callable[[EvalCase], Mapping[str, Response]]
MakeAsk = Callable[[JobRow, Sequence[Path]], Ask]


@dataclass(frozen=True)
class Sides:
    """names: of the adapters by role. unfit: the adapter in use, where it is for another base."""

    ask: Ask
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


def ask_model(row: JobRow, adapters: Sequence[Path]) -> Ask:
    """The real sides."""
    made: Ask = resolve(ASKER)(
        row.config["base"],
        adapters,
        task=row.task,
        quantize=row.settings.quantize,
        device=row.config["device"],
    )
    return made


def main(argv: Sequence[str] | None = None, make_ask: MakeAsk = ask_model) -> int:
    """Run the command. make_ask: what asks the sides (tests put a fake)."""
    load_plugins()
    arguments = parser().parse_args(argv)
    home = find_home(arguments.home)
    progress = Progress(home, arguments.job)
    try:
        prove(home, arguments.job, arguments.n, make_ask, progress)
    except UserError as error:
        traceback.print_exc()
        hint = error.hint or "Mend that, then press Resume; the adapter is trained."
        progress.fail(f"The proof could not be made: {error}", hint)
        return EXIT_FAILED
    return 0


def prove(home: Home, job_id: str, n: int, make_ask: MakeAsk, progress: Progress) -> None:
    """Measure, and write both evaluations in one transaction, and the figures into the card."""
    row = jobs.job(home, job_id)
    started = time.monotonic()
    progress.stage(f"{PROVING}: loading the model")
    sides = _sides(home, row, make_ask)
    progress.stage(f"{PROVING}: the held-out scenes")
    held = proofcases.heldout(home, row.task, n)
    corrected = proofcases.corrected(home, load_snapshot(home, row.snapshot))
    tell = _Teller(progress, held.data.total + corrected.data.total)
    results = {
        kind: _measure(row.task, sides, proof_set, tell)
        for kind, proof_set in ((HELDOUT, held), (CORRECTED, corrected))
    }
    seconds = round(time.monotonic() - started, 3)
    written = {
        kind: _result(row, sides, kind, proof_set, cases, figures, seconds)
        for (kind, (cases, figures)), proof_set in zip(
            results.items(), (held, corrected), strict=True
        )
        if cases
    }
    _write(home, row, written)
    folder = adapter_folder(home, row.name)
    if folder is not None:
        write_card(folder, {**results[HELDOUT][1], "seconds": seconds}, photos=False)


def _sides(home: Home, row: JobRow, make_ask: MakeAsk) -> Sides:
    candidate = adapter_folder(home, row.name)
    if candidate is None:
        raise UserError("The adapter of this job is gone", got=row.name, hint="Train it again")
    names = {BASE: BASE, CANDIDATE: row.name}
    current = in_use(home, row.task)
    folder = adapter_folder(home, current) if current not in (None, row.name) else None  # type: ignore[arg-type]
    if current is not None and folder is not None:
        try:
            both = make_ask(row, [folder, candidate])
            return Sides(both, {BASE: BASE, CURRENT: current, CANDIDATE: row.name})
        except UserError as error:
            print(f"{current} cannot be compared: {error}", file=sys.stderr, flush=True)
            return Sides(make_ask(row, [candidate]), names, unfit=current)
    return Sides(make_ask(row, [candidate]), names)


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


def _measure(
    task: str, sides: Sides, proof_set: ProofSet, tell: Callable[[], None]
) -> tuple[list[CaseResult], dict[str, Any]]:
    """Every case's result, and the figures of `training.evaluation.run` over all of them."""
    tally, results = Tally(find_task(task)), []
    for case in proof_set.cases:
        answers = sides.ask(case.case)
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


def _result(
    row: JobRow,
    sides: Sides,
    kind: str,
    proof_set: ProofSet,
    cases: list[CaseResult],
    figures: dict[str, Any],
    seconds: float,
) -> dict[str, Any]:
    """What the row of an evaluation holds."""
    unseen = proof_set.data.unseen
    return {
        "task": row.task,
        "names": sides.names,
        "unfit": sides.unfit,
        "data": proof_set.data.name,
        "figures": figures,
        "changes": [change.to_json() for change in changes(cases, kind, unseen)],
        "cases": [case.to_json() for case in cases],
        "seconds": seconds,
    }


def _write(home: Home, row: JobRow, results: Mapping[str, Mapping[str, Any]]) -> None:
    with connect(home) as db, writing(db):
        for kind, result in results.items():
            db.execute(
                "insert into evaluations (id, job, adapter, name, result, created)"
                " values (?, ?, ?, ?, ?, ?)",
                [secrets.token_hex(8), row.id, row.name, kind, json.dumps(result), now()],
            )


if __name__ == "__main__":
    raise SystemExit(main())
