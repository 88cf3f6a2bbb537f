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
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from benchmarks.measure import ROOT, interleaved, medians, ratio

APP = ["app.py", "--port", "PORT"]
# A string, not a file: only ui may import gradio.
EMPTY = """
import gradio as gr
with gr.Blocks() as demo:
    pass
demo.launch(server_name="127.0.0.1", server_port=PORT, quiet=True)
"""
LIMIT_S = 120.0
ENVIRONMENT = {"GRADIO_ANALYTICS_ENABLED": "False", "HF_HUB_OFFLINE": "1"}


@contextmanager
def served(arguments: list[str], **variables: str) -> Iterator[tuple[str, int]]:
    """`python ARGUMENTS` (PORT in them is a free port) until the end of the block, once its first
    page has been read in full: its address and process id."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    env = {**os.environ, **ENVIRONMENT, **variables}
    env.pop("PYTHONDONTWRITEBYTECODE", None)  # starts from compiled files, as for a user
    command = [sys.executable, *(word.replace("PORT", str(port)) for word in arguments)]
    with tempfile.TemporaryFile() as log:
        process = subprocess.Popen(
            command, cwd=ROOT, env=env, stdin=subprocess.DEVNULL, stdout=log, stderr=log
        )
        try:
            url = f"http://127.0.0.1:{port}/"
            if not _page_read(process, url):
                log.seek(0)
                tail = log.read().decode(errors="replace")[-2000:]
                raise RuntimeError(f"no first page from {arguments[0]}:\n{tail}")
            yield url, process.pid
        finally:
            process.kill()
            process.wait()


def _page_read(process: subprocess.Popen[bytes], url: str) -> bool:
    """Whether the page came before the process or the time ended."""
    until = time.monotonic() + LIMIT_S
    while process.poll() is None and time.monotonic() < until:
        try:
            with urllib.request.urlopen(url, timeout=LIMIT_S) as answer:
                answer.read()
                return True
        except OSError:
            time.sleep(0.01)
    return False


def first_page_s(arguments: list[str]) -> float:
    """Seconds from starting the process until its first page has come in full."""
    start = time.perf_counter()
    with served(arguments):
        return time.perf_counter() - start


def run(smoke: bool) -> dict[str, Any]:
    calls = {"app": lambda: first_page_s(APP), "empty": lambda: first_page_s(["-c", EMPTY])}
    if not smoke:
        interleaved(calls, 1)  # compiles files and warms the disk cache
    times = interleaved(calls, 1 if smoke else 7)
    return {"ratio": ratio(times, "app", "empty"), "seconds": medians(times)}
