"""Files that a browser names: which of them are read, and an image field that leaves them as they
were uploaded.

gr.Image opens and re-encodes every file with Pillow before a handler sees it: a broken file would
raise gradio's own error, and a rotated or 16-bit one would lose what `inference.media` looks at.
"""

from __future__ import annotations

import base64
import binascii
from abc import ABCMeta
from collections.abc import Collection
from pathlib import Path
from typing import Any

import gradio as gr
from gradio import processing_utils

from inference.errors import UserError


def check_files(sent: object, cache: str, examples: Collection[Path]) -> None:
    """Every file that a request names was uploaded to this app, or is one of its examples.

    Gradio itself checks only what says of itself that it is a file (`meta`). `ui.layout.Page` calls
    this for all inputs of all events, whatever components they belong to.

    Args:
        sent: the request's values, as JSON.
        cache: folder of the uploads.
        examples: files of the app that anybody may use, resolved.

    Raises:
        UserError: in the same words whether there is such a file or not.
    """
    todo = [sent]
    while todo:
        value = todo.pop()
        if isinstance(value, dict):
            if value.get("path") is not None and not _is_ours(value["path"], cache, examples):
                raise UserError(
                    "That file was not uploaded here, or it was deleted since",
                    expected="an uploaded file or an example",
                    hint="Upload it; no other file of the server is read",
                )
            todo += value.values()
        elif isinstance(value, list):
            todo += value


def _is_ours(path: object, cache: str, examples: Collection[Path]) -> bool:
    try:
        real = Path(str(path)).resolve()
        return (real.is_relative_to(Path(cache).resolve()) or real in examples) and real.is_file()
    except (OSError, ValueError, RuntimeError):  # too long, a NUL, links in a circle
        return False


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


def _from_data_uri(uri: str, cache: str) -> str:
    """Writes the bytes of a data URI (some API clients send one) to a file of the cache."""
    _, _, text = uri.partition(",")
    try:
        data = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError) as error:
        raise UserError(
            "The image's data cannot be decoded",
            expected="base64 after the comma",
            field="image",
        ) from error
    return processing_utils.save_bytes_to_cache(data, "image.png", cache)
