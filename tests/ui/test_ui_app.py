"""The command line: flags, the environment, and services that ask for no torch."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

import app


def test_flags_of_make_run(monkeypatch):
    line = "--model m --adapter a --adapter b --quantize nf4 --device cuda --port 7999"
    flags = app.parse_flags(line.split(" "))
    assert (flags.model, flags.adapter, flags.quantize) == ("m", ["a", "b"], "nf4")
    assert (flags.device, flags.host, flags.port) == ("cuda", "127.0.0.1", 7999)


def test_the_environment_sets_defaults_and_flags_win(monkeypatch):
    for name, value in {"MODEL": "me/mine", "ADAPTER": "a,b", "PORT": "8000"}.items():
        monkeypatch.setenv(f"SIGHTLINE_{name}", value)
    flags = app.parse_flags(["--model", "other"])
    assert (flags.model, flags.adapter, flags.port) == ("other", ["a", "b"], 8000)
    assert app.parse_flags(["--adapter", "c"]).adapter == ["c"]


def test_the_home_comes_from_the_environment_or_a_flag(monkeypatch):
    monkeypatch.setenv("SIGHTLINE_HOME", "/somewhere")
    assert app.parse_flags([]).home == Path("/somewhere")
    assert app.parse_flags(["--home", "/else"]).home == Path("/else")


def test_defaults(monkeypatch):
    monkeypatch.delenv("GRADIO_SERVER_PORT", raising=False)
    monkeypatch.delenv("SIGHTLINE_HOME", raising=False)
    flags = app.parse_flags([])
    assert flags.home is None
    assert (flags.model, flags.adapter, flags.port) == (None, [], 7860)
    assert flags.embedded.name == "sightline-tiny"


@pytest.mark.slow
def test_building_the_page_imports_no_torch(tmp_path, monkeypatch):
    monkeypatch.setenv("SIGHTLINE_HOME", str(tmp_path))
    code = (
        "import sys, app; from ui.layout import build_page;"
        "build_page(app.build_services(app.parse_flags([])));"
        "heavy = {'torch', 'transformers', 'peft', 'captum', 'bitsandbytes'};"
        "sys.exit(', '.join(heavy & set(sys.modules)) or 0)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=Path(app.__file__).parent, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr


def test_no_stub_files_are_left_beside_the_source():
    assert not list(Path(app.__file__).parent.glob("ui/**/*.pyi"))


def test_no_style_sheet_has_a_comma_inside_is():
    """Gradio splits selectors there, and the parts then outrank other rules."""
    for sheet in Path(app.__file__).parent.glob("ui/**/*.css"):
        found = re.findall(r":is\([^()]*,[^()]*\)", sheet.read_text(encoding="utf-8"))
        assert not found, f"{sheet}: {found}"
