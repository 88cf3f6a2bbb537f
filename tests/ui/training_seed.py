"""A home with accepted corrections, a snapshot, jobs in every state and a proof, and the page over
it with a fake model.

python -m tests.ui.training_seed --port 7863 --home FOLDER [--role viewer] [--full]
"""

from __future__ import annotations

import argparse
import json
import math
import shutil
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from inference.fields import Point
from inference.schema import AdapterEntry
from tests.fixes import hazard_fix
from tests.ui.corrections_seed import add_case, say
from tests.ui.fakes import CARD, fake_services
from training.adapters import lineage, promotion
from training.jobs import control as jobs
from training.jobs.rows import JobRow
from training.jobs.settings import PRESETS
from training.proof.changes import changes
from training.proof.results import CaseResult
from training.snapshots.freezing import freeze
from training.snapshots.plan import plan_snapshot
from training.snapshots.types import Snapshot
from training.store.database import connect
from training.store.feedback import Feedback
from training.store.home import Home, find_home
from training.store.rows import now, writing
from ui.shell.desk import Desk
from ui.shell.pictures import Pictures
from ui.shell.visitors import Visitor

ROOT = Path(__file__).resolve().parents[2]
EVIL = "<img src=x onerror=window.__hit=1>"
QUICK = PRESETS["quick_fix"].settings


def accepted(home: Home, n: int, name: str = "") -> list[tuple[str, str]]:
    """n cases that ann corrected and bob accepted; (media, prediction) of each."""
    kept, made = Feedback(home), []
    folder = home.root / "pictures"
    folder.mkdir(exist_ok=True)
    ids = []
    for i in range(n):
        case = add_case(kept, folder, i, name=name or f"scene-{i}.jpg")
        ids.append(say(kept, case, "ann", hazard_fix("wrong", (200.0 + i, 180.0), None, "animal")))
        made.append(case)
    kept.review(ids, "accept", "bob")
    return made


def frozen(home: Home) -> Snapshot:
    """A snapshot of what is accepted, without replay (drawing scenes takes seconds)."""
    plan = plan_snapshot(Feedback(home), replay_share=0.0, validation_share=0.25)
    return freeze(home, plan, "ann")


def add_job(home: Home, snapshot: str, state: str = "queued", **columns: object) -> JobRow:
    """A job whose row says that it is in that state. columns: of its row; settings, name."""
    settings = columns.pop("settings", QUICK)
    name = columns.pop("name", None)
    parent = columns.pop("parent", None)
    job_id = jobs.submit(home, snapshot, settings, "ann", "local", parent, name=name)  # type: ignore[arg-type]
    usual = {"state": state, "step": 0, "steps": 0}
    if state != "queued":
        usual["started"] = now()
    if state in ("done", "failed", "cancelled"):
        usual["ended"] = now()
    return set_row(home, job_id, **{**usual, **columns})


def set_row(home: Home, job_id: str, **values: object) -> JobRow:
    """What a worker or supervisor would have written."""
    sets = ", ".join(f"{key} = ?" for key in values)
    with connect(home) as db, writing(db):
        db.execute(f"update jobs set {sets} where id = ?", [*values.values(), job_id])
    return jobs.job(home, job_id)


def measure(home: Home, job: JobRow, steps: int = 120, epoch: int = 20) -> None:
    """Curves as a worker writes them."""
    rows = []
    for step in range(1, steps + 1):
        fall = math.exp(-step / 40)
        values = {
            "text_loss": 0.2 + 1.6 * fall, "coord_loss": 0.002 + 0.08 * fall,
            "map_loss": 1.1 + 3 * fall,
            "learning_rate": 1e-3 * min(1, step / 12), "grad_norm": 0.6 + fall,
            "samples_per_s": 24 + 2 * math.sin(step), "memory_mb": 900 + step,
            "eta_s": 2.0 * (steps - step),
        }  # fmt: skip
        if step % epoch == 0:
            values |= {
                "val_mean_px": 60 + 200 * fall, "val_mse_px2": 9000 + 40000 * fall,
                "val_corrected_px": 40 + 300 * fall, "val_replay_px": 55 + 10 * fall,
            }  # fmt: skip
        rows += [(job.id, step, key, value, 1.7e9 + step) for key, value in values.items()]
    with connect(home) as db, writing(db):
        db.conn.executemany("insert or replace into job_metrics values (?, ?, ?, ?, ?)", rows)
    job.log.write_text("\n".join(f'{{"step": {i}}} {EVIL}' for i in range(1, 301)) + "\n")


