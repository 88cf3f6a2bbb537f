"""The page over fake services, for looking at it and for browser tests that need a slow model.

python -m tests.ui.fake_app --port 7861 --seconds 3 --examples FOLDER --home FOLDER
"""

from __future__ import annotations

import argparse
from pathlib import Path

from gradio import networking

from tests.ui.fakes import fake_services
from training.store.home import find_home
from ui.layout import build_page, launch_options

if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--port", type=int, default=7861)
    parser.add_argument("--seconds", type=float, default=1.5)
    parser.add_argument("--examples", type=Path, default=None)
    parser.add_argument("--home", type=Path, default=None, help="keeps corrections there")
    flags = parser.parse_args()
    home = find_home(flags.home) if flags.home else None
    services = fake_services(seconds=flags.seconds, examples=flags.examples, home=home)
    page, desk = build_page(services)
    media = flags.examples or Path(__file__).parent
    # gradio asks itself five times whether it can be reached, and gives up on a busy machine.
    networking.url_ok = lambda url: True
    page.launch(
        server_name="127.0.0.1",
        server_port=flags.port,
        quiet=True,
        **launch_options(desk, media, [home.root] if home else []),
    )
