"""The project's own promises: import rules, README, requirements, sizes."""

from __future__ import annotations

import importlib.util
import os
import re
import shutil
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement

from dev import figures
from tests import project_rules as rules

ROOT = Path(__file__).resolve().parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")
MAKEFILE = (ROOT / "Makefile").read_text(encoding="utf-8")
MAX_FILE_BYTES = 9_500_000  # a Space's git takes files under 10 MB without LFS
SPACE_COLOURS = {"red", "yellow", "green", "blue", "indigo", "purple", "pink", "gray"}
# Tried together, see FACTS.md.
TRIED = {
    "torch": "2.13.0", "transformers": "5.23.0", "peft": "0.21.2", "bitsandbytes": "0.50.2",
    "accelerate": "1.15.0", "gradio": "6.31.0", "captum": "0.9.0", "plotly": "7.1.0",
    "sqlite-utils": "4.2.1", "opencv-python-headless": "5.0.0.93", "numpy": "2.4.6",
}  # fmt: skip
UNWANTED = {"torchvision", "torchaudio", "inference", "kaleido", "opencv-python"}
DEVELOPMENT = {"pytest", "ruff", "mypy", "playwright", "hypothesis", "import-linter"}


# ---- import rules ----------------------------------------------------------------------------


def lint_imports(folder: Path) -> tuple[int, str]:
    command = [Path(sys.executable).parent / "lint-imports", "--no-cache", "--no-logo"]
    env = {**os.environ, "PYTHONPATH": str(folder)}
    done = subprocess.run(command, cwd=folder, env=env, capture_output=True, text=True)
    return done.returncode, done.stdout + done.stderr


@pytest.fixture(scope="module")
def copied(tmp_path_factory):
    """The rooms' code and the settings, to plant violations in."""
    folder = tmp_path_factory.mktemp("copy")
    files = [ROOT / "pyproject.toml", *(path for _, path in rules.modules(ROOT))]
    for path in files:
        target = folder / path.relative_to(ROOT)
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(path, target)
    return folder


def test_import_rules_hold(copied):
    code, output = lint_imports(copied)
    assert code == 0, output


PLANTED = (
    ("inference/schema.py", "import ui.shell.services", "ui -> explain | training -> inference"),
    ("explain/types.py", "import training.evaluation.metrics", "ui -> explain | training"),
    ("training/evaluation/metrics.py", "import explain.types", "ui -> explain | training"),
    ("training/store/home.py", "import training.jobs.rows", "training: proof | worker -> jobs"),
    ("ui/shell/services.py", "import app", "Nothing imports app"),
    ("ui/models/view.py", "import ui.scene.view", "ui: pages -> components -> shell"),
    ("ui/shell/runs.py", "import ui.components.panels", "ui: pages -> components -> shell"),
    ("inference/service.py", "import examples.world", "Nothing imports examples"),
    ("benchmarks/measure.py", "import ui.shell.services", "use only what lies below ui"),
    ("explain/maps.py", "import plotly", "import gradio or plotly"),
    ("ui/scene/handlers/run.py", "import gradio", "Handlers are plain functions"),
    ("ui/shell/services.py", "import inference.predictor", "The page opens without torch"),
    ("explain/maps.py", "def late():\n    import torch", "The page opens without torch"),
    ("examples/world/scene.py", "import inference.heads", "The drawn world needs no model"),
)


def test_import_rules_catch_each_violation(copied):
    """All planted at once: a run of import-linter costs seconds."""
    before = {m: (copied / m).read_text(encoding="utf-8") for m, _, _ in PLANTED}
    try:
        for module, line, _ in PLANTED:
            with (copied / module).open("a", encoding="utf-8") as file:
                file.write(f"\n\n{line}\n")
        code, output = lint_imports(copied)
    finally:
        for module, text in before.items():
            (copied / module).write_text(text, encoding="utf-8")
    assert code != 0
    for module, line, broken in PLANTED:
        assert re.search(rf"{re.escape(broken)}.{{0,90}}? BROKEN", " ".join(output.split())), output
        source = module.removesuffix(".py").replace("/", ".")
        target = line.split()[-1].partition(".")[0]
        assert re.search(rf"{re.escape(source)} -> {target}", output), (module, output)


def test_strings_that_name_modules_obey_the_arrows():
    found = list(rules.entries(ROOT))
    assert len(found) > 20
    assert [pair for pair in found if rules.upward(*pair)] == []
    for _, target in found:
        assert (ROOT / f"{target.replace('.', '/')}.py").is_file(), target


def test_an_upward_string_is_caught(copied):
    path = copied / "training" / "store" / "planted.py"
    path.write_text('ENTRY = "training.jobs.queue:run"\nWORLD = "examples.world:draw"\n')
    try:
        planted = [p for p in rules.entries(copied) if p[0] == "training.store.planted"]
    finally:
        path.unlink()
    assert [rules.upward(*pair) for pair in planted] == [True, True]


def test_heavy_libraries_only_in_named_modules():
    assert rules.heavy_imports(ROOT) == []


def test_heavy_import_is_caught(copied):
    path = copied / "training" / "planted.py"
    path.write_text("def late():\n    from torch import nn\n", encoding="utf-8")
    try:
        assert rules.heavy_imports(copied) == ["training.planted imports torch"]
    finally:
        path.unlink()


