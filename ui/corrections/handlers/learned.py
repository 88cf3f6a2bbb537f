"""Which adapters learned a case, and is it fixed now? Plain functions, no gradio.

Reads what the jobs wrote (tables snapshot_corrections, jobs, adapters, evaluations); runs the
adapter in use where a person presses the button.
"""

from __future__ import annotations

import json
from dataclasses import dataclass

from sqlite_utils import Database

from inference.errors import UserError
from inference.registry import task as find_task
from inference.schema import PairRequest
from training.evaluation.metrics import error_px
from training.proof.results import CORRECTED, RIGHT_WITHIN_PX, CaseResult
from training.store.database import connect
from training.store.feedback import Case, Feedback
from training.store.home import Home
from training.store.rows import marks
from ui.corrections import case_view
from ui.corrections.words import people, points
from ui.shell.desk import Desk, ask_model

LEARNED = """
select sc.snapshot, sc.split, j.id as job, j.state, a.name as adapter
from snapshot_corrections sc
left join jobs j on j.snapshot = sc.snapshot
left join adapters a on a.job = j.id
where sc.correction in ({ids})
group by sc.snapshot, sc.split, j.id, a.name
order by coalesce(j.created, '') desc
"""


@dataclass(frozen=True)
class Lesson:
    """One snapshot that holds corrections of the case, and what became of it.

    split: train or validation. job, state, adapter: None until there is one. result: the case in
    the adapter's proof, or None where it was not measured.
    """

    snapshot: str
    split: str
    job: str | None
    state: str | None
    adapter: str | None
    result: CaseResult | None = None


def lessons(home: Home, case: Case) -> list[Lesson]:
    """What was trained with corrections of this case, the newest job first."""
    ids = [c.id for c in case.corrections]
    with connect(home) as db:
        rows = list(db.query(LEARNED.format(ids=marks(ids)), ids)) if ids else []
        return [Lesson(**row, result=_result(db, row["adapter"], case)) for row in rows]


def _result(db: Database, adapter: str | None, case: Case) -> CaseResult | None:
    """The case in the adapter's newest proof."""
    rows = db.query(
        "select result from evaluations where adapter = ? and name = ? order by created desc",
        [adapter, CORRECTED],
    )
    for row in rows:
        for found in json.loads(row["result"]).get("cases", ()):
            if found.get("media") == case.media.hash:
                return CaseResult.from_json(case.task, found)
    return None


def can_run(case: Case) -> bool:
    """Whether the adapter in use answers such a case."""
    return case.task == "hazard" and case.media.kind == "image"


def run_now(desk: Desk, case_id: str) -> str:
    """Runs the adapter that is in use now on the case's image. Stores nothing. Returns HTML."""
    feedback = Feedback(desk.home)
    case = feedback.case(case_id)
    if not can_run(case):
        raise UserError(
            "The adapter can be run on images of the hazard task only",
            expected="a case with an image",
            got=f"{case.task}, {case.media.kind}",
        )
    adapter = desk.services.default_adapter()
    prompt = case.predictions[0].prompt if case.predictions else find_task(case.task).prompt
    image = desk.services.load_media(feedback.media_path(case.media.hash))
    request = PairRequest(prompt=prompt, adapter=adapter, forced="finetuned" if adapter else "base")
    pair = ask_model(desk.services, image, request)
    side = pair.finetuned or pair.base
    # As in the proofs: within 50 px of the nearest person, at 1280 x 720.
    goals = [p for key, p in people(points(case)).items() if key.startswith("human")]
    verdict = ""
    if side.point and goals:
        nearest = min(error_px(side.point.xy, goal.xy, image.size_wh) for goal in goals)
        verdict = "fixed" if nearest <= RIGHT_WITHIN_PX else "still wrong"
    name = adapter or "base alone"
    return case_view.answered(name, side.text, side.point, case, verdict)
