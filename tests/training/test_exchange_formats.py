"""The registry of formats, and COCO files of other programs."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from inference.correction import HazardFix
from inference.registry import resolve
from tests.training.exchange_homes import picture
from training.exchange.formats import COCO_READER, FORMATS, READERS
from training.exchange.importing import import_file
from training.feedback import Feedback
from training.home import find_home


@pytest.mark.parametrize("name", list(FORMATS))
def test_every_format_resolves_and_says_what_it_keeps(name: str) -> None:
    spec = FORMATS[name]
    assert callable(resolve(spec.entry))
    assert spec.refuses is None or callable(resolve(spec.refuses))
    assert spec.label and spec.files and spec.keeps and spec.loses


@pytest.mark.parametrize("entry", [*READERS.values(), COCO_READER])
def test_every_reader_resolves(entry: str) -> None:
    assert callable(resolve(entry))


def test_listing_formats_imports_nothing_heavy() -> None:
    """pandas, which gradio brings, imports pyarrow itself."""
    code = (
        "import sys, training.exchange.importing, training.exchange.exporting, training.agreement;"
        "print([m for m in ('pyarrow.parquet', 'nltk', 'torch') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def note(**more: Any) -> dict[str, Any]:
    made = {"id": 1, "image_id": 7, "category_id": 3, "keypoints": [40, 50, 2]}
    return {**made, "bbox": [30, 40, 20, 20], "area": 400, "iscrowd": 0, **more}


def test_coco_of_another_program(tmp_path: Path) -> None:
    picture(tmp_path / "a.png", 1)
    notes = [
        note(),
        note(category_id=4, bbox=[0, 0, 90, 60]),
        note(keypoints=[0, 0, 0], bbox=None),
        note(keypoints=[1, 2, 2] * 17),
        note(image_id=8),
        note(keypoints="abc"),
        note(image_id=[7]),
        "text",
    ]
    data = {
        "images": [{"id": 7, "file_name": "a.png"}],
        "categories": [{"id": 3, "name": "cyclist"}, {"id": 4, "name": "zebra"}],
        "annotations": notes,
    }
    (tmp_path / "person_keypoints.json").write_text(json.dumps(data))
    feedback = Feedback(find_home(tmp_path / "home"))
    done = import_file(feedback, tmp_path / "person_keypoints.json", "ann")
    assert [p.place for p in done.problems] == [f"row {n}" for n in range(3, 9)]
    assert "Neither a point nor a verdict" in done.problems[0].reason
    assert "17 key points; one is wanted" in done.problems[1].reason
    # A box that is not around the point means something else, a kind that is not ours too.
    assert [c.payload for c in feedback.corrections()] == [
        HazardFix("wrong", (40.0, 50.0), (30.0, 40.0, 50.0, 60.0), "cyclist"),
        HazardFix("wrong", (40.0, 50.0)),
    ]
