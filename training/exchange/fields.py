"""How a value is written into a table's cells and read back, one entry a kind of field.

A main field that is a point has the columns x and y, which every data set of points has; any other
column begins with its field's name.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from inference.correction import point_of
from inference.errors import UserError
from inference.fields import (
    Field,
    Label,
    Labels,
    Probability,
    Text,
    Value,
    value_from_json,
    value_to_json,
)
from inference.tasks.base import Task
from training.exchange.rows import COLUMNS, LIST, NUMBER, TEXT

BOX = ("box_x1", "box_y1", "box_x2", "box_y2")
MODEL = "model_"  # columns of what the judged model had said
OLD_NAMES = {"rationale": "reason"}  # of columns in files that earlier versions wrote


@dataclass(frozen=True)
class Cells:
    """columns(name, main): name -> kind of cell. write(value): cells in that order. read(cells,
    field): the value, None where all cells are empty."""

    columns: Callable[[str, bool], dict[str, str]]
    write: Callable[[Any], list[Any]]
    read: Callable[[list[Any], Field], Value | None]


def _one(kind: str) -> Callable[[str, bool], dict[str, str]]:
    return lambda name, main: {name: kind}


def _given(make: Callable[[Any], Value]) -> Callable[[list[Any], Field], Value | None]:
    return lambda cells, _: None if cells[0] in (None, "", []) else make(cells[0])


def _steps(cells: list[Any], field: Field) -> Value | None:
    if not cells[0]:
        return None
    try:
        return value_from_json(field, {"steps": json.loads(cells[0])})
    except ValueError as error:
        raise UserError("Not steps", expected="JSON", field=field.name) from error


def _point(cells: list[Any], _: Field) -> Value | None:
    return point_of(cells[0], cells[1], None if set(cells[2:]) == {None} else cells[2:])


KINDS: dict[str, Cells] = {
    "point": Cells(
        lambda name, main: dict.fromkeys(
            [c if main else f"{name}_{c}" for c in ("x", "y", *BOX)], NUMBER
        ),
        lambda p: [p.x_px, p.y_px, *(p.box_px or (None,) * 4)],
        _point,
    ),
    "label": Cells(_one(TEXT), lambda v: [v.value], _given(Label)),
    "labels": Cells(_one(LIST), lambda v: [list(v.values)], _given(lambda c: Labels(tuple(c)))),
    "probability": Cells(_one(NUMBER), lambda v: [v.value], _given(Probability)),
    "text": Cells(_one(TEXT), lambda v: [v.text], _given(Text)),
    "steps": Cells(
        _one(TEXT),
        lambda v: [json.dumps(value_to_json(replace(v, span=None))["steps"], ensure_ascii=False)],
        _steps,
    ),
}


def columns(task: Task) -> dict[str, str]:
    """Every column of a task's tables: name -> kind of cell."""
    found = dict(COLUMNS)
    for one in (*task.fields, *task.notes):
        found |= _of(task, one)
    for one in task.fields:
        found |= {f"{MODEL}{name}": kind for name, kind in _of(task, one).items()}
    return found


def _of(task: Task, one: Field) -> dict[str, str]:
    return KINDS[one.kind].columns(one.name, one.name == task.main)


def to_cells(task: Task, values: Mapping[str, Value], before: str = "") -> dict[str, Any]:
    """Cells of all fields (and notes, but for the model's), "" or None where there is no value.
    before: MODEL, or "" for a person's values."""
    found: dict[str, Any] = {}
    for one in task.fields if before else (*task.fields, *task.notes):
        kinds, value = _of(task, one), values.get(one.name)
        empty: list[Any] = [
            "" if kind == TEXT else [] if kind == LIST else None for kind in kinds.values()
        ]
        cells = empty if value is None else KINDS[one.kind].write(value)
        found |= {f"{before}{name}": cell for name, cell in zip(kinds, cells, strict=True)}
    return found


def from_cells(task: Task, cells: Mapping[str, Any], before: str = "") -> dict[str, Value]:
    """The values of a row, by field. Raises UserError where a cell is wrong."""
    cells = {OLD_NAMES.get(name, name): cell for name, cell in cells.items()}
    found = {}
    for one in task.fields if before else (*task.fields, *task.notes):
        row = [cells.get(f"{before}{name}") for name in _of(task, one)]
        value = KINDS[one.kind].read(row, one)
        if value is not None:
            found[one.name] = one.check(value)
    return found
