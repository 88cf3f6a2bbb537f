"""Several questions behind one image: each attends to the image and itself, none to another.

An image costs 84 tokens and a question about 25, so four questions share one image's work. The
positions are those that each question would have alone, so that training and use agree.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache, partial

import numpy as np
import torch
from torch import Tensor
from transformers import PreTrainedTokenizerBase

from examples.build.questions import QA

IGNORE = -100


@dataclass(frozen=True)
class Packed:
    """A batch: ids (B, L); position_ids (3, B, L); mask (B, 1, L, L) bool, true = may attend;
    labels (B, L) the token that each position must predict, IGNORE elsewhere; image (L,) bool;
    last_prompt (B, questions): position of each question's last prompt token."""

    ids: Tensor
    position_ids: Tensor
    mask: Tensor
    labels: Tensor
    image: Tensor
    last_prompt: Tensor

    def to(self, device: str) -> Packed:
        return Packed(*(getattr(self, f).to(device) for f in self.__dataclass_fields__))


class Packer:
    """Turns questions and answers into batches for one tokenizer."""

    def __init__(self, tokenizer: PreTrainedTokenizerBase) -> None:
        content = [{"type": "image"}, {"type": "text", "text": "QUESTION"}]
        turns = [{"role": "user", "content": content}]
        parts = tokenizer.apply_chat_template(turns, add_generation_prompt=True, tokenize=False)
        before, after = parts.split("<|image_pad|>")
        end, self.tail = after.split("QUESTION")
        self.head = tokenizer.encode(before, add_special_tokens=False)
        self.close = tokenizer.encode(end, add_special_tokens=False)
        self.image_id = tokenizer.convert_tokens_to_ids("<|image_pad|>")
        self._encode = lru_cache(200_000)(partial(tokenizer.encode, add_special_tokens=False))

    def pack(self, questions: list[list[QA]], grid: tuple[int, int]) -> Packed:
        """questions: for each image of the batch, its questions and answers."""
        prefix = [*self.head, *[self.image_id] * (grid[0] * grid[1]), *self.close]
        rows = [self._row(q, prefix) for q in questions]
        length = -(-max(len(r["ids"]) for r in rows) // 16) * 16
        batch = len(rows)
        ids = np.zeros((batch, length), np.int64)
        labels = np.full((batch, length), IGNORE, np.int64)
        segment = np.full((batch, length), -1, np.int64)
        position = np.zeros((3, batch, length), np.int64)
        count = max(len(q) for q in questions)
        last = np.zeros((batch, count), np.int64)
        place = self._places(grid)
        for i, row in enumerate(rows):
            n = len(row["ids"])
            ids[i, :n], labels[i, :n], segment[i, :n] = row["ids"], row["labels"], row["segment"]
            position[:, i, : len(prefix)] = place
            after = place.max() + 1 + np.array(row["offset"][len(prefix) :])
            position[:, i, len(prefix) : n] = after
            last[i, : len(row["last"])] = row["last"]
        order = np.arange(length)
        same = segment[:, :, None] == segment[:, None, :]
        to_prefix = (segment == 0)[:, None, :] & (segment >= 0)[:, :, None]
        mask = (same | to_prefix) & (order[:, None] >= order[None, :])
        mask |= np.eye(length, dtype=bool)  # padding attends to itself, so that no row is empty
        image = np.zeros(length, bool)
        image[len(self.head) : len(self.head) + grid[0] * grid[1]] = True
        tensors = (ids, position, mask[:, None], labels, image, last)
        return Packed(*(torch.from_numpy(np.ascontiguousarray(t)) for t in tensors))

    def _row(self, questions: list[QA], prefix: list[int]) -> dict[str, list[int]]:
        row: dict[str, list[int]] = {
            "ids": list(prefix),
            "labels": [IGNORE] * len(prefix),
            "segment": [0] * len(prefix),
            "offset": [0] * len(prefix),
            "last": [],
        }
        for s, (question, answer) in enumerate(questions, 1):
            prompt = self._encode(question + self.tail)
            said = self._encode(answer + "<|im_end|>")
            tokens = prompt + said
            row["last"].append(len(row["ids"]) + len(prompt) - 1)
            row["ids"] += tokens
            row["labels"] += [IGNORE] * (len(prompt) - 1) + said + [IGNORE]
            row["segment"] += [s] * len(tokens)
            row["offset"] += range(len(tokens))
        return row

    def _places(self, grid: tuple[int, int]) -> np.ndarray:
        """(3, prefix) rotary positions of the shared beginning, as Qwen2-VL's get_rope_index."""
        n, start = grid[0] * grid[1], len(self.head)
        row, col = np.divmod(np.arange(n), grid[1])
        image = np.stack([np.zeros(n, np.int64), row, col]) + start
        head = np.tile(np.arange(start), (3, 1))
        close = np.tile(np.arange(len(self.close)), (3, 1)) + start + max(grid)
        return np.concatenate([head, image, close], 1)
