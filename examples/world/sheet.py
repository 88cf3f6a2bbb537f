"""Contact sheets: ``python -m examples.world.sheet --n 40 --out FILE``."""

from __future__ import annotations

import argparse
from pathlib import Path

import cv2
import numpy as np

from examples.world.compose import render_scene
from examples.world.scene import Scene


def labelled(scene: Scene, mark: bool) -> np.ndarray:
    """The scene's picture with a caption line below, and its agents' boxes when ``mark``."""
    image = scene.image.copy()
    for agent in scene.agents if mark else ():
        x0, y0, x1, y1 = (int(v) for v in agent.box_px)
        hazard = agent.index == scene.hazard_index
        colour = (255, 40, 40) if hazard else (60, 220, 90)
        cv2.rectangle(image, (x0, y0), (x1 - 1, y1 - 1), colour, 2 if hazard else 1)
    bar = np.zeros((16, image.shape[1], 3), np.uint8)
    tags = f"{scene.seed} {scene.hazard.role} {scene.hazard.depth_m:.0f}m {scene.road}"
    tags += f" {scene.time_of_day} {scene.weather}"
    cv2.putText(bar, tags, (3, 11), cv2.FONT_HERSHEY_SIMPLEX, 0.36, (230, 230, 230), 1, cv2.LINE_AA)
    return np.vstack([image, bar])


def sheet(seeds: range, size_wh: tuple[int, int], columns: int, mark: bool,
          only: frozenset[str] = frozenset()) -> np.ndarray:  # fmt: skip
    """Pictures of ``seeds`` in rows of ``columns``, HxWx3 uint8 RGB."""
    tiles = [labelled(render_scene(seed, size_wh, only=only), mark) for seed in seeds]
    tiles += [np.zeros_like(tiles[0])] * (-len(tiles) % columns)
    rows = [np.hstack(tiles[i : i + columns]) for i in range(0, len(tiles), columns)]
    return np.vstack(rows)


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--n", type=int, default=40)
    parser.add_argument("--out", type=Path, default=Path("sheet.png"))
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--width", type=int, default=336)
    parser.add_argument("--height", type=int, default=196)
    parser.add_argument("--columns", type=int, default=5)
    parser.add_argument("--only", nargs="*", default=[])
    parser.add_argument("--mark", action="store_true", help="show the hazard and the agents")
    args = parser.parse_args()
    cv2.setNumThreads(1)
    seeds = range(args.seed, args.seed + args.n)
    size = (args.width, args.height)
    picture = sheet(seeds, size, args.columns, args.mark, frozenset(args.only))
    cv2.imwrite(str(args.out), cv2.cvtColor(picture, cv2.COLOR_RGB2BGR))


if __name__ == "__main__":
    main()
