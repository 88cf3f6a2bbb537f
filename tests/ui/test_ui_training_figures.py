"""Curves of a job: what is drawn, what is said, and bounds. Exact numbers."""

from __future__ import annotations

import json

from ui.training import view
from ui.training.figures import CHARTS, MAX_POINTS, curve, summary, thinned
from ui.training.views import STEPS, JobView, StepState

EVIL = "<img src=x onerror=1>"


def drawn(key: str, **metrics):
    text = curve(CHARTS[key], metrics, "job")
    return None if text is None else json.loads(text)


def test_a_chart_without_values_is_not_drawn():
    assert drawn("losses", memory_mb=[(1, 2.0)]) is None
    assert summary(CHARTS["losses"], {}) == "no value yet"


def test_the_losses_share_a_logarithmic_chart_and_differ_by_dash():
    names = ("text_loss", "coord_loss", "map_loss", "shown_loss")
    figure = drawn("losses", **{name: [(1, 2.0), (2, 0.01)] for name in names})
    assert figure["layout"]["yaxis"]["type"] == "log"
    assert [t["line"]["dash"] for t in figure["data"]] == ["solid", "dash", "dot", "dashdot"]
    assert figure["layout"]["xaxis"]["title"]["text"] == "optimiser step"


def test_a_loss_of_zero_is_not_drawn_on_a_logarithm():
    figure = drawn("losses", text_loss=[(1, 2.0), (2, 0.0)])
    assert figure["layout"]["yaxis"]["type"] == "linear"


def test_a_single_value_is_a_dot():
    assert drawn("memory", memory_mb=[(1, 900.0)])["data"][0]["mode"] == "markers"


def test_long_runs_are_thinned_and_keep_their_end():
    series = [(i, float(i)) for i in range(10_001)]
    kept = thinned(series)
    assert len(kept) <= MAX_POINTS + 1
    assert kept[-1] == series[-1]
    assert thinned([]) == []


def test_words_have_numbers_with_units():
    said = summary(CHARTS["mae"], {"val_mean_px": [(1, 120.4), (2, 61.25)]})
    assert said == "all scenes now 61.2 px, from 120 px"
    assert summary(CHARTS["memory"], {"memory_mb": [(1, 1234.0)]}) == "now 1,234 MB"


def test_steps_say_their_state_to_screen_readers_too():
    states = {key: StepState("todo", f"note {key}") for key in STEPS} | {
        "run": StepState("doing", EVIL)
    }
    html = view.steps(states, "run")
    assert html.count("data-step=") == len(STEPS)
    assert 'data-step="run" aria-current="step"' in html
    assert "under way" in html
    assert EVIL not in html


def test_status_escapes_and_says_why():
    job = JobView(
        EVIL, EVIL, "failed", EVIL, 3, 10, EVIL, EVIL, 61.0, None, EVIL, EVIL,
        changed=((EVIL, EVIL, EVIL),),
    )  # fmt: skip
    html = view.status(job) + view.queue([job], None) + view.log(EVIL, True)
    assert EVIL not in html
    assert 'role="alert"' in html
    assert "step 3 of 10" in html


def test_a_running_jobs_bar_has_its_share():
    job = JobView("1", "n", "running", "training", 30, 120, "ann", "now", 12.0, 36.0, fraction=0.25)
    html = view.status(job)
    assert 'aria-valuenow="25"' in html
    assert "about 36 s left" in html
