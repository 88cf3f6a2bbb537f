"""The model as the app holds it: known at once, loaded when first needed.

Importing this module and calling `info` and `adapters` imports neither torch nor transformers, so
that the page opens at once. A model that cannot be had is replaced by the embedded one, and the
reason is kept.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from inference.adapter_files import HEAD, WEIGHTS
from inference.adapters import discover, examine, name_taken
from inference.errors import UserError
from inference.fingerprint import file_sha256
from inference.hub import check_source, is_hub_id, local_folder
from inference.inputs import Media
from inference.registry import BACKBONES, resolve
from inference.schema import AdapterEntry, ModelInfo, PairPrediction, PairRequest, Side

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from inference.predictor import Predictor, Progress

PREDICTOR = "inference.predictor:Predictor"
Quantize = Literal["none", "nf4", "int8"]


class ModelService:
    """model: folder or hub id, or None for the embedded one. embedded: its folder. adapters:
    folders or hub ids to load with the model. adapter_roots: folders whose sub-folders are offered.
    """

    def __init__(
        self,
        model: str | None,
        embedded: Path,
        adapters: Sequence[str] = (),
        adapter_roots: Sequence[Path] = (),
        quantize: Quantize = "none",
        device: str = "auto",
        dtype: str = "auto",
    ) -> None:
        self._embedded = Path(embedded)
        self._model = model
        self._wanted = list(adapters)
        self._roots = list(adapter_roots)
        self._options: dict[str, Any] = {"quantize": quantize, "device": device, "dtype": dtype}
        self._problems: dict[str, AdapterEntry] = {}
        self._versions: dict[str, str] = {}  # of the loaded adapters, as they were when loaded
        self._predictor: Predictor | None = None
        self._loading = threading.Lock()
        self._fallback_reason = _why_not(model)
        self._broken: str | None = None

    # Without torch ----------------------------------------------------------------------------
    def info(self) -> ModelInfo:
        """The backbone as far as it is known now; never waits."""
        reason = " ".join(r for r in (self._fallback_reason, self._broken) if r) or None
        requested = self._model if self._fallback_reason else None
        if self._predictor is not None:
            return replace(self._predictor.info, requested=requested, fallback_reason=reason)
        embedded = self._model is None or self._fallback_reason is not None
        source = self._embedded if embedded else Path(str(self._model))
        return ModelInfo(
            id=str(self._model) if not embedded and is_hub_id(str(self._model)) else source.name,
            family=_family(source),
            device=self._options["device"],
            dtype=self._options["dtype"],
            quantize=self._options["quantize"],
            embedded=embedded,
            requested=requested,
            fallback_reason=reason,
        )

    def adapters(self) -> list[AdapterEntry]:
        """Loaded adapters first, then those that can be loaded, then those that cannot with their
        problem; never waits for the model. Each has its own name: of two with one name the second
        cannot be used, and the order is that of `adapter_roots`, then of `adapters`."""
        predictor = self._predictor
        loaded = predictor.adapters() if predictor else []
        backbone = predictor.backbone_info if predictor else None
        offered = discover(self._roots, backbone)
        offered += list(self._problems.values())
        offered += [examine(s, backbone) for s in self._wanted if Path(s).is_dir()]
        names = {entry.name for entry in loaded}
        places = {_place(entry.source) for entry in loaded}
        rest: list[AdapterEntry] = []
        for entry in offered:
            if (place := _place(entry.source)) not in places:
                rest.append(entry if entry.name not in names else _renamed(entry))
                names.add(entry.name)
                places.add(place)
        return [*loaded, *sorted(rest, key=lambda e: e.problem is not None)]

    # With the model ---------------------------------------------------------------------------
    def warm_up(self) -> threading.Thread:
        """Load in the background. What goes wrong is in `info().fallback_reason` afterwards."""

        def load() -> None:
            try:
                self.predictor()
            except UserError:
                pass  # kept in self._broken, and raised again by whoever needs the model

        thread = threading.Thread(target=load, name="model warm-up", daemon=True)
        thread.start()
        return thread

    def predictor(self) -> Predictor:
        """The loaded model; loads it first if need be.

        Raises:
            UserError: (field "model") not even the embedded model can be loaded.
        """
        with self._loading:
            if self._predictor is None:
                try:
                    predictor = self._load()
                except UserError as error:
                    self._broken = str(error)
                    raise
                except Exception as error:
                    self._broken = f"The model could not be loaded: {error}"
                    raise UserError(self._broken, field="model") from error
                for source in self._wanted:
                    self._load_wanted(predictor, source)
                self._broken = None
                self._predictor = predictor
            return self._predictor

    def _load(self) -> Predictor:
        """The requested model, else the embedded one. Torch is imported only once the requested
        one is known to be here."""
        if self._model is not None and self._fallback_reason is None:
            try:
                folder = local_folder(self._model, field="model")
                predictor: Predictor = resolve(PREDICTOR).load(folder, **self._options)
            except UserError as error:
                self._fallback_reason = str(error)
            else:
                if is_hub_id(self._model):
                    predictor.info = replace(predictor.info, id=self._model)
                return predictor
        load = resolve(PREDICTOR).load
        if self._fallback_reason is None:
            embedded: Predictor = load(self._embedded, embedded=True, **self._options)
        else:
            # The flags were meant for the other model, and may be what made it fail.
            embedded = load(self._embedded, embedded=True)
        return embedded

    def _load_wanted(self, predictor: Predictor, source: str) -> None:
        try:
            self._put_on(predictor, source)
        except UserError as error:
            name = Path(source).name
            self._problems[source] = AdapterEntry(
                name, source, None, has_head=False, loaded=False, problem=str(error)
            )

    def load_adapter(self, source: str, name: str | None = None) -> AdapterEntry:
        """Load by folder, hub id, or the name of an adapter that `adapters` offers.

        Raises:
            UserError: (field "adapter") it cannot be had or does not fit.
        """
        check_source(source, "adapter")
        known = {entry.name: entry.source for entry in self.adapters() if not entry.loaded}
        entry = self._put_on(self.predictor(), known.get(source, source), name)
        self._problems.pop(source, None)
        return entry

    def _put_on(self, predictor: Predictor, source: str, name: str | None = None) -> AdapterEntry:
        version = files_version(source)  # read first: a change in between is then seen later
        others = {e.name for e in self.adapters() if _place(e.source) != _place(source)}
        entry = predictor.load_adapter(source, name, others)
        self._versions[entry.name] = version
        return entry

    def unload_adapter(self, name: str) -> None:
        """Take an adapter off the model; it stays offered if it lies in an adapter root."""
        self.predictor().unload_adapter(name)
        self._versions.pop(name, None)

    def predict_pair(
        self,
        image: Media,
        request: PairRequest,
        *,
        progress: Progress | None = None,
        cancelled: Callable[[], bool] | None = None,
    ) -> PairPrediction:
        """As Predictor.predict_pair; an adapter that is offered but not loaded is loaded first, one
        whose files changed since is loaded again."""
        predictor = self._ready(request.adapter, progress)
        return predictor.predict_pair(image, request, progress=progress, cancelled=cancelled)

    def scorer(
        self, image: Media, request: PairRequest, side: Side, answer_token_ids: Sequence[int]
    ) -> Callable[[NDArray[np.uint8]], float]:
        """As Predictor.scorer."""
        return self._ready(request.adapter, None).scorer(image, request, side, answer_token_ids)

    def encode_answer(self, text: str) -> list[int]:
        """As Predictor.encode_answer."""
        return self.predictor().encode_answer(text)

    def _ready(self, adapter: str | None, progress: Progress | None) -> Predictor:
        if self._predictor is None and progress is not None:
            progress("Loading the model", 0.0)
        predictor = self.predictor()
        if adapter is None:
            return predictor
        loaded = {e.name: e.source for e in predictor.adapters()}
        if adapter in loaded:
            version = files_version(loaded[adapter])
            if version and version != self._versions.get(adapter, version):
                self._put_on(predictor, loaded[adapter], adapter)
            return predictor
        offered = {e.name: e for e in self.adapters()}
        if adapter in offered:
            self._put_on(predictor, offered[adapter].source, adapter)
        return predictor


def _place(source: str) -> str:
    """The same for each way to write one folder."""
    return str(Path(source).expanduser().resolve())


def _renamed(entry: AdapterEntry) -> AdapterEntry:
    """An adapter whose name another one has, under a name of its own, and of no use."""
    problem = entry.problem or str(name_taken(entry.name))
    return replace(entry, name=f"{entry.name} ({Path(entry.source).name})", problem=problem)


def files_version(source: str) -> str:
    """Which weights and head an adapter's folder holds now; "" for a hub id and where they are
    gone. Read again only where the files changed."""
    try:
        return " ".join(
            file_sha256(Path(source) / file)
            for file in (WEIGHTS, HEAD)
            if file == WEIGHTS or (Path(source) / file).is_file()
        )
    except OSError:
        return ""


def _why_not(model: str | None) -> str | None:
    """What can be said against a requested model without asking the network or importing torch."""
    if model is None or is_hub_id(model):
        return None
    folder = Path(model).expanduser()
    if not folder.is_dir():
        return (
            f"There is no model folder {model}, and it has not the form of a hub id (owner/name)."
        )
    if not (folder / "config.json").is_file():
        return f"The folder {model} holds no model: it has no config.json."
    family = _family(folder)
    if family not in BACKBONES:
        known = ", ".join(spec.label for spec in BACKBONES.values())
        return f"The model in {model} is of the family {family!r}, which is not one of {known}."
    return None


def _family(folder: Path) -> str:
    """`model_type` of a folder's config.json, or "" where it cannot be read."""
    try:
        return str(json.loads((folder / "config.json").read_text(encoding="utf-8"))["model_type"])
    except (OSError, ValueError, KeyError, TypeError):
        return ""
