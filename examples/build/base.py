"""The stages of the build, each from what the one before left on disk."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator

import numpy as np
import torch
from transformers import AutoTokenizer, PreTrainedTokenizerBase, Qwen2VLForConditionalGeneration

from examples.build import adapter, features, language, vision
from examples.build.cards import adapter_card, base_card, write_json
from examples.build.loop import load_modules
from examples.build.model import make_config, new_model
from examples.build.questions import QUESTIONS, draw_questions, hazard_answer
from examples.build.scenes import available, count, read
from examples.build.settings import (
    ADAPTERS, BASE_MODEL, IMAGE_MEAN, IMAGE_STD, MAX_PIXELS, MERGE, PATCH, TRAIN, WORK, Recipe,
)  # fmt: skip
from examples.build.tokenizer import SPECIAL, VOCABULARY, train_tokenizer
from examples.build.views import make_view

TOKENIZER = WORK / "tokenizer"


def _fresh(recipe: Recipe, vocabulary: int = VOCABULARY) -> Qwen2VLForConditionalGeneration:
    ids = {token: i for i, token in enumerate(SPECIAL)}
    return new_model(make_config(recipe.shape, ids, vocabulary), recipe.vision.seed)


def train_vision(recipe: Recipe, device: str) -> None:
    vision.train(_fresh(recipe), recipe, device)


def _with_vision(recipe: Recipe) -> Qwen2VLForConditionalGeneration:
    model = _fresh(recipe)
    head = vision.DenseHead(recipe.shape.width)
    load_modules(TRAIN / "vision.pt", {"visual": model.model.visual, "head": head})
    return model


def cache_features(recipe: Recipe, device: str) -> None:
    model = _with_vision(recipe).to(device).eval()
    features.cache(model.model.visual, recipe, device, recipe.feature_views)


def _sentences(recipe: Recipe) -> Iterator[str]:
    """What the world can say, for the tokenizer."""
    rng = np.random.default_rng(recipe.language.seed)
    for path in available()[:8]:
        for i in range(0, count(path), 2):
            view = make_view(read(path, i), recipe.grids[0], rng)
            yield from (text for qa in draw_questions(view, rng, len(QUESTIONS)) for text in qa)
            if view.hazard is not None:
                yield from hazard_answer(view, with_reason=True)


def _tokenizer(recipe: Recipe) -> PreTrainedTokenizerBase:
    if not (TOKENIZER / "tokenizer.json").exists():
        train_tokenizer(_sentences(recipe)).save_pretrained(TOKENIZER)
    return AutoTokenizer.from_pretrained(TOKENIZER)


def train_language(recipe: Recipe, device: str) -> None:
    tokenizer = _tokenizer(recipe)
    model = _with_vision(recipe)
    language.train(model, tokenizer, features.load(), recipe, device)
    _export(model, tokenizer, recipe)


def _export(
    model: Qwen2VLForConditionalGeneration, tokenizer: PreTrainedTokenizerBase, recipe: Recipe
) -> None:
    """The model folder: weights in float16, each tied one once."""
    BASE_MODEL.mkdir(parents=True, exist_ok=True)
    model.cpu().half().save_pretrained(BASE_MODEL)
    tokenizer.save_pretrained(BASE_MODEL)
    processor = {
        "image_processor_type": "Qwen2VLImageProcessor", "min_pixels": 56 * 56,
        "max_pixels": MAX_PIXELS, "size": {"shortest_edge": 56 * 56, "longest_edge": MAX_PIXELS},
        "patch_size": PATCH, "merge_size": MERGE, "temporal_patch_size": 2,
        "image_mean": list(IMAGE_MEAN), "image_std": list(IMAGE_STD), "resample": 3,
        "do_resize": True, "do_rescale": True, "rescale_factor": 1 / 255, "do_normalize": True,
        "do_convert_rgb": True,
    }  # fmt: skip
    write_json(BASE_MODEL / "preprocessor_config.json", processor)
    write_json(BASE_MODEL / "card.json", base_card(recipe))


def train_adapters(recipe: Recipe, device: str) -> None:
    """Both heads, each on the base as it is shipped (rounded to float16)."""
    encoded = features.load()
    base_hash = hashlib.sha256((BASE_MODEL / "model.safetensors").read_bytes()).hexdigest()
    for architecture in ("patch", "pooled"):
        model = Qwen2VLForConditionalGeneration.from_pretrained(BASE_MODEL, dtype=torch.float32)
        tokenizer = AutoTokenizer.from_pretrained(BASE_MODEL)
        tuned, head, result = adapter.train(model, tokenizer, encoded, recipe, architecture, device)
        name = f"hazard-{architecture}"
        card = adapter_card(recipe, name, architecture, base_hash, result)
        adapter.save(tuned, head, ADAPTERS / name, base_hash, BASE_MODEL.name, card)
