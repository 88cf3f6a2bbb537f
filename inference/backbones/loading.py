"""From a folder to a Backbone, or a UserError that says why not."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal

import torch
from transformers import (
    AutoConfig,
    AutoModelForImageTextToText,
    AutoTokenizer,
    BitsAndBytesConfig,
)

from inference.backbones import cpu
from inference.backbones.base import Backbone
from inference.errors import UserError, unknown
from inference.registry import BACKBONES, resolve

Quantize = Literal["none", "nf4", "int8"]


def pick_device(device: str) -> str:
    """ "auto" is CUDA where there is one."""
    if device not in ("auto", "cpu", "cuda"):
        raise unknown("device", device, ("auto", "cpu", "cuda"), "model")
    if device == "auto":
        return "cuda" if torch.cuda.is_available() else "cpu"
    if device == "cuda" and not torch.cuda.is_available():
        raise UserError(
            "No CUDA device was found",
            expected="a CUDA GPU and a CUDA build of torch",
            hint="Start with --device cpu",
            field="model",
        )
    return device


def pick_dtype(dtype: str, device: str) -> torch.dtype:
    """ "auto" is bfloat16 on CUDA and float32 on CPU, where bfloat16 is slower."""
    choices = {"float32": torch.float32, "bfloat16": torch.bfloat16}
    if dtype == "auto":
        return torch.bfloat16 if device == "cuda" else torch.float32
    if dtype not in choices:
        raise unknown("dtype", dtype, ("auto", *choices), "model")
    return choices[dtype]


def _quantization(quantize: str, dtype: torch.dtype) -> BitsAndBytesConfig | None:
    if quantize == "none":
        return None
    if quantize == "nf4":
        return BitsAndBytesConfig(
            load_in_4bit=True, bnb_4bit_quant_type="nf4", bnb_4bit_compute_dtype=dtype
        )
    if quantize == "int8":
        return BitsAndBytesConfig(load_in_8bit=True)
    raise unknown("quantisation", quantize, ("none", "nf4", "int8"), "model")


def load_backbone(
    source: Path, *, quantize: str = "none", device: str = "auto", dtype: str = "auto"
) -> Backbone:
    """Load a model. Weights are read from safetensors only, and no code of the model's is run.

    Raises:
        UserError: (field "model") it cannot be had, or its family is not supported.
    """
    place = pick_device(device)
    kind = pick_dtype(dtype, place)
    quantization = _quantization(quantize, kind)
    with _explained(source):
        config = AutoConfig.from_pretrained(source, local_files_only=True, trust_remote_code=False)
    if config.model_type not in BACKBONES:
        known = ", ".join(spec.label for spec in BACKBONES.values())
        raise UserError(
            "This model family is not supported",
            expected=f"one of {known}",
            got=str(config.model_type),
            field="model",
        )
    spec = BACKBONES[config.model_type]
    family = resolve(spec.entry)
    extra: dict[str, Any] = {}
    if quantization is not None:
        extra = {"quantization_config": quantization, "device_map": {"": place}}
    with _explained(source):
        tokenizer = AutoTokenizer.from_pretrained(
            source, local_files_only=True, trust_remote_code=False
        )
        image_processor = family.image_processor_class.from_pretrained(
            source, local_files_only=True
        )
        model = AutoModelForImageTextToText.from_pretrained(
            source,
            config=config,
            dtype=kind,
            attn_implementation="sdpa",
            use_safetensors=True,
            local_files_only=True,
            trust_remote_code=False,
            **extra,
        )
    if quantization is None:
        model = model.to(place)
    if place == "cpu":
        cpu.lighten(model)
    for parameter in model.parameters():
        parameter.requires_grad_(False)
    backbone: Backbone = family(model, tokenizer, image_processor, spec)
    return backbone


@contextmanager
def _explained(source: Path) -> Iterator[None]:
    """Library errors of loading, as one sentence for the page."""
    try:
        yield
    except UserError:
        raise
    except torch.cuda.OutOfMemoryError as error:
        raise UserError(
            f"{source.name} does not fit into the GPU's memory",
            hint="Try --quantize nf4, or a smaller model",
            field="model",
        ) from error
    except Exception as error:  # every library below raises its own kinds
        raise UserError(
            f"The model {source.name} could not be loaded", got=_reason(error), field="model"
        ) from error


def _reason(error: BaseException) -> str:
    """The first line of the error that started it, with its kind."""
    text = str(error).strip().splitlines()
    return f"{type(error).__name__}: {text[0] if text else 'no message'}"[:300]
