"""An explainer and a task that nobody knew: their controls, editors and values are on the Scene
page because they are registered, and for no other reason."""

from __future__ import annotations

import sys
from dataclasses import replace

import gradio as gr
import numpy as np
import pytest

from explain.registry import EXPLAINERS, ExplainerSpec, Option
from explain.types import MapSettings
from inference.fields import Answer, Field, Label, Text
from inference.registry import TASKS, Spec
from inference.schema import Heatmap, SidePrediction
from inference.tasks.hazard import TASK as HAZARD
from ui.scene import page as scene_page
from ui.scene import view as pieces
from ui.scene.address import ViewSettings, from_query
from ui.scene.handlers import api, downloads
from ui.scene.handlers import view as scene_view
from ui.scene.show import show
from ui.shell.visitors import Visitor

ME = Visitor("me", "trainer")
RISK = replace(
    HAZARD,
    name="risk",
    fields=(Field("level", "label", "Risk", ("low", "high")), Field("why", "text", "Why")),
    main="level",
)


def stripes(side: SidePrediction, settings: MapSettings) -> Heatmap:
    """Every n-th column."""
    grid = side.trace.grid
    values = np.zeros((grid.rows, grid.cols), np.float32)
    values[:, :: settings.options["every"]] = 1
    return Heatmap(values, grid, "Stripes", "ink")


@pytest.fixture
def explainer(monkeypatch: pytest.MonkeyPatch) -> None:
    option = Option("every", "Every n-th column", "number", 4, least=1, most=8)
    spec = ExplainerSpec(
        "Stripes", f"{__name__}:stripes", frozenset(), False, "Stripes.", "ink", options=(option,)
    )
    monkeypatch.setitem(EXPLAINERS, "stripes", spec)


def test_an_explainers_option_needs_no_other_file(explainer, desk, result):
    with gr.Blocks():
        tab = scene_page.build()
    control = tab.maps.options["every"]
    assert isinstance(control, gr.Slider)
    assert (control.label, control.minimum, control.maximum) == ("Every n-th column", 1, 8)
    settings = ViewSettings(MapSettings("stripes", options={"every": 5}))
    view = scene_view.view(desk, result, settings)
    shown = show(tab, view, result)
    assert shown[control]["visible"]
    assert shown[control]["value"] == 5
    assert shown[tab.maps.options["heads"]]["visible"] is False
    query = dict(part.split("=") for part in view.address.split("&"))
    assert query["every"] == "5"
    again = scene_view.fit_settings(result.pair, from_query(query, []).view)
    assert again.maps.options == {"every": 5}
    told = api.maps(desk, result.id, "stripes", "", True, {"every": 5})
    assert told["settings"]["every"] == 5
    assert sum(told["maps"]["base"]["values"][0]) == 4
    assert "every n-th column 5" in downloads.sheet(ME, desk, result.id, settings)


def test_a_tasks_fields_are_shown_compared_and_corrected_by_their_kind(monkeypatch, desk, result):
    monkeypatch.setitem(TASKS, "risk", Spec("Risk", f"{__name__}:RISK"))
    with gr.Blocks():
        tab = scene_page.build()
    assert ("Risk", "risk") in tab.task.choices
    editors = tab.editors["risk"]
    assert ("high", "high") in editors["level"].choices
    assert isinstance(editors["why"], gr.Textbox)
    pair = result.pair
    base = replace(pair.base, parsed=Answer({"level": Label("low"), "why": Text("An empty road")}))
    tuned = replace(pair.finetuned, parsed=Answer({"level": Label("high"), "why": Text("A child")}))
    two = replace(pair, base=base, finetuned=tuned, request=replace(pair.request, task="risk"))
    assert pieces.compared(two, None) == ("Risk changed", "low → high; correct it to score them")
    assert pieces.compared(two, Label("high")) == ("Risk now right", "low → high, expected high")
    assert "<b>high</b>" in pieces.caption_of(tuned, "risk", None)
    assert "A child" in pieces.answers(two, {"base": "x", "finetuned": "x"})
    assert sys.modules[__name__].RISK is RISK
