"""Why a training ended, in words, with what to do now: from an exception inside the worker, or from
its exit code and the end of the log. The worker's own words, where it left any, come first.
"""

from __future__ import annotations

import re
import signal
from dataclasses import dataclass
from pathlib import Path

from inference.errors import UserError
from training.jobs.rows import JobRow

MARKER = "complete.json"  # the worker writes it last into a checkpoint
_CHECKPOINT = re.compile(r"checkpoint-(\d+)")
# How launchers tell of a killed worker: accelerate's one, torchrun's two.
_SIGNAL = re.compile(r"died with <Signals\.SIG\w+: (\d+)>|Signal (\d+) \(SIG|exitcode\s*:\s*-(\d+)")
_LAST_ERROR = re.compile(r"^(\w+(?:\.\w+)*(?:Error|Exception|Interrupt|Warning)?): (.+)$")

# Patterns in an exception, or in the log of a worker that no signal ended; the first match wins:
# pattern, reason, hint.
_KNOWN: tuple[tuple[str, str, str], ...] = (
    (
        r"(?i)OutOfMemoryError|out of memory|MemoryError|can't allocate memory|not enough memory",
        "The memory is full.",
        "Use a smaller batch with more accumulation, smaller images, 4-bit weights (NF4) or "
        "gradient checkpointing, and retry.",
    ),
    (
        r"No space left|Errno 28|os error 28|(database or )?disk is full|Disk quota exceeded|"
        r"StreamWriter failed|unexpected pos",
        "The disk is full.",
        "Free some space, for instance by deleting old jobs, then press Resume.",
    ),
    (
        r"[Ll]oss is (nan|inf|not finite)|loss (became|turned) (nan|NaN)|NaN loss",
        "The loss is no longer a number.",
        "Use a lower learning rate or float32, and retry.",
    ),
    (  # at the start of its line: libraries log the same words and go on
        r"(?m)^(?:\[rank\d+\]: )?(?:ModuleNotFoundError|ImportError|\S*python[\d.]*): "
        r".*No module named",
        "A package that training needs is not installed.",
        "Install the requirements again (make install), or choose another optimiser or "
        "quantisation.",
    ),
    (
        r"CUDA error|CUDNN_STATUS|NCCL error",
        "The GPU reported an error.",
        "See the log; if it happens again, restart the machine or train on the CPU.",
    ),
)
MAX_WORDS = 300


@dataclass(frozen=True)
class Failure:
    """reason: what happened, one sentence. hint: what to do now."""

    reason: str
    hint: str


def of_error(error: Exception) -> Failure:
    """Why the worker cannot go on, from the exception that it met."""
    if isinstance(error, UserError):
        told = UserError(error.message, expected=error.expected, got=error.got)
        return Failure(str(told), error.hint or "Change it and retry")
    lines = str(error).strip().splitlines() or ["no message"]
    text = f"{type(error).__name__}: {lines[0].rstrip('.')[:MAX_WORDS]}."
    if (found := _known(f"{type(error).__name__}: {error}")) is not None:
        return Failure(f"{found.reason.rstrip('.')}: {text}", found.hint)
    if isinstance(error, OSError):
        hint = "Check whether the folder is there and may be written, then resume"
        return Failure(f"A file could not be used: {text}", hint)
    return Failure(text, "The log has the details; resume tries again from the last checkpoint")


def _known(text: str) -> Failure | None:
    return next((Failure(r, h) for pattern, r, h in _KNOWN if re.search(pattern, text)), None)


def explain(row: JobRow, code: int | None, log: str) -> Failure:
    """Why the worker ended without saying so. code: of the launcher, negative for a signal, None
    if unknown. log: its end."""
    return _explained("The worker", at_step(row), go_on(row), code, log)


def explain_proof(row: JobRow, code: int | None, log: str) -> Failure:
    """Why the proof ended; the adapter is there all the same."""
    hint = f"The adapter {row.name} is trained: Resume makes the proof again."
    return _explained("The proof", "", hint, code, log)


def _explained(who: str, where: str, hint: str, code: int | None, log: str) -> Failure:
    def said(text: str) -> str:
        return " ".join(text.split()).replace(" .", ".")

    known = _known(log)
    number = killed_by(code, log)
    # torchrun ends the other processes with SIGTERM when one fails: that one's words say why.
    if number is not None and not (number == signal.SIGTERM and known):
        if number == signal.SIGKILL:
            hint += (
                " If nobody killed it, the machine ran out of memory: "
                "then retry with a smaller batch."
            )
        return Failure(said(f"{who} was killed ({signal_name(number)}) {where}."), hint)
    if known is not None:
        return Failure(said(f"{known.reason.rstrip('.')} {where}."), known.hint)
    error = last_error(log)
    if error is None:
        return Failure(said(f"{who} ended without a word {where} (exit code {code})."), hint)
    return Failure(said(f"{who} ended with an error {where}: {error}"), f"See the log. {hint}")


def lost(row: JobRow) -> Failure:
    """The job's own process is gone and nobody saw how."""
    return Failure(
        f"The job's process was killed, or the machine was restarted, {at_step(row)}.",
        go_on(row),
    )


def stopped(row: JobRow, number: int) -> Failure:
    """Somebody other than the page ended the job with a signal that it could catch."""
    return Failure(
        f"The job was stopped from outside ({signal_name(number)}) {at_step(row)}.", go_on(row)
    )


def killed_by(code: int | None, log: str) -> int | None:
    """The signal that ended the worker, from the launcher's code or its words."""
    if code is not None and code < 0:
        return -code
    found = [int(next(g for g in match.groups() if g)) for match in _SIGNAL.finditer(log)]
    first = [number for number in found if number != signal.SIGTERM]  # see _explained
    return next(reversed(first or found), None)


def signal_name(number: int) -> str:
    """ "signal 9, SIGKILL"."""
    try:
        return f"signal {number}, {signal.Signals(number).name}"
    except ValueError:
        return f"signal {number}"


def at_step(row: JobRow) -> str:
    return f"at step {row.step} of {row.steps}" if row.steps else "before the first step"


def go_on(row: JobRow) -> str:
    """What Resume would do."""
    step = last_checkpoint(row.checkpoints)
    if step is None:
        return "There is no checkpoint yet: Resume starts again from the beginning."
    return f"Its last checkpoint is from step {step}: Resume goes on from there."


def last_checkpoint(folder: Path) -> int | None:
    """The step of the newest whole checkpoint, None where there is none."""
    if not folder.is_dir():
        return None
    whole = (p for p in folder.iterdir() if (p / MARKER).is_file())
    matches = (_CHECKPOINT.fullmatch(p.name) for p in whole)
    return max((int(m[1]) for m in matches if m), default=None)


def last_error(log: str) -> str | None:
    """The last "Name: text" of a traceback, not the launcher's own about its child."""
    for line in reversed(log.splitlines()):
        match = _LAST_ERROR.match(line.strip())
        if match and match[1].rpartition(".")[2] not in ("CalledProcessError", "ChildFailedError"):
            return line.strip()[:MAX_WORDS]
    return None
