"""SmolVLM. One tile for the whole picture: the processor's splitting into sub-images is off, so
that every image token has one place in the picture and the sequence stays short. Small things are
seen less well than with splitting."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from torch import nn
from transformers.models.smolvlm.image_processing_pil_smolvlm import SmolVLMImageProcessorPil

from inference.backbones.base import SENTINEL, Backbone, ModelImage
from inference.schema import PatchGrid

AROUND, GLOBAL = "<fake_token_around_image>", "<global-img>"


class SmolVLM(Backbone):
    image_processor_class = SmolVLMImageProcessorPil
    fallback_template = f"<|im_start|>User:<image>{SENTINEL}<end_of_utterance>\nAssistant:"

    def preprocess(self, pixels: NDArray[np.uint8]) -> ModelImage:
        # The tile is stretched to a square, not padded: the grid covers the whole picture.
        side = int(self.model.config.vision_config.image_size)
        out: Any = self.image_processor(
            images=[[pixels]],
            return_tensors="pt",
            input_data_format="channels_last",
            do_image_splitting=False,
            max_image_size={"longest_edge": side},
        )
        config = self.model.config
        n = side // int(config.vision_config.patch_size) // int(config.scale_factor)
        inputs = {k: out[k].to(self.device) for k in ("pixel_values", "pixel_attention_mask")}
        return ModelImage(
            pixel_inputs=inputs,
            context_inputs={},
            grid=PatchGrid(n, n, (pixels.shape[1], pixels.shape[0])),
            resized_wh=(side, side),
        )

    def image_text(self, n_tokens: int) -> str:
        return f"{AROUND}{GLOBAL}{self.image_token * n_tokens}{AROUND}"

    @property
    def decoder(self) -> nn.Module:
        return self.model.model.text_model  # type: ignore[no-any-return]
