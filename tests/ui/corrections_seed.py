"""A home with cases of every state."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image

from inference.correction import Fix
from inference.fields import Point
from inference.media import load_image
from inference.schema import PairRequest
from tests.fixes import hazard_fix
from tests.ui.fakes import INFO, fake_pair
from training.store.feedback import Feedback
from training.store.home import Home

SLICES = (("night",), ("rain", "night"), ("urban",), ())
EVIL = "<img src=x onerror=window.__hit=1>"


def road(path: Path, number: int, size: tuple[int, int] = (640, 360)) -> Path:
    """A picture that no other number gives."""
    y, x = np.mgrid[0 : size[1], 0 : size[0]]
    sky = np.clip(200 - y * 0.4 + number, 0, 255)
    lane = np.where(np.abs(x - size[0] / 2) < (y - size[1] / 3) * 0.9, 90, 130 + number % 60)
    pixels = np.stack([lane, (lane + sky) / 2, sky], axis=-1).astype(np.uint8)
    pixels[:4, :4] = number % 256
    Image.fromarray(pixels).save(path, quality=90)
    return path


def add_case(
    feedback: Feedback, folder: Path, number: int, *, name: str = "", truth: bool = True,
    slices: tuple[str, ...] | None = None,
) -> tuple[str, str]:  # fmt: skip
    """One picture that the fake model has answered: (media hash, prediction id)."""
    path = road(folder / f"road-{number:04d}.jpg", number)
    image = load_image(path)
    pair = fake_pair(image, PairRequest(prompt="Where is the hazard?", adapter="hazard-patch"))
    prediction = feedback.add_prediction(
        pair,
        path,
        INFO,
        adapter_version="v1",
        slices=SLICES[number % len(SLICES)] if slices is None else slices,
        name=name or path.name,
        truth={"point": Point(430.0, 180.0, source="truth")} if truth else None,
        settings={"query": f"image={image.content_hash}&adapter=hazard-patch&opacity=40"},
    )
    return image.content_hash, prediction


def say(feedback: Feedback, case: tuple[str, str], author: str, fix: Fix) -> str:
    media, prediction = case
    made = feedback.correct(
        task="hazard", media=media, prediction=prediction, payload=fix, author=author,
        client={"page": "test"},
    )  # fmt: skip
    return made.id


def seed(home: Home, folder: Path, cases: int = 12) -> list[str]:
    """Cases that ann corrects, every third one ben too, elsewhere. Returns their ids."""
    feedback = Feedback(home)
    ids = []
    for number in range(cases):
        case = add_case(feedback, folder, number, truth=number % 2 == 0)
        x = 120.0 + 7 * number
        fix = hazard_fix("wrong", (x, 190.0), kind="cyclist", reason=f"The cyclist number {number}")
        say(feedback, case, "ann", fix)
        if number % 3 == 0:
            box = hazard_fix("wrong", box=(x + 150, 160, x + 230, 260), kind="pedestrian")
            say(feedback, case, "ben", box)
        ids.append(f"hazard:{case[0]}")
    return ids
