"""The adapters that are on a loaded backbone, by the name people know them by."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

from inference.adapter_files import WEIGHTS
from inference.adapters import BackboneInfo, CheckedAdapter
from inference.backbones.base import Backbone
from inference.backbones.lora import AdapterBank
from inference.errors import UserError, unknown
from inference.heads import Head, load_head
from inference.schema import AdapterEntry
from inference.weights import read_weights


@dataclass(frozen=True)
class LoadedAdapter:
    """slot: its name within the bank. notes: sentences for the page."""

    entry: AdapterEntry
    slot: str
    head: Head | None
    notes: tuple[str, ...] = ()


def backbone_info(backbone: Backbone, folder: Path, name: str) -> BackboneInfo:
    """What adapters are checked against. Quantised layers keep their nominal sizes."""
    shapes = {
        name: (int(module.in_features), int(module.out_features))
        for name, module in backbone.model.named_modules()
        if hasattr(module, "in_features") and hasattr(module, "out_features")
    }
    return BackboneInfo(
        id=name,
        hidden_size=int(backbone.model.config.get_text_config().hidden_size),
        shapes=shapes,
        folder=folder,
    )


class LoadedAdapters:
    """A dictionary of adapters whose changes reach the backbone. Callers hold the model's lock."""

    def __init__(self, backbone: Backbone, info: BackboneInfo) -> None:
        self.info = info
        self.bank = AdapterBank(backbone.model)
        self._device = backbone.device
        self._loaded: dict[str, LoadedAdapter] = {}

    def entries(self) -> list[AdapterEntry]:
        return [adapter.entry for adapter in list(self._loaded.values())]

    def get(self, name: str) -> LoadedAdapter:
        if name not in self._loaded:
            raise unknown("adapter", name, self._loaded or ("(none is loaded)",), "adapter")
        return self._loaded[name]

    def load(self, checked: CheckedAdapter, source: str) -> AdapterEntry:
        """The new one is in place before one of the same name goes; on failure nothing changes."""
        head, name = None, checked.entry.name
        if checked.entry.has_head:
            head = load_head(checked.folder, self.info.sha256, str(self._device), name)
        tensors = read_weights(checked.folder / WEIGHTS, name)
        state = {checked.keys[key]: tensor for key, tensor in tensors.items()}
        slot = self._put_on(checked, state)
        entry = replace(checked.entry, source=source, loaded=True)
        previous = self._loaded.pop(entry.name, None)
        self._loaded[entry.name] = LoadedAdapter(entry, slot, head, checked.notes)
        if previous is not None:
            self.bank.unload(previous.slot)
        return entry

    def _put_on(self, checked: CheckedAdapter, state: dict) -> str:  # type: ignore[type-arg]
        try:
            return self.bank.load(checked.settings, state)
        except UserError:
            raise
        except Exception as error:  # PEFT raises many kinds
            raise UserError(
                "The adapter could not be put on the model",
                got=f"{type(error).__name__}: {str(error)[:200]}",
                field="adapter",
            ) from error

    def unload(self, name: str) -> None:
        self.bank.unload(self.get(name).slot)
        del self._loaded[name]
