"""What the predictor needs of a model family, and what all families share.

A family says how an image or a clip becomes patches and where its tokens lie (`preprocess`), and
how a prompt becomes tokens (`tokenize`). Knows nothing of adapters, tasks or text parsing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from transformers import PreTrainedModel

from inference.errors import UserError
from inference.registry import BackboneSpec
from inference.schema import PatchGrid

SENTINEL = "\ue000"  # private-use character that stands for the user's text in a chat template


# Of a clip's frame, as in the safe driving instruction paper (001_b632e340e95d1934.txt).
FRAME_PIXELS = 16_384


@dataclass(frozen=True)
class ModelInput:
    """An image or a clip as the model gets it.

    pixel_inputs: arguments of `get_image_features` or `get_video_features`. context_inputs: what
    the language model needs to know of its shape. resized_wh: pixels after the processor's resize.
    times_s: of a clip, the middle of each frame of tokens; () for an image.
    """

    pixel_inputs: dict[str, Tensor]
    context_inputs: dict[str, Tensor]
    grid: PatchGrid
    resized_wh: tuple[int, int]
    times_s: tuple[float, ...] = ()


class Backbone:
    """One loaded vision-language model. Subclasses implement `preprocess` and `media_text`."""

    fallback_template = ""

    def __init__(
        self, model: PreTrainedModel, tokenizer: Any, image_processor: Any, spec: BackboneSpec
    ) -> None:
        self.model = model.eval()
        self.tokenizer = tokenizer
        self.image_processor = image_processor
        self.spec = spec
        self.image_token_id = int(model.config.image_token_id)
        video = getattr(model.config, "video_token_id", None)
        self.video_token_id = None if video is None else int(video)
        self.image_token: str = tokenizer.convert_ids_to_tokens(self.image_token_id)

    # What differs between families -----------------------------------------------------------
    def preprocess(self, pixels: NDArray[np.uint8], times_s: Sequence[float] = ()) -> ModelInput:
        """pixels: RGB, (height, width, 3) uint8 of an image, or (frames, height, width, 3) of a
        clip, then with each frame's time."""
        raise NotImplementedError

    def media_text(self, media: ModelInput) -> str:
        """What stands for the media where a chat template has its one token, with what the template
        puts around that token for this family's images."""
        raise NotImplementedError

    def media_token(self, media: ModelInput) -> str:
        """The token that a chat template puts for the media."""
        return self.image_token

    def token_types(self, ids: Tensor) -> dict[str, Tensor]:
        """Arguments that mark image tokens, for families that need them."""
        return {}

    @property
    def decoder(self) -> nn.Module:
        """The language model's stack of layers, with its final `norm`."""
        raise NotImplementedError

    # What they share --------------------------------------------------------------------------
    @property
    def family(self) -> str:
        return str(self.model.config.model_type)

    @property
    def device(self) -> torch.device:
        return self.model.device

    @property
    def final_norm(self) -> nn.Module:
        norm = self.decoder.norm
        assert isinstance(norm, nn.Module)
        return norm

    @property
    def lm_head(self) -> nn.Module:
        head = self.model.get_output_embeddings()
        assert isinstance(head, nn.Module)
        return head

    @property
    def media_ids(self) -> list[int]:
        """Tokens that stand for images and clips. One of them in an answer would break the next
        pass."""
        return [i for i in (self.image_token_id, self.video_token_id) if i is not None]

    @property
    def eos_ids(self) -> list[int]:
        eos = self.model.generation_config.eos_token_id
        if eos is None:
            eos = self.tokenizer.eos_token_id
        return [] if eos is None else list(eos) if isinstance(eos, (list, tuple)) else [int(eos)]

    def tokenize(self, media: ModelInput, prompt: str) -> list[int]:
        """Token ids of the chat turn that shows the media and asks `prompt`.

        The prompt is tokenised by itself with special tokens split, so that a person who types
        "<|image_pad|>" gets those characters, not an image.
        """
        before, after = self._frame(media)
        encode = self.tokenizer
        ids = [
            *encode(before, add_special_tokens=False).input_ids,
            *encode(prompt, add_special_tokens=False, split_special_tokens=True).input_ids,
            *encode(after, add_special_tokens=False).input_ids,
        ]
        if len(self.image_positions(ids)) != media.grid.n_tokens:
            raise UserError(
                "The tokenizer does not know the model's image token",
                expected=f"{media.grid.n_tokens} tokens {self.media_token(media)!r}",
                got=str(len(self.image_positions(ids))),
                field="model",
            )
        return ids

    def _frame(self, media: ModelInput) -> tuple[str, str]:
        """The chat turn's text before and after the prompt, image tokens spelt out."""
        token = self.media_token(media)
        text = self.fallback_template.replace(self.image_token, token)
        if self.tokenizer.chat_template:
            content = [{"type": self.modality(media)}, {"type": "text", "text": SENTINEL}]
            rendered = self.tokenizer.apply_chat_template(
                [{"role": "user", "content": content}], tokenize=False, add_generation_prompt=True
            )
            # A template made for text alone leaves the image out: then the fallback stands.
            if rendered.count(token) == 1 and rendered.count(SENTINEL) == 1:
                text = rendered
        before, after = text.split(SENTINEL)
        expanded = self.media_text(media)
        return before.replace(token, expanded), after.replace(token, expanded)

    def encode(self, media: ModelInput) -> Any:
        """The vision tower's output for one image or clip. Call once, share with `inputs`."""
        return vision_features(self.model, media.pixel_inputs)

    def inputs(self, view: ModelInput, features: Any, ids: list[int], n: int) -> dict[str, Any]:
        """Forward arguments for n equal rows over one image or clip, from one vision pass."""
        row = torch.tensor([ids], device=self.device)
        batch = row.expand(n, -1)
        shape = {k: v.repeat(n, *[1] * (v.ndim - 1)) for k, v in view.context_inputs.items()}
        return {
            "input_ids": batch,
            "attention_mask": torch.ones_like(batch),
            "mm_encoder_outputs": {self.modality(view): _repeated(features, n)},
            **self.token_types(batch),
            **shape,
        }

    def image_positions(self, ids: list[int]) -> Tensor:
        """(N,) positions of the image's or clip's tokens."""
        return self.is_media(torch.tensor(ids)).nonzero()[:, 0]

    def is_media(self, ids: Tensor) -> Tensor:
        """Where the image's or clip's tokens are."""
        return torch.isin(ids, torch.tensor(self.media_ids, device=ids.device))

    def modality(self, media: ModelInput) -> str:
        """What transformers calls the media: "image" or "video"."""
        return "image" if self.media_token(media) == self.image_token else "video"


def vision_features(model: Any, pixel_inputs: dict[str, Tensor]) -> Any:
    """What the vision tower makes of `ModelInput.pixel_inputs`."""
    video = "pixel_values_videos" in pixel_inputs
    run = model.get_video_features if video else model.get_image_features
    return run(**pixel_inputs, return_dict=True)


def _repeated(features: Any, n: int) -> Any:
    """The vision output as if n equal images had been encoded. Qwen3-VL's deep-stack features,
    which enter the early layers, are repeated too."""
    fields: dict[str, Any] = {"pooler_output": tuple(features.pooler_output) * n}
    deep = getattr(features, "deepstack_features", None)
    if deep is not None:
        fields["deepstack_features"] = [tuple(layer) * n for layer in deep]
    return type(features)(**fields)