def test_page_is_built_without_torch():
    code = (
        "import sys, app; app.build_page(app.build_services(app.parse_flags([])));"
        "print([m for m in ('torch', 'transformers', 'peft', 'captum') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)
    assert done.stdout.strip().endswith("[]"), done.stdout + done.stderr


# ---- README ----------------------------------------------------------------------------------


def front_matter() -> dict[str, object]:
    _, block, _ = README.split("---\n", 2)
    loaded: dict[str, object] = yaml.safe_load(block)
    return loaded


def test_front_matter_is_a_space():
    space = front_matter()
    assert README.startswith("---\n")
    assert space["title"] == "Sightline"
    assert isinstance(space["emoji"], str)
    assert not space["emoji"].isascii()
    assert {space["colorFrom"], space["colorTo"]} <= SPACE_COLOURS
    assert space["sdk"] == "gradio"
    assert space["python_version"] == "3.11"
    assert (ROOT / str(space["app_file"])).is_file()
    assert space["license"] == "apache-2.0"
    assert len(str(space["short_description"])) <= 60


def test_front_matter_gradio_is_the_required_one():
    wanted = str(front_matter()["sdk_version"])
    assert requirements()["gradio"].specifier.contains(wanted)
    assert wanted == TRIED["gradio"]


def test_readme_commands_exist():
    commands = rules.shell_blocks(README) + "\n" + " ".join(re.findall(r"`(make [\w-]+)", README))
    targets = set(re.findall(r"\bmake ([a-z][\w-]*)", commands))
    assert {"run", "test"} <= targets
    assert targets <= rules.make_targets(MAKEFILE)
    for module in re.findall(r"python -m ([\w.]+)", README):
        assert importlib.util.find_spec(module), module


def test_make_run_variables_are_flags():
    from app import parse_flags

    names = set(re.findall(r"--(\w+) \"\$\$\w+\"", MAKEFILE))
    assert names == {"model", "adapter", "quantize", "device"}
    given = parse_flags(["--model", "m", "--adapter", "a", "--quantize", "nf4", "--device", "cpu"])
    assert (given.model, given.adapter[-1]) == ("m", "a")
    assert (given.quantize, given.device) == ("nf4", "cpu")


def test_make_run_passes_values_whole():
    """A blank or a quote in a path reaches the app as one argument."""
    command = ["make", "-n", "run", "MODEL=a b'c", "QUANTIZE=nf4", f"VENV={ROOT / '.venv'}"]
    shown = subprocess.check_output(command, cwd=ROOT, text=True)
    assert '--model "$MODEL"' in shown
    assert '--quantize "$QUANTIZE"' in shown
    assert "--adapter" not in shown


def test_readme_figures_come_from_the_measurements():
    assert figures.main(["--check"]) == 0, "run `make figures`"


def test_readme_files_and_links_exist():
    for file in figures.FILES:
        for target in re.findall(r"\]\(([^)#]+)\)", file.read_text(encoding="utf-8")):
            if not target.startswith("http"):
                assert (file.parent / target).is_file(), target


def test_readme_screenshot_is_small():
    assert (ROOT / "dev/screenshots/scene.png").stat().st_size <= 400_000


def test_filled_replaces_only_the_blocks():
    text = "a\n<!-- figures:x -->\nold\n<!-- /figures:x -->\nb"
    assert figures.filled(text, {"x": "new"}) == text.replace("old", "new")
    with pytest.raises(KeyError):
        figures.filled(text, {})


# ---- requirements ------------------------------------------------------------------------------


def requirements(name: str = "requirements.txt") -> dict[str, Requirement]:
    lines = (line.partition("#")[0].strip() for line in (ROOT / name).read_text().splitlines())
    parsed = [Requirement(line) for line in lines if line and not line.startswith("-r")]
    return {requirement.name: requirement for requirement in parsed}


def test_requirements_hold_for_what_was_tried_and_what_is_installed():
    wanted = requirements()
    for name, tried in TRIED.items():
        assert wanted[name].specifier.contains(tried), name
    for name, requirement in wanted.items():
        assert requirement.specifier.contains(version(name), prereleases=True), name
    assert not wanted["torch"].specifier.contains("2.14.0")  # from there on CUDA only


def test_requirements_are_the_wanted_ones():
    assert not UNWANTED & set(requirements())
    assert not DEVELOPMENT & set(requirements())
    assert set(requirements("dev/requirements.txt")) >= DEVELOPMENT


# ---- files -------------------------------------------------------------------------------------


def test_no_file_is_too_large_for_a_space():
    assert [str(p) for p in rules.tracked(ROOT) if p.stat().st_size > MAX_FILE_BYTES] == []


def test_no_file_called_utils():
    assert [str(p) for p in rules.tracked(ROOT) if "util" in p.stem.lower()] == []


def test_changelog_is_dated_newest_first():
    headings = re.findall(r"^## (.+)$", (ROOT / "CHANGELOG.md").read_text(), flags=re.MULTILINE)
    assert headings
    assert all(re.fullmatch(r"20\d\d-\d\d-\d\d", heading) for heading in headings)
    assert headings == sorted(headings, reverse=True)


def test_ci_runs_make_test():
    script = ROOT / ".ci" / "run"
    assert os.access(script, os.X_OK)
    text = script.read_text(encoding="utf-8")
    assert text.startswith("#!/usr/bin/env bash\n")
    assert "set -euo pipefail" in text
    assert "make test" in text
