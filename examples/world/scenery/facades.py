"""A bank of wall images: house fronts, hedges, tree lines, fences, noise barriers."""

from __future__ import annotations

from functools import lru_cache

import cv2
import numpy as np

from examples.world.scenery.banks import crop, fractal

TILE = 256
BUILDINGS = 18
GREENS = 6
SHOPS = ((150, 40, 35), (40, 80, 140), (200, 160, 40), (40, 100, 60), (210, 205, 200), (35, 35, 40),
         (170, 60, 120), (225, 120, 40))  # fmt: skip
WALLS = ((176, 160, 138), (150, 96, 78), (190, 184, 174), (120, 112, 104), (205, 196, 178),
         (140, 128, 120), (168, 120, 96), (110, 78, 66), (160, 166, 170))  # fmt: skip


@lru_cache(maxsize=1)
def bank() -> tuple[np.ndarray, np.ndarray]:
    """(images, lights): images Nx256x256x4 uint8 RGBA, row 255 = ground; lights Nx256x256.

    A tile of a building is one stretch of wall that repeats along the street; ``lights`` holds a
    random level per window, so that a threshold decides how many are lit.
    """
    images, lights = [], []
    for i in range(BUILDINGS):
        image, light = _building(np.random.default_rng(300 + i), glass=i % 6 == 5)
        images.append(image)
        lights.append(light)
    for i in range(GREENS):
        images.append(_green(np.random.default_rng(400 + i), hedge=i >= 4))
        lights.append(np.zeros((TILE, TILE), np.uint8))
    return np.stack(images), np.stack(lights)


def _building(rng: np.random.Generator, glass: bool) -> tuple[np.ndarray, np.ndarray]:
    base = np.array(WALLS[int(rng.integers(0, len(WALLS)))], np.float32)
    image = np.tile(base * rng.uniform(0.75, 1.1), (TILE, TILE, 1)).astype(np.float32)
    image *= 0.85 + 0.3 * crop(fractal(512, 1.3, 31), rng, TILE, TILE)[..., None]
    light = np.zeros((TILE, TILE), np.uint8)
    floors, columns = int(rng.integers(4, 8)), int(rng.integers(3, 7))
    shop = int(TILE * rng.uniform(0.14, 0.2))
    fh, cw = (TILE - shop - 8) / floors, TILE / columns
    tall, wide = (0.9, 0.92) if glass else (rng.uniform(0.45, 0.7), rng.uniform(0.35, 0.65))
    balcony = rng.random() < 0.3
    pane = np.array((70, 84, 98), np.float32) * rng.uniform(0.5, 1.3)
    for f in range(floors):
        for c in range(columns):
            x0, y0 = int((c + 0.5 - wide / 2) * cw), int(6 + (f + 0.5 - tall / 2) * fh)
            x1, y1 = int((c + 0.5 + wide / 2) * cw), int(6 + (f + 0.5 + tall / 2) * fh)
            _window(image, light, rng, (x0, y0, x1, y1), pane, glass)
            if balcony and c % 2 == 0:
                cv2.rectangle(image, (x0 - 5, y1 - 6), (x1 + 5, y1 + 3), (base * 0.6).tolist(), -1)
        if rng.random() < 0.6 and not glass:
            y = int(6 + f * fh)
            cv2.line(image, (0, y), (TILE, y), (base * rng.uniform(0.7, 1.2)).tolist(), 2)
    cv2.rectangle(image, (0, 0), (TILE, 5), (base * rng.uniform(0.5, 1.15)).tolist(), -1)
    _shops(image, light, rng, TILE - shop)
    rgba = np.dstack([np.clip(image, 0, 255), np.full((TILE, TILE), 255)]).astype(np.uint8)
    return rgba, light