def prove(
    home: Home, job: JobRow, media: Sequence[str], *, gain: float = 150.0, loss: float = 0.0
) -> None:
    """An adapter of the job's name, with its proof: gain px on the corrected cases, loss px on
    the others, against what is in use now."""
    current = promotion.in_use(home, job.task)
    folder = home.adapters / job.name
    if not folder.exists():
        shutil.copytree(ROOT / "examples" / "adapters" / "hazard-patch", folder)
        card = json.loads((folder / "card.json").read_text())
        (folder / "card.json").write_text(json.dumps({**card, "name": job.name}))
        lineage.register(
            home, name=job.name, task=job.task, job=job.id, snapshot=job.snapshot, parent=current
        )
    rng = np.random.default_rng(3)
    corrected = [_case(m, "corrected", i, gain, rng, m) for i, m in enumerate(media)]
    heldout = [_case(f"h{i}", "heldout", i, -loss, rng, None) for i in range(40)]
    names = {"base": "base", "current": current, "candidate": job.name}
    with connect(home) as db, writing(db):
        for kind, cases in (("corrected", corrected), ("heldout", heldout)):
            result = {
                "task": job.task,
                "names": names,
                "changes": [change.to_json() for change in changes(cases, kind)],
                "cases": [c.to_json() for c in cases],
                "left_out": {},
            }
            db.execute(
                "insert into evaluations values (?, ?, ?, ?, ?, ?)",
                [f"{job.id}-{kind}-{now()}", job.id, job.name, kind, json.dumps(result), now()],
            )


def _case(
    key: str, kind: str, i: int, gain: float, rng: np.random.Generator, media: str | None
) -> CaseResult:
    before = float(rng.uniform(160, 260)) if kind == "corrected" else float(rng.uniform(10, 90))
    after = max(2.0, before - gain + float(rng.normal(0, 8)))
    x = 200.0 + i % 200
    answers = {
        "base": {"point": Point(x + 120, 150)},
        "current": {"point": Point(x + before / 2, 180)},
        "candidate": {"point": Point(x + after / 2, 180)},
    }
    errors = {"base": before + 40, "current": before, "candidate": after}
    return CaseResult(
        key, kind, ("night",) if i % 2 else ("animal",), (640, 360),
        {"point": Point(x, 180)}, answers, errors,
        media=media, split=("train", "validation")[i % 2] if media else None,
    )  # fmt: skip


def full(home: Home) -> dict[str, JobRow]:
    """Jobs in every state, one of them with a proof."""
    media = [m for m, _ in accepted(home, 12)]
    snapshot = frozen(home).hash
    done = add_job(home, snapshot, "done", step=120, steps=120, name="animals-1")
    measure(home, done)
    prove(home, done, media)
    failed = add_job(
        home, snapshot, "failed", step=40, steps=120, name="animals-2", parent=done.id,
        settings=QUICK.changed_by(learning_rate=5e-3, rank=16),
        reason="The loss became infinite or not a number at step 40.",
        hint="Lower the learning rate; it was 0.005",
    )  # fmt: skip
    measure(home, failed, 40)
    running = add_job(
        home, snapshot, "running", step=60, steps=120, name="animals-3", stage="training, epoch 3"
    )
    measure(home, running, 60)
    waiting = add_job(home, snapshot, name="animals-4")
    return {"done": done, "failed": failed, "running": running, "queued": waiting}


def services_of(home: Home, role: str = "trainer", **options: object):  # type: ignore[no-untyped-def]
    """Fake services over a home; adapters that were trained there are offered."""

    def who(request: object) -> Visitor:
        return Visitor("you", role, str(getattr(request, "session_hash", "") or ""))  # type: ignore[arg-type]

    plain = fake_services(home=home, who=who, **options)  # type: ignore[arg-type]
    shipped = plain.list_adapters

    def offered() -> list[AdapterEntry]:
        own = [
            AdapterEntry(x.name, str(x.folder), replace(CARD, name=x.name), True, loaded=False)
            for x in lineage.adapters(home)
            if not x.embedded
        ]
        return [*shipped(), *own]

    def usual() -> str:
        return promotion.promoted(home, "hazard") or "hazard-patch"

    return replace(plain, list_adapters=offered, default_adapter=usual)


def desk_of(home: Home) -> Desk:
    """The app's desk; copies of images lie beside the home."""
    folder = home.root.parent / "copies"
    folder.mkdir(exist_ok=True)
    return Desk(services_of(home), pictures=Pictures(folder))


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--port", type=int, default=7863)
    parser.add_argument("--home", type=Path, required=True)
    parser.add_argument("--role", default="trainer")
    parser.add_argument("--full", action="store_true")
    parser.add_argument("--accepted", type=int, default=0)
    flags = parser.parse_args()
    home = find_home(flags.home)
    if flags.full:
        full(home)
    if flags.accepted:
        accepted(home, flags.accepted)

    from ui.layout import build_page, launch_options

    page, desk = build_page(services_of(home, flags.role, seconds=0.4))
    options = launch_options(desk, Path(__file__).parent, [home.root])
    page.launch(server_name="127.0.0.1", server_port=flags.port, quiet=True, **options)


if __name__ == "__main__":
    main()
