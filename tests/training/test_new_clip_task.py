"""A new task on clips is one file: this one. Two images, of the road and of the driver, become a
clip of two views; the task has a label and a text, the explainer an option of its own. It goes
through the whole loop with the real embedded model; see also tests/browser/test_new_task.py.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from explain.maps import make_pair_maps
from explain.registry import EXPLAINERS, ExplainerSpec, Option
from explain.types import MapSettings
from inference.clips import make_clip
from inference.fields import Answer, Field, Label, Text, Value
from inference.inputs import ClipInput, ClipView
from inference.registry import PLUGINS, TASKS, Spec
from inference.schema import Heatmap, SidePrediction
from inference.tasks.base import WH, Task
from tests.loop import Loop, needs_model
from training.evaluation.sets import EvalCase, EvalSet
from training.evaluation.sources import SPLITS
from training.jobs.settings import PRESETS, Preset
from ui.components.panels import Panel, stage
from ui.shell.pictures import Pictures

MODULE = "tests.training.test_new_clip_task"

# ---- the task -----------------------------------------------------------------------------------

STATES = ("day", "night")
SHADES = {"day": 210, "night": 30}
FIELDS = (
    Field("state", "label", "Light", STATES),
    Field("why", "text", "Reason", optional=True),
)
PROMPT = "Is it day, dusk or night?"


def parse(text: str, image_wh: WH, frame: str, resized_wh: WH | None = None) -> Answer:
    """ "It is night. The sky is dark." """
    said = re.search(rf"\b({'|'.join(STATES)})\b", text)
    if said is None:
        return Answer({}, {"state": "it names no state"})
    values: dict[str, Value] = {"state": Label(said[1], span=said.span(1))}
    reason = text.partition(".")[2].strip()
    if reason:
        values["why"] = Text(reason)
    return Answer(values)


def target_text(
    values: Mapping[str, Value], image_wh: WH, frame: str, resized_wh: WH | None = None
) -> str:
    state, why = values["state"], values.get("why")
    assert isinstance(state, Label)
    return f"It is {state.value}." + (f" {why.text}" if isinstance(why, Text) else "")


TASK = Task(
    name="driver",
    fields=FIELDS,
    main="state",
    prompt=PROMPT,
    prompts={"Driver": PROMPT},
    neutral_prompt="Describe the clip.",
    parse=parse,
    target_text=target_text,
    media="clip",
)
TASKS["driver"] = Spec("Driver", f"{MODULE}:TASK")


# ---- the explainer ------------------------------------------------------------------------------


def one_view(side: SidePrediction, settings: MapSettings) -> Heatmap:
    """The upper or the lower half of every frame: says nothing, and can be told from others."""
    grid = side.trace.grid
    values = np.zeros(grid.shape, np.float32)
    half = grid.rows // 2
    values[..., half:, :] = settings.options["part"] == "lower"
    values[..., :half, :] = settings.options["part"] == "upper"
    return Heatmap(values, grid, "Half", "share")


PART = Option(
    "part", "Half", "choice", "lower", choices=(("Upper half", "upper"), ("Lower half", "lower"))
)
EXPLAINERS["half"] = ExplainerSpec(
    "Half", f"{MODULE}:one_view", frozenset(), False, "Half of the frame.", "ink", options=(PART,)
)


# ---- clips whose truth is known -----------------------------------------------------------------

VIEWS = (ClipView("road", 0, 96), ClipView("driver", 96, 192))


def images_of(seed: int) -> tuple[np.ndarray, np.ndarray, dict[str, Value]]:
    """A road, and a cabin that is light or dark."""
    state = STATES[seed % 2]
    noise = np.random.default_rng(seed).integers(0, 25, (96, 168, 3), dtype=np.uint8)
    truth = {
        "state": Label(state, source="truth"),
        "why": Text(f"The sky is {'bright' if state == 'day' else 'dark'}.", source="truth"),
    }
    return noise + np.uint8(100), noise + np.uint8(SHADES[state]), truth


def file_of(folder: Path, seed: int) -> Path:
    """Two images as a clip of two views."""
    for name, pixels in zip(("road", "driver"), images_of(seed), strict=False):
        Image.fromarray(pixels).save(folder / f"{name}.png")  # type: ignore[arg-type]
    path = folder / f"driver-{seed}.mp4"
    make_clip(path, folder / "road.png", folder / "driver.png")
    return path


def scenes(n: int = 6, seed_start: int = 900) -> EvalSet:
    """At most six, so that the proof is quick."""
    n = min(n, 6)

    def cases() -> Iterator[EvalCase]:
        for seed in range(seed_start, seed_start + n):
            road, driver, truth = images_of(seed)
            both = np.concatenate([road, driver])
            frames = np.stack([both, both])
            clip = ClipInput(frames, (0.0, 0.5), f"{seed:064x}", f"driver-{seed}", VIEWS)
            yield EvalCase(clip, truth, frozenset({str(truth["state"].value)}))  # type: ignore[attr-defined]

    return EvalSet("driver", n, cases)


SPLITS |= {"driver/heldout": f"{MODULE}:scenes", "driver/proof": f"{MODULE}:scenes"}
PRESETS["driver"] = Preset(
    "Driver (test)",
    "A few steps from the base, without a head.",
    PRESETS["quick_fix"].settings.changed_by(
        start="base", head="none", train="all", learning_rate=3e-3, max_steps=110, epochs=60,
        batch=4, views=1, replay_share=0.0, lambda_keep=0.0, mirror=False, interpolation=1.0,
        validation_share=0.2,
    ),
    tasks=("driver",),
)  # fmt: skip


@pytest.mark.slow
@needs_model
def test_whole_loop(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv(PLUGINS, MODULE)
    loop = Loop("driver", file_of, lambda seed: images_of(seed)[2], tmp_path, capsys)
    loop.corrected()
    loop.exchanged()
    loop.trained({
        f"It is {state}. The sky is {sky}."
        for state, sky in zip(STATES, ("bright", "dark"), strict=True)
    })  # fmt: skip
    loop.evaluated()
    pair = loop.promoted(903)
    assert pair.finetuned is not None
    state = pair.finetuned.values["state"]
    assert state == Label("night", span=state.span)

    # both sides' maps of a frame, side by side
    maps = make_pair_maps(pair, MapSettings("half", options={"part": "lower"}))
    assert maps.figures["base"].by_view["driver"][0] > 0.9
    attention = make_pair_maps(pair, MapSettings("attention")).at(0)
    pictures = Pictures(tmp_path)
    panels = [
        Panel(kind, kind, pictures.url(pair.image.still(0)), pair.image.size_wh, heatmap)
        for kind, heatmap in (("base", attention.base), ("finetuned", attention.finetuned))
    ]
    drawn = stage(panels, "case")
    assert drawn.count("data-map=") == 2
