"""`python -m training.proof.loop`: does correcting and retraining work? Measured from end to end.

Makes accepted corrections on scenes of hazards that the shipped adapter never saw, where it is
more than WRONG_PX off: nobody corrects what is right (the drawn world's ground truth is the
person). Freezes them with replayed training scenes, trains with the
"Quick fix (CPU)" preset in the same process that the Training page starts, and compares base,
current and candidate on the frozen held-out scenes. The last line is one JSON object.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

from PIL import Image

from inference.correction import Fix
from inference.errors import UserError
from inference.fields import Point
from inference.registry import resolve
from training.adapters.folders import adapter_folder, default_name
from training.evaluation.folders import load_folder
from training.evaluation.run import ASKER, EMBEDDED_MODEL
from training.evaluation.sets import EvalCase, load_split
from training.evaluation.sources import CORRECTED, source
from training.jobs.config import WorkerConfig, launch_command
from training.jobs.settings import PRESETS, TrainSettings
from training.proof.loop_figures import Ask, error_px, measure, row, rows, table
from training.snapshots.freezing import Snapshot, freeze, plan_snapshot
from training.store.feedback import Feedback
from training.store.home import Home, find_home

ROOT = Path(__file__).resolve().parents[2]
SEED_START = 8_000_000
NAME = "quick-fix"
WRONG_PX = 50  # at 1280x720, as in Hit@50
MOST_LOOKED_AT = 10  # scenes for each correction


def parser() -> argparse.ArgumentParser:
    p = argparse.ArgumentParser(prog="python -m training.proof.loop", description=__doc__)
    p.add_argument("--minutes", type=float, default=5.0, help="most minutes of training")
    p.add_argument("--n", type=int, default=60, help="corrections to make")
    p.add_argument("--heldout", type=int, default=500, help="held-out scenes, and as many unseen")
    p.add_argument("--seed-start", type=int, default=SEED_START, help="of the corrected scenes")
    p.add_argument("--eval-seed", type=int, help="other scenes than the frozen ones, for tuning")
    p.add_argument("--set", nargs="*", default=[], metavar="NAME=VALUE", help="other settings")
    p.add_argument("--photos", type=Path, help="a folder of photographs to measure as well")
    p.add_argument("--home", type=Path, help="a folder to keep (default: one that is removed)")
    p.add_argument("--parent", help="adapter to go on from (default: the one that is shipped)")
    p.add_argument("--threads", type=int, default=0, help="CPU threads; 0: all")
    return p


def main(argv: Sequence[str] | None = None) -> int:
    options = parser().parse_args(argv)
    try:
        if options.home is not None:
            result = prove(options, find_home(options.home))
        else:
            with tempfile.TemporaryDirectory(prefix="sightline-loop-") as folder:
                result = prove(options, find_home(folder))
    except UserError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    print(table(result), end="\n\n")
    print(json.dumps(result))
    return 0


def prove(options: argparse.Namespace, home: Home) -> dict[str, Any]:
    """All of it; the object of the last line."""
    settings = chosen_settings(options)
    parent = _parent(home, options.parent)
    photos = load_folder(options.photos) if options.photos is not None else None
    begun = time.monotonic()
    first: Ask = resolve(ASKER)(str(EMBEDDED_MODEL), [parent], task="hazard", device="cpu")
    scenes = source("source", CORRECTED, "hazard", "world")(
        MOST_LOOKED_AT * options.n, options.seed_start
    )
    made = correct(home, islice(wrong(scenes, first, parent.name), options.n))
    snapshot = _snapshot(home, settings)
    prepared = time.monotonic() - begun
    seconds = train(home, snapshot, settings, parent)
    folders = [parent, home.adapters / NAME]
    data = load_split("hazard", "loop", options.heldout, options.eval_seed)
    ask: Ask = resolve(ASKER)(str(EMBEDDED_MODEL), folders, task="hazard", device="cpu")
    sides = {"base": "base", parent.name: "current", NAME: "candidate"}
    figures = rows(measure(data, ask, sides), data.unseen, first=options.heldout // 5)
    if photos is not None:
        figures["photographs"] = row(measure(photos, ask, sides).errors)
    return {
        "corrections": made,
        "wrong_px": WRONG_PX,
        "parent": parent.name,
        "snapshot": snapshot.hash,
        "examples": _counts(snapshot),
        "settings": settings.to_json(),
        "seconds": {"prepare": round(prepared, 1), "train": round(seconds, 1)},
        "data": {"name": data.name, "seed": options.eval_seed, "n": data.total},
        "rows": figures,
    }


def chosen_settings(options: argparse.Namespace) -> TrainSettings:
    """The preset, with the command line's changes."""
    changes: dict[str, Any] = {
        "time_limit_minutes": options.minutes,
        "threads": options.threads,
    }
    for text in options.set:
        name, _, value = text.partition("=")
        try:
            changes[name] = json.loads(value)
        except ValueError:
            changes[name] = value
    return PRESETS["quick_fix"].settings.changed_by(**changes)


