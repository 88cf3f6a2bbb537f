"""Sightline's page: parse flags, build Services, launch. The first answer imports torch."""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

from inference.errors import UserError
from inference.registry import load_plugins
from training.store.home import find_home
from ui.layout import build_page, launch_options
from ui.shell import startup
from ui.shell.services import Services

ROOT = Path(__file__).resolve().parent
EXAMPLES = ROOT / "examples"


def parse_flags(argv: list[str] | None = None) -> argparse.Namespace:
    """Flags. SIGHTLINE_MODEL, SIGHTLINE_ADAPTER (commas between several) and so on set their
    defaults, for places without a command line."""
    env = {k[10:].lower(): v for k, v in os.environ.items() if k.startswith("SIGHTLINE_") and v}
    parser = argparse.ArgumentParser(description="What a driving model attends to, and why.")
    add = parser.add_argument
    add("--model", help="base model: folder or Hugging Face id; without it, the embedded one")
    add("--adapter", action="append", help="LoRA adapter: folder or id; may be given several times")
    add("--quantize", choices=["none", "nf4", "int8"], default="none")
    add("--device", default="auto", help="auto, cpu, cuda or cuda:N")
    add("--dtype", choices=["auto", "float32", "bfloat16"], default="auto")
    add("--embedded", type=Path, default=EXAMPLES / "models" / "sightline-tiny", metavar="FOLDER")
    add("--home", type=Path, metavar="FOLDER", help="where corrections and training are kept")
    add("--host", default=os.environ.get("GRADIO_SERVER_NAME", "127.0.0.1"))
    trust = "whoever reaches --host may correct and train; otherwise only users of this machine"
    add("--trust-network", action=argparse.BooleanOptionalAction, default=None, help=trust)
    add("--port", type=int, default=os.environ.get("GRADIO_SERVER_PORT", "7860"))
    known = {action.dest for action in parser._actions} - {"adapter"}
    parser.set_defaults(**{name: value for name, value in env.items() if name in known})
    flags = parser.parse_args(argv)
    if isinstance(flags.trust_network, str):
        flags.trust_network = flags.trust_network.lower() in ("1", "true", "yes", "on")
    flags.adapter = flags.adapter or [a for a in env.get("adapter", "").split(",") if a]
    return flags


def build_services(flags: argparse.Namespace) -> Services:
    """The real services behind the page."""
    load_plugins()
    return startup.build_services(flags, find_home(flags.home), EXAMPLES)


if __name__ == "__main__":
    flags = parse_flags()
    try:
        home = find_home(flags.home)
        startup.run_beside(home)
    except UserError as problem:
        raise SystemExit(str(problem)) from problem
    print(startup.who_may_what(flags), file=sys.stderr)
    page, desk = build_page(build_services(flags))
    private = [ROOT / ".git", EXAMPLES / "models", EXAMPLES / "adapters", home.root, home.backups]
    options = launch_options(desk, EXAMPLES / "media", private)
    try:
        page.launch(server_name=flags.host, server_port=flags.port, **options)
    except OSError as error:
        raise SystemExit(f"{error} Give another one with --port.") from error
