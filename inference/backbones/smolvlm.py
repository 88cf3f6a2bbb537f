"""SmolVLM. One tile for the whole image: the processor's splitting into sub-images is off, so that
every image token has one place in the image and the sequence stays short. Small things are seen
less well than with splitting. A clip is a list of images with their times."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import numpy as np
from numpy.typing import NDArray
from torch import nn
from transformers.models.smolvlm.image_processing_pil_smolvlm import SmolVLMImageProcessorPil

from inference.backbones.base import SENTINEL, Backbone, ModelInput
from inference.schema import PatchGrid

# As SmolVLM's processor introduces a video, but for the number, which it spells out.
INTRO = "You are provided the following series of {n} frames from a {length} [H:MM:SS] video.\n"
AROUND, GLOBAL = "<fake_token_around_image>", "<global-img>"


class SmolVLM(Backbone):
    image_processor_class = SmolVLMImageProcessorPil
    fallback_template = f"<|im_start|>User:<image>{SENTINEL}<end_of_utterance>\nAssistant:"

    def preprocess(self, pixels: NDArray[np.uint8], times_s: Sequence[float] = ()) -> ModelInput:
        # The tile is stretched to a square, not padded: the grid covers the whole image.
        clip = pixels.ndim == 4
        side = int(self.model.config.vision_config.image_size)
        out: Any = self.image_processor(
            images=[list(pixels) if clip else [pixels]],
            return_tensors="pt",
            input_data_format="channels_last",
            do_image_splitting=False,
            max_image_size={"longest_edge": side},
        )
        config = self.model.config
        n = side // int(config.vision_config.patch_size) // int(config.scale_factor)
        inputs = {k: out[k].to(self.device) for k in ("pixel_values", "pixel_attention_mask")}
        wh, frames = (pixels.shape[-2], pixels.shape[-3]), len(pixels) if clip else 1
        return ModelInput(
            pixel_inputs=inputs,
            context_inputs={},
            grid=PatchGrid(n, n, wh, None, frames),
            resized_wh=(side, side),
            times_s=tuple(times_s) if clip else (),
        )

    def media_text(self, media: ModelInput) -> str:
        tokens = self.image_token * (media.grid.rows * media.grid.cols)
        block = f"{AROUND}{GLOBAL}{tokens}{AROUND}"
        if not media.times_s:
            return block
        told = INTRO.format(n=len(media.times_s), length=timedelta(seconds=int(media.times_s[-1])))
        stamps = (f"{int(t // 60):02d}:{int(t % 60):02d}" for t in media.times_s)
        return told + "".join(f"\nFrame from {s}:{block}" for s in stamps) + "\n\n"

    @property
    def decoder(self) -> nn.Module:
        return self.model.model.text_model  # type: ignore[no-any-return]
