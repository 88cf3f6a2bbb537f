"""What the predictor needs of a model family, and what all families share.

A family says how a picture becomes patches and where its tokens lie (`preprocess`) and how a prompt
becomes tokens (`tokenize`). Knows nothing of adapters, tasks or text parsing.
"""

from __future__ import annotations

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


@dataclass(frozen=True)
class ModelImage:
    """A picture as the model gets it.

    pixel_inputs: arguments of `get_image_features`. context_inputs: what the language model needs
    to know of the picture's shape, one picture. resized_wh: pixels after the processor's resize.
    """

    pixel_inputs: dict[str, Tensor]
    context_inputs: dict[str, Tensor]
    grid: PatchGrid
    resized_wh: tuple[int, int]


class Backbone:
    """One loaded vision-language model. Subclasses implement `preprocess` and `_image_text`."""

    fallback_template = ""

    def __init__(
        self, model: PreTrainedModel, tokenizer: Any, image_processor: Any, spec: BackboneSpec
    ) -> None:
        self.model = model.eval()
        self.tokenizer = tokenizer
        self.image_processor = image_processor
        self.spec = spec
        self.image_token_id = int(model.config.image_token_id)
        self.image_token: str = tokenizer.convert_ids_to_tokens(self.image_token_id)

    # What differs between families -----------------------------------------------------------
    def preprocess(self, pixels: NDArray[np.uint8]) -> ModelImage:
        """pixels: (height, width, 3) uint8 RGB."""
        raise NotImplementedError

    def image_text(self, n_tokens: int) -> str:
        """The text that stands for a picture of that many tokens."""
        raise NotImplementedError

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
    def suppressed_ids(self) -> list[int]:
        """Tokens that stand for pictures. One of them in an answer would break the next pass."""
        ids = (getattr(self.model.config, n, None) for n in ("image_token_id", "video_token_id"))
        return [int(i) for i in ids if i is not None]

    @property
    def eos_ids(self) -> list[int]:
        eos = self.model.generation_config.eos_token_id
        if eos is None:
            eos = self.tokenizer.eos_token_id
        return [] if eos is None else list(eos) if isinstance(eos, (list, tuple)) else [int(eos)]

    def tokenize(self, view: ModelImage, prompt: str) -> list[int]:
        """Token ids of the chat turn that shows the picture and asks `prompt`.

        The prompt is tokenised by itself with special tokens split, so that a person who types
        "<|image_pad|>" gets those characters, not a picture.
        """
        before, after = self._frame(view.grid.n_tokens)
        encode = self.tokenizer
        ids = [
            *encode(before, add_special_tokens=False).input_ids,
            *encode(prompt, add_special_tokens=False, split_special_tokens=True).input_ids,
            *encode(after, add_special_tokens=False).input_ids,
        ]
        if ids.count(self.image_token_id) != view.grid.n_tokens:
            raise UserError(
                "The tokenizer does not know the model's image token",
                expected=f"{view.grid.n_tokens} tokens {self.image_token!r}",
                got=str(ids.count(self.image_token_id)),
                field="model",
            )
        return ids

    def _frame(self, n_tokens: int) -> tuple[str, str]:
        """The chat turn's text before and after the prompt, image tokens spelt out."""
        text = self.fallback_template
        if self.tokenizer.chat_template:
            content = [{"type": "image"}, {"type": "text", "text": SENTINEL}]
            rendered = self.tokenizer.apply_chat_template(
                [{"role": "user", "content": content}], tokenize=False, add_generation_prompt=True
            )
            # A template made for text alone leaves the picture out: then the fallback stands.
            if rendered.count(self.image_token) == 1 and rendered.count(SENTINEL) == 1:
                text = rendered
        before, after = text.split(SENTINEL)
        expanded = self.image_text(n_tokens)
        return before.replace(self.image_token, expanded), after.replace(self.image_token, expanded)

    def encode(self, view: ModelImage) -> Any:
        """The vision tower's output for one picture. Call once, share with `inputs`."""
        return self.model.get_image_features(**view.pixel_inputs, return_dict=True)

    def inputs(self, view: ModelImage, features: Any, ids: list[int], n: int) -> dict[str, Any]:
        """Forward arguments for n equal rows over one picture, from one vision pass."""
        row = torch.tensor([ids], device=self.device)
        batch = row.expand(n, -1)
        shape = {k: v.repeat(n, *[1] * (v.ndim - 1)) for k, v in view.context_inputs.items()}
        return {
            "input_ids": batch,
            "attention_mask": torch.ones_like(batch),
            "mm_encoder_outputs": {"image": _repeated(features, n)},
            **self.token_types(batch),
            **shape,
        }

    def image_positions(self, ids: list[int]) -> Tensor:
        """(N,) positions of the image tokens."""
        return (torch.tensor(ids) == self.image_token_id).nonzero()[:, 0]


def _repeated(features: Any, n: int) -> Any:
    """The vision output as if n equal pictures had been seen. Qwen3-VL's deep-stack features,
    which enter the early layers, are repeated too."""
    fields: dict[str, Any] = {"pooler_output": tuple(features.pooler_output) * n}
    deep = getattr(features, "deepstack_features", None)
    if deep is not None:
        fields["deepstack_features"] = [tuple(layer) * n for layer in deep]
    return type(features)(**fields)
