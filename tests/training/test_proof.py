"""The proof with fake sides on small pictures, and once with the tiny models."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from inference.errors import UserError
from inference.fields import Point
from inference.fingerprint import file_sha256
from inference.inputs import ImageInput
from tests.training.hand import SENTENCE
from tests.training.job_hand import SETTINGS, make_home
from tests.training.job_stand_in import make_adapter
from training.adapters import lineage
from training.adapters.promotion import in_use
from training.evaluation import sets as evalsets
from training.evaluation.scoring import Response
from training.evaluation.sets import EvalCase, EvalSet, point_case
from training.jobs import control as jobs
from training.proof import cases as proofcases
from training.proof import run as proof
from training.proof.comparison import compare, picture, promote
from training.snapshots.freezing import freeze
from training.snapshots.types import SnapshotExample, SnapshotPlan
from training.store.home import Home

SHIPPED = "hazard-patch"
drawn: list[int] = []


def tiny_split(n: int = 6) -> EvalSet:
    """n scenes of 64x36, and half as many with debris. Counts what it draws."""

    def cases() -> Any:
        for i in range(n + n // 2):
            drawn.append(i)
            pixels = np.full((36, 64, 3), i, np.uint8)
            slices = frozenset({"debris"} if i >= n else {"rain"})
            image = ImageInput(pixels, f"{i:064d}", f"scene-{i}")
            yield point_case(image, (10.0 + i, 10.0), None, slices)

    return EvalSet("heldout", n + n // 2, cases, (0.5, 0.5), frozenset({"debris"}))


@pytest.fixture(autouse=True)
def small_split(monkeypatch: pytest.MonkeyPatch) -> None:
    drawn.clear()
    monkeypatch.setitem(evalsets.SPLITS, "hazard/proof", f"{__name__}:tiny_split")
    proofcases.drawing_hash.cache_clear()


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return make_home(tmp_path / "home")


def snapshot_of(home: Home, n: int = 6) -> str:
    """A frozen snapshot of n corrected pictures, the last two kept back, and one replayed."""
    examples = []
    for i in range(n + 1):
        path = home.root / f"picture-{i}.png"
        Image.fromarray(np.full((36, 64, 3), 100 + i, np.uint8)).save(path)
        examples.append(
            SnapshotExample(
                split="validation" if i in (n - 2, n - 1) else "train",
                source="correction" if i < n else "replay",
                picture=path,
                sha256=file_sha256(path),
                pixels_sha256=f"{i:064d}",
                size_wh=(64, 36),
                values={"point": Point(20.0, 20.0)},
                prompt="Where?",
                target=SENTENCE.format(20, 20),
                scene=f"s{i}",
                slices=("debris",),
            )
        )
    return freeze(home, SnapshotPlan("hazard", tuple(examples), (), {}), "ann").hash


def make_job(home: Home, name: str = "new", **more: Any) -> str:
    job_id = jobs.submit(home, snapshot_of(home, **more), SETTINGS, "ann", name=name)
    make_adapter(home.adapters / name, name)
    lineage.register(home, name=name, task="hazard", job=job_id)
    return job_id


Offsets = Mapping[str, tuple[float, float] | None]


def sides(offsets: Offsets) -> Callable[..., Any]:
    """Each side answers so far from the truth; None: it says no point."""

    def make(base: str, adapters: Sequence[Path], **options: Any) -> Any:
        names = ["base", *(lineage.name_of(folder) for folder in adapters)]

        def respond(case: EvalCase) -> dict[str, Response]:
            return {name: answer(case, offsets[name]) for name in names}

        return respond

    def answer(case: EvalCase, offset: tuple[float, float] | None) -> Response:
        x, y = case.truth["point"].xy
        head = Point(x + offset[0], y + offset[1], source="head") if offset else None
        ways = {"text": {}, "window": {"point": head} if head else {}}
        return Response("said", SENTENCE.format(1, 2), 1.0, ways, "window")

    return make


USUAL: Offsets = {"base": (8, 0), SHIPPED: (4, 0), "new": (1, 0), "next": (0.5, 0)}


def run(home: Home, job_id: str, offsets: Offsets = USUAL) -> int:
    return proof.main([job_id, "--home", str(home.root), "--n", "6"], sides(offsets))


def test_a_proof_from_end_to_end(home: Home) -> None:
    job_id = make_job(home)
    assert run(home, job_id) == 0
    found = compare(home, "new", in_use(home, "hazard"))
    assert found is not None
    assert (found.job, found.task) == (job_id, "hazard")
    assert found.names == {"base": "base", "current": SHIPPED, "candidate": "new"}
    changes = {(c.kind, c.label): c for c in found.changes}
    assert changes["corrected", "all"].n == 6
    assert changes["corrected", "validation"].n == 2
    assert changes["corrected", "train"].n == 4
    assert changes["heldout", "all"].n == 6
    assert changes["heldout", "unseen"].n == 3
    assert changes["heldout", "all"].mean["base"].estimate == pytest.approx(160)
    assert changes["heldout", "all"].mean_change.estimate == pytest.approx(-60)
    assert found.verdict.allowed
    assert jobs.job(home, job_id).stage == "Proving: 15 of 15 cases"
    told = {k: s.values for k, s in jobs.metrics(home, job_id).items()}
    assert told == {"proof_done": (15,), "proof_cases": (15,), "proof_left_s": (0,)}
    assert proofcases.pace_s(home) is not None
    assert promote(home, "new", "ann").overridden == ""


def test_every_case_can_be_shown(home: Home) -> None:
    run(home, make_job(home))
    found = compare(home, "new", SHIPPED)
    assert found is not None
    assert len(found.cases) == 15
    for case in found.cases:
        path = picture(home, case)
        assert path is not None
        with Image.open(path) as opened:
            assert opened.size == case.size_wh == (64, 36)
    corrected = [c for c in found.cases if c.kind == "corrected"]
    assert all(c.media and c.id == f"hazard:{c.media}" and c.split for c in corrected)


def test_pictures_are_drawn_once_and_never_hide_a_change(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = list(proofcases.heldout(home, "hazard", 6).cases)
    assert len(drawn) == 9
    again = list(proofcases.heldout(home, "hazard", 6).cases)
    assert len(drawn) == 9
    for a, b, original in zip(first, again, tiny_split().cases(), strict=True):
        assert a.case.image.content_hash == b.case.image.content_hash
        np.testing.assert_array_equal(b.case.image.pixels, original.image.pixels)
        assert b.case.truth == original.truth
        assert b.case.slices == original.slices
    before = proofcases.drawing_hash("hazard")
    monkeypatch.setattr(proofcases, "DRAWN_WITH", ("numpy",))
    proofcases.drawing_hash.cache_clear()
    assert proofcases.drawing_hash("hazard") != before
    assert proofcases.heldout(home, "hazard", 6).data.unseen == {"debris"}
    assert len(drawn) > 18  # drawn again, since what draws them is not the same


def test_a_side_that_says_no_point_counts_as_the_centre(home: Home) -> None:
    run(home, make_job(home), {**USUAL, "new": None})
    found = compare(home, "new", SHIPPED)
    assert found is not None
    assert found.cases[0].points["candidate"] is None
    assert found.cases[0].errors["candidate"] > 100
    assert not found.verdict.allowed


def test_the_card_gets_the_figures(home: Home) -> None:
    run(home, make_job(home))
    card = json.loads((home.adapters / "new" / "card.json").read_text())
    assert card["heldout"]["n"] == 6
    assert set(card["heldout"]["sides"]) >= {"base", SHIPPED, "new", "centre_prior"}
    assert card["heldout"]["slices"]["debris"]["n"] == 3
    shown = next(a for a in lineage.adapters(home) if a.name == "new")
    assert shown.figures is not None and shown.figures["n"] == 6


def test_an_adapter_in_use_for_another_base_is_left_out(home: Home) -> None:
    def make(base: str, adapters: Sequence[Path], **options: Any) -> Any:
        if len(adapters) > 1:
            raise UserError("The adapter is for another base model")
        return sides(USUAL)(base, adapters)

    job_id = make_job(home)
    assert proof.main([job_id, "--home", str(home.root), "--n", "6"], make) == 0
    found = compare(home, "new", SHIPPED)
    assert found is not None
    assert found.names == {"base": "base", "candidate": "new"}
    assert found.cases[0].before == found.cases[0].errors["base"]
    assert found.verdict.allowed


def test_proven_again_after_another_promotion(home: Home) -> None:
    first, second = make_job(home, "new"), make_job(home, "next")
    run(home, first)
    run(home, second)
    promote(home, "new", "ann")
    stale = compare(home, "next", "new")
    assert stale is not None and not stale.verdict.allowed
    run(home, second)
    fresh = compare(home, "next", "new")
    assert fresh is not None and fresh.verdict.allowed
    assert fresh.names["current"] == "new"


def test_what_goes_wrong_is_in_the_row(home: Home) -> None:
    job_id = make_job(home)

    def broken(base: str, adapters: Sequence[Path], **options: Any) -> Any:
        raise UserError("The base model is gone", hint="Fetch it again")

    assert proof.main([job_id, "--home", str(home.root)], broken) == 76
    row = jobs.job(home, job_id)
    assert row.reason == "The proof could not be made: The base model is gone. Fetch it again."
    assert row.hint == "Fetch it again"
    assert compare(home, "new", SHIPPED) is None


def test_too_many_corrected_cases_are_sampled_the_same_each_time(home: Home) -> None:
    from training.snapshots.freezing import load_snapshot

    snapshot = load_snapshot(home, snapshot_of(home, 9))
    some = [c.id for c in proofcases.corrected(home, snapshot, 4).cases]
    assert len(set(some)) == 4
    assert [c.id for c in proofcases.corrected(home, snapshot, 4).cases] == some
    assert proofcases.corrected(home, snapshot).data.total == 9


@pytest.mark.slow
def test_the_real_asker_on_tiny_models(home: Home, tmp_path: Path) -> None:
    from tests.tiny import make_tiny, make_tiny_adapter

    base = make_tiny("qwen2_vl", tmp_path / "base")
    job_id = jobs.submit(home, snapshot_of(home, 2), SETTINGS, "ann", name="new", base=base)
    make_tiny_adapter(base, home.adapters / "new", head="patch")
    lineage.register(home, name="new", task="hazard", job=job_id)
    assert proof.main([job_id, "--home", str(home.root), "--n", "2"]) == 0
    found = compare(home, "new", SHIPPED)
    assert found is not None
    assert found.names == {"base": "base", "candidate": "new"}  # the shipped one is for another
    assert [c.kind for c in found.cases] == ["heldout"] * 3 + ["corrected"] * 2
    assert all(np.isfinite(e) for c in found.cases for e in c.errors.values())
