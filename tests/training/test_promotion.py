"""The rule on figures made by hand, promotion and rollback, and who decided why."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from inference.errors import UserError
from inference.fields import Point
from tests.training.job_hand import SNAPSHOT, make_home, submit
from tests.training.job_stand_in import make_adapter
from training.adapters import lineage, promotion
from training.adapters.promotion import history, in_use, promoted, rollback
from training.proof.changes import changes, corrected
from training.proof.comparison import compare, picture, promote
from training.proof.results import BASE, CANDIDATE, CORRECTED, CURRENT, HELDOUT, CaseResult
from training.store.database import connect
from training.store.home import Home

SHIPPED = "hazard-patch"


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return make_home(tmp_path / "home")


def case(
    number: int,
    kind: str,
    before: float,
    after: float,
    slices: tuple[str, ...] = (),
    split: str = "",
) -> CaseResult:
    return CaseResult(
        id=f"{kind}-{number}",
        kind=kind,
        slices=slices,
        size_wh=(1280, 720),
        truth={"point": Point(100, 100)},
        answers={
            BASE: {},
            CURRENT: {"point": Point(100 + before, 100)},
            CANDIDATE: {"point": Point(100, 100 + after)},
        },
        errors={BASE: 300.0, CURRENT: before, CANDIDATE: after},
        split=split or None,
    )


def cases(
    kind: str, n: int, before: float, change: float, spread: float, seed: int = 0, **more: Any
) -> list[CaseResult]:
    rng = np.random.default_rng(seed)
    was = rng.uniform(0.8, 1.2, n) * before
    now = was + change + rng.normal(0, spread, n)
    return [
        case(i, kind, float(b), float(max(a, 0.0)), **more)
        for i, (b, a) in enumerate(zip(was, now, strict=True))
    ]


def put(
    home: Home,
    adapter: str,
    corrected: list[CaseResult],
    held: list[CaseResult],
    current: str | None = SHIPPED,
    unseen: frozenset[str] = frozenset(),
) -> None:
    """As training.proof.run writes them."""
    names = {BASE: BASE, CANDIDATE: adapter, **({CURRENT: current} if current else {})}
    with connect(home) as db:
        for kind, found in ((CORRECTED, corrected), (HELDOUT, held)):
            if not found:
                continue
            result = {
                "task": "hazard",
                "names": names,
                "unfit": None,
                "changes": [c.to_json() for c in changes(found, kind, unseen)],
                "cases": [c.to_json() for c in found],
            }
            db.execute(
                "insert into evaluations (id, job, adapter, name, result, created)"
                " values (hex(randomblob(8)), null, ?, ?, ?, ?)",
                [adapter, kind, json.dumps(result), lineage.now()],
            )


@pytest.fixture
def trained(home: Home) -> Callable[[str], str]:
    """An adapter that lies in the home and is registered."""

    def make(name: str) -> str:
        make_adapter(home.adapters / name, name)
        lineage.register(home, name=name, task="hazard", snapshot=SNAPSHOT, parent=SHIPPED)
        return name

    return make


def good(home: Home, adapter: str, current: str | None = SHIPPED) -> None:
    put(home, adapter, cases(CORRECTED, 20, 150, -100, 20), cases(HELDOUT, 40, 60, 0, 10), current)


# ---- the rule ------------------------------------------------------------------------------------


def test_better_where_it_should_be_and_not_worse_elsewhere(home: Home) -> None:
    good(home, "new")
    found = compare(home, "new", SHIPPED)
    assert found is not None
    assert found.verdict.allowed
    assert [c.passed for c in found.verdict.checks] == [True, True, True]
    assert found.names == {BASE: BASE, CANDIDATE: "new", CURRENT: SHIPPED}
    change = next(c for c in found.changes if (c.kind, c.label) == (CORRECTED, "all"))
    assert (change.n, change.verdict) == (20, "better")
    assert change.mean_change.estimate == pytest.approx(-100, abs=15)
    assert set(change.mean) == {BASE, CURRENT, CANDIDATE}


UNSEEN = {"slices": ("debris",)}


@pytest.mark.parametrize(
    ("corrected", "held", "failing"),
    [
        # No clear gain on what was corrected.
        ((20, 150, 0, 30), [(40, 60, 0, 10, {})], ["corrected"]),
        # Too few cases to show anything, however good.
        ((4, 150, -140, 1), [(40, 60, 0, 10, {})], ["corrected"]),
        # Clearly worse elsewhere.
        ((20, 150, -100, 20), [(40, 60, 20, 10, {})], ["heldout"]),
        # Not clearly, for want of scenes, but by more than a tenth.
        ((20, 150, -100, 20), [(6, 60, 30, 80, {})], ["heldout"]),
        # Worse on the kinds that the shipped adapter never saw.
        ((20, 150, -100, 20), [(40, 60, 0, 10, {}), (20, 60, 40, 5, UNSEEN)], ["unseen"]),
        ((20, 150, 0, 30), [(40, 60, 20, 10, {})], ["corrected", "heldout"]),
        # Nothing was corrected, or nothing was held out.
        (None, [(40, 60, 0, 10, {})], ["corrected"]),
        ((20, 150, -100, 20), [], ["heldout"]),
    ],
)
def test_the_rule_says_no(
    home: Home, corrected: tuple[Any, ...] | None, held: list[Any], failing: list[str]
) -> None:
    apart = [c for *numbers, more in held for c in cases(HELDOUT, *numbers, **more)]
    found_corrected = cases(CORRECTED, *corrected) if corrected else []
    put(home, "new", found_corrected, apart, unseen=frozenset({"debris"}))
    found = compare(home, "new", SHIPPED)
    assert found is not None
    assert not found.verdict.allowed
    assert [c.name for c in found.verdict.checks if not c.passed] == failing
    assert found.verdict.words.startswith("The rule says no. ")


def test_cases_kept_back_count_where_there_are_enough(home: Home) -> None:
    """Learned by heart is not better: the cases that were trained on gain, the others do not."""
    learned = cases(CORRECTED, 30, 150, -140, 5, split="train")
    kept = cases(CORRECTED, 12, 150, 0, 30, seed=1, split="validation")
    put(home, "new", learned + kept, cases(HELDOUT, 40, 60, 0, 10))
    found = compare(home, "new", SHIPPED)
    assert found is not None
    assert [c.name for c in found.verdict.checks if not c.passed] == ["corrected"]
    assert "12 corrected cases of the validation set" in found.verdict.checks[0].found
    put(home, "few", learned + kept[:5], cases(HELDOUT, 40, 60, 0, 10))
    few = compare(home, "few", SHIPPED)
    assert few is not None and few.verdict.allowed


def test_a_comparison_with_what_is_no_longer_in_use(home: Home) -> None:
    good(home, "new", current="something-old")
    found = compare(home, "new", SHIPPED)
    assert found is not None
    assert [c.name for c in found.verdict.checks if not c.passed] == ["now"]
    assert "prove it again" in found.verdict.words


def test_without_an_adapter_in_use_the_base_is_the_measure(home: Home) -> None:
    def alone(found: list[CaseResult]) -> list[CaseResult]:
        return [replace(c, errors={BASE: c.before, CANDIDATE: c.after}) for c in found]

    corrected, held = cases(CORRECTED, 20, 150, -100, 20), cases(HELDOUT, 40, 60, 0, 10)
    put(home, "new", alone(corrected), alone(held), current=None)
    found = compare(home, "new", None)
    assert found is not None and found.verdict.allowed
    assert found.cases[0].before == found.cases[0].errors[BASE]


def test_no_proof_yet(home: Home, trained: Callable[[str], str]) -> None:
    assert compare(home, trained("new"), SHIPPED) is None
    with pytest.raises(UserError, match="no proof"):
        promote(home, "new", "ann")


def test_the_newest_proof_counts(home: Home) -> None:
    put(home, "new", cases(CORRECTED, 20, 150, 0, 30), cases(HELDOUT, 40, 60, 0, 10))
    good(home, "new")
    found = compare(home, "new", SHIPPED)
    assert found is not None and found.verdict.allowed
    assert len(found.cases) == 60


# ---- cases ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("before", "after", "fate"),
    [
        (80, 20, "fixed"),
        (80, 60, "still wrong"),
        (20, 80, "newly wrong"),
        (20, 50, "kept"),
        (117, 550, "much worse"),
        (550, 117, "much closer"),
    ],
)
def test_fates(before: float, after: float, fate: str) -> None:
    assert case(0, HELDOUT, before, after).fate == fate


def test_slices_and_parts() -> None:
    found = [case(i, HELDOUT, 10, 5, ("rain",)) for i in range(4)]
    found += [case(i + 4, HELDOUT, 10, 20, ("rain", "debris")) for i in range(4)]
    found += [case(8, HELDOUT, 10, 5, ("fog",))]
    made = {c.label: c for c in changes(found, HELDOUT, frozenset({"debris"}))}
    assert {k: c.n for k, c in made.items()} == {"all": 5, "unseen": 4, "debris": 4, "rain": 4}
    assert made["rain"].mean_change.estimate == -5
    assert made["debris"].mean_change.estimate == 10
    assert changes([], HELDOUT) == []


def test_slices_are_corrected_for_their_number() -> None:
    """Twenty slices of pure chance: single tests find some change, corrected ones none."""
    rng = np.random.default_rng(4)
    made = []
    for s in range(20):
        found = [
            case(i, HELDOUT, 100, 100 + d, (f"s{s}",)) for i, d in enumerate(rng.normal(0, 20, 30))
        ]
        made += [c for c in changes(found, HELDOUT) if not c.whole]
    assert any(c.p is not None and c.p < 0.05 for c in made)
    assert {c.verdict for c in corrected(made)} == {"same"}
    harmed = [case(i, HELDOUT, 100, 160 + i, ("fog",)) for i in range(12)]
    worse = [c for c in changes(harmed, HELDOUT) if not c.whole]
    assert [c.verdict for c in corrected([*made, *worse])][-1] == "worse"


def test_a_slice_with_too_few_cases_has_no_verdict() -> None:
    found = [case(i, HELDOUT, 10, 80, ("rain",)) for i in range(4)]
    assert {c.verdict for c in corrected(changes(found, HELDOUT))} == {"too few"}


@pytest.mark.parametrize(
    ("corrected", "held", "said"),
    [
        ((31, 5), 0, r"Not better: corrected cases 31 px worse, interval −\d+ to \+\d+\."),
        ((-100, 1), 0, r"Better: corrected cases 100 px better, interval −\d+ to −\d+\."),
        ((-100, 1), 60, r"Worse elsewhere: corrected cases 100 px better, .*; held-out .* worse\."),
        ((90, 1), 0, r"Worse: corrected cases 90 px worse, interval \+\d+ to \+\d+\."),
    ],
)
def test_the_outcome_in_one_sentence(
    home: Home, corrected: tuple[float, float], held: float, said: str
) -> None:
    by, spread = corrected
    swing = [by + (i - 5.5) * 40 * spread for i in range(12)] if spread > 1 else [by] * 12
    moved = [case(i, CORRECTED, 400, 400 + d + i % 2 - 0.5) for i, d in enumerate(swing)]
    other = [case(i, HELDOUT, 100, 100 + held + i % 2 - 0.5) for i in range(20)]
    put(home, "new", moved, other)
    found = compare(home, "new", SHIPPED)
    assert found is not None
    assert re.fullmatch(said, found.headline), found.headline


def test_too_few_cases_tell_nothing(home: Home) -> None:
    put(home, "new", [case(i, CORRECTED, 150, 10) for i in range(3)], [])
    found = compare(home, "new", SHIPPED)
    assert found is not None
    assert found.headline == "Too few to tell: 3 corrected cases, 140 px better."


def test_pictures_of_cases(home: Home) -> None:
    kept = home.root / "cache" / "a.png"
    kept.parent.mkdir()
    kept.touch()
    there = CaseResult(**{**case(0, HELDOUT, 1, 1).to_json(), "picture": "cache/a.png"})
    gone = CaseResult(**{**case(0, HELDOUT, 1, 1).to_json(), "picture": "cache/b.png"})
    assert picture(home, there) == kept
    assert picture(home, gone) is None
    assert picture(home, case(0, CORRECTED, 1, 1)) is None


# ---- promotion -----------------------------------------------------------------------------------


def test_promote_and_roll_back(home: Home, trained: Callable[[str], str]) -> None:
    assert promoted(home, "hazard") is None
    assert in_use(home, "hazard") == SHIPPED
    good(home, trained("first"))
    decision = promote(home, "first", "ann")
    assert (decision.adapter, decision.previous, decision.overridden) == ("first", SHIPPED, "")
    assert decision.rule["allowed"] is True
    assert promoted(home, "hazard") == in_use(home, "hazard") == "first"
    good(home, trained("second"), current="first")
    promote(home, "second", "bob")
    assert in_use(home, "hazard") == "second"
    assert rollback(home, "hazard", "ann", "worse at night").adapter == "first"
    assert in_use(home, "hazard") == "first"
    assert rollback(home, "hazard", "ann").adapter == SHIPPED
    assert in_use(home, "hazard") == SHIPPED
    assert promoted(home, "hazard") is None
    with pytest.raises(UserError, match="nothing to take back"):
        rollback(home, "hazard", "ann")
    rows = history(home, "hazard")
    assert [(r.adapter, r.author, r.is_rollback) for r in rows] == [
        (SHIPPED, "ann", True),
        ("first", "ann", True),
        ("second", "bob", False),
        ("first", "ann", False),
    ]
    assert rows[1].overridden == "worse at night"


def test_a_promotion_after_a_rollback(home: Home, trained: Callable[[str], str]) -> None:
    for name in ("a", "b", "c"):
        good(home, trained(name))
        promote(home, name, "ann", "for the test")
        if name == "b":
            rollback(home, "hazard", "ann")
    assert in_use(home, "hazard") == "c"
    assert rollback(home, "hazard", "ann").adapter == "a"


def test_overriding_needs_a_reason_that_is_kept(home: Home, trained: Callable[[str], str]) -> None:
    put(home, trained("new"), cases(CORRECTED, 3, 150, -100, 5), cases(HELDOUT, 40, 60, 0, 10))
    with pytest.raises(UserError, match="rule does not allow") as caught:
        promote(home, "new", "ann", "  ")
    assert caught.value.field == "reason"
    assert promoted(home, "hazard") is None
    assert history(home, "hazard") == []
    decision = promote(home, "new", "ann", "Three cases are all we have.")
    assert decision.overridden == "Three cases are all we have."
    assert decision.rule["allowed"] is False
    assert history(home, "hazard")[0] == decision


def test_what_cannot_be_promoted(home: Home, trained: Callable[[str], str]) -> None:
    with pytest.raises(UserError, match="no such trained adapter"):
        promote(home, SHIPPED, "ann", "because")
    good(home, trained("new"))
    promote(home, "new", "ann")
    with pytest.raises(UserError, match="already in use"):
        promote(home, "new", "ann")
    good(home, trained("broken"), current="new")
    (home.adapters / "broken" / "adapter_model.safetensors").write_bytes(b"cut off")
    with pytest.raises(UserError, match="damaged"):
        promote(home, "broken", "ann")
    assert in_use(home, "hazard") == "new"


def test_a_promoted_adapter_that_vanished_gives_way(
    home: Home, trained: Callable[[str], str]
) -> None:
    import shutil

    good(home, trained("new"))
    promote(home, "new", "ann")
    shutil.rmtree(home.adapters / "new")
    assert in_use(home, "hazard") == SHIPPED


def test_a_promotion_that_fails_half_way_changes_nothing(
    home: Home, trained: Callable[[str], str], monkeypatch: pytest.MonkeyPatch
) -> None:
    good(home, trained("new"))

    def break_down(_row: object) -> None:
        raise RuntimeError("power cut")

    monkeypatch.setattr(promotion, "_as_decision", break_down)
    with pytest.raises(RuntimeError):
        promote(home, "new", "ann")
    monkeypatch.undo()
    assert history(home, "hazard") == []


def test_jobs_go_on_from_what_is_promoted(home: Home, trained: Callable[[str], str]) -> None:
    from training.jobs import control as jobs

    good(home, trained("new"))
    promote(home, "new", "ann")
    row = jobs.job(home, submit(home, start="current"))
    assert row.config["parent_adapter"] == str(home.adapters / "new")
