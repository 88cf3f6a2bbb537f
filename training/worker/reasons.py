"""Any error of a run as one sentence for people, with what to do now."""

from __future__ import annotations

import errno
import re

import torch
from safetensors import SafetensorError

from inference.errors import UserError

MEMORY_HINT = (
    "Use a smaller batch with more accumulation, fewer pixels, gradient checkpointing, or NF4"
)
DISK_HINT = "Free some space and resume; nothing that was there before was touched"
_MEMORY = re.compile(r"out of memory|can't allocate memory|not enough memory", re.IGNORECASE)
_DISK = re.compile(
    r"No space left|Disk quota|disk is full|os error 28|StreamWriter failed|unexpected pos",
    re.IGNORECASE,
)


def explained(error: BaseException) -> tuple[str, str]:
    """(reason, hint)."""
    if isinstance(error, UserError):
        return _of_user_error(error)
    text = str(error)
    if isinstance(error, torch.cuda.OutOfMemoryError) or (
        isinstance(error, RuntimeError) and _MEMORY.search(text)
    ):
        return f"The memory is not enough: {_first(error)}.", MEMORY_HINT
    if isinstance(error, MemoryError):
        return "The computer's memory is not enough.", MEMORY_HINT
    full = isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT)
    if full or (isinstance(error, OSError | SafetensorError | RuntimeError) and _DISK.search(text)):
        return f"The disk is full: {_first(error)}.", DISK_HINT
    if isinstance(error, OSError):
        return (
            f"A file could not be used: {_first(error)}.",
            "Look whether the folder is there and may be written, then resume",
        )
    if isinstance(error, ImportError):
        return (
            f"A package is missing: {_first(error)}.",
            "Install it, or choose another optimiser or quantisation",
        )
    return (
        f"{type(error).__name__}: {_first(error)}.",
        "The log has the details; resume tries again from the last checkpoint",
    )


def _of_user_error(error: UserError) -> tuple[str, str]:
    parts = [error.message.rstrip(".") + "."]
    if error.expected is not None:
        parts.append(f"Expected {error.expected.rstrip('.')}.")
    if error.got is not None:
        parts.append(f"Got {error.got.rstrip('.')}.")
    return " ".join(parts), error.hint or "Change it and retry"


def _first(error: BaseException) -> str:
    lines = str(error).strip().splitlines()
    return (lines[0] if lines else "no message").rstrip(".")[:300]
