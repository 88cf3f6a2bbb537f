"""python -m examples.build [STAGE ...] [--minutes STAGE=N] - makes everything embedded, resumably.

Without a stage: all of them in order. Each stage skips what is done and goes on where it stopped.
"""

from __future__ import annotations

import argparse
import dataclasses
from pkgutil import resolve_name

from examples.build.settings import Recipe

TRAINED = ("vision", "language", "adapter")
# Functions of (recipe, device), imported when their turn comes.
STAGES = {
    "scenes": "examples.build.scenes:render_all",
    "vision": "examples.build.base:train_vision",
    "features": "examples.build.base:cache_features",
    "language": "examples.build.base:train_language",
    "adapters": "examples.build.base:train_adapters",
    "media": "examples.build.media:write_media",
    "choose": "examples.build.choose:choose_default",
}


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m examples.build", description=__doc__)
    parser.add_argument("stages", nargs="*", metavar="STAGE", help=f"of {', '.join(STAGES)}")
    parser.add_argument("--device", default="cpu", help="cpu or cuda")
    parser.add_argument("--scenes", type=int, help="how many scenes to render")
    words = f"end a stage ({', '.join(TRAINED)}) after N minutes, learning rate at zero"
    parser.add_argument("--minutes", action="append", default=[], metavar="STAGE=N", help=words)
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
        resolve_name(STAGES[stage])(recipe, args.device)


if __name__ == "__main__":
    main()
