"""LLaMA-Factory's ShareGPT rows: data.json, dataset_info.json and the images beside them.

Copied into LLaMA-Factory's `data/` folder, or named by `dataset_dir`, the data set is called
`sightline_TASK`.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from inference.fields import Value
from inference.tasks.base import WH, Task
from training.evaluation.insight import FRAME
from training.exchange.folders import put
from training.exchange.rows import Row

DATA, INFO = "data.json", "dataset_info.json"
# Of the task's media: the column of its files, and what stands for it in the text.
MARKS = {"image": "<image>", "clip": "<video>"}
COLUMNS = {"image": "images", "clip": "videos"}
DATASET_INFO = {
    "file_name": DATA,
    "formatting": "sharegpt",
    "tags": {
        "role_tag": "role",
        "content_tag": "content",
        "user_tag": "user",
        "assistant_tag": "assistant",
    },
}


def refuses(row: Row) -> str | None:
    """Why a correction cannot go into this format, or None."""
    there = row.task.main in row.values
    if not there and row.cells["verdict"] == "right":
        return "it calls an answer right that is not known"
    if not there:
        return f"a model is not taught a sentence for “{row.task.absent.lower()}”"
    if row.cells["status"] in ("rejected", "withdrawn"):
        return "LLaMA-Factory would train on what was rejected or withdrawn"
    return None


def write(rows: Iterable[Row], folder: Path) -> None:
    """Row by row, so that a large export does not stand in memory."""
    with (folder / DATA).open("w", encoding="utf-8") as file:
        file.write("[")
        for index, row in enumerate(rows):
            put(row.source, folder / row.file)
            file.write(",\n" if index else "\n")
            file.write(json.dumps(as_json(row), ensure_ascii=False))
        file.write("\n]\n")
    columns = {name: name for name in ("messages", COLUMNS[row.task.media])}
    info = {f"sightline_{row.task.name}": {**DATASET_INFO, "columns": columns}}
    (folder / INFO).write_text(json.dumps(info, indent=2) + "\n", encoding="utf-8")


def as_json(row: Row) -> dict[str, Any]:
    """One row; it must have a value of the main field."""
    return {
        "messages": to_messages(row.task, row.values, row.size_wh),
        COLUMNS[row.task.media]: [row.file],
    }


def to_messages(task: Task, values: Mapping[str, Value], image_wh: WH) -> list[dict[str, str]]:
    """A user turn with the task's prompt and an assistant turn with the text that a model is
    trained to say; [] where there is no value of the main field.

    For the hazard task these are INSIGHT's exact sentences (Sec. IV-A and Table I). Coordinates are
    pixels of the original image; whole numbers, so half a pixel is lost at most.
    """
    if task.main not in values:
        return []
    return [
        {"role": "user", "content": f"{MARKS[task.media]} {task.prompt}"},
        {"role": "assistant", "content": task.target_text(values, image_wh, FRAME, None)},
    ]
