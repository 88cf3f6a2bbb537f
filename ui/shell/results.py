"""Finished results, kept in memory so that a refresh or a link can show them again.

Bounded in number and in bytes, the least recently used goes first. Ids are random: whoever does
not have one cannot look at another visitor's image. Knows no gradio.
"""

from __future__ import annotations

import secrets
import threading
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from inference.fields import Point
from inference.schema import PairPrediction, SidePrediction

MAX_FILES = 2000


@dataclass(frozen=True)
class StoredResult:
    """A finished pair. `path` is the image's file, `example_id` set when it is an example's."""

    id: str
    pair: PairPrediction
    path: Path
    example_id: str | None = None
    truth: Point | None = None


class Results:
    """At most `max_items` results and about `max_bytes` bytes of pixels and attention."""

    def __init__(self, max_items: int = 40, max_bytes: int = 1_500_000_000) -> None:
        self._max_items, self._max_bytes = max_items, max_bytes
        self._lock = threading.Lock()
        self._kept: OrderedDict[str, StoredResult] = OrderedDict()
        self._files: OrderedDict[str, Path] = OrderedDict()

    def put(
        self,
        pair: PairPrediction,
        path: Path,
        example_id: str | None = None,
        truth: Point | None = None,
    ) -> StoredResult:
        result = StoredResult(secrets.token_urlsafe(12), pair, path, example_id, truth)
        with self._lock:
            self._kept[result.id] = result
            while len(self._kept) > 1 and self._too_much():
                self._kept.popitem(last=False)
        return result

    def get(self, result_id: str | None) -> StoredResult | None:
        with self._lock:
            if not result_id or result_id not in self._kept:
                return None
            self._kept.move_to_end(result_id)
            return self._kept[result_id]

    def newest(self, fits: Callable[[StoredResult], bool]) -> StoredResult | None:
        """The newest result that fits."""
        with self._lock:
            kept = list(reversed(self._kept.values()))
        return next(filter(fits, kept), None)

    def remember(self, image: str, path: Path) -> None:
        """That the file at `path` has that sha256; of the last MAX_FILES."""
        with self._lock:
            self._files[image] = path
            while len(self._files) > MAX_FILES:
                self._files.popitem(last=False)

    def file(self, image: str | None) -> Path | None:
        """Where the image with that sha256 lies, as far as a result or `remember` tells."""
        held = self.newest(lambda result: result.pair.image.content_hash == image)
        with self._lock:
            return held.path if held is not None else self._files.get(image or "")

    def __len__(self) -> int:
        return len(self._kept)

    def _too_much(self) -> bool:
        total = sum(n_bytes(r.pair) for r in self._kept.values())
        return len(self._kept) > self._max_items or total > self._max_bytes


class Shelf:
    """The last few things of some kind, under ids that cannot be guessed."""

    def __init__(self, most: int = 16) -> None:
        self._most, self._lock = most, threading.Lock()
        self._things: OrderedDict[str, Any] = OrderedDict()

    def put(self, thing: Any) -> str:
        """Its id."""
        key = secrets.token_urlsafe(12)
        with self._lock:
            self._things[key] = thing
            while len(self._things) > self._most:
                self._things.popitem(last=False)
        return key

    def get(self, key: str) -> Any:
        with self._lock:
            return self._things.get(key)


def n_bytes(pair: PairPrediction) -> int:
    """Bytes of the arrays that a pair holds."""
    sides = [side for side in (pair.base, pair.finetuned) if side is not None]
    return pair.image.pixels.nbytes + sum(_side_bytes(side) for side in sides)


def _side_bytes(side: SidePrediction) -> int:
    trace = side.trace
    arrays = (trace.attention, trace.attention_neutral, trace.logit_lens)
    return sum(array.nbytes for array in arrays if array is not None)
