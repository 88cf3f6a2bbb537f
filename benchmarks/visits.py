"""What a visit costs the server for good: memory of `python app.py` before and after many of them.

A visit is what a browser does that opens each page once and goes: the page, its heartbeat, and each
event of its opening with what follows it, over HTTP, in a session of its own. Nothing is predicted.
"""

from __future__ import annotations

import json
import os
import secrets
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx

from benchmarks.measure import ROOT
from benchmarks.startup import ENVIRONMENT, free_port, wait_for_page

VISITS, FIRST, AT_ONCE = 2000, 4, 4
LIMIT_S = 120.0


def opening(config: dict[str, Any]) -> list[dict[str, Any]]:
    """The events of the page's opening, and those that follow them, in order."""
    events = [e for e in config["dependencies"] if e["backend_fn"]]
    begun = [e for e in events if any(name == "load" for _, name in e["targets"])]
    for event in begun:  # grows meanwhile
        begun += [e for e in events if e["trigger_after"] == event["id"]]
    return begun


def visit(url: str, configs: dict[str, dict[str, Any]]) -> None:
    """Every page opened and left."""
    for path, config in configs.items():
        visit_page(url, path, config)


def visit_page(url: str, path: str, config: dict[str, Any]) -> None:
    """One page opened and left."""
    session = secrets.token_hex(6)
    values = {part["id"]: part["props"].get("value") for part in config["components"]}
    with httpx.Client(base_url=url, timeout=LIMIT_S) as browser:
        browser.get(path).raise_for_status()
        with browser.stream("GET", f"gradio_api/heartbeat/{session}") as heartbeat:
            next(heartbeat.iter_lines())
            for event in opening(config):
                data = [values[field] for field in event["inputs"]]
                sent = {"data": data, "fn_index": event["id"], "session_hash": session}
                if event["queue"] is False:
                    browser.post("gradio_api/run/predict", json=sent).raise_for_status()
                    continue
                browser.post("gradio_api/queue/join", json=sent).raise_for_status()
                with browser.stream("GET", f"gradio_api/queue/data?session_hash={session}") as said:
                    for line in said.iter_lines():
                        if '"process_completed"' in line:
                            assert '"success":true' in line.replace(" ", ""), line[:500]
                            break


def _config(url: str, path: str) -> dict[str, Any]:
    """What a browser gets of one page: its components and events, and the list of all pages."""
    answer = httpx.get(f"{url}config", params={"page": path}, timeout=LIMIT_S)
    found: dict[str, Any] = json.loads(answer.text)
    return found


def rss_mb(pid: int) -> float:
    """Resident memory of a process, in MB (10^6 bytes)."""
    status = Path(f"/proc/{pid}/status").read_text()
    return int(status.split("VmRSS:")[1].split()[0]) * 1024 / 1e6


def run(smoke: bool) -> dict[str, Any]:
    port, n = free_port(), 20 if smoke else VISITS
    with tempfile.TemporaryDirectory() as home:
        env = {**os.environ, **ENVIRONMENT, "SIGHTLINE_HOME": home}
        command = [sys.executable, "app.py", "--port", str(port)]
        out = subprocess.DEVNULL
        process = subprocess.Popen(command, cwd=ROOT, env=env, stdout=out, stderr=out)
        try:
            url = f"http://127.0.0.1:{port}/"
            wait_for_page(process, url)
            paths = [path for path, *_ in _config(url, "")["pages"]]
            configs = {path: _config(url, path) for path in paths}
            with ThreadPoolExecutor(AT_ONCE) as people:
                list(people.map(lambda _: visit(url, configs), range(FIRST)))
                before = rss_mb(process.pid)
                list(people.map(lambda _: visit(url, configs), range(n)))
            after = rss_mb(process.pid)
        finally:
            process.terminate()
            process.wait()
    return {"growth_mb": after - before, "before_mb": before, "after_mb": after, "visits": n}