def _window(image: np.ndarray, light: np.ndarray, rng: np.random.Generator,
            box: tuple[int, int, int, int], pane: np.ndarray, glass: bool) -> None:  # fmt: skip
    x0, y0, x1, y1 = box
    tone = pane * rng.uniform(0.45, 1.5)
    if rng.random() < 0.12:
        tone = np.array((165, 160, 150), np.float32)
    cv2.rectangle(image, (x0 - 1, y0 - 1), (x1 + 1, y1 + 1), (image[y0, x0] * 0.7).tolist(), -1)
    cv2.rectangle(image, (x0, y0), (x1, y1), tone.tolist(), -1)
    middle = (y0 + y1) // 2
    cv2.rectangle(image, (x0, y0), (x1, middle), (tone * rng.uniform(1.0, 1.5)).tolist(), -1)
    if not glass:
        frame = (np.array((200, 198, 190)) * rng.uniform(0.4, 1.0)).tolist()
        cv2.line(image, ((x0 + x1) // 2, y0), ((x0 + x1) // 2, y1), frame, 1)
        cv2.line(image, (x0 - 2, y1 + 2), (x1 + 2, y1 + 2), frame, 2)
    cv2.rectangle(light, (x0, y0), (x1, y1), int(rng.integers(1, 255)), -1)


def _shops(image: np.ndarray, light: np.ndarray, rng: np.random.Generator, top: int) -> None:
    x = 0
    while x < TILE:
        w = int(rng.integers(36, 90))
        sign = np.array(SHOPS[int(rng.integers(0, len(SHOPS)))], np.float32)
        glass = np.array((74, 78, 82), np.float32) * rng.uniform(0.6, 1.5)
        cv2.rectangle(image, (x, top), (x + w, TILE), glass.tolist(), -1)
        for _ in range(14):
            px, py = int(rng.integers(x, x + w)), int(rng.integers(top + 14, TILE))
            tone = (glass * rng.uniform(0.5, 1.6) + rng.normal(0, 12, 3)).clip(0, 255).tolist()
            wide, tall = int(rng.integers(2, 12)), int(rng.integers(3, 14))
            cv2.rectangle(image, (px, py), (px + wide, py + tall), tone, -1)
        if rng.random() < 0.4:
            cv2.rectangle(image, (x, top + 11), (x + w, top + 17), (sign * 0.7).tolist(), -1)
        cv2.rectangle(image, (x, top), (x + w, top + 11), sign.tolist(), -1)
        for px in range(x + 5, x + w - 6, 5):
            if rng.random() < 0.75:
                ink = 240 if sign.mean() < 130 else 30
                cv2.rectangle(image, (px, top + 3), (px + 2, top + 8), (ink, ink, ink), -1)
        cv2.rectangle(light, (x, top), (x + w - 4, TILE - 4), int(rng.integers(90, 255)), -1)
        x += w + int(rng.integers(2, 8))


def _green(rng: np.random.Generator, hedge: bool) -> np.ndarray:
    """A tileable row of trees or a hedge with a ragged top."""
    noise = np.roll(fractal(256, 1.1, 41), tuple(rng.integers(0, 256, 2)), (0, 1))
    fine = np.roll(fractal(256, 0.6, 42), tuple(rng.integers(0, 256, 2)), (0, 1))
    turn = np.arange(TILE) / TILE * 2 * np.pi
    waves = sum(np.sin(turn * k + rng.uniform(0, 6)) / k for k in (2, 3, 5, 8))
    edge = 70 + 34 * waves if not hedge else np.full(TILE, 20.0)
    height = np.arange(TILE)[:, None] - edge[None, :]
    cover = np.clip((height / 60 + (noise - 0.5) * 2.2 + (fine - 0.5) * 0.9) * 6, 0, 1)
    bumps = cv2.GaussianBlur(noise, (0, 0), 2.5)
    light = np.clip((bumps - np.roll(bumps, (6, 3), (0, 1))) * 5 + 0.5, 0, 1)
    down = np.linspace(1.15, 0.45, TILE)[:, None]
    shade = (0.3 + 0.55 * light + (fine - 0.5) * 0.7) * down
    tint = np.array(((98, 118, 58), (74, 96, 50), (112, 112, 62), (66, 84, 52)))
    image = np.clip(shade[..., None] * tint[int(rng.integers(0, 4))] * 1.3, 0, 255)
    return np.dstack([image, cover * 255]).astype(np.uint8)
