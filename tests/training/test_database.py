"""The database: migrations, settings, and what it says when something is wrong with it."""

from __future__ import annotations

import json
import multiprocessing
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from sqlite_utils import Database

from inference.errors import UserError
from inference.fields import Point
from tests.fixes import hazard_fix
from training.store.cases import values_of
from training.store.database import FEEDBACK, TRAINING, _run, connect, migrations
from training.store.feedback import Feedback
from training.store.home import Home, find_home

TABLES = {
    "media", "predictions", "corrections", "withdrawals", "reviews", "snapshots",
    "snapshot_corrections", "jobs", "job_metrics", "adapters", "evaluations", "promotions",
    "mirrored",
}  # fmt: skip


def test_fresh_database_has_all_tables_and_safe_settings(tmp_path: Path) -> None:
    with connect(Home(tmp_path)) as db:
        assert set(db.table_names()) >= TABLES
        assert db.execute("PRAGMA journal_mode").fetchone() == ("wal",)
        assert db.execute("PRAGMA foreign_keys").fetchone() == (1,)
        assert db.execute("PRAGMA synchronous").fetchone() == (2,)  # FULL
        assert not migrations.pending(db)
        with pytest.raises(sqlite3.IntegrityError):
            db.execute("insert into withdrawals values ('nothing', 'ann', 'now')")


def test_older_database_is_migrated_and_keeps_its_rows(tmp_path: Path) -> None:
    home = Home(tmp_path)
    db = Database(home.database)
    migrations.apply(db, stop_before="003_store")
    db.execute("insert into media values ('h', 'image', 'h.png', 1, 1, 1, null, '[]', '', 'now')")
    db.execute(
        "insert into predictions (id, task, media, backbone, prompt, base, created)"
        " values ('p', 'hazard', 'h', 'tiny', 'Where?', '{}', 'now')"
    )
    db.conn.commit()
    db.close()
    with connect(home) as migrated:
        row = next(iter(migrated.query("select id, truth from predictions")))
        assert row == {"id": "p", "truth": None}


OLD_SIDE = {"label": "x", "text": "y", "point_px": [1.5, 2], "point_source": "head", "logprob": -1}
OLD_FIXES = {  # what earlier versions wrote, and what it means
    "a": (
        {"verdict": "wrong", "point_px": [15, 20], "box_px": [10, 10, 20, 30],
         "hazard_kind": "debris", "rationale": "a box", "five_second": True},
        hazard_fix(box=(10, 10, 20, 30), kind="debris", reason="a box", five_second=True),
    ),
    "b": (
        {"verdict": "no_hazard", "point_px": None, "box_px": None, "hazard_kind": None,
         "rationale": "", "five_second": False},
        hazard_fix("none"),
    ),
    "c": ({"verdict": "right"}, hazard_fix("right")),
}  # fmt: skip


def test_points_of_earlier_versions_become_values(tmp_path: Path) -> None:
    home = find_home(tmp_path)
    with closing(sqlite3.connect(home.database)) as conn:
        db = Database(conn)
        migrations.apply(db, stop_before="005_fields")
        db.execute(
            "insert into media values ('h', 'image', 'h.png', 90, 90, 1, null, '[]', '', '')"
        )
        nothing = {"label": "base", "text": "no", "point_px": None, "reason": "no numbers"}
        db.execute(
            "insert into predictions (id, task, media, backbone, prompt, base, finetuned, truth,"
            " created) values ('p', 'hazard', 'h', 'tiny', '', ?, ?, '[3, 4]', '')",
            [json.dumps(nothing), json.dumps(OLD_SIDE)],
        )
        for id_, (old, _) in OLD_FIXES.items():
            db.execute(
                "insert into corrections (id, task, media, prediction, kind, payload, before,"
                " author, created) values (?, 'hazard', 'h', 'p', ?, ?, ?, ?, ?)",
                [id_, old["verdict"], json.dumps(old), json.dumps(OLD_SIDE), id_, id_],
            )
        conn.commit()
    case = Feedback(home).case("hazard:h")
    assert {c.id: c.payload for c in case.corrections} == {
        k: fix for k, (_, fix) in OLD_FIXES.items()
    }
    head = Point(1.5, 2, source="head")
    assert [values_of("hazard", c.before) for c in case.corrections] == [{"point": head}] * 3
    assert case.corrections[2].values == {"point": head}  # "right": where the model pointed
    (answer,) = case.predictions
    assert (answer.values(answer.base), answer.base["missing"]) == ({}, {"point": "no numbers"})
    assert answer.values(answer.shown) == {"point": head}
    assert (answer.shown["label"], answer.shown["logprob"]) == ("x", -1)
    assert answer.truth == {"point": Point(3, 4, source="truth")}
    assert [c.id for c in Feedback(home).cases()] == ["hazard:h"]
    with connect(home) as db:
        kinds = [row[0] for row in db.execute("select kind from corrections")]
    assert kinds == ["wrong", "none", "right"]


def test_migration_that_fails_half_way_leaves_nothing(tmp_path: Path) -> None:
    db = Database(tmp_path / "x.db")
    with pytest.raises(sqlite3.OperationalError), db.atomic():
        _run(db, FEEDBACK + TRAINING + "CREATE TABLE media (again TEXT);")
    assert db.table_names() == []


def test_newer_database_is_refused(tmp_path: Path) -> None:
    home = Home(tmp_path)
    with connect(home):
        pass
    with closing(sqlite3.connect(home.database)) as db, db:
        db.execute(
            "insert into _sqlite_migrations (migration_set, name, applied_at)"
            " values ('sightline', '999_future', 'now')"
        )
    moved = Home(tmp_path / "moved")
    home.root.joinpath("moved").mkdir()
    home.database.rename(moved.database)
    with pytest.raises(UserError, match="newer Sightline"), connect(moved):
        pass


def test_file_that_was_replaced_is_migrated_again(tmp_path: Path) -> None:
    home = Home(tmp_path)
    with connect(home):
        pass
    home.database.unlink()
    with connect(home) as db:
        assert set(db.table_names()) >= TABLES


def _open(root: Path) -> int:
    with connect(Home(root)) as db:
        return len(TABLES - set(db.table_names()))


@pytest.mark.slow
def test_many_processes_may_open_a_new_home_at_once(tmp_path: Path) -> None:
    with multiprocessing.get_context("spawn").Pool(6) as pool:
        assert pool.map(_open, [tmp_path] * 12) == [0] * 12


def test_home_is_where_it_was_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SIGHTLINE_HOME", str(tmp_path / "named"))
    home = find_home()
    assert home.root == tmp_path / "named"
    assert home.media.is_dir()
    assert find_home(tmp_path / "given").root == tmp_path / "given"
    assert home.backups == home.root / "backups"
    monkeypatch.setenv("SIGHTLINE_BACKUPS", str(tmp_path / "bucket"))
    assert home.backups == tmp_path / "bucket"


def test_home_that_cannot_be_made_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(UserError, match="SIGHTLINE_HOME"):
        find_home(tmp_path / "file")
