"""Noise and foliage images that are computed once and then sampled at random offsets."""

from __future__ import annotations

from functools import lru_cache

import cv2
import numpy as np

GRAIN_ZERO = 128


@lru_cache(maxsize=16)
def fractal(size: int, slope: float, seed: int) -> np.ndarray:
    """Tileable size x size float32 noise in 0..1 with spectrum 1/f^slope."""
    rng = np.random.default_rng(seed)
    fy, fx = np.fft.fftfreq(size)[:, None], np.fft.rfftfreq(size)[None, :]
    radius = np.hypot(fx, fy)
    radius[0, 0] = 1.0
    spectrum = np.fft.rfft2(rng.standard_normal((size, size))) / radius**slope
    spectrum[0, 0] = 0
    noise = np.fft.irfft2(spectrum, s=(size, size))
    noise = noise / (noise.std() * 5) + 0.5
    return np.clip(noise, 0, 1).astype(np.float32)


@lru_cache(maxsize=4)
def grain(seed: int) -> np.ndarray:
    """1400x1400x3 uint8 sensor noise with standard deviation 16 round ``GRAIN_ZERO``, slightly
    blurred in colour."""
    rng = np.random.default_rng(seed)
    luma = rng.standard_normal((1400, 1400, 1)).astype(np.float32)
    chroma = cv2.GaussianBlur(rng.standard_normal((1400, 1400, 3)).astype(np.float32), (3, 3), 0)
    noise = ((luma * 0.8 + chroma * 0.9) * 16).astype(np.int16) + GRAIN_ZERO
    return np.clip(noise, 0, 255).astype(np.uint8)


def crop(noise: np.ndarray, rng: np.random.Generator, rows: int, cols: int) -> np.ndarray:
    """A random rows x cols window of a tileable image."""
    y, x = int(rng.integers(0, noise.shape[0])), int(rng.integers(0, noise.shape[1]))
    ys = np.arange(y, y + rows) % noise.shape[0]
    xs = np.arange(x, x + cols) % noise.shape[1]
    return noise.take(ys, 0).take(xs, 1)


def _crown(rng: np.random.Generator, size: int, style: str) -> np.ndarray:
    """Coverage of a tree's crown, size x size uint8."""
    mask = np.zeros((size, size), np.uint8)
    blobs = 60 if style == "round" else 90
    for _ in range(blobs):
        t = rng.random()
        if style == "round":
            angle, reach = rng.uniform(0, 6.28), np.sqrt(rng.random())
            x = 0.5 + 0.36 * reach * np.cos(angle)
            y = 0.36 + 0.29 * reach * np.sin(angle)
            r = rng.uniform(0.04, 0.12)
        else:
            y = 0.05 + 0.8 * t
            x = 0.5 + rng.uniform(-1, 1) * (0.03 + 0.3 * t)
            r = rng.uniform(0.02, 0.05) + 0.03 * t
        cv2.circle(mask, (int(x * size), int(y * size)), int(r * size), 255, -1)
    return mask


@lru_cache(maxsize=1)
def _grown() -> tuple[np.ndarray, ...]:
    styles = ["bare" if i >= 14 else "conifer" if i % 5 == 4 else "round" for i in range(18)]
    return tuple(_tree(np.random.default_rng(900 + i), style) for i, style in enumerate(styles))


@lru_cache(maxsize=200)
def tree(index: int, level: int, flip: bool) -> np.ndarray:
    """Tree ``index`` of 18 (the last four bare), uint8 RGBA straight alpha, 256 px >> ``level``."""
    image = cv2.flip(_grown()[index], 1) if flip else _grown()[index]
    size = 256 >> level
    return cv2.resize(image, (size, size), interpolation=cv2.INTER_AREA) if level else image


def _branch(image: np.ndarray, rng: np.random.Generator, x: float, y: float, angle: float,
            length: float, width: float) -> None:  # fmt: skip
    x1, y1 = x + length * np.cos(angle), y - length * np.sin(angle)
    shade = int(rng.uniform(45, 80))
    cv2.line(image, (int(x), int(y)), (int(x1), int(y1)), (shade, shade - 8, shade - 15, 255),
             max(1, round(width)), cv2.LINE_AA)  # fmt: skip
    if length > 9:
        for _ in range(int(rng.integers(2, 4))):
            turn = angle + rng.normal(0, 0.5)
            _branch(image, rng, x1, y1, turn, length * rng.uniform(0.6, 0.8), width * 0.62)


def _tree(rng: np.random.Generator, style: str) -> np.ndarray:
    size = 256
    image = np.zeros((size, size, 4), np.uint8)
    _branch(image, rng, size / 2, size - 1, 1.57 + rng.normal(0, 0.05), 62, 8)
    if style == "bare":
        return image
    noise = crop(fractal(512, 1.1, 5), rng, size, size)
    fine = crop(fractal(512, 0.6, 6), rng, size, size)
    mask = cv2.GaussianBlur(_crown(rng, size, style), (0, 0), 5).astype(np.float32) / 255
    cover = np.clip((mask + (noise - 0.5) * 1.0 + (fine - 0.5) * 0.5 - 0.42) * 5, 0, 1)
    cover *= np.clip(mask * 8 - 0.3, 0, 1)
    bumps = cv2.GaussianBlur(noise, (0, 0), 2)
    light = np.clip((bumps - np.roll(bumps, (5, 4), (0, 1))) * 4 + 0.5, 0, 1)
    high = np.linspace(1.15, 0.55, size, dtype=np.float32)[:, None]
    shade = (0.35 + 0.5 * light + (fine - 0.5) * 0.8) * high
    tint = np.array(((92, 118, 52), (70, 100, 48), (110, 116, 58), (62, 84, 50)))[
        int(rng.integers(0, 4))
    ]
    leaves = np.clip(shade[..., None] * tint * 1.25, 0, 255)
    alpha = cover[..., None]
    image[..., :3] = (image[..., :3] * (1 - alpha) + leaves * alpha).astype(np.uint8)
    image[..., 3] = np.maximum(image[..., 3], (cover * 255).astype(np.uint8))
    return image
