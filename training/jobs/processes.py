"""Processes of jobs: started apart from the page, found again by anybody, ended as a whole.

A process is known by its number and its start time, since numbers are used again. All processes
of a job carry its mark in their environment, so that none is overlooked, whatever groups and
sessions a launcher puts them in.
"""

from __future__ import annotations

import fcntl
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import psutil

from training.store.home import Home

ROOT = Path(__file__).resolve().parents[2]
MARK = "SIGHTLINE_JOB"
# What a job's process inherits; all else of the page's environment (its secrets among it) stays.
KEPT = frozenset(
    {
        *("PATH", "HOME", "USER", "LOGNAME", "LANG", "LANGUAGE", "TMPDIR", "TZ"),
        *("LD_LIBRARY_PATH", "http_proxy", "https_proxy", "no_proxy"),
        *("HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY"),
    }
)
KEPT_PREFIXES = (
    *("LC_", "XDG_", "SSL_", "REQUESTS_CA", "CURL_CA", "CUDA_", "NVIDIA_", "NCCL_", "GLOO_"),
    *("OMP_", "MKL_", "TORCH_", "PYTORCH_", "HF_", "HUGGINGFACE_", "BNB_", "BITSANDBYTES_"),
    *("WANDB_", "TRACKIO_", "TRITON_", "SIGHTLINE_JOBS_", "SIGHTLINE_PLUGINS"),
)
START_TOLERANCE_S = 1.0  # start times are counted from boot; a corrected clock moves them a little


def clean_environment(home: Home, job_id: str | None = None) -> dict[str, str]:
    """The environment of a job's processes. job_id: put its mark in."""
    kept = {k: v for k, v in os.environ.items() if k in KEPT or k.startswith(KEPT_PREFIXES)}
    kept |= {
        "SIGHTLINE_HOME": str(home.root),
        "PYTHONUNBUFFERED": "1",
        "PYTHONNOUSERSITE": "1",
        "TOKENIZERS_PARALLELISM": "false",
    }
    return kept if job_id is None else {**kept, MARK: job_id}


def start_detached(
    command: Sequence[str], log: Path, env: dict[str, str]
) -> subprocess.Popen[bytes]:
    """Start a process that outlives this one: a session of its own, no terminal, its output
    straight into a file (a pipe that nobody reads would fill and stop it).

    Raises OSError where it cannot be started.
    """
    with log.open("ab") as out:
        return subprocess.Popen(
            list(command),
            cwd=ROOT,
            env=env,
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )


def python(module: str, *arguments: str) -> list[str]:
    """The command that runs a module with this environment's interpreter."""
    return [sys.executable, "-m", module, *arguments]


def own_start() -> float:
    """When this process started, seconds since 1970."""
    return float(psutil.Process().create_time())


def alive(pid: int | None, started: float | None) -> bool:
    """Whether the very process still runs; one that ended and was not yet collected does not."""
    if pid is None or started is None:
        return False
    try:
        process = psutil.Process(pid)
        same = abs(process.create_time() - started) <= START_TOLERANCE_S
        return same and process.status() != psutil.STATUS_ZOMBIE
    except psutil.Error:
        return False


def marked(job_id: str) -> list[psutil.Process]:
    """All running processes of a job, save this one and the job's own (which has no mark)."""
    found = []
    for process in psutil.process_iter():
        try:
            carries = process.environ().get(MARK) == job_id
            if carries and process.pid != os.getpid() and process.status() != psutil.STATUS_ZOMBIE:
                found.append(process)
        except (psutil.Error, OSError):
            continue
    return found


def send(processes: Sequence[psutil.Process], number: signal.Signals) -> None:
    """Signal each that is still the same process."""
    for process in processes:
        try:
            process.send_signal(number)
        except psutil.Error:
            continue


@contextmanager
def held(path: Path, wait_s: float = 0.0) -> Iterator[bool]:
    """Hold a lock file inside; gives False where another process still holds it after wait_s. The
    kernel lets go of it when its holder dies, however it dies. Children do not inherit it."""
    deadline = time.monotonic() + wait_s
    with path.open("a") as file:
        while not (ours := _locked(file.fileno())) and time.monotonic() < deadline:
            time.sleep(0.05)
        yield ours


def _locked(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True


def is_held(path: Path) -> bool:
    """Whether some process holds the lock file. Takes it for a moment, so whoever wants it must be
    ready to wait a little."""
    if not path.exists():
        return False
    with held(path) as ours:
        return not ours
