"""The two documented calls: `predict` and `maps`, for gradio_client and plain HTTP."""

from __future__ import annotations

from typing import Any

import gradio as gr

from ui.components.upload import OriginalImage
from ui.scene.handlers import api
from ui.shell.address import MAX_TOKENS
from ui.shell.desk import Desk
from ui.shell.visitors import Role

ENDPOINTS: dict[str, Role] = {"predict": "viewer", "maps": "viewer"}
PREDICT = """Ask the base model and the fine-tuned one about a road scene.

image: the picture's file. prompt: the question, empty for the default one. adapter: name of an
adapter; empty for the default one, "none" for the base alone. forced: whose answer both sides are
made to say when maps are compared, "finetuned" or "base". max_new_tokens: 1 to 512.

Returns a JSON object: "result" (id for /maps), "base" and "finetuned" (text, point in pixels of
the original picture, tokens with log-probabilities), "distance_px", the default maps and their
figures."""
MAPS = """Maps of a result of /predict under other settings, without running the model.

result: the id that /predict returned. method: attention, logit_lens or head. tokens: numbers of
answer tokens, for example "3,4"; empty for the coordinates. first_layer, last_layer: both
included, -1 is the last. heads: mean, max or a number. The rest switch sink removal, attention
relative to a neutral prompt and one colour range for both sides."""


def expose(desk: Desk) -> None:
    """Adds the calls. Their components are never on the page."""

    def predict(
        image: str | None,
        prompt: str | None,
        adapter: str | None,
        forced: str | None,
        max_new_tokens: float | None,
        request: gr.Request,
    ) -> dict[str, Any]:
        visitor = desk.visitor(request)
        return api.predict(visitor, desk, image, prompt, adapter, forced, max_new_tokens)

    def maps(
        result: str | None,
        method: str | None,
        tokens: str | None,
        first_layer: float | None,
        last_layer: float | None,
        heads: str | None,
        remove_sinks: bool,
        relative: bool,
        shared_scale: bool,
        request: gr.Request,
    ) -> dict[str, Any]:
        return api.maps(
            desk.visitor(request),
            desk,
            result,
            method,
            tokens,
            (first_layer, last_layer),
            heads,
            {"remove_sinks": remove_sinks, "relative": relative, "shared_scale": shared_scale},
        )

    with gr.Column(visible=False):
        asked = [
            OriginalImage(label="image: the picture's file"),
            gr.Textbox("", label="prompt: empty for the default"),
            gr.Textbox("", label='adapter: empty for the default, "none" for the base alone'),
            gr.Textbox("finetuned", label='forced: "finetuned" or "base"'),
            gr.Number(64, label="max_new_tokens: 1 to 512", minimum=1, maximum=512, precision=0),
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
            gr.Textbox("attention", label="method: attention, logit_lens or head"),
            gr.Textbox("", label='tokens: for example "3,4"', max_length=MAX_TOKENS * 6),
            gr.Number(0, label="first_layer, from 0", precision=0),
            gr.Number(-1, label="last_layer, -1 is the last", precision=0),
            gr.Textbox("mean", label="heads: mean, max or a number"),
            gr.Checkbox(False, label="remove_sinks"),
            gr.Checkbox(False, label="relative to a neutral prompt"),
            gr.Checkbox(True, label="shared_scale"),
        ]
        drawn = gr.JSON(label="maps")
        gr.Button("maps").click(maps, wanted, drawn, api_name="maps", api_description=MAPS)
