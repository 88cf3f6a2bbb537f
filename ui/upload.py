"""An image field that hands over the file as it was uploaded.

gr.Image opens and re-encodes every file with Pillow before a handler sees it: a broken file would
raise gradio's own error, and a rotated or 16-bit one would lose what `inference.media` looks at.
"""

from __future__ import annotations

import base64
import binascii
from abc import ABCMeta
from typing import Any

import gradio as gr
from gradio import processing_utils

from inference.errors import UserError
from ui.errors import shown


def _preprocess(field: gr.Image, payload: Any) -> str | None:
    if payload is None:
        return None
    if payload.url and payload.url.startswith("data:"):
        return _from_data_uri(payload.url, field.GRADIO_CACHE)
    return payload.path


# gr.Image whose value in a handler is the path of the untouched upload, or None. It must be a
# class (a session makes its own copies of components), but an ordinary class statement would make
# gradio write a .pyi file beside this source, which mypy would then read instead of it.
OriginalImage = ABCMeta.__new__(
    type(gr.Image),
    "OriginalImage",
    (gr.Image,),
    # is_template: the browser's side is gr.Image's.
    {"preprocess": _preprocess, "is_template": True, "__module__": __name__},
)


@shown
def _from_data_uri(uri: str, cache: str) -> str:
    """Writes the bytes of a data URI (some API clients send one) to a file of the cache."""
    _, _, text = uri.partition(",")
    try:
        data = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError) as error:
        raise UserError(
            "The picture's data cannot be decoded",
            expected="base64 after the comma",
            field="image",
        ) from error
    return processing_utils.save_bytes_to_cache(data, "picture.png", cache)
