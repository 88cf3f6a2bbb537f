"""A home with pictures and what people said of them, without a model."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from PIL import Image

from inference.correction import Fix
from tests.fixes import hazard_fix, said_at
from training.store.feedback import Answers, Correction, Feedback
from training.store.home import find_home

WIDTH, HEIGHT = 300, 400  # a diagonal of 500
MODEL_PX = (100.0, 100.0)


def feedback_at(root: Path) -> Feedback:
    return Feedback(find_home(root / "home"))


def picture(folder: Path, shade: int = 0) -> Path:
    path = folder / f"road-{shade}.png"
    Image.new("RGB", (WIDTH, HEIGHT), (shade % 256, shade // 256, 90)).save(path)
    return path


def predicted(feedback: Feedback, folder: Path, shade: int = 0, **changes: Any) -> tuple[str, str]:
    """Hash of a kept picture, and id of an answer to it that points at MODEL_PX."""
    media = feedback.add_media(
        picture(folder, shade), slices=changes.pop("slices", ()), name=f"road-{shade}.png"
    )
    side = said_at(changes.pop("point_px", MODEL_PX))
    values = {"task": "hazard", "backbone": "tiny", "prompt": "Which area?", "base": side}
    return media, feedback.add_answers(media, Answers(**{**values, **changes}), {"query": "a=1"})


def corrected(
    feedback: Feedback,
    media: str,
    prediction: str | None = None,
    *,
    author: str = "ann",
    payload: Fix | None = None,
    **more: Any,
) -> Correction:
    return feedback.correct(
        task="hazard",
        media=media,
        prediction=prediction,
        payload=payload or hazard_fix("wrong", (200.0, 100.0)),
        author=author,
        **more,
    )
