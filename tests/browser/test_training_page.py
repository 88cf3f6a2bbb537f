"""The Training and Models pages in a real browser: the whole loop once with the real model, and
the rest over a fake one."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import EMBEDDED, ROOT, serve
from tests.browser.scene import PHONE, WIDE, finished, held_back, open_editor, texts_stand_out
from tests.fixes import hazard_fix
from tests.training.job_hand import until
from tests.ui import training_seed as seed
from training.adapters import promotion
from training.jobs import control as jobs
from training.store.feedback import Feedback
from training.store.home import Home, find_home

pytestmark = [pytest.mark.browser, pytest.mark.slow]
TRAIN_MS = 900_000  # some steps and a small proof, on a busy machine
MEDIA = ROOT / "examples" / "media"


def scroll_width(page: Page) -> int:
    return page.evaluate("document.documentElement.scrollWidth - window.innerWidth")


def number(page: Page, field: str, value: str) -> None:
    box = page.locator(f"#tr-field-{field} input")
    box.fill(value)
    box.press("Tab")


# ---- the loop, with the real model ---------------------------------------------------------------


CASE = "debris.jpg"  # the shipped adapter never saw its like


def rows() -> list[dict]:
    """The drawn pictures of the Scene page, with their truth."""
    return json.loads((MEDIA / "manifest.json").read_text())


def corrected(home: Home) -> None:
    """All but one of them corrected to their truth, and accepted."""
    kept, ids = Feedback(home), []
    for row in [row for row in rows() if row["file"] != CASE]:
        media = kept.add_media(MEDIA / row["file"], slices=row["slices"], name=row["file"])
        fix = hazard_fix("wrong", tuple(row["hazard_px"]), None, None, row["label"])
        made = kept.correct(task="hazard", media=media, prediction=None, payload=fix, author="ann")
        ids.append(made.id)
    kept.review(ids, "accept", "bob")


# Names that more than one element of the page has.
TWICE = """() => [...document.querySelectorAll('[id^=tr-], [id^=sl-]')].map((e) => e.id)
  .filter((id, i, all) => all.indexOf(id) != i)"""


@pytest.mark.skipif(not (EMBEDDED / "model.safetensors").is_file(), reason="no embedded model")
def test_correct_accept_train_watch_promote_use(visit, start, tmp_path: Path) -> None:
    home = find_home(tmp_path / "home")
    corrected(home)
    url = start(tmp_path, "-m", "tests.ui.training_app", "--home", str(home.root)).url
    page = visit(url)
    _correct_and_accept(page)
    page.get_by_role("link", name="Training", exact=True).click()
    _choose_and_preview(page)
    _set_and_train(page)
    job = jobs.jobs(home)[0]
    _watch(page, home, job.id)
    other = visit(f"{url}training?job={job.id}&step=run")
    expect(other.locator("#tr-status")).to_contain_text("browser-fix: done", timeout=TRAIN_MS)
    _prove(page)
    _promote(page)
    assert promotion.in_use(home, "hazard") == "browser-fix"
    page.get_by_role("link", name="Scene", exact=True).click()
    expect(page.locator("#sl-adapter input")).to_have_value(re.compile("browser-fix"))
    page.locator(".sl-example").first.click()
    finished(page)
    expect(page.locator("#sl-stage")).to_contain_text("browser-fix")
    page.get_by_role("link", name="Corrections", exact=True).click()
    learned = page.locator("#sl-cor-learned tr", has_text="browser-fix")
    expect(learned.locator("td").last).to_have_text("fixed")


def _correct_and_accept(page: Page) -> None:
    place, row = next((i, row) for i, row in enumerate(rows()) if row["file"] == CASE)
    page.locator(".sl-example").nth(place).click()
    finished(page)
    open_editor(page)
    picture = page.locator("#sl-stage .sl-svg").first
    box, (x, y) = picture.bounding_box(), row["hazard_px"]
    picture.click(position={"x": x * box["width"] / 1280, "y": y * box["height"] / 720})
    page.locator("#sl-save").click()
    expect(page.locator(".sl-confirmed")).to_contain_text("Saved.")
    page.get_by_role("link", name="Corrections", exact=True).click()
    expect(page.locator("#sl-cor-summary")).to_contain_text("1 case ")
    expect(page.locator("#sl-cor-case [data-shown]")).to_be_visible()
    page.locator("#sl-cor-accept").click()
    expect(page.locator("#sl-cor-message")).to_contain_text("Accepted")


def _choose_and_preview(page: Page) -> None:
    expect(page.locator("#tr-steps")).to_contain_text("8 accepted")
    page.locator("#tr-replay input[type=number]").fill("20")
    page.locator("#tr-replay input[type=number]").press("Tab")
    page.locator("#tr-show").click()
    expect(page.locator(".tr-samples li").first).to_be_visible(timeout=TRAIN_MS)
    expect(page.locator(".tr-samples")).to_contain_text("should be paid more attention to.")
    expect(page.locator(".tr-counts")).to_contain_text("Replayed")
    page.locator("#tr-use").click()
    expect(page.locator("#tr-start")).to_be_visible()


def _set_and_train(page: Page) -> None:
    page.locator("#tr-advanced > button").click()
    number(page, "rank", "0")
    expect(page.locator("#tr-field-rank")).to_contain_text("from 1 to 256")
    expect(page.locator("#tr-start")).to_be_disabled()
    number(page, "rank", "8")
    expect(page.locator("#tr-field-rank")).not_to_contain_text("from 1 to 256")
    number(page, "max_steps", "200")
    number(page, "views", "1")
    number(page, "batch", "4")
    page.locator("#tr-configure-recipe > button").click()
    expect(page.locator("#tr-configure-command")).to_contain_text("training.worker")
    expect(page.locator("#tr-configure-config")).to_contain_text('"max_steps": 200')
    page.locator("#tr-name input, #tr-name textarea").fill("browser-fix")
    expect(page.locator("#tr-start")).to_be_enabled()
    page.locator("#tr-start").click()
    expect(page.locator("#tr-status")).to_contain_text("browser-fix")


def _watch(page: Page, home: Home, job: str) -> None:
    expect(page).to_have_url(re.compile(f"job={job}"))
    assert jobs.job(home, job).settings.max_steps == 200
    expect(page.locator("#tr-chart-losses .js-plotly-plot")).to_be_visible(timeout=TRAIN_MS)
    expect(page.locator("#tr-status")).to_contain_text("browser-fix: done", timeout=TRAIN_MS)


def _prove(page: Page) -> None:
    page.locator("[data-step=prove]").click()
    expect(page.locator("#tr-outcome")).to_contain_text("browser-fix")
    expect(page.locator(".tr-forest li")).not_to_have_count(0)
    page.locator("#tr-gallery [data-case]").first.click()
    expect(page.locator("#tr-maps-note")).to_contain_text("before", timeout=TRAIN_MS)
    expect(page.locator("#tr-maps .sl-svg")).to_have_count(2)


def _promote(page: Page) -> None:
    page.locator("[data-step=promote]").click()
    expect(page.locator(".tr-conditions li").first).to_be_visible()
    if page.locator(".tr-outcome.tr-yes").count():
        page.locator("#tr-use-it").click()
    else:
        page.locator("#tr-override").click()
        expect(page.locator("#tr-promote-message")).to_contain_text("needs a reason")
        page.locator("#tr-reason textarea").fill("A test of the loop, not of the adapter")
        page.locator("#tr-override").click()
    expect(page.locator("#tr-promote-message")).to_contain_text("is in use from now on")
    expect(page.locator("#tr-in-use")).to_contain_text("browser-fix")


# Cells that end beyond the screen.
CUT = """() => [...document.querySelectorAll('#tr-outcome td, #tr-outcome li > *')]
  .filter((e) => e.getBoundingClientRect().right > innerWidth).map((e) => e.textContent)"""


# ---- over a fake model ---------------------------------------------------------------------------


@pytest.fixture(scope="module")
def seeded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Home, str]]:
    """Jobs in every state, and the page over them; nothing trains."""
    folder = tmp_path_factory.mktemp("seeded")
    home = find_home(folder / "home")
    seed.full(home)
    with serve(folder, "-m", "tests.ui.training_seed", "--home", str(home.root)) as server:
        yield home, server.url


def job_named(home: Home, name: str) -> str:
    return next(row.id for row in jobs.jobs(home) if row.name == name)


@pytest.mark.parametrize("size", [WIDE, PHONE], ids=["1440", "390"])
def test_every_step_fits_and_nothing_runs_that_should_not(visit, seeded, size) -> None:
    """The seeded log holds markup with a script in it."""
    home, url = seeded
    done = job_named(home, "animals-1")
    page = visit(f"{url}training?job={done}&step=run", size)
    plot = page.locator("#tr-chart-losses .js-plotly-plot")
    expect(plot).to_have_attribute("aria-label", re.compile("zoom"))
    span = "plot => plot._fullLayout.xaxis.range[1] - plot._fullLayout.xaxis.range[0]"
    whole = plot.evaluate(span)
    plot.focus()
    for key, is_so in (("+", lambda now: now < whole), ("0", lambda now: now == whole)):
        page.keyboard.press(key)
        until(lambda is_so=is_so: is_so(plot.evaluate(span)), f"zoom by {key}", 10)
    page.locator("#tr-log button").first.click()
    expect(page.locator(".tr-log")).to_contain_text("onerror")
    steps = {
        "choose": "#tr-show", "configure": "#tr-start", "preview": ".tr-counts",
        "prove": ".tr-outcome", "promote": ".tr-conditions",
    }  # fmt: skip
    for step, shown in steps.items():
        page.locator(f"[data-step={step}]").click()
        expect(page.locator(shown)).to_be_visible()
        assert scroll_width(page) <= 0, step
        assert page.evaluate(TWICE) == [], step
        if step == "configure":
            assert page.evaluate("document.documentElement.scrollHeight") < 1800
        if step == "prove":
            page.get_by_text("All numbers").click()
            assert page.evaluate(CUT) == []
    assert page.evaluate("window.__hit") is None


def test_a_fast_hand_gets_to_the_step_it_pressed_last(visit, seeded) -> None:
    home, url = seeded
    done, failed = job_named(home, "animals-1"), job_named(home, "animals-2")
    page = visit(f"{url}training?job={done}&step=run")
    expect(page.locator("#tr-status")).to_contain_text("animals-1: done")
    with held_back(page):
        for step in ("prove", "promote", "configure"):
            page.locator(f"[data-step={step}]").click()
    expect(page.locator("#tr-start")).to_be_visible()
    expect(page).to_have_url(re.compile("step=configure"))
    page.locator("[data-step=run]").click()
    expect(page.locator("#tr-status")).to_be_visible()
    with held_back(page):
        for job in (failed, done, failed):
            page.locator(f"[data-job='{job}']").click()
    expect(page.locator("#tr-status")).to_contain_text("Lower the learning rate")
    expect(page.locator("#tr-status .sl-table")).to_contain_text("LoRA rank r")
    expect(page).to_have_url(re.compile(f"job={failed}"))

    page.goto(f"{url}training?job={done}&step=prove")
    page.reload()
    expect(page).to_have_url(re.compile(f"job={done}&step=prove"))
    cases = page.locator("#tr-gallery [data-case]:has(img)")
    expect(cases.nth(1)).to_be_visible()
    with held_back(page):
        cases.nth(0).click()
        cases.nth(1).click()
    before, after = re.search(r"(\d+) → (\d+) px", cases.nth(1).inner_text()).groups()
    note = page.locator("#tr-maps-note")
    expect(note).to_contain_text(f"off by {before} px, now by {after} px")
    expect(cases.nth(1)).to_have_attribute("aria-current", "true")


def test_two_tabs_see_the_same_and_delete_asks_back(visit, seeded) -> None:
    home, url = seeded
    snapshot = jobs.jobs(home)[0].snapshot
    job = seed.add_job(home, snapshot, "failed", name="to-delete", reason="It broke.", hint="Mend.")
    one, other = (visit(f"{url}training?job={job.id}") for _ in range(2))
    for page in (one, other):
        expect(page.locator("#tr-queue")).to_contain_text("to-delete")
    expect(one.locator("#tr-really")).to_be_hidden()
    one.locator("#tr-delete button").first.click()
    assert jobs.job(home, job.id)
    one.locator("#tr-really").click()
    expect(other.locator("#tr-queue")).not_to_contain_text("to-delete")
    expect(other.locator("#tr-status")).to_contain_text("deleted")


def test_settings_are_found_marked_and_compared(visit, seeded) -> None:
    """Advanced with its search and its marks; two jobs' curves with what their settings differ."""
    home, url = seeded
    done, failed = job_named(home, "animals-1"), job_named(home, "animals-2")
    page = visit(f"{url}training?job={done}&step=configure")
    page.locator("#tr-advanced > button").click()
    page.locator("#tr-search input, #tr-search textarea").fill("rank")
    expect(page.locator("#tr-field-rank")).to_be_visible()
    expect(page.locator("#tr-field-seed")).to_be_hidden()
    number(page, "rank", "16")
    expect(page.locator("#tr-field-rank")).to_contain_text("Preset: 8")
    expect(page.locator("#tr-changed")).to_contain_text("LoRA rank r")
    page.locator("[data-step=run]").click()
    page.locator("#tr-over input").click()
    page.get_by_role("option", name="animals-2").click()
    expect(page.locator("#tr-difference")).to_contain_text("Learning rate")
    expect(page).to_have_url(re.compile(f"over={failed}"))
    expect(page.locator("#tr-chart-lr")).to_contain_text("animals-2, fainter")


def test_text_stands_out(visit, seeded) -> None:
    home, url = seeded
    job = job_named(home, "animals-1")
    page = visit(f"{url}training?job={job}&step=prove", color_scheme="dark")
    steps = {
        "prove": ".tr-outcome", "promote": ".tr-conditions", "configure": "#tr-start",
        "run": "#tr-chart-losses .js-plotly-plot",
    }  # fmt: skip
    for step, shown in steps.items():
        page.locator(f"[data-step={step}]").click()
        expect(page.locator(shown)).to_be_visible()
        texts_stand_out(page)
