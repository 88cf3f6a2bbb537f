"""`python app.py` to the first page served, against an empty Gradio Blocks app's.

Each start is a fresh process; the clock runs until its page has been read in full. Nothing is
predicted: the page opens before the model is loaded.
"""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from typing import Any

from benchmarks.measure import ROOT, interleaved, medians, ratio

# A string, not a file: only ui may import gradio.
EMPTY = """
import gradio as gr
with gr.Blocks() as demo:
    pass
demo.launch(server_name="127.0.0.1", server_port=PORT, quiet=True)
"""
LIMIT_S = 120.0
ENVIRONMENT = {"GRADIO_ANALYTICS_ENABLED": "False", "HF_HUB_OFFLINE": "1"}


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def command(which: str, port: int) -> list[str]:
    if which == "empty":
        return [sys.executable, "-c", EMPTY.replace("PORT", str(port))]
    return [sys.executable, "app.py", "--port", str(port)]


def first_page_s(which: str) -> float:
    """Seconds from starting the process until its first page has come in full."""
    port = free_port()
    env = {**os.environ, **ENVIRONMENT}
    env.pop("PYTHONDONTWRITEBYTECODE", None)  # both start from compiled files, as for a user
    with tempfile.TemporaryFile() as log:
        start = time.perf_counter()
        process = subprocess.Popen(
            command(which, port),
            cwd=ROOT,
            env=env,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
        )
        try:
            wait_for_page(process, f"http://127.0.0.1:{port}/")
            return time.perf_counter() - start
        except RuntimeError as error:
            log.seek(0)
            tail = log.read().decode(errors="replace")[-2000:]
            raise RuntimeError(f"{which}: {error}\n{tail}") from None
        finally:
            process.kill()
            process.wait()


def wait_for_page(process: subprocess.Popen[bytes], url: str) -> None:
    """Return when the page has been read; RuntimeError if the process ends or the time does."""
    until = time.monotonic() + LIMIT_S
    while time.monotonic() < until:
        if process.poll() is not None:
            raise RuntimeError(f"ended with {process.returncode} before its first page")
        try:
            with urllib.request.urlopen(url, timeout=LIMIT_S) as answer:
                answer.read()
                return
        except OSError:
            time.sleep(0.01)
    raise RuntimeError(f"no page within {LIMIT_S:.0f} s")


def run(smoke: bool) -> dict[str, Any]:
    calls = {which: lambda which=which: first_page_s(which) for which in ("app", "empty")}
    if not smoke:
        interleaved(calls, 1)  # compiles files and warms the disk cache
    times = interleaved(calls, 1 if smoke else 7)
    return {"ratio": ratio(times, "app", "empty"), "seconds": medians(times)}
