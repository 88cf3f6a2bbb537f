"""A home with corrections of every kind, for the tests of exchange."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image

from inference.correction import Fix
from tests.fixes import hazard_fix, said_at
from training.store.cases import values_of
from training.store.feedback import Answers, Correction, Feedback
from training.store.home import find_home

WH = (128, 72)
EVIL = '=HYPERLINK("http://x")\'; 雪, "quoted"\nsecond line'


def picture(path: Path, shade: int) -> Path:
    """A small picture that no other shade gives."""
    y, x = np.mgrid[0 : WH[1], 0 : WH[0]]
    pixels = np.stack([x, y, np.full_like(x, shade)], axis=-1).astype(np.uint8)
    Image.fromarray(pixels).save(path)
    return path


def add(feedback: Feedback, folder: Path, shade: int, **more: object) -> tuple[str, str]:
    """A picture that a model has answered with the point (20, 30): (media, prediction)."""
    path = picture(folder / f"road-{shade}.png", shade)
    media = feedback.add_media(path, name=path.name, slices=["night", "wet, slippery"])
    said = {**said_at((20.0, 30.0)), "label": "tiny"}
    answers = Answers("hazard", "tiny", "Where?", said, said, adapter="patch")
    return media, feedback.add_answers(media, answers)


def say(feedback: Feedback, case: tuple[str, str], author: str, fix: Fix) -> Correction:
    return feedback.correct(
        task="hazard", media=case[0], prediction=case[1], payload=fix, author=author
    )


def full_home(folder: Path) -> Feedback:
    """Six corrections of two pictures and one of a clip, in every state."""
    feedback = Feedback(find_home(folder / "home"))
    one, two = add(feedback, folder, 1), add(feedback, folder, 2)
    corners = (10.1, 20.2, 30.3, 40.7)
    box = hazard_fix(box=corners, kind="cyclist", reason=EVIL, five_second=True)
    kept = say(feedback, one, "ann", box)
    bad = say(feedback, one, "=ben", hazard_fix("wrong", (1 / 3, 71.9), kind="other", reason="-1"))
    say(feedback, one, "cleo", hazard_fix("right", kind="pedestrian"))
    gone = say(feedback, two, "ann", hazard_fix("wrong", (5.0, 6.0)))
    none = say(feedback, two, "ben", hazard_fix("none", reason="'empty road"))
    say(feedback, two, "cleo", hazard_fix("right", (21.0, 30.0)))
    feedback.review([kept.id], "accept", "rita", "good\neye")
    feedback.review([bad.id, none.id], "reject", "@rita")
    feedback.withdraw(gone.id, "ann")
    clip = folder / "clip.mp4"
    clip.write_bytes(b"\0\0\0\x18ftypmp42 not really")
    media = feedback.add_media(clip, kind="clip", size_wh=WH, duration_s=4.0)
    fix = hazard_fix("wrong", (5.0, 6.0))
    feedback.correct(task="hazard", media=media, prediction=None, payload=fix, author="ann")
    return feedback


def facts(correction: Correction) -> dict[str, object]:
    """What a round trip has to keep."""
    last = [r for r in correction.reviews if r.verdict in ("accept", "reject")][-1:]
    return {
        "id": correction.id,
        "media": correction.media,
        "payload": correction.payload,
        "author": correction.author,
        "status": correction.status,
        "created": correction.created,
        "review": [(r.reviewer, r.comment, r.created) for r in last],
        "model": values_of(correction.task, correction.before),
    }
