"""`python -m training.proof.loop`: does correcting and retraining work? Measured from end to end.

Makes accepted corrections on scenes of hazards that the built-in adapter never saw, where it is
more than WRONG_PX off: nobody corrects what is right (the drawn world's ground truth is the
person). Freezes them with replayed training scenes, trains with the "Quick fix (CPU)" preset as a
job of the Training page does, and compares base, current and candidate on the frozen held-out
scenes, measured as in a job's proof. The last line is one JSON object.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from inference.correction import Fix
from inference.errors import UserError
from inference.fields import Point
from inference.registry import task as find_task
from training.adapters.folders import adapter_folder, default_name
from training.evaluation import bootstrap
from training.evaluation.fields import scored
from training.evaluation.folders import load_folder
from training.evaluation.run import EMBEDDED_MODEL, Respond, model_sides
from training.evaluation.sets import EvalCase, EvalSet, load_split
from training.evaluation.sources import CORRECTED, source
from training.jobs import control as jobs
from training.jobs.local_runner import LocalRunner
from training.jobs.progress import TRAINED
from training.jobs.settings import PRESETS, TrainSettings
from training.jobs.stages import adopt
from training.proof.cases import ProofCase, ProofSet
from training.proof.results import BASE, CANDIDATE, CURRENT, HELDOUT, CaseResult
from training.proof.run import Sides, measure
from training.snapshots.freezing import freeze
from training.snapshots.plan import plan_snapshot
from training.snapshots.types import Snapshot, counts_of
from training.store.feedback import Feedback
from training.store.home import Home, find_home

TASK = "hazard"
SEED_START = 8_000_000
NAME = "quick-fix"
WRONG_PX = 50  # at 1280x720, as in Hit@50
MOST_TRIED = 10  # scenes for each correction
AIM = -0.40  # change of the median on the unseen slices


def parser() -> argparse.ArgumentParser:
    p = argparse.ArgumentParser(prog="python -m training.proof.loop", description=__doc__)
    p.add_argument("--minutes", type=float, default=5.0, help="most minutes of training")
    p.add_argument("--n", type=int, default=60, help="corrections to make")
    p.add_argument("--heldout", type=int, default=500, help="held-out scenes, and as many unseen")
    p.add_argument("--seed-start", type=int, default=SEED_START, help="of the corrected scenes")
    p.add_argument("--eval-seed", type=int, help="other scenes than the frozen ones, for tuning")
    p.add_argument("--set", nargs="*", default=[], metavar="NAME=VALUE", help="other settings")
    p.add_argument("--photos", type=Path, help="a folder of photographs to measure as well")
    p.add_argument("--home", type=Path, help="a folder that stays (default: one that is removed)")
    p.add_argument("--threads", type=int, default=0, help="CPU threads; 0: all")
    return p


def main(argv: Sequence[str] | None = None) -> int:
    options = parser().parse_args(argv)
    try:
        with tempfile.TemporaryDirectory(prefix="sightline-loop-") as folder:
            result = prove(options, find_home(options.home or folder))
    except UserError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    print(table(result), end="\n\n")
    print(json.dumps(result))
    return 0


def prove(options: argparse.Namespace, home: Home) -> dict[str, Any]:
    """All of it; the object of the last line."""
    settings = chosen_settings(options)
    parent = default_name(TASK)
    folder = adapter_folder(home, parent) if parent else None
    if parent is None or folder is None:
        raise UserError("There is no built-in adapter to go on from", got=str(parent))
    photos = load_folder(options.photos) if options.photos is not None else None
    begun = time.monotonic()
    first = model_sides(str(EMBEDDED_MODEL), [folder], task=TASK, device="cpu")
    scenes = source("source", CORRECTED, TASK, "world")(MOST_TRIED * options.n, options.seed_start)
    made = correct(home, islice(wrong(scenes, first, parent), options.n))
    snapshot = _snapshot(home, settings)
    prepared = time.monotonic() - begun
    seconds = train(home, snapshot, settings)
    data = load_split(TASK, "loop", options.heldout, options.eval_seed)
    folders = [folder, home.adapters / NAME]
    respond = model_sides(str(EMBEDDED_MODEL), folders, task=TASK, device="cpu")
    sides = Sides(respond, {BASE: "base", CURRENT: parent, CANDIDATE: NAME})
    measured = rows(results(data, sides), data.unseen, first=options.heldout // 5)
    if photos is not None:
        measured["photographs"] = row(results(photos, sides))
    return {
        "corrections": made,
        "wrong_px": WRONG_PX,
        "parent": parent,
        "snapshot": snapshot.hash,
        "examples": {k: n for k, n in counts_of(snapshot.manifest).items() if k != "left out"},
        "settings": settings.to_json(),
        "seconds": {"prepare": round(prepared, 1), "train": round(seconds, 1)},
        "data": {"name": data.name, "seed": options.eval_seed, "n": data.total},
        "rows": measured,
    }


def chosen_settings(options: argparse.Namespace) -> TrainSettings:
    """The preset, with the command line's changes."""
    changes: dict[str, Any] = {"time_limit_minutes": options.minutes, "threads": options.threads}
    for text in options.set:
        name, _, value = text.partition("=")
        try:
            changes[name] = json.loads(value)
        except ValueError:
            changes[name] = value
    return PRESETS["quick_fix"].settings.changed_by(**changes)


# ---- correct, freeze, train -------------------------------------------------------------------


def wrong(cases: Iterable[EvalCase], respond: Respond, name: str) -> Iterator[EvalCase]:
    """The cases in which that side's point is more than WRONG_PX off."""
    main = find_task(TASK).main_field

    def off_px(case: EvalCase) -> float:
        value = respond(case)[name].values.get(main.name)
        return scored(main).error(value, case.truth[main.name], case.image.size_wh)

    return (case for case in cases if off_px(case) > WRONG_PX)


