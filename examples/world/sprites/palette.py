"""Colours of paint, cloth, skin and hair, with the small spread that real ones have."""

from __future__ import annotations

import numpy as np

COLOURS = (
    "white", "black", "silver", "grey", "red", "blue", "green", "yellow", "orange", "brown",
)  # fmt: skip

_PAINT = {
    "white": (226, 228, 230), "black": (26, 27, 30), "silver": (164, 168, 172),
    "grey": (92, 95, 100), "red": (158, 24, 26), "blue": (30, 62, 132),
    "green": (36, 92, 58), "yellow": (228, 178, 26), "orange": (222, 98, 22),
    "brown": (94, 64, 44),
}  # fmt: skip
_CLOTH = {
    "white": (222, 220, 214), "black": (26, 26, 30), "silver": (164, 166, 170),
    "grey": (104, 106, 110), "red": (172, 34, 38), "blue": (38, 66, 128),
    "green": (52, 92, 58), "yellow": (222, 188, 46), "orange": (216, 104, 34),
    "brown": (110, 78, 54),
}  # fmt: skip
_SKIN = ((238, 198, 172), (224, 176, 146), (198, 148, 114), (160, 110, 78), (112, 74, 52),
         (74, 50, 38))  # fmt: skip
_HAIR = ((22, 19, 18), (44, 31, 24), (82, 56, 36), (138, 100, 58), (190, 160, 104), (150, 148, 146))
_TROUSERS = (
    (34, 38, 56), (50, 62, 92), (28, 28, 32), (22, 22, 24), (92, 88, 82), (150, 134, 106),
    (72, 60, 48), (64, 66, 70), (86, 104, 138), (182, 176, 166),
)  # fmt: skip
_FUR = {
    "deer": (134, 98, 66), "dog": (96, 72, 50), "cow": (74, 50, 38), "boar": (56, 46, 40),
    "horse": (92, 58, 38),
}  # fmt: skip


def _jitter(colour: tuple[int, ...], rng: np.random.Generator, spread: float) -> np.ndarray:
    gain = 1.0 + spread * rng.uniform(-1, 1)
    mixed = np.array(colour) * gain + rng.uniform(-6, 6, 3)
    return np.minimum(np.maximum(mixed, 4.0), 250.0)


def paint(colour: str, rng: np.random.Generator) -> np.ndarray:
    """Car paint of a named colour, RGB 0..255 (3,)."""
    return _jitter(_PAINT[colour], rng, 0.16)


def cloth(colour: str, rng: np.random.Generator) -> np.ndarray:
    """A garment of a named colour, RGB 0..255 (3,)."""
    return _jitter(_CLOTH[colour], rng, 0.18)


def skin(rng: np.random.Generator) -> np.ndarray:
    """A skin tone, RGB 0..255 (3,)."""
    return _jitter(_SKIN[rng.integers(len(_SKIN))], rng, 0.06)


def hair(rng: np.random.Generator) -> np.ndarray:
    """A hair colour, RGB 0..255 (3,)."""
    return _jitter(_HAIR[min(rng.integers(9), rng.integers(len(_HAIR)))], rng, 0.12)


def trousers(rng: np.random.Generator) -> np.ndarray:
    """Cloth for the legs, RGB 0..255 (3,)."""
    return _jitter(_TROUSERS[rng.integers(len(_TROUSERS))], rng, 0.15)


def any_cloth(rng: np.random.Generator) -> np.ndarray:
    """A garment of any colour, RGB 0..255 (3,)."""
    return cloth(COLOURS[rng.integers(len(COLOURS))], rng)


def fur(species: str, rng: np.random.Generator) -> np.ndarray:
    """An animal's coat, RGB 0..255 (3,)."""
    pale = rng.uniform() < 0.35
    gain = rng.uniform(0.8, 1.15) * (1.4 if pale else 1.0)
    return np.clip(np.array(_FUR[species]) * gain + rng.uniform(-2, 2, 3), 8, 235)
