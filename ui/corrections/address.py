"""The address of the Corrections page: filters, place in the queue, case; and back. No gradio.

A wrong value in a link is ignored, never an error: the rest of the link still works.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, fields, replace

from training.store.feedback import CaseFilter
from ui.shell.address import query_of

STATUSES = ("open", "accepted", "rejected", "withdrawn", "any")
TEXTS = ("task", "author", "adapter", "slice", "case")
PAGE_ROWS = 40
MAX_PAGE = 100_000
_DAY = re.compile(r"\d{4}-\d{2}-\d{2}")


@dataclass(frozen=True)
class QueueAddress:
    """What the queue shows and which case is large.

    task, author, adapter, slice: "" for all. status: one of STATUSES. since, until: days such as
    2026-11-21, both included, "" for open ends. least: least disagreement in percent of the
    diagonal. page: from 1. case: "task:media hash", or "" for the first of the queue.
    """

    task: str = ""
    status: str = "open"
    author: str = ""
    adapter: str = ""
    slice: str = ""
    since: str = ""
    until: str = ""
    least: int = 0
    page: int = 1
    case: str = ""

    @property
    def filtered(self) -> bool:
        """Whether other than all open cases are asked for."""
        return replace(self, page=1, case="") != QueueAddress()

    @property
    def filter(self) -> CaseFilter:
        """The store's filter behind it."""
        return CaseFilter(
            task=self.task or None,
            author=self.author or None,
            adapter=self.adapter or None,
            slice=self.slice or None,
            since=self.since or None,
            until=self.until or None,
            status=None if self.status == "any" else self.status,
            min_disagreement=self.least / 100 or None,
        )


def to_query(where: QueueAddress) -> str:
    """The query string, without "?"; defaults are left out so that links stay short."""
    usual = QueueAddress()
    pairs = {f.name: getattr(where, f.name) for f in fields(where)}
    return query_of({k: v for k, v in pairs.items() if v != getattr(usual, k)})


def from_query(query: Mapping[str, str]) -> QueueAddress:
    """Reads a query; whatever is missing or makes no sense stays at its default."""
    texts = {key: query.get(key, "")[:200] for key in TEXTS}
    days = {key: query.get(key, "") for key in ("since", "until")}
    status = query.get("status", "")
    return QueueAddress(
        **texts,
        **{key: day for key, day in days.items() if _DAY.fullmatch(day)},
        status=status if status in STATUSES else "open",
        least=min(_number(query.get("least", ""), 0), 100),
        page=max(1, min(_number(query.get("page", ""), 1), MAX_PAGE)),
    )


def _number(text: str, usual: int) -> int:
    return int(text) if text.isascii() and text.isdigit() and len(text) <= 6 else usual
