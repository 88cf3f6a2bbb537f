"""The Failures page's functions: uploads read, rows in order, files, what is said."""

from __future__ import annotations

import csv
import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from PIL import Image

from inference.errors import Cancelled, UserError
from inference.fields import Point
from ui.failures import handlers, view
from ui.failures.batches import MAX_IMAGES, Batch, as_csv, as_json, ordered
from ui.shell.desk import Desk
from ui.shell.visitors import Visitor

ANN = Visitor("ann", "annotator")
GO: tuple[Callable[[str, float], None], Callable[[], bool]] = (lambda *_: None, lambda: False)


def images(folder: Path, n: int) -> list[str]:
    for i in range(n):
        Image.new("RGB", (320, 180), (40 * i, 90, 20)).save(folder / f"road-{i}.png")
    return [str(folder / f"road-{i}.png") for i in range(n)]


def manifest(folder: Path) -> str:
    path = folder / "manifest.csv"
    path.write_text(
        "file,kind,hazard_x,hazard_y,box_x1,box_y1,box_x2,box_y2\n"
        "stills/road-0.png,still,160,90,140,80,180,100\n"
        "stills/road-1.png,still,10,20,,,,\n"
    )
    return str(path)


@pytest.fixture
def batch(desk: Desk, tmp_path: Path) -> Batch:
    """Three images, two with a truth, one broken file."""
    (tmp_path / "road-9.png").write_bytes(b"no image")
    files = [*images(tmp_path, 3), str(tmp_path / "road-9.png"), manifest(tmp_path)]
    made = handlers.batch_of(ANN, desk, files, "hazard", "hazard-patch")
    assert handlers.Comparing(desk, made, "id")(*GO) == "id"
    return made


def test_errors_where_the_truth_is_known(batch: Batch) -> None:
    by_name = {row.name: row for row in batch.rows}
    assert set(by_name["road-0.png"].errors) == {"base", "finetuned"}
    assert by_name["road-0.png"].truth["point"] == Point(
        160, 90, (140, 80, 180, 100), source="truth"
    )
    assert by_name["road-2.png"].errors == {} and by_name["road-2.png"].apart is not None
    assert "not an image" in by_name["road-9.png"].problem
    assert all(0 < row.confidence["finetuned"] <= 1 for row in batch.rows if not row.problem)


def test_orders(batch: Batch) -> None:
    rows = ordered(batch, "apart")
    known = [row.apart for row in rows if row.apart is not None]
    assert known == sorted(known, reverse=True) and rows[-1].problem
    worst = [row.change for row in ordered(batch, "worse")][:2]
    best = [row.change for row in ordered(batch, "better")][:2]
    assert worst == best[::-1] and None not in worst
    assert [row.name for row in ordered(batch, "name")] == sorted(row.name for row in batch.rows)


def test_files_hold_all_rows(batch: Batch, desk: Desk) -> None:
    batch.rows[0] = replace(batch.rows[0], texts={"base": "=SUM(A1)"})
    rows = list(csv.DictReader(as_csv(batch).splitlines()))
    assert len(rows) == 4 and rows[0]["base_text"] == "'=SUM(A1)"
    assert float(rows[0]["truth_x"]) == 160 and rows[3]["problem"]
    told = json.loads(as_json(batch))
    assert told["error_unit"] == "px" and told["images"][0]["truth"]["point"]["x_px"] == 160
    assert Path(handlers.write(desk, desk.batches.put(batch), "csv")).suffix == ".csv"
    with pytest.raises(UserError, match="Nothing is compared"):
        handlers.write(desk, "gone", "json")


def test_what_is_said(batch: Batch) -> None:
    assert "Median error" in view.summary(batch) and "1 could not be compared" in view.summary(
        batch
    )
    drawn = view.grid(batch, ordered(batch, "name"))
    assert drawn.count("<li>") == 4 and drawn.count('href="./?image=') == 3
    unscored = replace_rows(batch)
    assert "Nobody scored them" in view.summary(unscored)


def replace_rows(batch: Batch) -> Batch:
    rows = [replace(row, errors={}, truth={}) for row in batch.rows]
    return replace(batch, rows=rows)


def test_an_image_can_be_found_again(batch: Batch, desk: Desk) -> None:
    row = batch.rows[0]
    assert desk.results.file(row.image) == row.path


def test_stopped_halfway_keeps_what_is_there(desk: Desk, tmp_path: Path) -> None:
    batch = handlers.batch_of(ANN, desk, images(tmp_path, 3), "hazard", "")
    with pytest.raises(Cancelled):
        handlers.Comparing(desk, batch, "id")(GO[0], lambda: len(batch.rows) == 2)
    assert len(batch.rows) == 2 and "1 not compared yet" in view.summary(batch)
    assert batch.rows[0].apart is None  # the base alone


def test_examples_bring_their_truth(desk: Desk, tmp_path: Path) -> None:
    """Also as the copies that gradio makes of them."""
    copies = []
    for example in desk.services.examples():
        copies.append(shutil.copy(example.path, tmp_path / example.path.name))
    batch = handlers.batch_of(ANN, desk, map(str, copies), "hazard", "")
    assert {name: found["point"].xy for name, found in batch.truth.items()} == {  # type: ignore[attr-defined]
        "night.jpg": (100, 200)
    }


def test_of_a_folder_only_images_and_tables_are_taken() -> None:
    files = ["a/road.JPG", "a/b/x.webp", "a/notes.txt", "a/.DS_Store", "manifest.csv", "a/clip.mp4"]
    assert handlers.of_folder(files) == (["a/road.JPG", "a/b/x.webp", "manifest.csv"], 3)


def test_a_table_as_corrections_are_exported(tmp_path: Path) -> None:
    path = tmp_path / "corrections.csv"
    path.write_text("image,x,y\nimages/road-1.png,12,34\n")
    assert handlers.truth_of(path, "hazard")["road-1.png"]["point"].xy == (12, 34)  # type: ignore[attr-defined]


@pytest.mark.parametrize("what", ["none", "many", "tables", "columns", "twice", "same name"])
def test_a_wrong_upload_is_refused(desk: Desk, tmp_path: Path, what: str) -> None:
    image, table = images(tmp_path, 1), manifest(tmp_path)
    (tmp_path / "b.csv").write_text("name,x\na,1\n")
    (tmp_path / "twice.csv").write_text("file,hazard_x,hazard_y\na/r.png,1,1\nb/r.png,2,2\n")
    (tmp_path / "b").mkdir()
    files = {
        "none": [table],
        "many": image * (MAX_IMAGES + 1),
        "tables": [*image, table, str(tmp_path / "b.csv")],
        "columns": [*image, str(tmp_path / "b.csv")],
        "twice": [*image, str(tmp_path / "twice.csv")],
        "same name": [*image, *images(tmp_path / "b", 1), table],
    }[what]
    with pytest.raises(UserError) as refused:
        handlers.batch_of(ANN, desk, files, "hazard", "")
    assert refused.value.field in ("files", "file")
