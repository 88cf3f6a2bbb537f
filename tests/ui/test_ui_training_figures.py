"""Curves of a job: what is drawn, what is said, and bounds. Exact numbers."""

from __future__ import annotations

import json
from pathlib import Path

from training.jobs.reads import HowFar
from training.jobs.rows import JobRow
from ui.components.colours import BASE, CONTROL, FINETUNED, HUMAN
from ui.training import view
from ui.training.figures import CHARTS, MAX_POINTS, curve, smoothed, summary, thinned
from ui.training.handlers.place import STEPS, StepState

EVIL = "<img src=x onerror=1>"


def drawn(key: str, **metrics):
    text = curve(CHARTS[key], metrics, "job")
    return None if text is None else json.loads(text)


def test_a_chart_without_values_is_not_drawn():
    assert drawn("losses", memory_mb=[(1, 2.0)]) is None
    assert drawn("memory", memory_mb=[(1, 900.0)])["data"][0]["mode"] == "markers"  # one: a dot
    assert summary(CHARTS["losses"], {}) == "no value yet"


def test_the_losses_share_a_logarithmic_chart_and_differ_by_dash():
    names = ("text_loss", "coord_loss", "map_loss", "shown_loss")
    figure = drawn("losses", **{name: [(1, 2.0), (2, 0.01)] for name in names})
    assert figure["layout"]["yaxis"]["type"] == "log"
    assert [t["line"]["dash"] for t in figure["data"]] == ["solid", "dash", "dot", "dashdot"]
    assert figure["layout"]["xaxis"]["title"]["text"] == "optimiser step"
    zero = drawn("losses", text_loss=[(1, 2.0), (2, 0.0)])
    assert zero["layout"]["yaxis"]["type"] == "linear"


def test_long_runs_are_thinned_and_keep_their_end():
    series = [(i, float(i)) for i in range(10_001)]
    kept = thinned(series)
    assert len(kept) <= MAX_POINTS + 1
    assert kept[-1] == series[-1]
    assert thinned([]) == []


def test_words_have_numbers_with_units():
    said = summary(CHARTS["distance"], {"val_mean_px": [(1, 120.4), (2, 61.25)]})
    assert said == "all scenes now 61.2 px, from 120 px"
    assert summary(CHARTS["memory"], {"memory_mb": [(1, 1234.0)]}) == "now 1,234 MB"


def test_steps_say_their_state_to_screen_readers_too():
    states = {key: StepState("todo", f"note {key}") for key in STEPS} | {
        "run": StepState("doing", EVIL)
    }
    html = view.steps(states, "run")
    assert html.count("data-step=") == len(STEPS)
    assert 'data-step="run" aria-current="true"' in html
    assert "under way" in html
    assert EVIL not in html


def test_colours_keep_the_language_of_signs():
    """Nothing here is the base's; what people corrected is green, what was not is a control."""
    lines = {line.metric: line for chart in CHARTS.values() for line in chart.lines}
    assert BASE not in {line.colour for line in lines.values()}
    assert lines["val_mean_px"].colour == FINETUNED
    assert (lines["val_corrected_px"].colour, lines["val_corrected_px"].marks) == (HUMAN, "cross")
    assert (lines["val_replay_px"].colour, lines["val_replay_px"].dash) == (CONTROL, "dash")


def test_smoothing_is_tensorboards():
    """Debiased: the first value stays as it is, a constant stays a constant."""
    assert smoothed([(1, 4.0), (2, 4.0)], 0.9) == [(1, 4.0), (2, 4.0)]
    found = smoothed([(1, 0.0), (2, 3.0)], 0.5)
    assert found[1][1] == (0.5 * 0.0 + 0.5 * 3.0) / 0.75
    figure = json.loads(curve(CHARTS["lr"], {"learning_rate": [(1, 0.0), (2, 3.0)]}, smooth=0.5))
    raw, average = figure["data"]
    assert raw["opacity"] < average["opacity"] == 1
    assert raw["y"] == [0.0, 3.0]
    any_log = json.loads(curve(CHARTS["lr"], {"learning_rate": [(1, 1.0), (2, 3.0)]}, log=True))
    assert any_log["layout"]["yaxis"]["type"] == "log"


def job(**changes) -> JobRow:
    usual = {
        "id": "1", "task": "hazard", "snapshot": "", "state": "running", "runner": "local",
        "config": {"name": "n"}, "folder": Path(), "parent": None, "pid": None,
        "process_started": None, "remote": None, "step": 30, "steps": 120, "stage": "training",
        "reason": "", "hint": "", "author": "ann", "created": "", "started": None, "ended": None,
    }  # fmt: skip
    return JobRow(**{**usual, **changes})


def test_status_escapes_and_says_why():
    evil = dict.fromkeys(("id", "stage", "author", "created", "reason", "hint"), EVIL)
    row = job(state="failed", step=3, steps=10, config={"name": EVIL}, **evil)
    html = view.status(row, None, [(EVIL, EVIL, EVIL)]) + view.queue([row], None)
    html += view.log(EVIL)
    assert EVIL not in html
    assert 'role="alert"' in html
    assert "step 3 of 10" in html


def test_a_proving_job_says_how_long_the_proof_takes():
    html = view.status(job(stage="Proving: 110 of 172 cases"), HowFar(0.75, 31.0, 0.0, "counts"))
    assert 'aria-valuenow="75"' in html
    assert "Proving · counts · about 31 s left" in html
    unknown = view.status(job(), HowFar(0.2, None, 36.0, "counts"))
    assert "about 36 s of training left, then the proof" in unknown
