"""Tiny models and adapters, built once for the whole session."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from inference.inputs import ImageInput
from tests.tiny import make_tiny, make_tiny_adapter

PROMPT = "Which area should we pay more attention to in the current autonomous driving scenario?"


class Zoo:
    """Folders of tiny models and adapters, made when first asked for."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._predictors: dict[str, object] = {}

    def model(self, family: str) -> Path:
        folder = self._root / family
        return folder if folder.exists() else make_tiny(family, folder)

    def adapter(self, family: str, kind: str = "patch") -> Path:
        """kind: patch, pooled, plain (no head, no card) or vision."""
        folder = self._root / f"{family}-{kind}"
        if not folder.exists():
            head = kind if kind in ("patch", "pooled") else None
            base = self.model(family)
            make_tiny_adapter(base, folder, head=head, vision=kind == "vision")
        return folder

    def plain(self, family: str, adapter: str | None = None):
        """The model as transformers and PEFT load it, without Sightline."""
        from peft import PeftModel
        from transformers import AutoModelForImageTextToText

        model = AutoModelForImageTextToText.from_pretrained(self.model(family))
        return (PeftModel.from_pretrained(model, adapter) if adapter else model).eval()

    def predictor(self, family: str):
        """A predictor with the adapters "patch" and "vision" loaded; shared, leave it as it is."""
        from inference.predictor import Predictor

        if family not in self._predictors:
            predictor = Predictor.load(self.model(family), device="cpu")
            predictor.load_adapter(self.adapter(family, "patch"), "patch")
            predictor.load_adapter(self.adapter(family, "vision"), "vision")
            self._predictors[family] = predictor
        return self._predictors[family]


@pytest.fixture(scope="session")
def zoo(tmp_path_factory):
    return Zoo(tmp_path_factory.mktemp("zoo"))


@pytest.fixture(scope="session")
def make_image():
    def make(width: int = 308, height: int = 196, seed: int = 0) -> ImageInput:
        rng = np.random.default_rng(seed)
        pixels = rng.integers(0, 256, (height, width, 3), dtype=np.uint8)
        return ImageInput(pixels, f"{seed:064d}")

    return make
