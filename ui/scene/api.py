"""The two documented calls: `predict` and `maps`, for gradio_client and plain HTTP."""

from __future__ import annotations

from inspect import Parameter, Signature
from typing import Any

import gradio as gr

from explain.registry import EXPLAINERS, Option, all_options
from ui.components.upload import OriginalImage
from ui.scene.address import MAX_TOKENS
from ui.scene.handlers import api
from ui.shell.desk import Desk
from ui.shell.visitors import Role

ENDPOINTS: dict[str, Role] = {"predict": "viewer", "maps": "viewer"}
METHODS = ", ".join(EXPLAINERS)
PREDICT = """Answers of the base model and the fine-tuned one to a road scene.

image: the image's file. prompt: the question, empty for the default one. adapter: name of an
adapter; empty for the default one, "none" for the base alone. forced: whose answer is forced on
both sides when maps are compared, "finetuned" or "base". max_new_tokens: 1 to 512. task: hazard.

Returns a JSON object: "result" (id for /maps), "base" and "finetuned" (text, point in pixels of
the original image, tokens with log-probabilities), "distance_px", the attention maps and their
metrics."""
MAPS = f"""Maps of a result of /predict under other settings, without running the model.

result: the id that /predict returned. method: {METHODS}. tokens: numbers of answer tokens, for
example "3,4"; empty for the coordinates. Then the methods' own options, ignored by the others;
layers are both included, -1 is the last. shared_scale: one colour range for both sides."""


def expose(desk: Desk) -> None:
    """Adds the calls. Their components are never on the page."""

    def predict(
        image: str | None,
        prompt: str | None,
        adapter: str | None,
        forced: str | None,
        max_new_tokens: float | None,
        task: str | None = "hazard",
        request: gr.Request = None,  # type: ignore[assignment]
    ) -> dict[str, Any]:
        visitor = desk.visitor(request)
        return api.predict(visitor, desk, image, prompt, adapter, forced, max_new_tokens, task)

    options = all_options()

    def maps(*sent: Any) -> dict[str, Any]:
        result, method, tokens, *rest, shared_scale = sent
        own = dict(zip(options, rest, strict=True))
        return api.maps(desk, result, method, tokens, shared_scale, own)

    # gradio takes the names of the call's parameters from the function.
    names = ("result", "method", "tokens", *options, "shared_scale")
    maps.__signature__ = Signature(  # type: ignore[attr-defined]
        [Parameter(name, Parameter.POSITIONAL_OR_KEYWORD) for name in names]
    )

    with gr.Column(visible=False):
        asked = [
            OriginalImage(label="image: the image's file"),
            gr.Textbox("", label="prompt: empty for the default"),
            gr.Textbox("", label='adapter: empty for the default, "none" for the base alone'),
            gr.Textbox("finetuned", label='forced: "finetuned" or "base"'),
            gr.Number(64, label="max_new_tokens: 1 to 512", minimum=1, maximum=512, precision=0),
            gr.Textbox("hazard", label="task: its name"),
        ]
        answer = gr.JSON(label="result")
        gr.Button("predict").click(
            predict,
            asked,
            answer,
            api_name="predict",
            api_description=PREDICT,
            concurrency_id="model",
            concurrency_limit=1,
        )
        wanted = [
            gr.Textbox("", label="result: id from /predict"),
            gr.Textbox("attention", label=f"method: {METHODS}"),
            gr.Textbox("", label='tokens: for example "3,4"', max_length=MAX_TOKENS * 6),
            *(_field(option) for option in options.values()),
            gr.Checkbox(True, label="shared_scale"),
        ]
        drawn = gr.JSON(label="maps")
        gr.Button("maps").click(maps, wanted, drawn, api_name="maps", api_description=MAPS)


def _field(option: Option) -> gr.components.Component:
    label = f"{option.name}: {option.label.lower()}"
    if option.kind == "switch":
        return gr.Checkbox(bool(option.default), label=label)
    if option.kind == "number":
        return gr.Number(float(option.default), label=label)
    return gr.Textbox(str(option.default), label=label)
