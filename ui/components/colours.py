"""The language of signs, one place for the page, its figures and the exported image.

Sides differ by colour and by shape. Attention is inferno, transparent at zero; a difference is
blue (base looks more) through transparent to amber (fine-tuned looks more).
"""

from __future__ import annotations

BASE = "#4C6A92"
FINETUNED = "#D9822B"
HUMAN = "#2E8B57"
CONTROL = "#808080"

# Ten stops of matplotlib's inferno (CC0), evenly spaced.
INFERNO = (
    (0, 0, 4), (27, 12, 65), (74, 12, 107), (120, 28, 109), (165, 44, 96),
    (207, 68, 70), (237, 105, 37), (251, 155, 6), (247, 209, 61), (252, 255, 164),
)  # fmt: skip
ALPHA_POWER = 0.7  # below 1: weak cells stay visible, zero is still clear

RGBA = tuple[int, int, int, float]


def rgb(colour: str) -> tuple[int, int, int]:
    """ "#RRGGBB" to numbers."""
    return int(colour[1:3], 16), int(colour[3:5], 16), int(colour[5:7], 16)


def inferno(share: float) -> RGBA:
    """Colour of a value at `share` (0..1) of the range; alpha 0..1 grows from 0."""
    place = min(max(share, 0.0), 1.0) * (len(INFERNO) - 1)
    low = min(int(place), len(INFERNO) - 2)
    part = place - low
    mixed = (round(a + (b - a) * part) for a, b in zip(INFERNO[low], INFERNO[low + 1], strict=True))
    r, g, b = mixed
    return r, g, b, min(max(share, 0.0), 1.0) ** ALPHA_POWER


def diverging(share: float) -> RGBA:
    """Colour of a signed value at `share` (-1..1): blue, clear at 0, amber."""
    clipped = min(max(share, -1.0), 1.0)
    r, g, b = rgb(FINETUNED if clipped > 0 else BASE)
    return r, g, b, abs(clipped) ** ALPHA_POWER


def rgb_text(colour: RGBA) -> str:
    """As CSS writes it."""
    r, g, b, a = colour
    return f"rgba({r},{g},{b},{a:.3f})"
