"""Corrections out of a home, into an empty one, and the same; and files that lie."""

from __future__ import annotations

import csv
import json
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from pyarrow import parquet as pq

from inference.correction import Fix
from inference.errors import UserError
from inference.fields import Label, Labels, Point, Probability, Step, Steps, Text
from inference.media import load_image
from inference.tasks.hazard import PROMPT
from tests.fixes import hazard_fix
from tests.training.exchange_homes import EVIL, WH, facts, full_home, picture
from training.exchange import importing
from training.exchange.__main__ import main
from training.exchange.exporting import export
from training.exchange.importing import import_file
from training.store.cases import CaseFilter, CorrectionFilter
from training.store.feedback import Answers, Feedback
from training.store.home import find_home

THERE_AND_BACK = ("parquet", "csv")


@pytest.fixture(scope="module")
def feedback(tmp_path_factory: pytest.TempPathFactory) -> Feedback:
    """Shared: no test here changes it."""
    return full_home(tmp_path_factory.mktemp("full"))


@pytest.fixture
def empty(tmp_path: Path) -> Feedback:
    return Feedback(find_home(tmp_path / "other"))


EVERY_KIND = {
    "event": Label("Collision"),
    "actions": Labels(("brake", "turn left")),
    "chance": Probability(1 / 3),
    "advice": Text(EVIL),
    "trace": Steps((Step("brake", "road", 1.5), Step("look", "driver", end_s=2.0))),
    "place": Point(15.0, 20.0, (10.0, 10.0, 20.0, 30.0)),
}


def row(point: str = "(40,50)", image: str = "a.png") -> dict[str, object]:
    """INSIGHT's row."""
    answer = f"The area around {point} should be paid more attention to."
    return {
        "image": image,
        "messages": [
            {"role": "user", "content": f"<image> {PROMPT}"},
            {"role": "assistant", "content": answer},
        ],
    }


