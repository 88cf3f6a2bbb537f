"""Both answers with maps against one plain `generate` of the base, at a real model's size.

Qwen2-VL-2B's configuration with random weights, on a CPU, in the precision that `--dtype auto`
takes there. The plain side is transformers alone: no adapter, no maps, nothing of Sightline's but
the picture's and the prompt's tokens. Each measurement is a process of its own, so that one model
at a time is in memory; the two sides take turns. Then the pair once more in NF4. Needs 4.5 GB of
disk and 7 GB of memory.
"""

from __future__ import annotations

import os
import tempfile
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.measure import in_child, interleaved, medians, peak_mb, ratio, seconds

ROUNDS, ANSWER_TOKENS = 3, 24
SIDE_PX = 512
PIXELS = SIDE_PX * SIDE_PX
TEXT = {
    "hidden_size": 1536,
    "intermediate_size": 8960,
    "num_hidden_layers": 28,
    "num_attention_heads": 12,
    "num_key_value_heads": 2,
    "vocab_size": 151_936,
}
VISION = {"depth": 32, "embed_dim": 1280, "num_heads": 16, "hidden_size": 1536}
SMALL_TEXT = {
    **TEXT,
    "hidden_size": 256,
    "intermediate_size": 512,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
    "vocab_size": 512,
}
SMALL_VISION = {**VISION, "depth": 2, "embed_dim": 128, "num_heads": 2, "hidden_size": 256}


def prepare(folder: str, smoke: bool) -> None:
    """Write the base in bfloat16 and an adapter. Runs in a child."""
    import torch
    from peft import LoraConfig, get_peft_model
    from transformers import Qwen2VLConfig, Qwen2VLForConditionalGeneration
    from transformers.models.qwen2_vl.image_processing_pil_qwen2_vl import Qwen2VLImageProcessorPil

    from benchmarks.models import bytes_tokenizer

    tokenizer = bytes_tokenizer()
    ids = {
        key: tokenizer.convert_tokens_to_ids(f"<|{name}|>")
        for key, name in (
            ("image_token_id", "image_pad"),
            ("video_token_id", "video_pad"),
            ("vision_start_token_id", "vision_start"),
            ("vision_end_token_id", "vision_end"),
        )
    }
    rope = {"rope_type": "default", "rope_theta": 1e6, "mrope_section": [16, 24, 24]}
    ends = {"bos_token_id": None, "eos_token_id": tokenizer.eos_token_id}
    config = Qwen2VLConfig(
        text_config={**(SMALL_TEXT if smoke else TEXT), "rope_parameters": rope, **ends},
        vision_config=SMALL_VISION if smoke else VISION,
        tie_word_embeddings=True,
        **ids,
    )
    torch.manual_seed(0)
    model = Qwen2VLForConditionalGeneration._from_config(config, dtype=torch.bfloat16)
    model.generation_config.eos_token_id = None  # every answer has its full length
    model.generation_config.pad_token_id = tokenizer.pad_token_id
    base = Path(folder) / "base"
    tokenizer.save_pretrained(base)
    size = {"shortest_edge": 3136, "longest_edge": PIXELS}
    Qwen2VLImageProcessorPil(size=size).save_pretrained(base)
    model.save_pretrained(base)
    targets = r".*language_model.*\.(q|k|v|o)_proj"
    lora = LoraConfig(
        r=8, lora_alpha=16, target_modules=targets, init_lora_weights=False, task_type="CAUSAL_LM"
    )
    get_peft_model(model, lora).save_pretrained(Path(folder) / "adapter")


def pixels() -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (SIDE_PX, SIDE_PX, 3), dtype=np.uint8)


def pair(folder: str, answer_tokens: int, quantize: Any = "none") -> dict[str, Any]:
    """Both answers with their maps, once. Runs in a child."""
    from inference.predictor import Predictor
    from inference.schema import ImageInput, PairRequest

    predictor: Any = None

    def load() -> None:
        nonlocal predictor
        predictor = Predictor.load(Path(folder, "base"), device="cpu", quantize=quantize)
        predictor.load_adapter(Path(folder, "adapter"))

    load_s = seconds(load)
    image = ImageInput(pixels(), "0" * 64)
    predictor.predict_pair(image, PairRequest(adapter="adapter", max_new_tokens=2))
    answer = predictor.predict_pair(
        image, PairRequest(adapter="adapter", max_new_tokens=answer_tokens)
    )
    said = [len(side.tokens) for side in (answer.base, answer.finetuned)]
    if said != [answer_tokens] * 2:
        raise RuntimeError(f"answers of {said} tokens, not of {answer_tokens}")
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
    from transformers import (
        AutoModelForImageTextToText,
        AutoTokenizer,
    )
    from transformers.models.qwen2_vl.image_processing_pil_qwen2_vl import Qwen2VLImageProcessorPil

    from inference.backbones.loading import pick_dtype
    from inference.backbones.qwen_vl import QwenVL
    from inference.fingerprint import weights_files
    from inference.registry import BACKBONES
    from inference.tasks.hazard import PROMPT

    base = Path(folder, "base")
    dtype = pick_dtype("auto", "cpu", sum(f.stat().st_size for f in weights_files(base)))
    model = AutoModelForImageTextToText.from_pretrained(base, dtype=dtype)
    backbone = QwenVL(
        model,
        AutoTokenizer.from_pretrained(base),
        Qwen2VLImageProcessorPil.from_pretrained(base),
        BACKBONES["qwen2_vl"],
    )

    def generate(tokens: int) -> None:
        view = backbone.preprocess(pixels())
        ids = torch.tensor([backbone.tokenize(view, PROMPT)])
        model.generate(
            input_ids=ids,
            attention_mask=torch.ones_like(ids),
            **view.pixel_inputs,
            **backbone.token_types(ids),
            min_new_tokens=tokens,
            max_new_tokens=tokens,
            do_sample=False,
        )

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
