"""The loop's proof: corrections, the table, and a tiny loop from end to end."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from inference.errors import UserError
from inference.fields import Point
from inference.inputs import ImageInput
from inference.registry import resolve
from training.evaluation.scoring import Response
from training.evaluation.sets import EvalCase, EvalSet, point_case
from training.proof import loop as loop_proof
from training.proof.loop import chosen_settings, correct, parser, results, rows, table, wrong
from training.proof.run import Sides
from training.store.feedback import Feedback
from training.store.home import find_home

UNSEEN = frozenset({"debris", "animal"})


def case(seed: int, point: tuple[float, float], *slices: str) -> EvalCase:
    pixels = np.random.default_rng(seed).integers(0, 255, (72, 128, 3), dtype=np.uint8)
    return point_case(
        ImageInput(pixels, f"{seed:064x}", f"world-{seed}"), point, None, frozenset(slices)
    )


def answer(point: tuple[float, float] | None) -> Response:
    made = {} if point is None else {"point": Point(*point, source="head")}
    return Response("t", "t", 0.0, {"text": {}, "window": made}, "window")


CASES = [
    case(1, (64, 36), "debris", "night"),
    case(2, (64, 36), "animal"),
    case(3, (64, 36), "pedestrian"),
    case(4, (64, 36), "cyclist"),
]


def fake_respond(asked: EvalCase) -> Mapping[str, Response]:
    """The candidate is right on the unseen slices and as the current one elsewhere."""
    right = asked.slices & UNSEEN
    return {
        "base": answer(None),
        "shipped": answer((74, 36)),
        "quick-fix": answer((64, 36) if right else (74, 36)),
    }


SIDES = Sides(fake_respond, {"base": "base", "current": "shipped", "candidate": "quick-fix"})


def result() -> dict[str, Any]:
    data = EvalSet("heldout", 4, lambda: CASES, None, UNSEEN)
    return {
        "corrections": 60,
        "examples": {},
        "parent": "shipped",
        "seconds": {"train": 1.0},
        "rows": rows(results(data, SIDES), UNSEEN),
    }


def test_errors_are_at_1280x720_and_silence_is_the_centre() -> None:
    found = result()["rows"]
    unseen = found["debris/animal"]
    assert unseen["n"] == 2
    assert unseen["median_px"] == {"base": 0.0, "current": 100.0, "candidate": 0.0}
    assert unseen["median_relative"]["estimate"] == -1.0
    assert found["debris"]["n"] == found["animal"]["n"] == 1
    assert found["all others"]["mean_change"]["estimate"] == 0.0


def test_the_first_of_the_unseen_scenes_have_a_row_of_their_own() -> None:
    data = EvalSet("loop", 4, lambda: CASES[::-1], None, UNSEEN)
    found = rows(results(data, SIDES), UNSEEN, first=1)
    assert list(found) == ["debris/animal", "the first 1", "animal", "debris", "all others"]
    assert found["the first 1"] == found["animal"]  # the order of the set, which is turned round


def test_table_says_whether_both_aims_are_met() -> None:
    text = table(result())
    assert "falls by at least 40%: yes" in text
    assert "no worse beyond the interval: yes" in text
    worse = result()
    worse["rows"]["all others"]["mean_change"]["low"] = 3.0
    worse["rows"]["debris/animal"]["median_relative"]["estimate"] = -0.39
    assert table(worse).count("NO") == 2


def test_corrections_are_accepted_and_of_the_unseen_hazards(tmp_path: Path) -> None:
    home = find_home(tmp_path)
    scenes = list(resolve(loop_proof.CORRECTED["hazard/world"])(2, loop_proof.SEED_START))
    assert correct(home, scenes) == 2
    made = Feedback(home).cases()
    assert {c.status for c in made} == {"accepted"}
    assert all(set(c.media.slices) & UNSEEN for c in made)
    assert {c.media.name for c in made} == {"world-8000000.png", "world-8000001.png"}


def test_only_what_is_wrong_is_corrected() -> None:
    def ask(asked: EvalCase) -> Mapping[str, Response]:  # 10 px are 100 at 1280x720
        return {"shipped": answer((74, 36) if "debris" in asked.slices else (66, 36))}

    assert list(wrong(CASES, ask, "shipped")) == CASES[:1]


def test_its_scenes_are_neither_training_nor_heldout() -> None:
    is_heldout = resolve("examples.world.replay:is_heldout")
    last = loop_proof.SEED_START + 60 * loop_proof.MOST_TRIED
    assert 1_024_576 < loop_proof.SEED_START < last < 9_000_000
    assert not is_heldout(f"world-{last}", "0" * 64)


def test_settings_of_the_command_line() -> None:
    options = parser().parse_args(["--minutes", "2", "--set", "epochs=1", "keep=last"])
    settings = chosen_settings(options)
    assert (settings.time_limit_minutes, settings.epochs, settings.keep) == (2.0, 1.0, "last")
    with pytest.raises(UserError):
        chosen_settings(parser().parse_args(["--set", "rank=0"]))


@pytest.mark.slow
def test_tiny_loop_from_end_to_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The real worker and the real asker, on four corrections and a minute's worth of nothing."""

    def few(n: int, seed_start: int) -> Iterator[EvalCase]:
        yield from (case(seed_start + i, (60 + i, 36), "debris") for i in range(n))

    monkeypatch.setattr(
        loop_proof, "load_split", lambda *_: EvalSet("heldout", 4, lambda: CASES, None, UNSEEN)
    )
    monkeypatch.setattr(loop_proof, "source", lambda *_: few)
    photos = EvalSet("photos", 1, lambda: [case(9, (64, 36), "hazard")])
    monkeypatch.setattr(loop_proof, "load_folder", lambda _: photos)
    changes = ["epochs=1", "views=1", "replay_share=0", "validation_share=0.25"]
    asked = ["--n", "4", "--photos", "photos", "--home", str(tmp_path), "--threads", "1"]
    code = loop_proof.main([*asked, "--set", *changes])
    assert code == 0
    found = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert found["rows"]["debris/animal"]["n"] == 2
    assert found["rows"]["photographs"]["n"] == 1
    assert found["examples"] == {"train correction": 3, "validation correction": 1}
    assert (tmp_path / "adapters" / "quick-fix" / "card.json").is_file()
