"""What a visit costs the server for good: memory of `python app.py` before and after many of them.

A visit is what a browser does that opens each page once and goes: the page, its heartbeat, and each
event of its opening with what follows it, over HTTP, in a session of its own. Nothing is predicted.
"""

from __future__ import annotations

import secrets
import tempfile
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import psutil

from benchmarks.startup import APP, LIMIT_S, served

VISITS, FIRST, AT_ONCE = 2000, 4, 4


def opening(config: dict[str, Any]) -> list[dict[str, Any]]:
    """The events of the page's opening, and those that follow them, in order."""
    events = [e for e in config["dependencies"] if e["backend_fn"]]
    begun = [e for e in events if any(name == "load" for _, name in e["targets"])]
    for event in begun:  # grows meanwhile
        begun += [e for e in events if e["trigger_after"] == event["id"]]
    return begun


def visit(url: str, path: str, config: dict[str, Any]) -> None:
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


def _config(url: str, path: str) -> Any:
    """What a browser gets of one page: its components and events, and the list of all pages."""
    return httpx.get(f"{url}config", params={"page": path}, timeout=LIMIT_S).json()


def run(smoke: bool) -> dict[str, Any]:
    """growth_mb: resident memory (10^6 bytes) after `visits` visits less that after the first."""
    n = 20 if smoke else VISITS
    with (
        tempfile.TemporaryDirectory() as home,
        served(APP, SIGHTLINE_HOME=home) as (url, pid),
        ThreadPoolExecutor(AT_ONCE) as people,
    ):
        configs = {path: _config(url, path) for path, *_ in _config(url, "")["pages"]}
        memory = []
        for times in (FIRST, n):
            visits = list(configs.items()) * times
            list(people.map(lambda page: visit(url, *page), visits))
            memory.append(psutil.Process(pid).memory_info().rss / 1e6)
    before, after = memory
    return {"growth_mb": after - before, "before_mb": before, "after_mb": after, "visits": n}
