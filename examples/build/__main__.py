"""python -m examples.build [STAGE ...] [--minutes STAGE=N] - makes everything embedded, resumably.

Without a stage: all of them in order. Each stage skips what is done and goes on where it stopped.
"""

from __future__ import annotations

import argparse
import dataclasses
import os
from collections.abc import Callable

from examples.build.settings import Recipe

TRAINED = ("vision", "language", "adapter")


def scenes(recipe: Recipe, device: str) -> None:
    from examples.build.scenes import render_all

    render_all(recipe, workers=os.cpu_count() or 1)


def vision(recipe: Recipe, device: str) -> None:
    from examples.build import base

    base.train_vision(recipe, device)


def features(recipe: Recipe, device: str) -> None:
    from examples.build import base

    base.cache_features(recipe, device)


def language(recipe: Recipe, device: str) -> None:
    from examples.build import base

    base.train_language(recipe, device)


def adapters(recipe: Recipe, device: str) -> None:
    from examples.build import base

    base.train_adapters(recipe, device)


def media(recipe: Recipe, device: str) -> None:
    from examples.build.media import write_media

    write_media()


def choose(recipe: Recipe, device: str) -> None:
    import subprocess
    import sys

    from examples.build.choose import choose_default

    command = [sys.executable, "-m", "training.evaluation.run", "--write-cards", "--device", device]
    subprocess.run(command, check=True)
    print(f"default adapter: {choose_default()}", flush=True)


STAGES: dict[str, Callable[[Recipe, str], None]] = {
    "scenes": scenes,
    "vision": vision,
    "features": features,
    "language": language,
    "adapters": adapters,
    "media": media,
    "choose": choose,
}


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m examples.build", description=__doc__)
    parser.add_argument("stages", nargs="*", metavar="STAGE", help=f"of {', '.join(STAGES)}")
    parser.add_argument("--device", default="cpu", help="cpu or cuda")
    parser.add_argument("--scenes", type=int, help="how many scenes to render")
    parser.add_argument(
        "--minutes",
        action="append",
        default=[],
        metavar="STAGE=N",
        help=f"end a stage ({', '.join(TRAINED)}) after N minutes, learning rate at zero",
    )
    args = parser.parse_args()
    unknown = set(args.stages) - set(STAGES) - {"all"}
    if unknown:
        parser.error(f"unknown stage {', '.join(unknown)}; there are {', '.join(STAGES)}")
    recipe = Recipe() if args.scenes is None else dataclasses.replace(Recipe(), scenes=args.scenes)
    for item in args.minutes:
        stage, _, minutes = item.partition("=")
        plan = dataclasses.replace(getattr(recipe, stage), minutes=float(minutes))
        recipe = dataclasses.replace(recipe, **{stage: plan})
    chosen = list(STAGES) if not args.stages or "all" in args.stages else args.stages
    for stage in chosen:
        print(f"== {stage}", flush=True)
        STAGES[stage](recipe, args.device)


if __name__ == "__main__":
    main()
