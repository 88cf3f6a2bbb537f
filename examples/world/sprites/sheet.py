"""A contact sheet of every kind, for looking: python -m examples.world.sprites.sheet --out FILE."""

from __future__ import annotations

import argparse
import math
import time
from pathlib import Path

import cv2
import numpy as np

from . import AGENT_SIZES_M, COLOURS, Sprite, make_sprite

_ROAD = np.array([112.0, 113, 116])


def paste(canvas: np.ndarray, sprite: Sprite, left: int, bottom: int) -> None:
    """Blend a sprite into an RGB canvas (h, w, 3) with its bottom row above `bottom`."""
    h, w = sprite.emissive.shape
    x0, y0 = max(left, 0), max(bottom - h, 0)
    x1, y1 = min(left + w, canvas.shape[1]), min(bottom, canvas.shape[0])
    if x0 >= x1 or y0 >= y1:
        return
    cut = sprite.rgba[y0 - bottom + h : y1 - bottom + h, x0 - left : x1 - left]
    alpha = cut[..., 3:].astype(np.float32) / 255
    region = canvas[y0:y1, x0:x1]
    region[:] = region * (1 - alpha) + cut[..., :3] * alpha


def draw(kinds: list[str], sizes_px: tuple[int, ...], seed: int, yaws: int = 8) -> np.ndarray:
    """Every kind x yaw x size on road grey. Returns RGB uint8."""
    rows = []
    noise = np.random.default_rng(seed)
    for k, kind in enumerate(kinds):
        wide = 3.4 if kind in ("truck", "bus") else 2.9 if kind in ("car", "van") else 1.7
        for size in sizes_px:
            row = np.full((size + 12, int(size * wide + 10) * yaws, 3), _ROAD, np.float32)
            row += noise.normal(0, 4, row.shape[:2])[..., None]
            for i in range(yaws):
                rng = np.random.default_rng([seed, k, size, i])
                sprite = make_sprite(
                    kind, yaw_rad=2 * math.pi * i / yaws, height_px=size, rng=rng,
                    colour=COLOURS[int(rng.integers(len(COLOURS)))], braking=i % 3 == 0,
                    indicating=(None, "left", "right")[i % 3], lights_on=i % 4 == 1,
                    depth_m=12.0,
                )  # fmt: skip
                step = row.shape[1] // yaws
                paste(row, sprite, i * step + (step - sprite.emissive.shape[1]) // 2, size + 6)
            rows.append(row)
    width = max(r.shape[1] for r in rows)
    rows = [np.pad(r, ((0, 0), (0, width - r.shape[1]), (0, 0)), mode="edge") for r in rows]
    return np.concatenate(rows).clip(0, 255).astype(np.uint8)


def timings(size_px: int, count: int = 24) -> dict[str, float]:
    """Mean milliseconds a sprite of each kind takes at a height."""
    result = {}
    for kind in AGENT_SIZES_M:
        start = time.perf_counter()
        for i in range(count):
            rng = np.random.default_rng(i)
            make_sprite(kind, yaw_rad=i * 0.7, height_px=size_px, rng=rng, colour=COLOURS[i % 10])
        result[kind] = (time.perf_counter() - start) / count * 1e3
    return result


def main() -> None:
    """Parse the command line, write the sheet, print the timings."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--kinds", nargs="*", default=list(AGENT_SIZES_M))
    parser.add_argument("--sizes", nargs="*", type=int, default=[24, 60, 140])
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()
    cv2.setNumThreads(1)
    picture = draw(args.kinds, tuple(args.sizes), args.seed)
    cv2.imwrite(str(args.out), picture[..., ::-1])
    for size in (80, 250):
        times = timings(size)
        print(f"{size} px:", ", ".join(f"{k} {v:.1f}" for k, v in times.items()), "ms")


if __name__ == "__main__":
    main()
