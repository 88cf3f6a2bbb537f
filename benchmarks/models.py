"""Random Qwen2-VL models of a chosen size, written to a folder, with an adapter and merged."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from peft import LoraConfig, get_peft_model
from transformers import AutoTokenizer, Qwen2VLConfig, Qwen2VLForConditionalGeneration
from transformers.models.qwen2_vl.image_processing_pil_qwen2_vl import Qwen2VLImageProcessorPil

from examples.build.settings import BASE_MODEL

IDS = ("image_token_id", "video_token_id", "vision_start_token_id", "vision_end_token_id")


def write(folder: Path, text: dict[str, Any], vision: dict[str, Any], pixels: int, *,
          dtype: torch.dtype = torch.float32, merged: bool = True) -> dict[str, str]:  # fmt: skip
    """Write a base, an adapter and, where wanted, the two merged into one; their folders by name.

    The tokenizer is the embedded model's. text, vision: what differs from Qwen2-VL's defaults.
    pixels: the most that an image may have. An answer ends at its greatest length, never before.
    """
    torch.manual_seed(0)
    tokenizer = AutoTokenizer.from_pretrained(BASE_MODEL)
    shipped = Qwen2VLConfig.from_pretrained(BASE_MODEL)
    ids = {name: getattr(shipped, name) for name in IDS}
    rope = {"rope_type": "default", "rope_theta": 1e6, "mrope_section": [16, 24, 24]}
    ends = {"bos_token_id": None, "eos_token_id": tokenizer.eos_token_id}
    text = {"vocab_size": len(tokenizer), "rope_parameters": rope, **ends, **text}
    config = Qwen2VLConfig(text_config=text, vision_config=vision, tie_word_embeddings=True, **ids)
    model = Qwen2VLForConditionalGeneration._from_config(config, dtype=dtype)
    model.generation_config.eos_token_id = None
    model.generation_config.pad_token_id = tokenizer.pad_token_id
    processor = Qwen2VLImageProcessorPil(size={"shortest_edge": 3136, "longest_edge": pixels})
    paths = {name: str(folder / name) for name in ("base", "adapter", "merged")}
    for name in ("base", "merged") if merged else ("base",):
        tokenizer.save_pretrained(paths[name])
        processor.save_pretrained(paths[name])
    model.save_pretrained(paths["base"])
    targets = r".*language_model.*\.(q|k|v|o)_proj"
    lora = LoraConfig(
        r=8, lora_alpha=16, target_modules=targets, init_lora_weights=False, task_type="CAUSAL_LM"
    )
    adapted = get_peft_model(model, lora)
    adapted.save_pretrained(paths["adapter"])
    if merged:
        adapted.merge_and_unload().save_pretrained(paths["merged"])
    return paths
