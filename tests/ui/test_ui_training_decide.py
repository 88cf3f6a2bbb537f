"""Prove and Promote: the table, the gallery, maps before and after, the rule, and rolling back."""

from __future__ import annotations

from pathlib import Path

import pytest

from inference.errors import UserError
from tests.ui import training_seed as seed
from training.adapters import promotion
from training.jobs.rows import JobRow
from training.store.home import Home, find_home
from ui.shell.desk import Desk, adapter_choices
from ui.shell.pictures import Pictures
from ui.shell.visitors import REFUSED, Visitor
from ui.training import proof_view as markup
from ui.training.handlers import promote as training_promote
from ui.training.handlers import prove as training_prove
from ui.training.views import CaseView, Cell

TRAINER, VIEWER = Visitor("tess", "trainer"), Visitor("vic", "viewer")
ANN = Visitor("ann", "annotator")


def desk_of(home: Home, tmp_path: Path) -> Desk:
    folder = tmp_path / "copies"
    folder.mkdir(exist_ok=True)
    return Desk(seed.services_of(home), pictures=Pictures(folder))


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


# ---- the table -----------------------------------------------------------------------------------


def test_corrected_comes_first_with_intervals_and_verdicts(good):
    home, job, _ = good
    proof = training_prove.proof(VIEWER, home, job)
    assert proof.names == {
        "base": "base", "current": "current: hazard-patch", "candidate": "candidate: fresh",
    }  # fmt: skip
    groups = [row.group for row in proof.rows]
    assert groups == sorted(groups, key=lambda g: "Corrected" not in g)
    first = proof.rows[0]
    assert (first.label, first.n, first.verdict) == ("all", 8, "better")
    assert first.difference.high < 0
    assert first.cells["candidate"].low < first.cells["candidate"].value
    held = next(r for r in proof.rows if r.group.startswith("Held") and r.label == "all")
    assert held.verdict == "same"
    html = markup.table(proof.rows, proof.names, "Errors")
    assert "median" in html and "▲" in html and "better" in html


def test_a_job_without_proof_has_none(tmp_path):
    home = find_home(tmp_path / "home")
    seed.accepted(home, 3)
    job = seed.add_job(home, seed.frozen(home).hash)
    assert training_prove.proof(VIEWER, home, job) is None
    assert training_promote.outcome(VIEWER, home, job) is None


@pytest.mark.parametrize(
    ("cell", "unit", "signed", "shown"),
    [
        (Cell(-41.26, -55.0, -28.0), "px", True, ("−41.3 px", "−55.0 to −28.0")),
        (Cell(1234.5, None, None), "px", False, ("1,234 px",)),
        (Cell(None), "px", False, ("not measured",)),
        (Cell(12.34, 10.0, 14.0), "%", False, ("12.3 %", "10.0 to 14.0")),
    ],
)
def test_cells_have_units_and_a_true_minus(cell, unit, signed, shown):
    html = markup.cell(cell, unit, signed)
    assert all(text in html for text in shown)


# ---- the gallery ---------------------------------------------------------------------------------


def test_the_gallery_holds_what_changed(good):
    home, job, _ = good
    proof = training_prove.proof(ANN, home, job)
    fates = {case.fate for case in proof.cases}
    assert "fixed" in fates
    assert "kept" not in fates
    assert all(c.picture for c in proof.cases if c.label.startswith("corrected"))
    html = markup.gallery(proof.cases, proof.names)
    for title in ("Fixed", "Still wrong", "Newly wrong"):
        assert title in html


def test_choices_are_cases_then_controls(good):
    home, job, media = good
    labels = [label for label, _ in training_prove.proof(ANN, home, job).choices]
    kinds = [label.split(" · ")[0] for label in labels]
    assert kinds[: len(media)] == ["Case"] * len(media)
    assert "Control" in kinds


def test_gallery_text_is_escaped():
    case = CaseView(seed.EVIL, "", seed.EVIL, "fixed", 200.0, 10.0)
    html = markup.gallery([case], {"current": seed.EVIL, "candidate": "b"})
    assert seed.EVIL not in html


# ---- maps before and after -----------------------------------------------------------------------


