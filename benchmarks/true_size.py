"""Both answers with maps against one plain `generate` of the base, at a real model's size.

Qwen2-VL-2B's configuration with random weights, on a CPU, in the precision that `--dtype auto`
takes there. The plain side is transformers alone: no adapter, no maps, nothing of Sightline's but
the image's and the prompt's tokens. Each measurement is a process of its own, so that one model
at a time is in memory; the two sides take turns. Then the pair once more in NF4. Needs 4.5 GB of
disk and 7 GB of memory.
"""

from __future__ import annotations

import os
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.measure import in_child, interleaved, medians, peak_mb, ratio, seconds

ROUNDS, ANSWER_TOKENS = 3, 24
SIDE_PX = 512
TEXT = {
    "hidden_size": 1536, "intermediate_size": 8960, "num_hidden_layers": 28,
    "num_attention_heads": 12, "num_key_value_heads": 2, "vocab_size": 151_936,
}  # fmt: skip
VISION = {"depth": 32, "embed_dim": 1280, "num_heads": 16, "hidden_size": 1536}
SMALL_TEXT = {
    "hidden_size": 256, "intermediate_size": 512, "num_hidden_layers": 2,
    "num_attention_heads": 2, "num_key_value_heads": 2, "vocab_size": 1536,
}  # fmt: skip
SMALL_VISION = {"depth": 2, "embed_dim": 128, "num_heads": 2, "hidden_size": 256}


def prepare(folder: str, smoke: bool) -> None:
    """Write the base in bfloat16 and an adapter. Runs in a child."""
    import torch

    from benchmarks.models import write

    text, vision = (SMALL_TEXT, SMALL_VISION) if smoke else (TEXT, VISION)
    write(Path(folder), text, vision, SIDE_PX**2, dtype=torch.bfloat16, merged=False)


def pixels() -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (SIDE_PX, SIDE_PX, 3), dtype=np.uint8)


def pair(folder: str, answer_tokens: int, quantize: Any = "none") -> dict[str, Any]:
    """Both answers with their maps, once. Runs in a child."""
    from inference.inputs import ImageInput
    from inference.predictor import Predictor
    from inference.schema import PairRequest

    start = time.perf_counter()
    predictor = Predictor.load(Path(folder, "base"), device="cpu", quantize=quantize)
    predictor.load_adapter(Path(folder, "adapter"))
    load_s = time.perf_counter() - start
    image = ImageInput(pixels(), "0" * 64)
    predictor.predict_pair(image, PairRequest(adapter="adapter", max_new_tokens=2))
    request = PairRequest(adapter="adapter", max_new_tokens=answer_tokens)
    answer = predictor.predict_pair(image, request)
    return {
        "seconds": answer.seconds["total"],
        "parts": answer.seconds,
        "load_s": load_s,
        "peak_mb": peak_mb(),
        "dtype": predictor.info.dtype,
    }


def plain(folder: str, answer_tokens: int) -> float:
    """Seconds of one `generate` of the base, vision tower included. Runs in a child."""
    import torch
    from transformers import AutoModelForImageTextToText, AutoTokenizer
    from transformers.models.qwen2_vl.image_processing_pil_qwen2_vl import Qwen2VLImageProcessorPil

    from inference.backbones.loading import pick_dtype
    from inference.backbones.qwen_vl import QwenVL
    from inference.fingerprint import weights_files
    from inference.registry import BACKBONES
    from inference.tasks.hazard import PROMPT

    base = Path(folder, "base")
    dtype = pick_dtype("auto", "cpu", sum(f.stat().st_size for f in weights_files(base)))
    model = AutoModelForImageTextToText.from_pretrained(base, dtype=dtype)
    tokenizer = AutoTokenizer.from_pretrained(base)
    processor = Qwen2VLImageProcessorPil.from_pretrained(base)
    backbone = QwenVL(model, tokenizer, processor, BACKBONES["qwen2_vl"])

    def generate(tokens: int) -> None:
        view = backbone.preprocess(pixels())
        ids = torch.tensor([backbone.tokenize(view, PROMPT)])
        model.generate(
            input_ids=ids, attention_mask=torch.ones_like(ids), **view.pixel_inputs,
            **backbone.token_types(ids), min_new_tokens=tokens, max_new_tokens=tokens,
            do_sample=False,
        )  # fmt: skip

    with torch.inference_mode():
        generate(2)
        return seconds(lambda: generate(answer_tokens))


def run(smoke: bool) -> dict[str, Any]:
    entry, load = "benchmarks.true_size", os.getloadavg()[0]
    pairs: list[dict[str, Any]] = []

    def one_pair(**more: Any) -> float:
        pairs.append(in_child(f"{entry}:pair", {**options, **more}))
        return float(pairs[-1]["seconds"])

    with tempfile.TemporaryDirectory() as folder:
        in_child(f"{entry}:prepare", {"folder": folder, "smoke": smoke})
        options = {"folder": folder, "answer_tokens": 3 if smoke else ANSWER_TOKENS}
        calls = {"pair": one_pair, "plain": lambda: in_child(f"{entry}:plain", options)}
        times = interleaved(calls, 1 if smoke else ROUNDS)
        one_pair(quantize="nf4")
    *full, nf4 = pairs
    return {
        "ratio": ratio(times, "pair", "plain"),
        "peak_mb": max(one["peak_mb"] for one in full),
        "seconds": medians(times),
        "parts": full[-1]["parts"],
        "dtype": full[-1]["dtype"],
        "nf4": nf4,
        "load": load,
    }