def _parent(home: Home, named: str | None) -> Path:
    name = named or default_name("hazard")
    folder = adapter_folder(home, name) if name else None
    if folder is None:
        raise UserError("There is no such adapter", got=str(name), field="parent")
    return folder


# ---- correct, freeze, train -------------------------------------------------------------------


def wrong(cases: Iterable[EvalCase], ask: Ask, name: str) -> Iterator[EvalCase]:
    """The cases in which that side's point is more than WRONG_PX off."""
    return (case for case in cases if error_px(case, ask(case)[name]) > WRONG_PX)


def correct(home: Home, cases: Iterable[EvalCase]) -> int:
    """One accepted correction for each case, through the store as the page does it."""
    feedback, ids = Feedback(home), []
    with tempfile.TemporaryDirectory() as folder:
        for case in cases:
            path = Path(folder) / f"{case.image.name}.png"
            Image.fromarray(case.image.pixels).save(path, compress_level=1)
            media = feedback.add_media(path, name=path.name, slices=sorted(case.slices))
            made = feedback.correct(
                task="hazard",
                media=media,
                prediction=None,
                payload=_fix(case),
                author="ground truth",
                client={"page": "loop_proof"},
            )
            ids.append(made.id)
            path.unlink()
    return feedback.review(ids, "accept", "ground truth")


def _fix(case: EvalCase) -> Fix:
    """The true point as a person would mark it."""
    point = case.truth["point"]
    assert isinstance(point, Point)
    return Fix("hazard", "wrong", {"point": Point(*point.xy)})


def _snapshot(home: Home, settings: TrainSettings) -> Snapshot:
    plan = plan_snapshot(
        Feedback(home),
        replay_share=settings.replay_share,
        validation_share=settings.validation_share,
        seed=settings.seed,
    )
    return freeze(home, plan, "loop_proof")


def _counts(snapshot: Snapshot) -> dict[str, int]:
    found: dict[str, int] = {}
    for e in snapshot.examples:
        found[f"{e.split} {e.source}"] = found.get(f"{e.split} {e.source}", 0) + 1
    return found


def train(home: Home, snapshot: Snapshot, settings: TrainSettings, parent: Path) -> float:
    """Start the worker as the page's jobs do, and wait; seconds of the whole process.

    Raises:
        UserError: it failed; with the end of what it said.
    """
    config = WorkerConfig(
        job=None,
        home=home.root,
        snapshot=snapshot.hash,
        settings=settings,
        base=str(EMBEDDED_MODEL),
        parent_adapter=parent,
        output=home.adapters / NAME,
        name=NAME,
        checkpoints=home.jobs / NAME / "checkpoints",
        device="cpu",
    )
    path = config.write(home.jobs / NAME / "config.json")
    command = launch_command(settings, path, cpu=True)
    log, begun = home.jobs / NAME / "log.txt", time.monotonic()
    with log.open("wb") as out:
        done = subprocess.run(
            command,
            cwd=ROOT,
            env={**os.environ, "HF_HUB_OFFLINE": "1"},
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=subprocess.STDOUT,
            check=False,
        )
    if done.returncode != 0:
        end = log.read_text(encoding="utf-8", errors="replace")[-1500:]
        raise UserError("The training failed", got=end)
    return time.monotonic() - begun


if __name__ == "__main__":
    raise SystemExit(main())
