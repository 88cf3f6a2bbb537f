"""What the app starts beside its page, and in what order."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

import pytest

import app
from inference.errors import UserError
from training.store.backup import backup, backups
from training.store.database import connect
from training.store.home import Home, find_home
from ui.shell import startup

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Home:
    monkeypatch.delenv("SIGHTLINE_BACKUPS", raising=False)
    monkeypatch.delenv("SIGHTLINE_DATASET", raising=False)
    return find_home(tmp_path / "home")


@pytest.fixture
def started(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, bool]]:
    """What was started, and whether the database was there by then."""
    seen: list[tuple[str, bool]] = []

    class Recorder:
        def __init__(self, name: str, home: Home) -> None:
            self.name, self.home = name, home

        def start(self) -> None:
            seen.append((self.name, self.home.database.exists()))

    for name in ("BackupThread", "Mirror", "Supervisor"):
        monkeypatch.setattr(
            startup, name, lambda home, *more, name=name: Recorder(name + "".join(more), home)
        )
    monkeypatch.setattr(signal, "signal", lambda *_: None)
    return seen


def test_a_lost_database_is_back_before_anything_starts(home, started):
    with connect(home):
        pass
    backup(home)
    for file in home.root.glob("sightline.db*"):
        file.unlink()
    startup.run_beside(home)
    assert started == [("BackupThread", True), ("Supervisor", True)]


def test_a_first_start_has_nothing_to_restore(home, started):
    startup.run_beside(home)
    assert started == [("BackupThread", False), ("Supervisor", False)]


def test_the_mirror_runs_where_a_dataset_is_named(home, started, monkeypatch):
    monkeypatch.setenv("SIGHTLINE_DATASET", "me/events")
    startup.run_beside(home)
    assert "Mirrorme/events" in [name for name, _ in started]
    monkeypatch.setenv("SIGHTLINE_DATASET", "not a name")
    with pytest.raises(UserError):
        startup.run_beside(home)


@pytest.mark.slow
def test_the_app_keeps_its_home_to_itself_and_leaves_a_backup(home):
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "app.py", "--port", str(port), "--home", str(home.root)]
    env = {**os.environ, "HF_HUB_OFFLINE": "1"}
    process = subprocess.Popen(command, cwd=ROOT, env=env, stderr=subprocess.PIPE, text=True)
    try:
        until = time.monotonic() + 150
        while True:
            assert process.poll() is None, process.stderr.read()
            assert time.monotonic() < until, "no page"
            try:
                with urllib.request.urlopen(f"http://127.0.0.1:{port}/", timeout=30):
                    break
            except OSError:
                time.sleep(0.3)
        while not home.database.exists():  # the training queue's first look makes it
            assert time.monotonic() < until, "no database"
            time.sleep(0.1)
        for path in (home.database, home.media, ROOT / "app.py"):
            with pytest.raises(urllib.error.HTTPError) as refused:
                urllib.request.urlopen(f"http://127.0.0.1:{port}/gradio_api/file={path}")
            assert refused.value.code in (403, 404)
        process.send_signal(signal.SIGTERM)
        process.wait(60)
        assert len(backups(home)) == 1
    finally:
        process.kill()
        process.communicate()


@pytest.mark.slow
def test_a_home_that_cannot_be_made_is_said(tmp_path):
    (tmp_path / "file").write_text("")
    command = [sys.executable, "app.py", "--home", str(tmp_path / "file" / "home")]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=170)
    assert done.returncode == 1
    assert "cannot be written" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    ("line", "shared", "role"),
    [
        ("", "", "trainer"),
        ("--host localhost", "", "trainer"),
        ("--host ::1", "", "trainer"),
        ("--host 127.0.0.2", "", "trainer"),
        ("--host 0.0.0.0", "", "viewer"),
        ("--host ::", "", "viewer"),
        ("--host 192.168.1.7", "", "viewer"),
        ("--host somewhere.org", "", "viewer"),
        ("", "True", "viewer"),
        ("--host 0.0.0.0 --trust-network", "", "trainer"),
        ("--no-trust-network", "", "viewer"),
    ],
)
def test_who_reaches_the_app_over_a_network_may_only_look(line, shared, role, home, monkeypatch):
    for name in ("SPACE_ID", "GRADIO_SERVER_NAME", "SIGHTLINE_TRUST_NETWORK"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("GRADIO_SHARE", shared)
    flags = app.parse_flags(line.split())
    assert startup.build_services(flags, home, ROOT / "examples").who(None).role == role
    assert ("only look" in startup.who_may_what(flags)) == (role == "viewer")


@pytest.mark.parametrize(("value", "role"), [("1", "trainer"), ("0", "viewer"), ("", "viewer")])
def test_the_environment_may_trust_the_network(value, role, home, monkeypatch):
    monkeypatch.delenv("SPACE_ID", raising=False)
    monkeypatch.setenv("GRADIO_SERVER_NAME", "0.0.0.0")
    monkeypatch.setenv("SIGHTLINE_TRUST_NETWORK", value)
    flags = app.parse_flags([])
    assert startup.build_services(flags, home, ROOT / "examples").who(None).role == role