def table(folder: Path, *rows: dict[str, str]) -> Path:
    """A CSV file; rows: what differs from a point in a.png."""
    folder.mkdir()
    picture(folder / "a.png", 9)
    usual = {"image": "a.png", "x": "40", "y": "50"}
    names = list(dict.fromkeys([*usual, *(name for cells in rows for name in cells)]))
    with (folder / "rows.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, names, restval="")
        writer.writeheader()
        writer.writerows({**usual, **cells} for cells in rows)
    return folder / "rows.csv"


def insight(folder: Path, rows: object, name: str = "rows.json") -> Path:
    folder.mkdir(exist_ok=True)
    picture(folder / "a.png", 9)
    (folder / name).write_text(json.dumps(rows), encoding="utf-8")
    return folder / name


# ---- there and back --------------------------------------------------------------------------


@pytest.mark.parametrize("packed", [False, True], ids=["folder", "zip"])
@pytest.mark.parametrize("name", THERE_AND_BACK)
def test_round_trip(
    feedback: Feedback, empty: Feedback, tmp_path: Path, name: str, packed: bool
) -> None:
    target = tmp_path / ("out.zip" if packed else "out")
    done = export(feedback, name, target)
    back = import_file(empty, target, "importer")
    expected = {
        c.id: facts(c)
        for c in feedback.corrections()
        if c.status != "withdrawn" and feedback.media(c.media).kind == "image"
    }
    assert {c.id: facts(c) for c in empty.corrections()} == expected
    assert done.rows == back.added == len(expected) >= 3
    assert (back.known, back.problems) == (0, ())
    assert done.pictures == back.pictures == 2
    assert sum(done.left_out.values()) == 1  # of a clip
    before = feedback.corrections()
    again = import_file(feedback, target, "importer")  # where they came from
    assert (again.added, again.known, again.problems) == (0, done.rows, ())
    assert feedback.corrections() == before
    for case in empty.cases():
        old = feedback.case(case.id)
        assert (case.media.slices, case.media.name) == (old.media.slices, old.media.name)
        new, source = empty.media_path(case.media.hash), feedback.media_path(case.media.hash)
        assert new.read_bytes() == source.read_bytes()


@pytest.mark.parametrize("name", THERE_AND_BACK)
@pytest.mark.usefixtures("made_up")
def test_every_kind_of_field_there_and_back(empty: Feedback, tmp_path: Path, name: str) -> None:
    """Of a task of its own; an export is of one task at a time."""
    feedback = full_home(tmp_path / "full")
    (media, *_) = [c.media for c in feedback.corrections()]
    answers = Answers("made_up", "tiny", "?", {"values": {"event": {"value": "Normal"}}})
    prediction = feedback.add_answers(media, answers)
    for who, verdict, values in (("ann", "wrong", EVERY_KIND), ("bob", "right", {})):
        fix = Fix("made_up", verdict, values)
        feedback.correct(
            task="made_up", media=media, prediction=prediction, payload=fix, author=who
        )
    done = export(feedback, name, tmp_path / "out", CaseFilter(task="made_up"))
    assert (done.rows, done.left_out) == (2, {})
    assert import_file(empty, tmp_path / "out", "importer").problems == ()
    made = {c.id: facts(c) for c in feedback.corrections(CorrectionFilter(task="made_up"))}
    assert {c.id: facts(c) for c in empty.corrections()} == made
    mixed = export(feedback, name, tmp_path / "mixed")
    assert "another task" in " ".join(mixed.left_out)
    # Taught as the task's own sentences, and read back by its parser.
    taught = export(feedback, "sharegpt", tmp_path / "chat.zip", CaseFilter(task="made_up"))
    assert taught.rows == 2


def test_withdrawn_goes_and_comes_when_asked_for(
    feedback: Feedback, empty: Feedback, tmp_path: Path
) -> None:
    export(feedback, "csv", tmp_path / "out", CaseFilter(status="withdrawn"))
    import_file(empty, tmp_path / "out", "importer")
    assert [(c.author, c.status) for c in empty.corrections()] == [("ann", "withdrawn")]


def test_filters_choose_corrections_not_only_cases(feedback: Feedback, tmp_path: Path) -> None:
    done = export(feedback, "csv", tmp_path / "out", CaseFilter(author="cleo"))
    assert done.rows == 2
    with pytest.raises(UserError, match="nothing to export"):
        export(feedback, "csv", tmp_path / "none", CaseFilter(author="nobody"))
    assert not (tmp_path / "none").exists()


def test_imported_by_somebody_who_is_not_believed(
    feedback: Feedback, empty: Feedback, tmp_path: Path
) -> None:
    export(feedback, "parquet", tmp_path / "out")
    import_file(empty, tmp_path / "out", "eve", keep_people=False)
    found = empty.corrections()
    assert {(c.author, c.status) for c in found} == {("eve", "open")}
    assert not {c.id for c in found} & {c.id for c in feedback.corrections()}


def test_dry_run_keeps_nothing(feedback: Feedback, empty: Feedback, tmp_path: Path) -> None:
    export(feedback, "csv", tmp_path / "out")
    told = import_file(empty, tmp_path / "out", "importer", dry_run=True)
    assert told.added == 5
    assert empty.corrections() == []
    assert list(empty.home.media.iterdir()) == []


# ---- what other programs see -----------------------------------------------------------------


def test_sharegpt_is_what_llama_factory_reads(feedback: Feedback, tmp_path: Path) -> None:
    export(feedback, "sharegpt", tmp_path / "out", CaseFilter(status="accepted"))
    info = json.loads((tmp_path / "out/dataset_info.json").read_text())["sightline_hazard"]
    assert info["formatting"] == "sharegpt"
    assert info["columns"] == {"messages": "messages", "images": "images"}
    assert info["tags"]["role_tag"] == "role"
    rows = json.loads((tmp_path / "out" / info["file_name"]).read_text())
    # The centre of the box, (20.2, 30.45), in whole pixels of the original picture.
    assert rows[0]["messages"] == row("(20,30)")["messages"]
    assert set(rows[0]) == {"messages", "images"}
    assert load_image(tmp_path / "out" / rows[0]["images"][0]).size_wh == WH


def test_sharegpt_takes_what_may_be_trained_on(
    feedback: Feedback, empty: Feedback, tmp_path: Path
) -> None:
    """It comes back as rows of INSIGHT's: points in whole pixels, the importer's own."""
    done = export(feedback, "sharegpt", tmp_path / "out")
    assert (done.rows, sum(done.left_out.values())) == (3, 3)
    back = import_file(empty, tmp_path / "out", "importer")
    assert (back.added, back.known, back.problems) == (2, 1, ())  # two people said the same
    found = {(c.author, c.status, c.values["point"].xy) for c in empty.corrections()}
    assert found == {("importer", "open", p) for p in [(20.0, 30.0), (21.0, 30.0)]}


def test_parquet_says_that_pictures_are_pictures(feedback: Feedback, tmp_path: Path) -> None:
    export(feedback, "parquet", tmp_path / "out")
    found = pq.read_table(tmp_path / "out" / "train-00000-of-00001.parquet")
    features = json.loads(found.schema.metadata[b"huggingface"])["info"]["features"]
    assert features["image"] == {"_type": "Image"}
    assert list(features) == found.schema.names
    assert set(found.schema.field("image").type.names) == {"bytes", "path"}
    first = found.to_pylist()[0]["image"]
    (tmp_path / first["path"]).write_bytes(first["bytes"])
    assert load_image(tmp_path / first["path"]).size_wh == WH


def test_coco_numbers_fit_together(feedback: Feedback, tmp_path: Path) -> None:
    export(feedback, "coco", tmp_path / "out")
    data = json.loads((tmp_path / "out/annotations.json").read_text())
    images = {i["id"]: i for i in data["images"]}
    kinds = {c["id"]: c["name"] for c in data["categories"]}
    assert len(images) == 2
    boxed = next(a for a in data["annotations"] if a["area"] > 0)
    assert kinds[boxed["category_id"]] == "cyclist"
    assert boxed["bbox"] == pytest.approx([10.1, 20.2, 20.2, 20.5])
    assert boxed["keypoints"] == pytest.approx([20.2, 30.45, 2])
    assert (tmp_path / "out" / images[boxed["image_id"]]["file_name"]).is_file()
    assert {a["num_keypoints"] for a in data["annotations"]} == {0, 1}


# ---- the place of an export ------------------------------------------------------------------


def test_export_never_writes_over_something(feedback: Feedback, tmp_path: Path) -> None:
    (tmp_path / "full").mkdir()
    (tmp_path / "full/mine").write_text("x")
    (tmp_path / "there.zip").write_text("x")
    for target in ("full", "full/mine", "there.zip"):
        with pytest.raises(UserError, match="taken"):
            export(feedback, "csv", tmp_path / target)
    (tmp_path / "bare").mkdir()
    export(feedback, "csv", tmp_path / "bare")
    assert (tmp_path / "bare/corrections.csv").is_file()


@pytest.mark.parametrize("target", ["out", "out.zip"])
def test_broken_export_leaves_nothing(
    feedback: Feedback, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, target: str
) -> None:
    def full_disk(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("training.exchange.folders.shutil.copyfile", full_disk)
    before = set(tmp_path.iterdir())
    with pytest.raises(UserError, match="No space left"):
        export(feedback, "coco", tmp_path / target)
    assert set(tmp_path.iterdir()) == before


# ---- INSIGHT's rows --------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["json", "jsonl", "parquet"])
def test_insights_released_rows(empty: Feedback, tmp_path: Path, kind: str) -> None:
    source = tmp_path / "insight"
    file = insight(source, [row()])
    if kind == "jsonl":
        file.unlink()
        file = source / "rows.jsonl"
        file.write_text(json.dumps(row()) + "\n\n", encoding="utf-8")
    if kind == "parquet":  # as released: a list of pictures with their bytes
        file.unlink()
        data = {"bytes": (source / "a.png").read_bytes(), "path": "a.png"}
        table = pa.Table.from_pylist([{"images": [data], "messages": row()["messages"]}])
        file = source / "train-00000.parquet"
        pq.write_table(table, file)
    for path in (file, source):
        import_file(empty, path, "insight")
    (made,) = empty.corrections()  # the second time it was known
    assert made.payload == hazard_fix("wrong", (40.0, 50.0))
    assert (made.author, made.status, made.prediction) == ("insight", "open", None)
    assert empty.media_path(made.media).read_bytes() == (source / "a.png").read_bytes()


def test_bad_rows_are_told_and_the_good_ones_kept(empty: Feedback, tmp_path: Path) -> None:
    outside = picture(tmp_path / "secret.png", 77)
    bad = [
        [row("(999,3)"), "outside the image"],
        [row("(x,y)"), "no numbers"],
        [row(image="../secret.png"), "leaves its folder"],
        [row(image=str(outside)), "leaves its folder"],
        [row(image="link.png"), "leaves its folder"],
        [row(image="none.png"), "cannot be read"],
        [row(image="rows.json"), "not an image"],
        [{"messages": row()["messages"]}, "no image"],
        [{"image": "a.png"}, "Neither an answer nor a verdict"],
        ["text", "not an object"],
    ]
    rows = [r for r, _ in bad]
    file = insight(tmp_path / "insight", [row(), *rows, row("(1,2)")])
    (tmp_path / "insight/link.png").symlink_to(outside)
    done = import_file(empty, file, "insight")
    assert done.added == 2
    assert [p.place for p in done.problems] == [f"row {n + 2}" for n in range(len(bad))]
    for problem, (_, reason) in zip(done.problems, bad, strict=True):
        assert reason in problem.reason
    assert len(list(empty.home.media.iterdir())) == 1


def test_bad_cells_are_told(empty: Feedback, tmp_path: Path) -> None:
    bad = [
        ({"status": "great"}, "Unknown status"),
        ({"author": "a" * 999}, "too long"),
        ({"id": "a'; drop"}, "Not an id"),
        ({"created": "yesterday"}, "Not a time"),
        ({"slices": '"night"'}, "Not a list"),
        ({"hazard_kind": "ghost"}, "Unknown hazard kind"),
        ({"x": "1e400"}, "Not a point"),
        ({"verdict": "maybe"}, "Unknown verdict"),
    ]
    done = import_file(empty, table(tmp_path / "in", *(cells for cells, _ in bad)), "insight")
    assert done.added == 0
    assert [p.place for p in done.problems] == [f"row {n + 1}" for n in range(len(bad))]
    for problem, (_, reason) in zip(done.problems, bad, strict=True):
        assert reason in problem.reason


def test_an_id_that_is_taken_is_told(feedback: Feedback, tmp_path: Path) -> None:
    taken = feedback.corrections()[0].id
    file = table(tmp_path / "in", {"id": taken})
    done = import_file(feedback, file, "eve")
    assert done.added == 0
    assert taken in done.problems[0].place


def test_nothing_is_kept_of_an_import_that_fails_midway(
    empty: Feedback, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = insight(tmp_path / "insight", [row(f"({n},{n})") for n in range(5)])
    keep, calls = importing._keep_correction, []

    def dies(db: object, item: object) -> None:
        calls.append(item)
        if len(calls) == 4:
            raise OSError("pulled the plug")
        keep(db, item)  # type: ignore[arg-type]

    monkeypatch.setattr(importing, "_keep_correction", dies)
    with pytest.raises(OSError, match="plug"):
        import_file(empty, file, "insight")
    monkeypatch.undo()
    assert empty.corrections() == []
    assert import_file(empty, file, "insight").added == 5


def test_two_imports_at_once_make_one(
    empty: Feedback, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The other one comes between this one's look and its writing."""
    file = insight(tmp_path / "insight", [row(), row("(1,2)")])
    look = importing._new

    def slow(*arguments: Any) -> Any:
        found = look(*arguments)
        monkeypatch.undo()
        assert import_file(empty, file, "insight").added == 2
        return found

    monkeypatch.setattr(importing, "_new", slow)
    late = import_file(empty, file, "insight")
    assert (late.added, late.known, late.pictures) == (0, 2, 0)
    assert len(empty.corrections()) == 2


@pytest.mark.parametrize(
    ("name", "content", "reason"),
    [
        ("a.json", b"{", "not JSON"),
        ("a.json", b"[" * 100_000, "not JSON"),
        ("a.json", b'{"a": 1}', "no list of rows"),
        ("a.json", b'{"images": [], "annotations": []}', "no list of rows"),
        ("a.parquet", b"PAR1", "Parquet file cannot be read"),
        ("a.csv", b"file,x\n", "lacks columns"),
        ("a.csv", b"image,x,y\n\xff\xfe,1,2\n", "UTF-8"),
        ("a.txt", b"hello", "No list of corrections"),
        ("a.zip", b"PK\x05\x06" + b"\0" * 18, "No list of corrections"),
    ],
)
def test_files_that_cannot_be_read(
    empty: Feedback, tmp_path: Path, name: str, content: bytes, reason: str
) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(UserError, match=reason):
        import_file(empty, tmp_path / name, "me")


@pytest.mark.parametrize("name", ["../evil.json", "/tmp/evil.json", "a/../../evil.json"])
def test_a_zip_cannot_write_outside(empty: Feedback, tmp_path: Path, name: str) -> None:
    with zipfile.ZipFile(tmp_path / "in.zip", "w") as packed:
        packed.writestr(name, "[]")
    with pytest.raises(UserError, match="leaves its folder"):
        import_file(empty, tmp_path / "in.zip", "me")
    assert not list(tmp_path.rglob("evil.json"))


def test_a_zip_bomb_is_refused(
    empty: Feedback, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("training.exchange.folders.MAX_ZIP_BYTES", 1000)
    with zipfile.ZipFile(tmp_path / "in.zip", "w", zipfile.ZIP_DEFLATED) as packed:
        packed.writestr("rows.json", " " * 1001)
    with pytest.raises(UserError, match="too large"):
        import_file(empty, tmp_path / "in.zip", "me")


def test_listing_formats_imports_nothing_heavy() -> None:
    """pandas, which gradio brings, imports pyarrow itself."""
    code = (
        "import sys, training.exchange.importing, training.exchange.exporting;"
        "import training.agreement.measures;"
        "print([m for m in ('pyarrow.parquet', 'nltk', 'torch') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


# ---- command line ----------------------------------------------------------------------------


def test_command_line(
    feedback: Feedback, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    here, there, out = str(feedback.home.root), str(tmp_path / "new"), str(tmp_path / "o.zip")
    assert main(["--home", here, "export", "parquet", out, "--author", "cleo"]) == 0
    assert "2 corrections of 2 images" in capsys.readouterr().out
    assert main(["--home", there, "import", out, "--dry-run"]) == 0
    assert main(["--home", there, "import", out]) == 0
    assert "2 corrections of 2 images added, 0 known" in capsys.readouterr().out
    assert main(["--home", here, "export", "csv", out]) == 2
    assert "taken" in capsys.readouterr().err
    bad = insight(tmp_path / "insight", [row("(x)"), row()])
    assert main(["--home", there, "import", str(bad)]) == 1
    assert "row 1: No hazard point" in capsys.readouterr().err