def correct(home: Home, cases: Iterable[EvalCase]) -> int:
    """One accepted correction for each case, through the store as the page does it."""
    feedback, ids = Feedback(home), []
    with tempfile.TemporaryDirectory() as folder:
        for case in cases:
            path = Path(folder) / f"{case.image.name}.png"
            Image.fromarray(case.image.pixels).save(path, compress_level=1)
            media = feedback.add_media(path, name=path.name, slices=sorted(case.slices))
            point = case.truth["point"]
            assert isinstance(point, Point)
            made = feedback.correct(
                task=TASK,
                media=media,
                prediction=None,
                payload=Fix(TASK, "wrong", {"point": Point(*point.xy)}),
                author="ground truth",
                client={"page": "loop"},
            )
            ids.append(made.id)
            path.unlink()
    return feedback.review(ids, "accept", "ground truth")


def _snapshot(home: Home, settings: TrainSettings) -> Snapshot:
    plan = plan_snapshot(
        Feedback(home),
        replay_share=settings.replay_share,
        validation_share=settings.validation_share,
        seed=settings.seed,
    )
    return freeze(home, plan, "loop")


def train(home: Home, snapshot: Snapshot, settings: TrainSettings) -> float:
    """A job's training, and its adapter among the others; seconds. Raises UserError."""
    begun = time.monotonic()
    job_id = jobs.submit(home, snapshot.hash, settings, "loop", name=NAME, device="cpu")
    outcome = LocalRunner().train(home, jobs.job(home, job_id), lambda: False)
    if outcome.state != TRAINED:
        raise UserError("The training failed", got=outcome.reason, hint=outcome.hint)
    adopt(home, jobs.job(home, job_id))
    return time.monotonic() - begun


# ---- measure ----------------------------------------------------------------------------------


def results(data: EvalSet, sides: Sides) -> list[CaseResult]:
    """Every case's errors, measured as a job's proof does."""
    cases = (ProofCase(case, case.image.name, HELDOUT) for case in data.cases())
    done = iter(range(1, data.total + 1))

    def tell() -> None:
        if (number := next(done)) % 25 == 0 or number == data.total:
            print(f"{number} of {data.total} held-out scenes", file=sys.stderr, flush=True)

    return measure(TASK, sides, ProofSet(data, cases), tell)[0]


def rows(
    measured: Sequence[CaseResult], unseen: frozenset[str], first: int = 0
) -> dict[str, dict[str, Any]]:
    """`row` of each group. first: give the first so many cases of the unseen slices a row of their
    own."""
    apart = [c for c in measured if unseen & set(c.slices)]
    groups = {
        "debris/animal": apart,
        f"the first {first}": apart[:first],
        **{name: [c for c in measured if name in c.slices] for name in sorted(unseen)},
        "all others": [c for c in measured if not unseen & set(c.slices)],
    }
    return {label: row(cases) for label, cases in groups.items() if cases}


def row(cases: Sequence[CaseResult]) -> dict[str, Any]:
    """Medians and means of each side's errors in px at 1280x720, and the change from current to
    candidate with its interval: of the median, absolute and relative, and of the mean."""
    errors = {s: np.array([c.errors[s] for c in cases]) for s in (BASE, CURRENT, CANDIDATE)}
    before, after = errors[CURRENT], errors[CANDIDATE]
    return {
        "n": len(cases),
        "median_px": {side: round(float(np.median(e)), 2) for side, e in errors.items()},
        "mean_px": {side: round(float(e.mean()), 2) for side, e in errors.items()},
        "median_change": bootstrap.median_change(before, after).to_json(),
        "median_relative": bootstrap.relative_median_change(before, after).to_json(),
        "mean_change": bootstrap.mean_change(before, after).to_json(),
    }


def table(result: Mapping[str, Any]) -> str:
    """For people: errors in pixels at 1280x720, changes with their 95 % intervals."""
    line = "{:15} {:>5} {:>7} {:>8} {:>10} {:>8} {:>16} {:>24}".format
    lines = [
        f"{result['corrections']} corrections, {result['examples']}, "
        f"trained {result['seconds']['train']:.0f} s from {result['parent']}",
        line("median px", "n", BASE, CURRENT, CANDIDATE, "change", "95 % interval", "mean"),
    ]
    for label, found in result["rows"].items():
        medians = [f"{found['median_px'][side]:.1f}" for side in (BASE, CURRENT, CANDIDATE)]
        change, mean = found["median_change"], found["mean_change"]
        by = f"{found['median_relative']['estimate']:+.0%}"
        means = f"{mean['estimate']:+.1f} {_interval(mean)}"
        lines.append(line(label, found["n"], *medians, by, _interval(change), means))
    if (fell := result["rows"].get("debris/animal")) is not None:
        met = fell["median_relative"]["estimate"] <= AIM
        lines.append(f"debris/animal falls by at least {-AIM:.0%}: {'yes' if met else 'NO'}")
    if (others := result["rows"].get("all others")) is not None:
        worse = any((others[k]["low"] or 0) > 0 for k in ("median_change", "mean_change"))
        lines.append(f"all others no worse beyond the interval: {'NO' if worse else 'yes'}")
    return "\n".join(lines)


def _interval(change: Mapping[str, Any]) -> str:
    ends = ("-" if change[k] is None else f"{change[k]:+.1f}" for k in ("low", "high"))
    return f"[{', '.join(ends)}]"


if __name__ == "__main__":
    raise SystemExit(main())
