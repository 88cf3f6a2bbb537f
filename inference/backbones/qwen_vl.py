"""Qwen2-VL, Qwen2.5-VL and Qwen3-VL: inputs composed from the tokenizer and the PIL image
processor, since the combined processors need torchvision."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from transformers.models.qwen2_vl.image_processing_pil_qwen2_vl import Qwen2VLImageProcessorPil

from inference.backbones.base import SENTINEL, Backbone, ModelImage
from inference.schema import PatchGrid

# A 1280 x 720 frame takes 1,196 at Qwen2-VL's 28 pixels a token.
MAX_IMAGE_TOKENS = 1280


class QwenVL(Backbone):
    image_processor_class = Qwen2VLImageProcessorPil
    fallback_template = (
        "<|im_start|>system\nYou are a helpful assistant.<|im_end|>\n"
        f"<|im_start|>user\n<|vision_start|><|image_pad|><|vision_end|>{SENTINEL}<|im_end|>\n"
        "<|im_start|>assistant\n"
    )

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        # The released processors allow up to 16,384 tokens; a phone's photo would take minutes.
        side = int(self.image_processor.patch_size) * int(self.image_processor.merge_size)
        size = self.image_processor.size
        most = min(int(size["longest_edge"]), MAX_IMAGE_TOKENS * side * side)
        least = min(int(size["shortest_edge"]), most)
        self.image_processor.size = {"shortest_edge": least, "longest_edge": most}

    def preprocess(self, pixels: NDArray[np.uint8]) -> ModelImage:
        out: Any = self.image_processor(
            images=[pixels], return_tensors="pt", input_data_format="channels_last"
        )
        _, rows, cols = (int(v) for v in out["image_grid_thw"][0])
        merge, patch = int(self.image_processor.merge_size), int(self.image_processor.patch_size)
        grid_thw = out["image_grid_thw"].to(self.device)
        return ModelImage(
            pixel_inputs={
                "pixel_values": out["pixel_values"].to(self.device),
                "image_grid_thw": grid_thw,
            },
            context_inputs={"image_grid_thw": grid_thw},
            grid=PatchGrid(rows // merge, cols // merge, (pixels.shape[1], pixels.shape[0])),
            resized_wh=(cols * patch, rows * patch),
        )

    def image_text(self, n_tokens: int) -> str:
        return self.image_token * n_tokens

    def token_types(self, ids: Tensor) -> dict[str, Tensor]:
        return {"mm_token_type_ids": (ids == self.image_token_id).to(torch.int32)}

    @property
    def decoder(self) -> nn.Module:
        return self.model.model.language_model  # type: ignore[no-any-return]
