"""LoRA adapters on one backbone: many loaded at once, chosen row by row within a batch.

PEFT puts its layers into the backbone's own modules and chooses between them with hooks on shared
modules, so nothing here may run in two threads at once: the predictor holds the lock.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, nullcontext
from functools import partial
from itertools import groupby
from typing import Any

import torch
from peft import LoraConfig, PeftModelForCausalLM, set_peft_model_state_dict
from peft.tuners.lora import LoraLayer
from torch import Tensor
from transformers import PreTrainedModel

from inference.errors import UserError


class AdapterBank:
    """The adapters that are on a backbone, by a slot name that is never used twice."""

    def __init__(self, model: PreTrainedModel) -> None:
        self._model = model
        self._peft: PeftModelForCausalLM | None = None
        self._count = 0

    def load(self, settings: dict[str, Any], state: dict[str, Tensor]) -> str:
        """Put an adapter on. settings: LoraConfig arguments with `target_modules` as full module
        names. state: "<module>.lora_A.weight" and "...lora_B.weight". Returns its slot.

        Raises:
            UserError: a weight found no place, or a place got no weight. Nothing stays loaded.
        """
        slot = f"slot{self._count}"
        self._count += 1
        config = LoraConfig(task_type="CAUSAL_LM", inference_mode=True, **settings)
        if self._peft is None:
            self._peft = PeftModelForCausalLM(self._model, config, adapter_name=slot)
        else:
            self._peft.add_adapter(slot, config)
        prefixed = {f"base_model.model.{k}": v for k, v in state.items()}
        outcome = set_peft_model_state_dict(self._peft, prefixed, adapter_name=slot)
        missing = [k for k in outcome.missing_keys if f".{slot}." in k or k.endswith(slot)]
        if outcome.unexpected_keys or missing:
            self.unload(slot)
            raise UserError(
                "The adapter's weights do not fit this model",
                expected="one place for each weight and one weight for each place",
                got=f"{len(missing)} places empty, {len(outcome.unexpected_keys)} weights left",
                field="adapter",
            )
        self._peft.eval()
        return slot

    def unload(self, slot: str) -> None:
        """Take an adapter off. With the last one, the backbone is as it was before the first."""
        assert self._peft is not None
        if len(self._peft.peft_config) == 1:
            self._peft.unload()
            self._peft = None
        else:
            others = [name for name in self._peft.peft_config if name != slot]
            self._peft.set_adapter(others[0])
            self._peft.delete_adapter(slot)
        if torch.cuda.is_available():
            torch.cuda.empty_cache()

    @contextmanager
    def rows(self, slots: Sequence[str | None]) -> Iterator[None]:
        """Inside, row i of every batch goes through slots[i] (None: the base alone).

        Not PEFT's own `adapter_names=` argument: that leaves its hooks behind when the forward
        pass raises (peft 0.21, LoraModel._enable_peft_forward_hooks has no `finally`), and every
        later answer would be wrong without a word. It also copies the rows twice in every layer.
        """
        if self._peft is None:
            yield
            return
        runs = _runs(slots)
        with ExitStack() as hooks:
            hooks.enter_context(self._peft.disable_adapter())
            for module in self._peft.modules():
                if isinstance(module, LoraLayer):
                    handle = module.register_forward_hook(partial(_add_low_rank, runs))
                    hooks.callback(handle.remove)
            yield

    @contextmanager
    def whole(self, slot: str | None) -> Iterator[None]:
        """Inside, the whole model runs with one adapter, or with none (the vision tower too)."""
        if self._peft is None:
            yield
            return
        if slot is not None:
            self._peft.set_adapter(slot, inference_mode=True)
        with self._peft.disable_adapter() if slot is None else nullcontext():
            yield


def _runs(slots: Sequence[str | None]) -> list[tuple[str, slice]]:
    """Neighbouring rows with one adapter; rows of the base are left out."""
    runs, first = [], 0
    for slot, group in groupby(slots):
        end = first + len(list(group))
        if slot is not None:
            runs.append((slot, slice(first, end)))
        first = end
    return runs


def _add_low_rank(
    runs: list[tuple[str, slice]], layer: LoraLayer, args: tuple[Tensor], output: Tensor
) -> None:
    """Hook: add each adapter's part, s B A x, to its rows of the frozen layer's output (Hu et al.,
    LoRA, 2021, Eq. 3), in place."""
    for slot, rows in runs:
        if slot in layer.lora_A:
            down, up = layer.lora_A[slot], layer.lora_B[slot]
            low = down(args[0][rows].to(down.weight.dtype)) * layer.scaling[slot]
            output[rows].add_(up(low).to(output.dtype))
