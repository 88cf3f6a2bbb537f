"""Installing the browser while another program holds one of apt's locks."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from dev import browser

# Fails with apt's own words as long as there are files in `locked`, takes one away each time.
FAKE_APT = """#!/bin/sh
echo "$@" >> "{folder}/calls"
for lock in "{folder}"/locked/*; do
  [ -e "$lock" ] || break
  rm "$lock"
  echo "E: Could not get lock /var/lib/apt/lists/lock. It is held by process 42 (apt)" >&2
  exit 100
done
exit "$(cat "{folder}/code")"
"""


@pytest.fixture
def fake(tmp_path, monkeypatch):
    program = tmp_path / "bin" / "apt-get"
    program.parent.mkdir()
    program.write_text(FAKE_APT.format(folder=tmp_path))
    program.chmod(0o755)
    (tmp_path / "locked").mkdir()
    (tmp_path / "code").write_text("0")
    monkeypatch.setenv("PATH", f"{program.parent}:{os.environ['PATH']}")
    monkeypatch.setattr(browser, "RETRY_S", 0.0)
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    return tmp_path


def calls(fake: Path) -> list[str]:
    return (fake / "calls").read_text().splitlines()


def test_it_waits_for_another_programs_locks(fake):
    for name in ("first", "second"):
        (fake / "locked" / name).touch()
    browser.install()
    made = calls(fake)
    assert ["update" in call for call in made] == [True, True, True, False]
    assert made[-1].endswith("install -qy --no-install-recommends chromium fonts-liberation")
    assert all("-o DPkg::Lock::Timeout=600" in call for call in made)


def test_it_does_not_wait_for_ever(fake):
    (fake / "locked" / "first").touch()
    with pytest.raises(subprocess.CalledProcessError):
        browser.apt("update", wait_s=-1)
    assert len(calls(fake)) == 1


def test_other_errors_are_not_tried_again(fake):
    (fake / "code").write_text("100")
    with pytest.raises(subprocess.CalledProcessError):
        browser.install()
    assert len(calls(fake)) == 1
