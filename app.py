"""Sightline's page: parse flags, build Services, launch. Imports no torch; the first Look does."""

from __future__ import annotations

import argparse
import os
from functools import cache
from pathlib import Path

from explain.describe import describe
from explain.maps import default_tokens, make_pair_maps
from explain.registry import EXPLAINERS
from inference.media import load_image
from inference.service import ModelService
from inference.tasks.hazard import PROMPTS, validate_prompt
from ui.layout import build_page, launch_options
from ui.services import Services, default_adapter, installed_versions, read_examples

ROOT = Path(__file__).resolve().parent
EXAMPLES = ROOT / "examples"
EMBEDDED = EXAMPLES / "models" / "sightline-tiny"


def parse_flags(argv: list[str] | None = None) -> argparse.Namespace:
    """Flags; SIGHTLINE_MODEL, _ADAPTER (comma-separated), _QUANTIZE, _DEVICE, _DTYPE, _HOST and
    _PORT in the environment set their defaults, for places where there is no command line."""

    def env(name: str, usual: str) -> str:
        return os.environ.get(f"SIGHTLINE_{name}") or usual

    parser = argparse.ArgumentParser(description="Sightline: where a driving model looks, and why.")
    add = parser.add_argument
    add(
        "--model",
        default=env("MODEL", "") or None,
        help="folder or Hugging Face id of the base model; without it, the embedded one",
    )
    add(
        "--adapter",
        action="append",
        default=[a for a in env("ADAPTER", "").split(",") if a],
        help="folder or Hugging Face id of a LoRA adapter; may be given several times",
    )
    add("--quantize", choices=["none", "nf4", "int8"], default=env("QUANTIZE", "none"))
    add("--device", default=env("DEVICE", "auto"), help="auto, cpu, cuda or cuda:N")
    add("--dtype", choices=["auto", "float32", "bfloat16"], default=env("DTYPE", "auto"))
    add(
        "--embedded",
        type=Path,
        default=Path(env("EMBEDDED", str(EMBEDDED))),
        help="folder of the model to use when no other can be had",
    )
    add("--host", default=env("HOST", os.environ.get("GRADIO_SERVER_NAME", "127.0.0.1")))
    add("--port", type=int, default=int(env("PORT", os.environ.get("GRADIO_SERVER_PORT", "7860"))))
    return parser.parse_args(argv)  # fmt: skip


def build_services(flags: argparse.Namespace) -> Services:
    """The real services behind the page."""
    model = ModelService(flags.model, flags.embedded, flags.adapter, [EXAMPLES / "adapters"],
                         flags.quantize, flags.device, flags.dtype)  # fmt: skip
    return Services(
        model_info=model.info,
        load_image=load_image,
        list_adapters=model.adapters,
        default_adapter=lambda: default_adapter(model.adapters(), flags.adapter, EXAMPLES),
        load_adapter=model.load_adapter,
        unload_adapter=model.unload_adapter,
        predict_pair=model.predict_pair,
        make_pair_maps=make_pair_maps,
        default_tokens=default_tokens,
        explainers=EXPLAINERS,
        prompts=PROMPTS,
        validate_prompt=validate_prompt,
        examples=cache(lambda: read_examples(EXAMPLES / "media")),
        describe=describe,
        versions=installed_versions,
    )


def main() -> None:
    flags = parse_flags()
    page, desk = build_page(build_services(flags))
    page.queue(max_size=64)
    private = [ROOT / ".git", EXAMPLES / "models", EXAMPLES / "adapters"]
    try:
        page.launch(server_name=flags.host, server_port=flags.port,
                    **launch_options(desk, EXAMPLES / "media", private))  # fmt: skip
    except OSError as error:
        raise SystemExit(f"{error} Give another one with --port.") from error


if __name__ == "__main__":
    main()
