import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from inference.errors import UserError
from inference.tasks.hazard import TASK
from tests.training.hand import case
from training.evaluation.folders import load_folder
from training.evaluation.sets import load_split

REAL = Path(__file__).resolve().parents[2].parent / "shared" / "real"
MESSAGES = [
    {"role": "user", "content": "<image> Which area should we pay more attention to?"},
    {"role": "assistant", "content": "The area around (30,12) should be paid more attention to."},
]


def picture(path: Path, size_wh: tuple[int, int] = (64, 36)) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.full((size_wh[1], size_wh[0], 3), 90, np.uint8)).save(path)
    return path


def test_a_point_outside_the_picture_is_refused() -> None:
    with pytest.raises(UserError, match="outside"):
        case((1300, 10))


def test_manifest(tmp_path: Path) -> None:
    picture(tmp_path / "a.png")
    picture(tmp_path / "b.png")
    (tmp_path / "manifest.csv").write_text(
        "file,kind,label,hazard_x,hazard_y,box_x1,box_y1,box_x2,box_y2,confidence\n"
        "a.png,still,hazard,30,12,20,10,40,20,high\n"
        "b.png,still,no_salient_hazard,,,,,,,high\n"
        "c.mp4,clip,collision,3,4,,,,,low\n"
        "b.png,still,hazard,1,2,,,,,\n"
    )
    first, second = load_folder(tmp_path).cases()
    assert first.truth["point"].xy == (30, 12)
    assert first.truth["point"].box_px == (20, 10, 40, 20)
    assert first.slices == {"hazard", "high_confidence"}
    assert second.truth["point"].box_px is None
    assert load_folder(tmp_path, 1).total == 1


@pytest.mark.parametrize("name", ["data.json", "data.jsonl"])
@pytest.mark.parametrize("key", ["image", "images"])
def test_insight_rows_with_pictures_beside(tmp_path: Path, name: str, key: str) -> None:
    picture(tmp_path / "images" / "a.png")
    value = "images/a.png" if key == "image" else ["images/a.png"]
    row = json.dumps({key: value, "messages": MESSAGES})
    (tmp_path / name).write_text(row if name.endswith("l") else f"[{row}]")
    (only,) = load_folder(tmp_path).cases()
    assert only.truth["point"].xy == (30, 12)
    assert only.image.size_wh == (64, 36)


def test_insight_parquet_with_pictures_inside(tmp_path: Path) -> None:
    parquet = pytest.importorskip("pyarrow.parquet", reason="pyarrow is not installed")
    import pyarrow

    data = picture(tmp_path / "a.png").read_bytes()
    row = {"image": {"bytes": data, "path": None}, "messages": MESSAGES}
    parquet.write_table(pyarrow.Table.from_pylist([row]), tmp_path / "train.parquet")
    (only,) = load_folder(tmp_path).cases()
    assert only.truth["point"].xy == (30, 12)


@pytest.mark.parametrize(
    ("name", "data"),
    [("d.parquet", b"PAR1 and no more"), ("d.json", b'{"a":'), ("d.jsonl", b"{}\n{"),
     ("d.jsonl", b"\xff\xfe")],
)  # fmt: skip
def test_a_damaged_file_is_named(tmp_path: Path, name: str, data: bytes) -> None:
    (tmp_path / name).write_bytes(data)
    with pytest.raises(UserError, match=name):
        load_folder(tmp_path)


@pytest.mark.parametrize(
    ("row", "match"),
    [
        (1, "Row 1 of d.json cannot be read"),
        ({"image": "a.png"}, "no data set that is known"),
        ({"image": "a.png", "messages": "hello"}, "no data set that is known"),
    ],
)
def test_rows_without_messages_are_no_data(tmp_path: Path, row: object, match: str) -> None:
    (tmp_path / "d.json").write_text(json.dumps([row]))
    with pytest.raises(UserError, match=match):
        load_folder(tmp_path)


@pytest.mark.parametrize(
    ("image", "answer", "match"),
    [
        ("../a.png", MESSAGES[1]["content"], "leaves its folder"),
        ("b.png", "Everything is calm.", "no numbers"),
    ],
)
def test_a_bad_row_is_refused(tmp_path: Path, image: str, answer: str, match: str) -> None:
    picture(tmp_path / "a.png")
    picture(tmp_path / "data" / "b.png")
    messages = [MESSAGES[0], {"role": "assistant", "content": answer}]
    rows = [{"image": image, "messages": messages}]
    (tmp_path / "data" / "data.json").write_text(json.dumps(rows))
    with pytest.raises(UserError, match=match):
        list(load_folder(tmp_path / "data").cases())


def test_a_folder_without_data_or_its_columns(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"manifest\.csv"):
        load_folder(tmp_path)
    (tmp_path / "manifest.csv").write_text("picture,x,y\n")
    with pytest.raises(UserError, match="hazard_x"):
        load_folder(tmp_path)


def test_unknown_split_lists_the_splits() -> None:
    with pytest.raises(UserError, match="heldout"):
        load_split("hazard", "train")


def test_heldout_scenes(monkeypatch: pytest.MonkeyPatch) -> None:
    from examples.world import heldout

    monkeypatch.setattr(heldout, "best_constant01", lambda: (0.5, 0.5))  # seconds of planning
    data = load_split("hazard", "heldout", 2)
    cases = list(data.cases())
    assert len(cases) == data.total == 3
    assert data.unseen == {"debris", "animal"}
    assert [bool(c.slices & data.unseen) for c in cases] == [False, False, True]
    for one in cases:
        point = one.truth["point"]
        x1, y1, x2, y2 = point.box_px
        assert one.image.size_wh == (1280, 720)
        assert x1 <= point.x_px <= x2
        assert y1 <= point.y_px <= y2
    again = next(iter(load_split("hazard", "heldout", 1).cases()))
    assert again.image.content_hash == cases[0].image.content_hash  # frozen


@pytest.mark.skipif(not REAL.is_dir(), reason="the photos of ../shared/real are not here")
def test_photos_and_their_best_constant() -> None:
    """The figures that FACTS and the issue give for a constant point on the 51 photos."""
    from tests.training.hand import said
    from training.evaluation.scoring import Tally, report

    data = load_folder(REAL)
    assert data.total == 51
    tally = Tally(TASK)
    for one in data.cases():
        tally.add(one, {"base": said(None)})
    sides = report(tally, data)["sides"]
    constant = sides["best_constant"]
    assert round(constant["mse_px2"]) == 56488
    assert round(constant["median_px"]) == 142
    assert round(constant["in_box"], 2) == 0.31
    assert sides["base"]["mse_px2"] == sides["centre_prior"]["mse_px2"]
