"""A new task and a new explainer are one file: this one. The task has a label with three values and
a text, two splits and a training preset, the explainer an option of its own; no other file of
Sightline knows of them.

They go through the whole loop with the real embedded model, once by function calls and once in a
browser: predicted for base and adapter, shown side by side, explained, corrected by a person,
accepted, exported and imported, frozen, trained for some steps, evaluated, proven and promoted.
`SIGHTLINE_PLUGINS=tests.browser.test_new_task` brings them to the programs that the loop starts.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from explain.registry import EXPLAINERS, ExplainerSpec, Option
from explain.types import MapSettings
from inference.fields import Answer, Field, Label, Text, Value
from inference.inputs import ImageInput
from inference.registry import PLUGINS, TASKS, Spec
from inference.schema import Heatmap, SidePrediction
from inference.tasks.base import WH, Task
from tests.loop import Loop, needs_model
from training.evaluation.sets import EvalCase, EvalSet
from training.evaluation.sources import SPLITS
from training.jobs.settings import PRESETS, Preset

MODULE = "tests.browser.test_new_task"

# ---- the task -----------------------------------------------------------------------------------

LIGHTS = ("day", "dusk", "night")
FIELDS = (Field("light", "label", "Light", LIGHTS), Field("why", "text", "Reason", optional=True))
PROMPT = "Is it day, dusk or night?"


def parse(text: str, image_wh: WH, frame: str, resized_wh: WH | None = None) -> Answer:
    """ "It is night. The sky is dark." """
    said = re.search(rf"\b({'|'.join(LIGHTS)})\b", text)
    if said is None:
        return Answer({}, {"light": "it names neither day, dusk nor night"})
    values: dict[str, Value] = {"light": Label(said[1], span=said.span(1))}
    reason = text.partition(".")[2].strip()
    if reason:
        start = text.index(reason)
        values["why"] = Text(reason, span=(start, start + len(reason)))
    return Answer(values)


def target_text(
    values: Mapping[str, Value], image_wh: WH, frame: str, resized_wh: WH | None = None
) -> str:
    light, why = values["light"], values.get("why")
    assert isinstance(light, Label)
    return f"It is {light.value}." + (f" {why.text}" if isinstance(why, Text) else "")


TASK = Task(
    name="light",
    fields=FIELDS,
    main="light",
    prompt=PROMPT,
    prompts={"Light": PROMPT},
    neutral_prompt="Describe the image.",
    parse=parse,
    target_text=target_text,
)
TASKS["light"] = Spec("Light", f"{MODULE}:TASK")


# ---- the explainer ------------------------------------------------------------------------------


def checks(side: SidePrediction, settings: MapSettings) -> Heatmap:
    """Every n-th column of the grid: says nothing, and can be told from anything else."""
    grid = side.trace.grid
    values = np.zeros((grid.rows, grid.cols), np.float32)
    values[:, :: settings.options["every"]] = 1
    return Heatmap(values, grid, "Columns", "share")


EVERY = Option("every", "Every n-th column", "number", 4, least=1, most=8)
EXPLAINERS["columns"] = ExplainerSpec(
    "Columns", f"{MODULE}:checks", frozenset(), False, "Columns.", "ink", options=(EVERY,)
)


# ---- images whose truth is known ----------------------------------------------------------------

SHADES = {"day": 220, "dusk": 110, "night": 20}


def image_of(seed: int) -> tuple[ImageInput, dict[str, Value]]:
    """A grey street under a sky that tells the hour."""
    light = LIGHTS[seed % 3]
    pixels = np.full((196, 336, 3), SHADES[light], np.uint8)
    noise = np.random.default_rng(seed).integers(0, 25, pixels.shape, dtype=np.uint8)
    pixels = np.where(np.arange(196)[:, None, None] > 110, 70, pixels).astype(np.uint8) + noise
    why = Text(f"The sky is {'bright' if light == 'day' else 'dark'}.", source="truth")
    image = ImageInput(pixels, f"{seed:064x}", f"light-{seed}")
    return image, {"light": Label(light, source="truth"), "why": why}


def scenes(n: int = 6, seed_start: int = 900) -> EvalSet:
    """At most six, so that the proof is quick."""
    n = min(n, 6)

    def cases() -> Iterator[EvalCase]:
        for seed in range(seed_start, seed_start + n):
            image, truth = image_of(seed)
            yield EvalCase(image, truth, frozenset({str(truth["light"].value)}))  # type: ignore[attr-defined]

    return EvalSet("light", n, cases)


SPLITS |= {"light/heldout": f"{MODULE}:scenes", "light/proof": f"{MODULE}:scenes"}
PRESETS["light"] = Preset(
    "Light (test)",
    "A few steps from the base, without a head.",
    PRESETS["quick_fix"].settings.changed_by(
        start="base", head="none", train="all", learning_rate=3e-3, max_steps=30, batch=4, views=1,
        replay_share=0.0, lambda_keep=0.0, mirror=False, interpolation=1.0, validation_share=0.2,
    ),
    tasks=("light",),
)  # fmt: skip


# ---- through the whole loop ---------------------------------------------------------------------


@pytest.fixture
def plugin(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(PLUGINS, MODULE)


def file_of(folder: Path, seed: int) -> Path:
    path = folder / f"light-{seed}.png"
    Image.fromarray(image_of(seed)[0].pixels).save(path)
    return path


@pytest.mark.slow
@needs_model
def test_whole_loop(plugin: None, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    def wanted(seed: int) -> dict[str, Value]:
        return image_of(seed)[1]

    loop = Loop("light", file_of, wanted, tmp_path, capsys)
    loop.corrected()
    loop.exchanged()
    loop.trained(
        {
            f"It is {light}. The sky is {sky}."
            for light, sky in zip(LIGHTS, ("bright", "dark", "dark"), strict=True)
        }
    )
    loop.evaluated()
    pair = loop.promoted(902)
    assert pair.finetuned is not None
    light = pair.finetuned.values["light"]
    assert light == Label("night", span=light.span)


TRAIN_MS = 600_000


@pytest.mark.browser
@pytest.mark.slow
@needs_model
def test_in_the_browser(plugin: None, visit, start, tmp_path: Path) -> None:
    from playwright.sync_api import expect

    from inference.correction import Fix
    from tests.browser.scene import finished, upload
    from training.adapters.promotion import in_use
    from training.store.feedback import CorrectionFilter, Feedback
    from training.store.home import find_home

    home = find_home(tmp_path / "home")
    feedback = Feedback(home)
    for seed in range(8):
        path = file_of(tmp_path, seed)
        media = feedback.add_media(path, name=path.name)
        fix = Fix("light", "wrong", image_of(seed)[1])
        made = feedback.correct(
            task="light", media=media, prediction=None, payload=fix, author="ann"
        )
        feedback.review([made.id], "accept", "rob")

    page = visit(start(tmp_path, "-m", "tests.ui.training_app", "--home", str(home.root)).url)
    choose(page, "#sl-task", "Light")
    expect(page.locator("#sl-prompt textarea")).to_have_value(PROMPT)

    # predicted by the base, corrected, accepted
    upload(page, file_of(tmp_path, 8))
    page.locator("#sl-compare").click()
    finished(page)
    page.locator("#sl-wrong").click()
    choose(page, "#sl-field-light", "night")
    page.locator("#sl-field-why textarea").fill("The sky is dark.")
    page.locator("#sl-save").click()
    expect(page.locator(".sl-confirmed")).to_contain_text("Saved.")
    (said,) = feedback.corrections(CorrectionFilter(task="light", status="open"))
    assert said.payload.values["light"] == Label("night", source="human")
    page.get_by_role("link", name="Corrections", exact=True).click()
    expect(page.locator("#sl-cor-right")).to_contain_text("night")
    page.locator("#sl-cor-accept").click()
    expect(page.locator("#sl-cor-message")).to_contain_text("Accepted")

    # chosen, trained, proven, promoted
    page.get_by_role("link", name="Training", exact=True).click()
    choose(page, "#tr-task", "Light")
    expect(page.locator("#tr-steps")).to_contain_text("9 accepted")
    page.locator("#tr-show").click()
    expect(page.locator(".tr-samples")).to_contain_text("It is night.", timeout=TRAIN_MS)
    page.locator("#tr-use").click()
    expect(page.locator("#tr-preset input")).to_have_value("Light (test)")
    page.locator("#tr-name input, #tr-name textarea").fill("light-1")
    page.locator("#tr-start").click()
    expect(page.locator("#tr-status")).to_contain_text("light-1: done", timeout=TRAIN_MS)
    page.locator("[data-step=prove]").click()
    expect(page.locator(".tr-forest").first).to_contain_text("%")
    page.locator("[data-step=promote]").click()
    expect(page.locator(".tr-conditions li").first).to_be_visible()
    if page.locator("#tr-use-it").is_visible():
        page.locator("#tr-use-it").click()
    else:
        page.locator("#tr-reason textarea").fill("A test of the loop, not of the adapter")
        page.locator("#tr-override").click()
    expect(page.locator("#tr-promote-message")).to_contain_text("is in use from now on")
    assert in_use(home, "light") == "light-1"

    # both sides, and the explainer with its option
    page.get_by_role("link", name="Scene", exact=True).click()
    choose(page, "#sl-task", "Light")
    choose(page, "#sl-adapter", "light-1")
    upload(page, file_of(tmp_path, 902))
    page.locator("#sl-compare").click()
    finished(page)
    expect(page.locator("#sl-stage [data-side=finetuned]").first).to_contain_text("night")
    choose(page, "#sl-method", "Columns")
    every = page.get_by_label("number input for Every n-th column")
    every.fill("2")
    every.press("Tab")
    expect(page).to_have_url(re.compile("method=columns.*every=2"))


def choose(page, field: str, name: str) -> None:
    """One of a list's choices."""
    page.locator(f"{field} input").click()
    page.get_by_role("option", name=re.compile(f"^{name}")).first.click()
