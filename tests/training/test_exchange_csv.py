"""Cells that a spreadsheet would run."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from inference.fields import Point
from tests.fixes import hazard_fix
from tests.training.exchange_homes import full_home, picture
from training.exchange.exporting import export
from training.exchange.importing import import_file
from training.exchange.table import guarded, plain
from training.store.cases import values_of
from training.store.feedback import Feedback
from training.store.home import find_home


@pytest.mark.parametrize(
    "text", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "\n=1", " =1", "＝1+1", "'=1"]
)
def test_formulas_become_text(text: str) -> None:
    assert guarded(text) == f"'{text}"
    assert plain(guarded(text)) == text


@settings(max_examples=60, deadline=None)
@given(st.text(st.sampled_from("='+-@ \t\r\na1"), max_size=6))
def test_guard_is_taken_away_again(text: str) -> None:
    assert plain(guarded(text)) == text
    assert not guarded(text).strip(" ").startswith(("=", "+", "-", "@", "\t", "\r", "\n"))


def test_no_cell_of_an_export_begins_like_a_formula(tmp_path: Path) -> None:
    export(full_home(tmp_path), "csv", tmp_path / "out")
    with (tmp_path / "out/corrections.csv").open(encoding="utf-8-sig", newline="") as file:
        rows = list(csv.reader(file))
    cells = [cell for row in rows for cell in row]
    assert any(cell.startswith("'=HYPERLINK") for cell in cells)
    assert "'=ben" in cells and "'@rita" in cells
    assert not [cell for cell in cells if cell.startswith(("=", "+", "-", "@"))]


def test_somebody_elses_table_with_semicolons(tmp_path: Path) -> None:
    picture(tmp_path / "a.png", 1)
    text = "image;x;y;note\na.png;10;20,5;odd number\na.png;10;20.5;fine\na.png;;;no point\na.png\n"
    (tmp_path / "mine.csv").write_text(text, encoding="utf-8")
    feedback = Feedback(find_home(tmp_path / "home"))
    done = import_file(feedback, tmp_path / "mine.csv", "ann")
    assert [p.place for p in done.problems] == ["row 1", "row 3", "row 4"]
    (made,) = feedback.corrections()
    assert made.payload == hazard_fix("wrong", (10.0, 20.5))
    assert made.author == "ann"


def test_tables_of_earlier_versions_are_read(tmp_path: Path) -> None:
    """They called the reason a rationale, and had a verdict no_hazard."""
    picture(tmp_path / "a.png", 1)
    (tmp_path / "old.csv").write_text(
        "image,id,verdict,x,y,box_x1,box_y1,box_x2,box_y2,hazard_kind,rationale,five_second,"
        "author,status,adapter,model_x,model_y\n"
        'a.png,a1,wrong,15,20,10,10,20,30,debris,"\'=a box, lost",1,ann,accepted,patch,20,30\n'
        "a.png,b2,no_hazard,,,,,,,,,0,ben,open,,,\n",
        encoding="utf-8",
    )
    feedback = Feedback(find_home(tmp_path / "home"))
    assert import_file(feedback, tmp_path / "old.csv", "eve").problems == ()
    boxed, none = feedback.corrections()
    assert boxed.payload == hazard_fix(
        box=(10, 10, 20, 30), kind="debris", reason="=a box, lost", five_second=True
    )
    assert (boxed.author, boxed.status) == ("ann", "accepted")
    assert values_of("hazard", boxed.before) == {"point": Point(20, 30)}
    assert none.payload == hazard_fix("none")
