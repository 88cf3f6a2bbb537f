"""Many images compared: what is kept of each. No gradio, no pixels."""

from __future__ import annotations

import csv
import io
import json
import math
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from inference.fields import Value, values_to_json
from inference.registry import task as find_task
from inference.schema import SIDES, PairPrediction, Side, SidePrediction
from training.evaluation.fields import KINDS, scored
from training.exchange.fields import to_cells
from training.exchange.table import guarded
from training.store.disagreement import APART

MAX_IMAGES = 200


@dataclass(frozen=True)
class Compared:
    """One image. values: by side and field. apart: 0..1 between the two sides' values of the
    task's main field. errors: by side, where the truth is known, in the task's unit. confidence: by
    side, the geometric mean of its answer tokens' probabilities. problem: why there is no answer.
    """

    name: str
    path: Path
    image: str = ""
    size_wh: tuple[int, int] = (1, 1)
    values: Mapping[Side, Mapping[str, Value]] = field(default_factory=dict)
    texts: Mapping[Side, str] = field(default_factory=dict)
    truth: Mapping[str, Value] = field(default_factory=dict)
    apart: float | None = None
    errors: Mapping[Side, float] = field(default_factory=dict)
    confidence: Mapping[Side, float] = field(default_factory=dict)
    problem: str = ""

    @property
    def change(self) -> float | None:
        """Error of the fine-tuned side minus the base's."""
        if len(self.errors) < 2:
            return None
        return self.errors["finetuned"] - self.errors["base"]


@dataclass
class Batch:
    """paths: what was uploaded. truth: values by field, by file name. rows: of those compared."""

    task: str
    prompt: str
    adapter: str | None
    paths: Sequence[Path]
    truth: Mapping[str, Mapping[str, Value]] = field(default_factory=dict)
    rows: list[Compared] = field(default_factory=list)

    @property
    def unit(self) -> str:
        """Of errors; "" where answers of the task cannot be scored."""
        main = find_task(self.task).main_field
        return scored(main).unit if main.kind in KINDS else ""


def compared(pair: PairPrediction, path: Path, truth: Mapping[str, Value]) -> Compared:
    """What is kept of a pair."""
    task = find_task(pair.request.task)
    sides = [side for side in (pair.base, pair.finetuned) if side is not None]
    main = {s.side: s.values.get(task.main) for s in sides}
    errors: dict[Side, float] = {}
    if task.main in truth:
        rule = scored(task.main_field)
        errors = {
            s: rule.error(value, truth[task.main], pair.image.size_wh) for s, value in main.items()
        }
    return Compared(
        path.name,
        path,
        pair.image.content_hash,
        pair.image.size_wh,
        {s.side: s.values for s in sides},
        {s.side: s.text for s in sides},
        truth,
        _apart(main.get("base"), main.get("finetuned"), pair.image.diagonal_px),
        errors,
        {s.side: confidence(s) for s in sides},
    )


def _apart(one: Value | None, other: Value | None, diagonal_px: float) -> float | None:
    if one is None or other is None or type(one) not in APART:
        return None
    return APART[type(one)](one, other, diagonal_px)


def confidence(side: SidePrediction) -> float:
    """0..1."""
    spoken = [t.logprob for t in side.tokens if not t.is_special and math.isfinite(t.logprob)]
    return math.exp(statistics.fmean(spoken)) if spoken else 0.0


# ---- order -----------------------------------------------------------------------------------

ORDERS = {
    "apart": "Models furthest apart",
    "error": "Largest error, fine-tuned",
    "worse": "Most worse than base",
    "better": "Most better than base",
    "unsure": "Least confident, fine-tuned",
    "name": "Name",
}


def ordered(batch: Batch, order: str) -> list[Compared]:
    """In that order of ORDERS; rows of which the order knows nothing last, by name."""

    def key(row: Compared) -> tuple[bool, float, str]:
        value: float | None = {
            "apart": None if row.apart is None else -row.apart,
            "error": -row.errors["finetuned"] if "finetuned" in row.errors else None,
            "worse": None if row.change is None else -row.change,
            "better": row.change,
            "unsure": row.confidence.get("finetuned"),
        }.get(order)
        return value is None, value or 0.0, row.name

    return sorted(batch.rows, key=key)


# ---- files -----------------------------------------------------------------------------------


def as_json(batch: Batch) -> str:
    """Everything that is known."""
    asked = {"task": batch.task, "prompt": batch.prompt, "adapter": batch.adapter}
    rows = [
        {
            **_facts(row),
            "values": {side: values_to_json(values) for side, values in row.values.items()},
            "truth": values_to_json(row.truth),
        }
        for row in batch.rows
    ]
    told = {**asked, "error_unit": batch.unit, "images": rows}
    return json.dumps(told, indent=1, ensure_ascii=False)


def as_csv(batch: Batch) -> str:
    """A line an image, each field in the columns that corrections have too."""
    task, made = find_task(batch.task), []
    for row in batch.rows:
        sides = {**{f"{side}_": row.values.get(side, {}) for side in SIDES}, "truth_": row.truth}
        cells = {k: v for mark, of in sides.items() for k, v in to_cells(task, of, mark).items()}
        made.append({k: _cell(v) for k, v in {**_facts(row), **cells}.items()})
    file = io.StringIO()
    writer = csv.DictWriter(file, list(made[0]) if made else [])
    writer.writeheader()
    writer.writerows(made)
    return file.getvalue()


def _cell(value: Any) -> Any:
    """No spreadsheet runs it."""
    if isinstance(value, (dict, list, tuple)):
        value = json.dumps(value, ensure_ascii=False)
    return guarded(value) if isinstance(value, str) else value


def _facts(row: Compared) -> dict[str, Any]:
    by_side = {"text": row.texts, "error": row.errors, "confidence": row.confidence}
    width, height = row.size_wh
    facts = {"image": row.name, "sha256": row.image, "width": width, "height": height}
    facts |= {"apart": row.apart, "problem": row.problem}
    facts |= {f"{s}_{what}": of.get(s) for what, of in by_side.items() for s in SIDES}
    return {k: round(v, 5) if isinstance(v, float) else v for k, v in facts.items()}
