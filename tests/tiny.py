"""Tiny random models of each family and tiny adapters, for tests. Nothing is downloaded."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import torch
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import AutoConfig, AutoModelForImageTextToText, PreTrainedTokenizerFast
from transformers.models.qwen2_vl.image_processing_pil_qwen2_vl import Qwen2VLImageProcessorPil
from transformers.models.smolvlm.image_processing_pil_smolvlm import SmolVLMImageProcessorPil

FAMILIES = ("qwen2_vl", "qwen2_5_vl", "qwen3_vl", "smolvlm")
HIDDEN, LAYERS, HEADS, KV_HEADS = 64, 3, 4, 2
SENTENCES = [
    "The area around (123,456) should be paid more attention to.",
    "Which area should we pay more attention to in the current autonomous driving scenario?",
    "A red car brakes ahead. Describe the image. 0 1 2 3 4 5 6 7 8 9",
]
QWEN_SPECIAL = [
    "<|endoftext|>", "<|im_start|>", "<|im_end|>", "<|vision_start|>", "<|vision_end|>",
    "<|image_pad|>", "<|video_pad|>",
]  # fmt: skip
SMOL_SPECIAL = [
    "<|endoftext|>", "<|im_start|>", "<end_of_utterance>", "<fake_token_around_image>",
    "<global-img>", "<image>",
]  # fmt: skip
QWEN_TEMPLATE = (
    "{% for message in messages %}<|im_start|>{{ message['role'] }}\n"
    "{% for part in message['content'] %}{% if part['type'] == 'image' %}"
    "<|vision_start|><|image_pad|><|vision_end|>{% elif part['type'] == 'video' %}"
    "<|vision_start|><|video_pad|><|vision_end|>{% else %}{{ part['text'] }}{% endif %}"
    "{% endfor %}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)
SMOL_TEMPLATE = (
    "<|im_start|>{% for message in messages %}{{ message['role'] | capitalize }}:"
    "{% for part in message['content'] %}{% if part['type'] == 'image' %}<image>"
    "{% else %}{{ part['text'] }}{% endif %}{% endfor %}<end_of_utterance>\n{% endfor %}"
    "{% if add_generation_prompt %}Assistant:{% endif %}"
)


def make_tiny(family: str, folder: Path | str, *, seed: int = 0, layers: int = LAYERS) -> Path:
    """Write a random model of that family, with tokenizer and image processor, into folder."""
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    tokenizer = _tokenizer(family)
    tokenizer.save_pretrained(folder)
    torch.manual_seed(seed)
    config = AutoConfig.for_model(family, **_config(family, tokenizer, layers))
    model = AutoModelForImageTextToText.from_config(config)
    _spread(model)
    end = "<end_of_utterance>" if family == "smolvlm" else "<|im_end|>"
    model.generation_config.eos_token_id = tokenizer.convert_tokens_to_ids(end)
    model.generation_config.pad_token_id = tokenizer.convert_tokens_to_ids("<|endoftext|>")
    model.save_pretrained(folder, safe_serialization=True)
    _image_processor(family).save_pretrained(folder)
    return folder


def _spread(model: torch.nn.Module) -> None:
    """Larger weights, so that attention is not flat and answers depend on image and prompt."""
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if parameter.ndim >= 2:
                parameter.mul_(4.0 if "proj" in name or "embed" in name else 2.0)


def _tokenizer(family: str) -> PreTrainedTokenizerFast:
    special = SMOL_SPECIAL if family == "smolvlm" else QWEN_SPECIAL
    core = Tokenizer(models.BPE())
    core.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    core.decoder = decoders.ByteLevel()
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    trainer = trainers.BpeTrainer(
        vocab_size=384, special_tokens=special, initial_alphabet=alphabet, show_progress=False
    )
    core.train_from_iterator(SENTENCES, trainer)
    end = "<end_of_utterance>" if family == "smolvlm" else "<|im_end|>"
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=core, eos_token=end, pad_token=special[0],
        extra_special_tokens=[t for t in special[1:] if t != end],
    )  # fmt: skip
    tokenizer.chat_template = SMOL_TEMPLATE if family == "smolvlm" else QWEN_TEMPLATE
    return tokenizer


def _config(family: str, tokenizer: PreTrainedTokenizerFast, layers: int) -> dict[str, Any]:
    number = tokenizer.convert_tokens_to_ids
    text: dict[str, Any] = {
        "vocab_size": len(tokenizer), "hidden_size": HIDDEN, "intermediate_size": 96,
        "num_hidden_layers": layers, "num_attention_heads": HEADS, "num_key_value_heads": KV_HEADS,
        "max_position_embeddings": 4096, "bos_token_id": None,
        "eos_token_id": tokenizer.eos_token_id, "pad_token_id": tokenizer.pad_token_id,
    }  # fmt: skip
    if family == "smolvlm":
        vision = {
            "hidden_size": 32, "intermediate_size": 48, "num_hidden_layers": 2,
            "num_attention_heads": 2, "image_size": 112, "patch_size": 14,
        }  # fmt: skip
        parts = {"text_config": {**text, "model_type": "llama"}, "vision_config": vision}
        return {**parts, "image_token_id": number("<image>"), "scale_factor": 2}
    section = [4, 6, 6] if family == "qwen3_vl" else [2, 3, 3]
    rope = {"rope_type": "default", "rope_theta": 10000.0, "mrope_section": section}
    if family == "qwen3_vl":
        text["head_dim"], rope["mrope_interleaved"] = 32, True
    ids = {
        "image_token_id": number("<|image_pad|>"), "video_token_id": number("<|video_pad|>"),
        "vision_start_token_id": number("<|vision_start|>"),
        "vision_end_token_id": number("<|vision_end|>"),
    }  # fmt: skip
    text["rope_parameters"] = rope
    return {"text_config": text, "vision_config": _qwen_vision(family), **ids}


def _qwen_vision(family: str) -> dict[str, Any]:
    common = {"depth": 2, "num_heads": 2, "patch_size": 14, "spatial_merge_size": 2}
    if family == "qwen2_vl":
        return {**common, "embed_dim": 32, "hidden_size": HIDDEN, "mlp_ratio": 2}
    common |= {"hidden_size": 32, "intermediate_size": 48, "out_hidden_size": HIDDEN}
    if family == "qwen2_5_vl":
        return {**common, "window_size": 56, "fullatt_block_indexes": [1]}
    return {**common, "deepstack_visual_indexes": [0], "num_position_embeddings": 64}


def _image_processor(family: str) -> Any:
    if family == "smolvlm":
        return SmolVLMImageProcessorPil(
            size={"longest_edge": 224}, max_image_size={"longest_edge": 112}
        )
    size = {"shortest_edge": 28 * 28, "longest_edge": 70000}
    return Qwen2VLImageProcessorPil(size=size, patch_size=14, merge_size=2)


def sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def make_tiny_adapter(
    base_folder: Path | str, folder: Path | str, head: str | None = None, vision: bool = False, *,
    seed: int = 1, card: bool | None = None, **lora: Any,
) -> Path:  # fmt: skip
    """Write a LoRA adapter whose answers differ from the base's; returns its folder.

    head: None, "patch" or "pooled". vision: target the vision tower too. card: write card.json
    (default: when there is a head). Further keywords go to LoraConfig.
    """
    from peft import LoraConfig, get_peft_model

    base_folder, folder = Path(base_folder), Path(folder)
    torch.manual_seed(seed)
    model = AutoModelForImageTextToText.from_pretrained(base_folder)
    family = model.config.model_type
    names = ["q_proj", "k_proj", "v_proj", "o_proj"]
    side = "text_model" if family == "smolvlm" else "language_model"
    targets = rf".*{side}.*\.({'|'.join(names)})"
    if vision:
        tower = r"vision_model.*q_proj" if family == "smolvlm" else r"visual.*\.attn\.(qkv|proj)"
        targets = rf"({targets})|(.*{tower})"
    lora = {"r": 8, "lora_alpha": 16, "target_modules": targets, **lora}
    peft_model = get_peft_model(model, LoraConfig(task_type="CAUSAL_LM", **lora))
    with torch.no_grad():
        for name, parameter in peft_model.named_parameters():
            if "lora_B" in name:
                parameter.normal_(std=0.3)
    peft_model.save_pretrained(folder)
    fingerprint = sha256(base_folder / "model.safetensors")
    if head is not None:
        _write_head(head, folder, fingerprint)
    if card if card is not None else head is not None:
        _write_card(folder, base_folder, fingerprint, head)
    return folder


def _write_head(head: str, folder: Path, fingerprint: str) -> None:
    from inference.heads import build_head, save_head, usual_config

    built = build_head({**usual_config(head, HIDDEN), "decode": "window"})
    with torch.no_grad():
        for parameter in built.parameters():
            parameter.mul_(4.0)
        if head == "patch":
            built.scorer.offset.bias.copy_(torch.tensor([0.25, -0.5]))
    save_head(built, folder, fingerprint)


def _write_card(folder: Path, base: Path, fingerprint: str, head: str | None) -> None:
    card = {
        "name": folder.name, "task": "hazard", "base_model": base.name, "base_sha256": fingerprint,
        "head": head, "coordinate_frame": "norm1000", "description": "Random weights, for tests.",
    }  # fmt: skip
    (folder / "card.json").write_text(json.dumps(card, indent=2))