def test_maps_of_both_adapters_on_the_same_words(good, tmp_path):
    home, job, media = good
    desk = desk_of(home, tmp_path)
    asked = []
    predict = desk.services.predict_pair

    def noted(image, request, **options):
        asked.append((request.adapter, request.forced))
        return predict(image, request, **options)

    object.__setattr__(desk.services, "predict_pair", noted)
    run = training_prove.begin_maps(ANN, desk, job, media[0])
    training_prove.start_maps(desk, run)
    assert list(run.follow(0.02))
    assert run.error is None
    assert asked == [("hazard-patch", "base"), ("fresh", "base")]
    pair = run.result
    assert (pair.before_title, pair.after_title) == ("hazard-patch", "fresh")
    assert "Share of the map near the right place" in pair.said
    assert '"heatmap"' in pair.before


@pytest.mark.parametrize(("case", "message"), [("nothing", "Unknown case"), ("h0", "picture")])
def test_maps_of_a_case_that_cannot_be_shown(case, message, good, tmp_path):
    home, job, _ = good
    with pytest.raises(UserError, match=message):
        training_prove.begin_maps(ANN, desk_of(home, tmp_path), job, case)


# ---- the rule ------------------------------------------------------------------------------------


def test_promote_use_and_roll_back(tmp_path):
    home, job, _ = proven(tmp_path / "home")
    desk = desk_of(home, tmp_path)
    outcome = training_promote.outcome(VIEWER, home, job)
    assert outcome.allowed
    assert all(c.passed for c in outcome.conditions)
    assert "without a restart" in training_promote.promote(TRAINER, desk, job.id)
    assert desk.services.default_adapter() == "fresh"
    assert "fresh" in [value for _, value in adapter_choices(TRAINER, desk.services)]
    after = training_promote.outcome(VIEWER, home, job)
    assert after.used
    assert after.words == "fresh is in use."
    # The proof compares with what was in use before, and keeps saying so.
    assert all(c.passed for c in after.conditions)
    assert training_promote.standing(VIEWER, home, "hazard").can_roll_back
    said = training_promote.rollback(TRAINER, desk, "hazard")
    assert "hazard-patch is in use again" in said
    standing = training_promote.standing(VIEWER, home, "hazard")
    assert (standing.in_use, standing.can_roll_back) == ("hazard-patch", False)
    assert [row["why"] for row in standing.history] == ["rolled back", "the rule allowed it"]


def test_against_the_rule_only_with_a_reason_that_is_kept(tmp_path):
    home, job, _ = proven(tmp_path / "home", gain=0.0, loss=80.0)
    desk = desk_of(home, tmp_path)
    outcome = training_promote.outcome(VIEWER, home, job)
    assert not outcome.allowed
    html = markup.rule(outcome.conditions, outcome.allowed, outcome.words)
    assert "✕" in html and "does not hold" in html
    with pytest.raises(UserError, match="rule does not allow"):
        training_promote.promote(TRAINER, desk, job.id)
    with pytest.raises(UserError, match="needs a reason"):
        training_promote.override(TRAINER, desk, job.id, "  ")
    assert promotion.in_use(home, "hazard") == "hazard-patch"
    reason = f"Demo of Tuesday {seed.EVIL}"
    training_promote.override(TRAINER, desk, job.id, reason)
    assert promotion.in_use(home, "hazard") == "fresh"
    standing = training_promote.standing(VIEWER, home, "hazard")
    assert standing.history[0]["why"] == f"against the rule: {reason}"
    assert seed.EVIL not in markup.history(standing.history)


def test_a_viewer_decides_nothing(good, tmp_path):
    home, job, _ = good
    desk = desk_of(home, tmp_path)
    for act in (
        lambda: training_promote.promote(VIEWER, desk, job.id),
        lambda: training_promote.override(VIEWER, desk, job.id, "because"),
        lambda: training_promote.rollback(VIEWER, desk, "hazard"),
        lambda: training_prove.prove_again(VIEWER, desk, job.id),
    ):
        with pytest.raises(UserError, match=REFUSED):
            act()
    assert promotion.in_use(home, "hazard") == "hazard-patch"
