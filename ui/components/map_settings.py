"""The controls of a map: the method, and the options that the explainers declare, one control for
each kind of option. Nothing here knows an option by name."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import gradio as gr

from explain.registry import EXPLAINERS, Option, all_options, options_of, runnable
from explain.types import MapSettings
from inference.schema import PairPrediction


class MapControls:
    """method, shared_scale, opacity (percent) and, by name, one control for each option."""

    def __init__(self) -> None:
        """Builds them, in the row that is open."""
        choices = [(known.label, method) for method, known in EXPLAINERS.items()]
        self.method = gr.Dropdown(
            choices, value=choices[0][1], label="Method", min_width=150, elem_id="sl-method"
        )
        known = all_options()
        switches = [name for name, option in known.items() if option.kind == "switch"]
        self.options = {n: _control(option) for n, option in known.items() if n not in switches}
        self.opacity = gr.Slider(
            0, 100, 75, step=1, label="Opacity (%)", min_width=110, elem_id="sl-opacity"
        )
        with gr.Column(min_width=200, elem_classes="sl-switches"):
            self.options |= {name: _control(known[name]) for name in switches}
            self.shared_scale = gr.Checkbox(True, label="Same scale on both sides", container=False)

    @property
    def parts(self) -> list[gr.components.Component]:
        return [self.method, *self.options.values(), self.shared_scale, self.opacity]

    @property
    def changes(self) -> list[Any]:
        """Events after which the maps are made anew."""
        return [part.input for part in self.parts if part is not self.opacity]

    def read(self, values: Mapping[Any, Any], tokens: tuple[int, ...]) -> MapSettings:
        """What is set, not yet checked."""
        options = {name: values[part] for name, part in self.options.items()}
        return MapSettings(
            values[self.method] or "", tokens, bool(values[self.shared_scale]), options
        )

    def show(self, pair: PairPrediction, maps: MapSettings, opacity: float) -> dict[Any, Any]:
        """The controls as they fit a result; the settings are complete."""
        methods = [(EXPLAINERS[method].label, method) for method in runnable(pair)]
        able = options_of(maps.method, pair.base.trace)
        values: dict[Any, Any] = {
            self.method: gr.update(choices=methods, value=maps.method),
            self.shared_scale: maps.shared_scale,
            self.opacity: round(100 * opacity),
        }
        for name, part in self.options.items():
            if name in able:
                values[part] = gr.update(
                    visible=True, value=maps.options[name], **_bounds(able[name])
                )
            else:
                values[part] = gr.update(visible=False)
        return values


def _control(option: Option) -> gr.components.Component:
    common: dict[str, Any] = {
        "label": option.label, "visible": False, "min_width": 110,
        "elem_id": f"sl-map-{option.name}",
    }  # fmt: skip
    if option.kind == "switch":
        return gr.Checkbox(bool(option.default), container=False, **common)
    if option.kind == "choice":
        return gr.Dropdown(list(option.choices), value=option.default, **common)
    return gr.Slider(option.least, option.most, option.default, step=option.step, **common)  # type: ignore[arg-type]


def _bounds(option: Option) -> dict[str, Any]:
    if option.kind == "choice":
        return {"choices": list(option.choices)}
    return {"minimum": option.least, "maximum": option.most} if option.kind == "number" else {}
