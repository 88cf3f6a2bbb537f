"""Prove and Promote: the table, the gallery, maps before and after, the rule, and rolling back."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import pytest

from inference.errors import UserError
from inference.fields import Point
from tests.ui import training_seed as seed
from training.adapters import promotion
from training.jobs.rows import JobRow
from training.proof.results import CaseResult
from training.store.home import Home, find_home
from ui.shell.desk import Desk, adapter_choices
from ui.shell.visitors import Visitor
from ui.training import proof_view as markup
from ui.training.handlers import place as places
from ui.training.handlers import promote as training_promote
from ui.training.handlers import prove as training_prove
from ui.training.handlers.place import Place

TRAINER, VIEWER = Visitor("tess", "trainer"), Visitor("vic", "viewer")
ANN = Visitor("ann", "annotator")


def proven(root: Path, **figures: float) -> tuple[Home, JobRow, list[str]]:
    home = find_home(root)
    media = [m for m, _ in seed.accepted(home, 8)]
    job = seed.add_job(home, seed.frozen(home).hash, "done", name="fresh")
    seed.prove(home, job, media, **figures)
    return home, job, media


@pytest.fixture(scope="module")
def good(tmp_path_factory: pytest.TempPathFactory) -> tuple[Home, JobRow, list[str]]:
    """A candidate that the rule allows; read only."""
    return proven(tmp_path_factory.mktemp("good") / "home")


# ---- the outcome ---------------------------------------------------------------------------------


def test_one_sentence_first_then_the_forest_plot(good):
    home, job, _ = good
    html = markup.outcome(training_prove.proof(VIEWER, home, job))
    first, rest = html.split("</p>", 1)
    assert "Better: corrected cases" in first and "interval −" in first
    rows = re.findall(r'<li class="tr-([a-z-]+)"><span>([^<]*)', rest)
    assert rows[0] == ("better", "Corrected cases ")
    assert ("same", "Held-out scenes ") in rows
    assert rest.index("<details><summary>4 slices, corrected for their number (Holm)") > 0
    assert "median" in rest and "data-label" in rest  # the numbers, for wide and narrow screens


def test_a_worse_adapter_stands_under_no_green_bar(tmp_path):
    home, job, _ = proven(tmp_path / "home", gain=-90.0)
    comparison = training_prove.proof(VIEWER, home, job)
    assert comparison.headline.startswith("Worse: corrected cases 88 px worse, interval +")
    states = places.step_states(home, Place("prove", job.id, job.snapshot))
    assert states["prove"] == ("bad", "worse")
    assert "tr-no" in markup.outcome(comparison).split("</p>")[0]


def test_too_few_cases_have_no_bar_and_no_verdict(tmp_path):
    home = find_home(tmp_path / "home")
    media = [m for m, _ in seed.accepted(home, 3)]
    job = seed.add_job(home, seed.frozen(home).hash, "done", name="fresh")
    seed.prove(home, job, media)
    html = markup.outcome(training_prove.proof(VIEWER, home, job))
    row = re.search(r'<li class="tr-too-few">.*?</li>', html).group()
    assert "too few (below 5)" in row and "tr-whisker" not in row


# ---- the gallery ---------------------------------------------------------------------------------


def test_the_gallery_is_sorted_by_change_counts_every_case_and_states_its_limit(good):
    home, job, _ = good
    found = training_prove.proof(ANN, home, job)
    html = markup.gallery(found.cases, found.names, lambda case: "")
    assert "Right means at most 50 px from the corrected point" in html
    assert html.index("Much closer:") < html.index("Fixed:")
    for kind, name in (("corrected", "Corrected"), ("heldout", "Held out")):
        told = re.search(rf"{name}: ([^.]*)\.", html)
        n = sum(case.kind == kind for case in found.cases)
        assert sum(int(number) for number in re.findall(r"\d+", told[1])) == n
    fixed = [c for c in found.cases if c.fate == "fixed" and c.kind == "corrected"]
    fixed = sorted(fixed, key=lambda case: case.change)[:12]
    shown = re.findall(r"([\d,]+) → [\d,]+ px", html[html.index("Fixed:") :])
    assert shown[: len(fixed)] == [f"{case.before:,.0f}" for case in fixed]


def test_what_got_much_worse_is_not_still_wrong():
    case = replace(a_case(), errors={"base": 0.0, "current": 117.0, "candidate": 550.0})
    html = markup.gallery([case], {"candidate": "b"}, lambda case: "")
    assert "Much worse: 1" in html and "117 → 550 px" in html
    assert "Still wrong" not in html


def a_case(text: str = "x") -> CaseResult:
    errors = {"base": 0.0, "current": 200.0, "candidate": 10.0}
    answers = {side: {"point": Point(1, 2)} for side in errors}
    truth = {"point": Point(5, 5)}
    return CaseResult(text, "corrected", (text,), (64, 36), truth, answers, errors)


def test_gallery_text_is_escaped():
    names = {"current": seed.EVIL, "candidate": "b"}
    html = markup.gallery([a_case(seed.EVIL)], names, lambda case: seed.EVIL)
    assert seed.EVIL not in html


# ---- maps before and after -----------------------------------------------------------------------


def compared(desk: Desk, job: JobRow, case: str) -> tuple[list[str], str]:
    run = desk.runs.new()
    desk.runs.start(run, training_prove.comparing(ANN, desk, job, case))
    assert list(run.follow(0.02))
    assert run.error is None
    return run.result


def test_maps_of_both_adapters_on_the_same_words(good):
    home, job, media = good
    desk = seed.desk_of(home)
    asked = []
    predict = desk.services.predict_pair

    def noted(image, request, **options):
        asked.append((request.adapter, request.forced))
        return predict(image, request, **options)

    object.__setattr__(desk.services, "predict_pair", noted)
    panels, said = compared(desk, job, media[0])
    assert asked == [("hazard-patch", "base"), ("fresh", "base")]
    for html, title in zip(panels, ("Before: hazard-patch", "After: fresh"), strict=True):
        assert title in html
        assert "data-map=" in html
        assert 'data-kind="human"' in html and 'data-kind="finetuned"' in html
    # The seeded job trained the head alone: attention cannot differ, the head's heatmaps can.
    assert "Share of the heatmap near the right place" in said


def test_attention_is_compared_where_lora_was_trained(good):
    home, job, media = good
    settings = job.settings.changed_by(train="all").to_json()
    job = replace(job, config={**job.config, "settings": settings})
    _, said = compared(seed.desk_of(home), job, media[0])
    assert "Share of the attention near" in said


@pytest.mark.parametrize(
    ("case", "message"), [("nothing", "Unknown case"), ("h0", "image is not on")]
)
def test_maps_of_a_case_that_cannot_be_shown(case, message, good):
    home, job, _ = good
    with pytest.raises(UserError, match=message):
        training_prove.comparing(ANN, seed.desk_of(home), job, case)


# ---- the rule ------------------------------------------------------------------------------------


def test_promote_use_and_roll_back(tmp_path):
    home, job, _ = proven(tmp_path / "home")
    desk = seed.desk_of(home)
    verdict, used = training_promote.outcome(VIEWER, home, job)
    assert verdict.allowed and not used
    assert all(c.passed for c in verdict.checks)
    assert "without a restart" in training_promote.promote(TRAINER, desk, job.id)
    assert desk.services.default_adapter() == "fresh"
    assert "fresh" in [value for _, value in adapter_choices(TRAINER, desk.services)]
    after, used = training_promote.outcome(VIEWER, home, job)
    assert used
    assert after.words == "fresh is in use."
    # The proof compares with what was in use before, and keeps saying so.
    assert all(c.passed for c in after.checks)
    assert training_promote.standing(VIEWER, desk, "hazard")[:2] == ("fresh", "hazard-patch")
    said = training_promote.rollback(TRAINER, desk, "hazard")
    assert "hazard-patch is in use again" in said
    used, before, decisions = training_promote.standing(VIEWER, desk, "hazard")
    assert (used, before) == ("hazard-patch", None)
    assert [markup.why(d) for d in decisions] == ["rolled back", "the rule allowed it"]
    assert {d.author for d in decisions} == {""}  # names are not for viewers


def test_against_the_rule_only_with_a_reason_that_is_kept(tmp_path):
    home, job, _ = proven(tmp_path / "home", gain=0.0, loss=80.0)
    desk = seed.desk_of(home)
    verdict, _ = training_promote.outcome(VIEWER, home, job)
    assert not verdict.allowed
    html = markup.rule(verdict)
    assert "✕" in html and "does not hold" in html
    with pytest.raises(UserError, match="rule does not allow"):
        training_promote.promote(TRAINER, desk, job.id)
    with pytest.raises(UserError, match="needs a reason"):
        training_promote.override(TRAINER, desk, job.id, "  ")
    assert promotion.in_use(home, "hazard") == "hazard-patch"
    reason = f"Demo of Tuesday {seed.EVIL}"
    training_promote.override(TRAINER, desk, job.id, reason)
    assert promotion.in_use(home, "hazard") == "fresh"
    decisions = training_promote.standing(VIEWER, desk, "hazard")[2]
    assert markup.why(decisions[0]) == f"overridden: {reason}"
    assert seed.EVIL not in markup.history(decisions)
