"""Which adapters learned a case, and is it fixed now? Plain functions, no gradio.

Reads what the jobs wrote (tables snapshot_corrections, jobs, adapters, evaluations); asks the
current adapter where a person presses the button.
"""

from __future__ import annotations

import json
import math
from dataclasses import dataclass

from sqlite_utils import Database

from inference.errors import UserError
from inference.fields import Point
from inference.schema import PairRequest
from training.proof.results import CORRECTED, RIGHT_WITHIN_PX, CaseResult
from training.store.database import connect
from training.store.feedback import Case, Feedback
from training.store.home import Home
from training.store.rows import marks
from ui.corrections.words import Sign, px_and_share, signs
from ui.shell.desk import Desk, ask_model, default_prompt
from ui.shell.visitors import Visitor, require

LEARNED = """
select sc.snapshot, sc.split, count(distinct sc.correction) as corrections, j.id as job, j.state,
       j.created, a.name as adapter
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
    corrections: int
    job: str | None
    state: str | None
    adapter: str | None
    created: str | None
    result: CaseResult | None = None


def lessons(home: Home, case: Case) -> list[Lesson]:
    """What was trained with corrections of this case, the newest job first."""
    ids = [c.id for c in case.corrections]
    if not ids:
        return []
    with connect(home) as db:
        rows = list(db.query(LEARNED.format(ids=marks(ids)), ids))
        return [Lesson(**row, result=_result(db, row["adapter"], case)) for row in rows]


def _result(db: Database, adapter: str | None, case: Case) -> CaseResult | None:
    """The case in the adapter's newest proof."""
    if adapter is None:
        return None
    rows = db.query(
        "select result from evaluations where adapter = ? and name = ? order by created desc",
        [adapter, CORRECTED],
    )
    for row in rows:
        for found in json.loads(row["result"]).get("cases", ()):
            if found.get("media") == case.media.hash:
                return CaseResult.from_json(case.task, found)
    return None


@dataclass(frozen=True)
class Answer:
    """What the current adapter says to a case now. far: (person, distance in words), nearest first.
    nearest_px: to the nearest person's point, at 1280x720, as the proofs measure."""

    adapter: str
    text: str
    point_px: tuple[float, float] | None
    far: tuple[tuple[str, str], ...] = ()
    nearest_px: float | None = None

    @property
    def verdict(self) -> str:
        if self.nearest_px is None:
            return "no distance"
        return "right" if self.nearest_px <= RIGHT_WITHIN_PX else "still wrong"


def ask_now(visitor: Visitor, desk: Desk, case_id: str) -> Answer:
    """Runs the adapter that is in use now on the case's image. Stores nothing."""
    require(visitor, "annotator", "Asking the model")
    feedback = Feedback(desk.home)
    case = feedback.case(case_id)
    if case.task != "hazard" or case.media.kind != "image":
        raise UserError(
            "The adapter can be run on images of the hazard task only",
            expected="a case with an image",
            got=f"{case.task}, {case.media.kind}",
        )
    adapter = desk.services.default_adapter()
    prompt = case.predictions[0].prompt if case.predictions else default_prompt(desk.services)
    image = desk.services.load_image(feedback.media_path(case.media.hash))
    request = PairRequest(prompt=prompt, adapter=adapter, forced="finetuned" if adapter else "base")
    pair = ask_model(desk.services, image, request)
    side = pair.finetuned or pair.base
    return _answer(adapter or "base alone", side.text, side.point, case)


def _answer(adapter: str, text: str, point: Point | None, case: Case) -> Answer:
    if point is None:
        return Answer(adapter, text, None)
    here = Sign("finetuned", adapter, point.x_px, point.y_px)
    width, height = case.media.width, case.media.height
    people = [s for s in signs(case) if s.kind == "human" and s.status != "rejected"]
    people.sort(key=here.far_px)
    far = tuple((s.name, px_and_share(here.far_px(s), case)) for s in people)
    nearest = None
    if people:
        dx, dy = here.x_px - people[0].x_px, here.y_px - people[0].y_px
        nearest = math.hypot(dx * 1280 / width, dy * 720 / height)
    return Answer(adapter, text, (point.x_px, point.y_px), far, nearest)
