"""The page as it is served, called raw: as somebody does who reads its config, not as a browser."""

from __future__ import annotations

import json
import socket
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import httpx

from tests.ui.fakes import fake_services
from training.store.home import find_home
from ui.layout import build_page, launch_options
from ui.shell.services import Services
from ui.shell.visitors import Role, Visitor


class Server:
    """A running page with a visitor of any role. services: takes their place, without `who`."""

    def __init__(self, folder: Path, services: Services | None = None, **changes: Any) -> None:
        self.visitor = Visitor("tester", "viewer", "s")
        self.home = services.home if services and services.home else find_home(folder / "home")
        made = services or fake_services(home=self.home)
        changed = {**vars(made), **changes, "who": lambda _: self.visitor}
        self.page, self.desk = build_page(Services(**changed))
        options = launch_options(self.desk, folder, [self.home.root])
        _, self.url, _ = self.page.launch(
            server_name="127.0.0.1",
            server_port=free_port(),
            prevent_thread_lock=True,
            quiet=True,
            **options,
        )
        self.calls = {fn.api_name: fn for fn in self.page.fns.values() if fn.fn is not None}

    def call(
        self,
        name: str,
        role: Role,
        sent: Mapping[int, Any] | None = None,
        event: Mapping[str, Any] | None = None,
        session: str = "",
        query: str = "",
    ) -> str:
        """All that the server answers to a raw call with the components' first values. sent: other
        values, by their place among the inputs. event: what the browser says of the event."""
        self.visitor = Visitor("tester", role, "s")
        fn = self.calls[name]
        data = [getattr(part, "value", None) for part in fn.inputs]
        data = [value if _is_json(value) else None for value in data]
        for place, value in (sent or {}).items():
            data[place] = value
        session = session or f"s-{name}-{role}"
        order = {"data": data, "fn_index": fn._id, "session_hash": session,
                 "event_data": event or {"id": "x", "tokens": []}}  # fmt: skip
        with httpx.Client(base_url=f"{self.url}gradio_api/", timeout=60) as client:
            if not fn.queue:
                return client.post(f"run/predict?{query}", json=order).text
            client.post(f"queue/join?{query}", json=order).raise_for_status()
            stream = client.stream("GET", f"queue/data?session_hash={session}")
            said = ""
            with stream as answer:
                for line in answer.iter_lines():
                    said += line
                    if '"process_completed"' in line:
                        break
            return said

    def upload(self, file: Path) -> dict[str, Any]:
        """What a browser sends of a file that it has uploaded."""
        url = f"{self.url}gradio_api/upload"
        path = httpx.post(url, files={"files": (file.name, file.read_bytes())}).json()[0]
        return {"path": path, "orig_name": file.name, "meta": {"_type": "gradio.FileData"}}


def free_port() -> int:
    """One that nobody uses: gradio's own search of 7860 and above is lost to another worker's."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _is_json(value: object) -> bool:
    try:
        json.dumps(value)
    except TypeError:
        return False
    return True
