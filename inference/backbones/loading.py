"""From a folder to a Backbone, or a UserError that says why not."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, Literal

import torch
from safetensors import safe_open
from transformers import (
    MODEL_FOR_IMAGE_TEXT_TO_TEXT_MAPPING,
    AutoConfig,
    AutoModelForImageTextToText,
    AutoTokenizer,
    BitsAndBytesConfig,
    GenerationConfig,
    PretrainedConfig,
    PreTrainedModel,
)

from inference.backbones import cpu
from inference.backbones.base import Backbone
from inference.errors import UserError, unknown
from inference.fingerprint import weights_files
from inference.registry import BACKBONES, BackboneSpec, resolve

Quantize = Literal["none", "nf4", "int8"]
SMALL_BYTES = 200_000_000


def pick_device(device: str) -> str:
    """A name for torch: cpu, cuda, or cuda:N. "auto" is CUDA where there is one."""
    if not re.fullmatch(r"auto|cpu|cuda(:\d{1,3})?", device, flags=re.ASCII):
        raise unknown("device", device[:100], ("auto", "cpu", "cuda", "cuda:N"), "model")
    if device == "auto":
        return "cuda" if torch.cuda.is_available() else "cpu"
    if device == "cpu":
        return device
    if not torch.cuda.is_available():
        raise UserError(
            "No CUDA device was found",
            expected="a CUDA GPU and a CUDA build of torch",
            hint="Start with --device cpu",
            field="model",
        )
    devices = [f"cuda:{n}" for n in range(torch.cuda.device_count())]
    if device not in ("cuda", *devices):
        raise unknown("device", device, ("auto", "cpu", "cuda", *devices), "model")
    return device


def pick_dtype(dtype: str, device: str, weights_bytes: int) -> torch.dtype:
    """ "auto" is bfloat16 on CUDA, and on a processor that multiplies it; elsewhere it is slower
    than float32. On a CPU a model whose files take less than SMALL_BYTES stays in float32 anyway:
    memory is no matter there, and rounding changes what the embedded model says."""
    choices = {"float32": torch.float32, "bfloat16": torch.bfloat16}
    if dtype == "auto":
        short = weights_bytes >= SMALL_BYTES and cpu.has_bfloat16()
        return torch.bfloat16 if device != "cpu" or short else torch.float32
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
    source: Path,
    *,
    quantize: str = "none",
    device: str = "auto",
    dtype: str = "auto",
    for_training: bool = False,
) -> Backbone:
    """Load a model. Weights are read from safetensors only, and no code of the model's is run.

    for_training: gradients will be asked for, so no layer takes a kernel that has none.

    Raises:
        UserError: (field "model") it cannot be had, or its family is not supported.
    """
    place = pick_device(device)
    with _explained(source):
        kind = pick_dtype(dtype, place, sum(f.stat().st_size for f in weights_files(source)))
        quantization = _quantization(quantize, kind)
        config = AutoConfig.from_pretrained(source, local_files_only=True, trust_remote_code=False)
    spec = _supported(str(config.model_type))
    family = resolve(spec.entry)
    if place == "cpu":
        cpu.return_big_blocks()
    with _explained(source):
        tokenizer = AutoTokenizer.from_pretrained(
            source, local_files_only=True, trust_remote_code=False
        )
        image_processor = family.image_processor_class.from_pretrained(
            source, local_files_only=True
        )
        model = _model(source, config, kind, quantization, place)
    if place == "cpu":
        cpu.lighten(model)
        cpu.choose_packing(model, wanted=kind == torch.bfloat16 and not for_training)
    for parameter in model.parameters():
        parameter.requires_grad_(False)
    backbone: Backbone = family(model, tokenizer, image_processor, spec)
    return backbone


def _supported(family: str) -> BackboneSpec:
    if family not in BACKBONES:
        known = ", ".join(spec.label for spec in BACKBONES.values())
        raise UserError(
            "This model family is not supported",
            expected=f"one of {known}",
            got=family,
            field="model",
        )
    return BACKBONES[family]


def _model(
    source: Path,
    config: PretrainedConfig,
    kind: torch.dtype,
    quantization: BitsAndBytesConfig | None,
    place: str,
) -> PreTrainedModel:
    """The model. Weights that are used as they are stored stay in their file, mapped, and other
    processes share them. Where they are converted, one after the other is read: a mapped file
    would be in memory beside the model that is made of it."""
    options: dict[str, Any] = {
        "config": config,
        "dtype": kind,
        "attn_implementation": "sdpa",
        "use_safetensors": True,
        "local_files_only": True,
        "trust_remote_code": False,
    }
    if quantization is not None:
        options |= {"quantization_config": quantization, "device_map": {"": place}}
    files = weights_files(source)
    if not files or (quantization is None and config.dtype == kind):
        return AutoModelForImageTextToText.from_pretrained(source, **options).to(place)
    with ExitStack() as open_files:
        state: dict[str, Any] = {}
        for path in files:
            file = safe_open(path, framework="pt", backend="pread")
            open_files.enter_context(file)
            state |= {key: file.get_slice(key) for key in file.keys()}  # noqa: SIM118
        model = MODEL_FOR_IMAGE_TEXT_TO_TEXT_MAPPING[type(config)].from_pretrained(
            None, state_dict=state, generation_config=_generation_config(source, config), **options
        )
    return model if quantization is not None else model.to(place)


def _generation_config(source: Path, config: PretrainedConfig) -> GenerationConfig:
    try:
        return GenerationConfig.from_pretrained(source, local_files_only=True)
    except OSError:
        return GenerationConfig.from_model_config(config)


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
