"""Random Qwen2-VL models of a chosen size, written to a folder, with an adapter and merged.

The vision tower and the language model stand to each other as in Qwen2-VL-2B (about 0.45 : 1), so
that sharing the tower saves the real share of the work.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import PreTrainedTokenizerFast, Qwen2VLConfig, Qwen2VLForConditionalGeneration
from transformers.models.qwen2_vl.image_processing_pil_qwen2_vl import Qwen2VLImageProcessorPil

END, PAD = "<|im_end|>", "<|endoftext|>"
OTHERS = ("<|im_start|>", "<|vision_start|>", "<|vision_end|>", "<|image_pad|>", "<|video_pad|>")
TEMPLATE = (
    "{% for m in messages %}<|im_start|>{{ m.role }}\n{% for part in m.content %}"
    "{% if part.type == 'image' %}<|vision_start|><|image_pad|><|vision_end|>"
    "{% else %}{{ part.text }}{% endif %}{% endfor %}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)
PIXELS_PER_TOKEN = 28 * 28


@dataclass(frozen=True)
class Size:
    """Depths and widths of the two halves; image tokens of a picture; tokens of an answer."""

    vision_depth: int
    vision_width: int
    depth: int
    width: int
    image_tokens: int
    answer_tokens: int


def write(folder: Path, size: Size) -> dict[str, Path]:
    """Write base, adapter and the two merged into one; their folders by name."""
    from peft import LoraConfig, get_peft_model

    torch.manual_seed(0)
    tokenizer = bytes_tokenizer()
    model = Qwen2VLForConditionalGeneration(_config(tokenizer, size))
    model.generation_config.eos_token_id = tokenizer.eos_token_id
    model.generation_config.pad_token_id = tokenizer.pad_token_id
    pixels = size.image_tokens * PIXELS_PER_TOKEN
    processor = Qwen2VLImageProcessorPil(size={"shortest_edge": 3136, "longest_edge": pixels})
    paths = {name: folder / name for name in ("base", "adapter", "merged")}
    for name in ("base", "merged"):
        tokenizer.save_pretrained(paths[name])
        processor.save_pretrained(paths[name])
    model.save_pretrained(paths["base"])
    targets = r".*language_model.*\.(q|k|v|o)_proj"
    lora = LoraConfig(r=8, lora_alpha=16, target_modules=targets, task_type="CAUSAL_LM")
    adapted = get_peft_model(model, lora)
    with torch.no_grad():
        for name, parameter in adapted.named_parameters():
            if "lora_B" in name:
                parameter.normal_(std=0.1)
    adapted.save_pretrained(paths["adapter"])
    adapted.merge_and_unload().save_pretrained(paths["merged"])
    return paths


def bytes_tokenizer() -> PreTrainedTokenizerFast:
    """Bytes and special tokens: any text encodes."""
    core = Tokenizer(models.BPE())
    core.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    core.decoder = decoders.ByteLevel()
    core.train_from_iterator(
        [],
        trainers.BpeTrainer(
            special_tokens=[PAD, END, *OTHERS],
            initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
            show_progress=False,
        ),
    )
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=core, eos_token=END, pad_token=PAD, extra_special_tokens=list(OTHERS)
    )
    tokenizer.chat_template = TEMPLATE
    return tokenizer


def _config(tokenizer: PreTrainedTokenizerFast, size: Size) -> Qwen2VLConfig:
    def token(name: str) -> int:
        return int(tokenizer.convert_tokens_to_ids(f"<|{name}|>"))

    text: dict[str, Any] = {
        "vocab_size": len(tokenizer),
        "hidden_size": size.width,
        "intermediate_size": size.width * 4,
        "num_hidden_layers": size.depth,
        "num_attention_heads": max(1, size.width // 128),
        "num_key_value_heads": 1,
        "rope_parameters": {
            "rope_type": "default",
            "rope_theta": 1e6,
            "mrope_section": [16, 24, 24],
        },
        "bos_token_id": None,
        "eos_token_id": tokenizer.eos_token_id,
        "pad_token_id": tokenizer.pad_token_id,
    }
    vision = {
        "depth": size.vision_depth,
        "embed_dim": size.vision_width,
        "hidden_size": size.width,
        "num_heads": max(1, size.vision_width // 64),
    }
    return Qwen2VLConfig(
        text_config=text,
        vision_config=vision,
        image_token_id=token("image_pad"),
        video_token_id=token("video_pad"),
        vision_start_token_id=token("vision_start"),
        vision_end_token_id=token("vision_end"),
    )
