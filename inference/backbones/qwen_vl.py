"""Qwen2-VL, Qwen2.5-VL and Qwen3-VL: inputs composed from the tokenizer and the PIL image
processor, since the combined processors and the video processor need torchvision."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from transformers.models.qwen2_vl.image_processing_pil_qwen2_vl import Qwen2VLImageProcessorPil

from inference.backbones.base import FRAME_PIXELS, SENTINEL, Backbone, ModelInput
from inference.schema import PatchGrid

GRID, START = "image_grid_thw", "<|vision_start|>"
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

    def preprocess(self, pixels: NDArray[np.uint8], times_s: Sequence[float] = ()) -> ModelInput:
        clip = pixels.ndim == 4
        size = dict(self.image_processor.size)
        if clip:
            size = {k: min(v, FRAME_PIXELS) for k, v in size.items()}
        out: Any = self.image_processor(
            images=list(pixels) if clip else [pixels],
            size=size,
            return_tensors="pt",
            input_data_format="channels_last",
        )
        patches, (_, rows, cols) = out["pixel_values"], (int(v) for v in out["image_grid_thw"][0])
        temporal, times = 1, tuple(times_s) if clip else ()
        if clip:
            temporal = int(self.image_processor.temporal_patch_size)
            patches = _temporal_patches(patches, len(pixels), temporal)
            times = tuple(float(np.mean(some)) for some in _padded(times_s, temporal))
        frames = len(patches) // (rows * cols)
        merge, patch = int(self.image_processor.merge_size), int(self.image_processor.patch_size)
        grid_thw = torch.tensor([[frames, rows, cols]], device=self.device)
        names = ("pixel_values_videos", "video_grid_thw") if clip else ("pixel_values", GRID)
        context = {names[1]: grid_thw}
        if clip and self.family == "qwen2_5_vl":
            gaps = np.diff(times) if len(times) > 1 else [temporal / 2]
            context["second_per_grid_ts"] = torch.tensor([np.mean(gaps)], device=self.device)
        wh = (pixels.shape[-2], pixels.shape[-3])
        return ModelInput(
            pixel_inputs={names[0]: patches.to(self.device), names[1]: grid_thw},
            context_inputs=context,
            grid=PatchGrid(rows // merge, cols // merge, wh, None, frames, temporal),
            resized_wh=(cols * patch, rows * patch),
            times_s=times,
        )

    def media_token(self, media: ModelInput) -> str:
        if not media.times_s:
            return self.image_token
        token: str = self.tokenizer.convert_ids_to_tokens(self.video_token_id)
        return token

    def media_text(self, media: ModelInput) -> str:
        token, grid = self.media_token(media), media.grid
        if self.family != "qwen3_vl" or not media.times_s:
            return token * grid.n_tokens
        # Qwen3-VL tells each frame's time in words; the template's own marks enclose the first
        # frame's tokens and the last one's.
        start, end = START, "<|vision_end|>"
        frame = token * (grid.rows * grid.cols)
        later = "".join(f"{end}<{time:.1f} seconds>{start}{frame}" for time in media.times_s[1:])
        return frame + later

    def _frame(self, media: ModelInput) -> tuple[str, str]:
        before, after = super()._frame(media)
        if self.family == "qwen3_vl" and media.times_s:
            before = before.replace(START, f"<{media.times_s[0]:.1f} seconds>{START}", 1)
        return before, after

    def token_types(self, ids: Tensor) -> dict[str, Tensor]:
        image, video = ids == self.image_token_id, ids == self.video_token_id
        return {"mm_token_type_ids": image.to(torch.int32) + 2 * video.to(torch.int32)}

    @property
    def decoder(self) -> nn.Module:
        return self.model.model.language_model  # type: ignore[no-any-return]


def _padded(some: Sequence[Any], temporal: int) -> list[Sequence[Any]]:
    """Groups of `temporal`, the last element repeated where one is short."""
    filled = [*some, *[some[-1]] * (-len(some) % temporal)]
    return [filled[i : i + temporal] for i in range(0, len(filled), temporal)]


def _temporal_patches(patches: Tensor, n: int, temporal: int) -> Tensor:
    """Patches of n images, each repeated in all its temporal slots, to those of one video, whose
    slots hold frames that follow each other. An odd last frame is repeated."""
    each = patches.reshape(n, len(patches) // n, 3, temporal, -1)
    groups = torch.tensor(_padded(range(n), temporal))
    slots = [each[groups[:, slot], :, :, slot] for slot in range(temporal)]
    return torch.stack(slots, dim=3).reshape(-1, patches.shape[1])
