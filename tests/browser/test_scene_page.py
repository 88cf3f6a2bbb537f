"""The Scene page in a real browser: journeys at 1440 and 390 px, links, refresh, bad files."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from PIL import Image
from playwright.sync_api import Page, expect

from tests.browser.scene import (
    MAP,
    PHONE,
    WAIT_MS,
    WIDE,
    all_named,
    finished,
    held_back,
    texts_stand_out,
    upload,
)

expect.set_options(timeout=60_000)
# Where the parts below the figures begin, from the figures' top, and how high the last one is.
PLACES = """() => {
  const box = (part) => document.querySelector(part).getBoundingClientRect();
  return [...['#sl-caption', '#sl-below'].map((part) => box(part).top - box('#sl-panels').top),
    box('#sl-shift').height].map(Math.round);
}"""
pytestmark = [pytest.mark.browser, pytest.mark.slow]


def scroll_width(page: Page) -> int:
    return page.evaluate("document.documentElement.scrollWidth - window.innerWidth")


@pytest.mark.parametrize("size", [WIDE, PHONE], ids=["1440", "390"])
def test_upload_pair_token_download(visit, app_url: str, road: Path, size) -> None:
    page = visit(app_url, size)
    upload(page, road)
    expect(page.locator("#sl-image-message")).to_contain_text("640 × 360 px", timeout=60_000)
    page.locator("#sl-look").click()
    expect(page.locator("#sl-progress .sl-progress, .sl-moved").first).to_be_visible()
    finished(page)
    expect(page.locator("#sl-panels .js-plotly-plot")).to_have_count(3)
    expect(page.locator(".sl-answer blockquote")).to_have_count(2)
    assert scroll_width(page) <= 0
    distance = page.locator("#sl-difference .annotation-text")  # white on its own shadow
    expect(distance).to_have_css("fill", "rgb(255, 255, 255)")

    before = page.evaluate(f"JSON.stringify({MAP}.z)")
    chip = page.locator(".sl-chip").first
    chip.click()
    expect(chip).to_have_attribute("aria-pressed", "true")
    page.wait_for_function(f"before => JSON.stringify({MAP}.z) != before", arg=before)
    expect(page).to_have_url(re.compile(r"image=[0-9a-f]{64}.*token=0"))

    with page.expect_download() as png:
        page.locator("#sl-png").click()
    assert re.fullmatch(r"sightline-road-[0-9a-f]{8}\.png", png.value.suggested_filename)
    with Image.open(png.value.path()) as picture:
        assert picture.width > 1000
    with page.expect_download() as numbers:
        page.locator("#sl-json").click()
    content = json.loads(Path(numbers.value.path()).read_text())
    assert content["settings"]["tokens"] == [0]
    assert content["image"]["width_px"] == 640


def test_what_is_dropped_while_the_page_opens_stays(visit, quick_url: str, road: Path) -> None:
    """The server's answer to the opening is held back, as on a busy machine."""
    page = visit(quick_url)
    held = []
    page.route("**/queue/join*", lambda route: held.append(route))
    page.reload()
    expect(page.locator("#sl-image input[type=file]")).to_be_attached()
    expect(page.locator("#sl-look")).to_be_disabled()
    upload(page, road)
    expect(page.locator("#sl-image-message")).to_contain_text("640 × 360 px")
    assert held
    page.unroute("**/queue/join*")  # lets go of what was held
    expect(page.locator("#sl-look")).to_be_enabled()
    expect(page.locator("#sl-image-message")).to_contain_text("640 × 360 px")
    page.locator("#sl-look").click()
    finished(page)


def test_opening_the_page_imports_no_torch(visit, start, model_flags, tmp_path) -> None:
    server = start(tmp_path, "app.py", *model_flags)
    page = visit(server.url)
    expect(page.locator(".sl-header")).to_contain_text("loads on first use")
    maps = Path(f"/proc/{server.pid}/maps").read_text()
    assert "libtorch" not in maps
    assert "/torch/" not in maps


def test_an_example_runs_with_one_click(visit, quick_url: str) -> None:
    page = visit(quick_url)
    page.locator(".sl-example").nth(1).click()
    finished(page)
    expect(page).to_have_url(re.compile("example=night"))
    expect(page.locator(".sl-truth")).to_contain_text("From the true hazard")


def test_a_refresh_keeps_the_result_and_its_settings(visit, quick_url: str, road: Path) -> None:
    page = visit(quick_url)
    upload(page, road)
    expect(page.locator("#sl-image-message")).to_contain_text("px", timeout=60_000)
    page.locator("#sl-look").click()
    finished(page)
    default = page.evaluate(f"JSON.stringify({MAP}.z)")
    page.locator(".sl-chip").nth(1).click()
    expect(page).to_have_url(re.compile("token=1"))
    page.wait_for_function(f"default_ => JSON.stringify({MAP}.z) != default_", arg=default)
    before = page.evaluate(f"JSON.stringify({MAP}.z)")
    page.reload()
    finished(page)
    page.wait_for_function(f"before => JSON.stringify({MAP}.z) == before", arg=before)
    expect(page.locator(".sl-chip").nth(1)).to_have_attribute("aria-pressed", "true")
    # Without the address, the browser still knows its last result.
    page.goto(quick_url)
    finished(page)


def test_a_link_reopens_the_example_and_settings_elsewhere(visit, quick_url: str) -> None:
    link = f"{quick_url}?tab=scene&example=day&method=logit_lens&token=4&opacity=40"
    page = visit(link)
    finished(page)
    expect(page.locator(".sl-chip[aria-pressed=true]")).to_have_count(1)
    expect(page.locator("#sl-caption")).to_contain_text("logit lens")
    page.wait_for_function(f"() => {MAP}.opacity == 0.4")


def test_back_returns_to_the_case_before(visit, quick_url: str) -> None:
    page = visit(quick_url)
    for i, name in enumerate(("day", "night")):
        page.locator(".sl-example").nth(i).click()
        expect(page).to_have_url(re.compile(f"example={name}"), timeout=WAIT_MS)
    page.go_back()
    expect(page).to_have_url(re.compile("example=day"))
    finished(page)
    expect(page.locator(".sl-example").first).to_have_attribute("aria-pressed", "true")


def test_zoom_is_shared_and_opacity_is_instant(visit, quick_url: str) -> None:
    page = visit(f"{quick_url}?example=day")
    finished(page)
    page.evaluate(
        "Plotly.relayout(document.querySelector('#sl-base .js-plotly-plot'),"
        "{'xaxis.range': [100, 300], 'yaxis.range': [200, 88]})"
    )
    zoomed = (
        "() => Math.abs(document.querySelector('#sl-difference .js-plotly-plot')"
        "?._fullLayout.xaxis.range[0] - 100) < 1"
    )
    page.wait_for_function(zoomed)
    before = page.evaluate(f"JSON.stringify({MAP}.z)")
    page.locator(".sl-chip").first.click()
    page.wait_for_function(f"before => JSON.stringify({MAP}.z) != before", arg=before)
    page.wait_for_function(zoomed)
    # Clips and gradients must outlive the change of the address.
    page.wait_for_function(
        "() => document.querySelectorAll('.cbfill').length >= 4"
        " && !document.querySelector('[clip-path*=http], .cbfill[style*=http]')"
    )
    page.evaluate("window.sightline.opacity(0.2)")
    page.wait_for_function(f"() => {MAP}.opacity == 0.2")


@pytest.mark.parametrize("size", [WIDE, PHONE], ids=["1440", "390"])
def test_nothing_moves_when_the_figures_come(visit, quick_url: str, size) -> None:
    """Plotly is held back, as on a slow line: who marks a point meanwhile must hit it."""
    page = visit(quick_url, size)
    page.route("**/PlotlyPlot*", lambda route: None)
    with page.expect_request("**/PlotlyPlot*"):
        page.locator(".sl-example").first.click()
    expect(page.locator("#sl-png")).to_be_visible()
    places = page.evaluate(PLACES)
    expect(page.locator("#sl-panels .js-plotly-plot")).to_have_count(0)
    page.unroute("**/PlotlyPlot*")  # lets go of what was held
    finished(page)
    assert page.evaluate(PLACES) == places


def test_cancel_stops_and_keeps_the_form(visit, slow_url: str, road: Path) -> None:
    page = visit(slow_url)
    upload(page, road)
    page.locator("#sl-prompt textarea").fill("My own question?")
    page.locator("#sl-look").click()
    expect(page.locator("#sl-progress .sl-bar")).to_be_visible()
    page.locator("#sl-cancel").click()
    expect(page.locator("#sl-progress")).to_contain_text("Stopped")
    expect(page.locator("#sl-look")).to_be_visible()
    expect(page.locator("#sl-prompt textarea")).to_have_value("My own question?")
    # The model is free again: another run starts at once.
    page.locator("#sl-look").click()
    expect(page.locator("#sl-progress")).to_contain_text("Reading the picture")


def test_a_refresh_joins_the_run(visit, slow_url: str) -> None:
    page = visit(slow_url)
    page.locator(".sl-example").first.click()
    expect(page.locator("#sl-progress")).to_contain_text("picture", timeout=60_000)
    page.reload()
    expect(page.locator("#sl-progress .sl-bar")).to_be_visible()
    page.locator("#sl-cancel").click()
    expect(page.locator("#sl-progress")).to_contain_text("Stopped")


BAD = {
    "empty.jpg": (b"", "empty"),
    "text.jpg": (b"this is no picture at all", "picture"),
    "broken.png": (b"\x89PNG\r\n\x1a\n" + b"\0" * 200, "picture"),
}


@pytest.mark.parametrize("name", [*BAD, "truncated.jpg", "huge.png", "tiny.png"])
def test_bad_files_get_a_message_next_to_the_field(
    visit, quick_url: str, road: Path, tmp_path: Path, name: str
) -> None:
    path = tmp_path / name
    if name == "truncated.jpg":
        path.write_bytes(road.read_bytes()[:3000])
    elif name == "huge.png":
        Image.new("1", (20_000, 20_000)).save(path)
    elif name == "tiny.png":
        Image.new("RGB", (3, 3)).save(path)
    else:
        path.write_bytes(BAD[name][0])
    page = visit(quick_url)
    page.locator("#sl-prompt textarea").fill("Where?")
    upload(page, path)
    page.locator("#sl-look").click()
    message = page.locator("#sl-image-message .sl-error")
    expect(message).to_be_visible()
    assert "Traceback" not in page.content()
    assert len(message.inner_text()) > 15
    expect(page.locator("#sl-prompt textarea")).to_have_value("Where?")
    expect(page.locator("#sl-look")).to_be_visible()


def test_a_wrong_prompt_and_no_picture(visit, quick_url: str, road: Path) -> None:
    page = visit(quick_url)
    page.locator("#sl-look").click()
    expect(page.locator("#sl-image-message .sl-error")).to_contain_text("no picture yet")
    upload(page, road)
    page.locator("#sl-prompt textarea").fill("")
    page.locator("#sl-look").click()
    expect(page.locator("#sl-prompt-message .sl-error")).to_be_visible()


def test_a_wrong_adapter(visit, quick_url: str) -> None:
    page = visit(quick_url)
    page.locator("#sl-adapters button").first.click()
    page.locator("#sl-load").click()
    expect(page.locator("#sl-load-message .sl-error")).to_contain_text("No adapter named")


def test_chips_work_with_the_keyboard(visit, quick_url: str) -> None:
    page = visit(f"{quick_url}?example=day")
    finished(page)
    chips = page.locator(".sl-chip")
    chips.nth(0).focus()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile(r"token=1(&|$)"))
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Shift+Enter")
    expect(page).to_have_url(re.compile(r"token=1%2C2(&|$)"))
    page.locator("[data-role=default]").click()
    expect(page).not_to_have_url(re.compile("token="))


def test_a_fast_hand_gets_what_it_pressed_last(visit, quick_url: str) -> None:
    page = visit(f"{quick_url}?example=day")
    finished(page)
    chips = page.locator(".sl-chip")
    with held_back(page):
        for number in range(3):
            chips.nth(number).click()
    expect(page).to_have_url(re.compile(r"token=2(&|$)"))
    with held_back(page):
        page.locator(".sl-example").nth(1).click()
        page.locator(".sl-example").first.click()
        page.locator(".sl-example").nth(1).click()
    expect(page).to_have_url(re.compile("example=night"))
    finished(page)
    expect(page.locator(".sl-example").nth(1)).to_have_attribute("aria-pressed", "true")
    expect(page.locator("#sl-look")).to_be_visible()


def test_text_stands_out_and_controls_have_names(visit, quick_url: str) -> None:
    page = visit(f"{quick_url}?example=day", color_scheme="dark")
    finished(page)
    assert page.evaluate("document.body.classList.contains('dark')")
    texts_stand_out(page, more_than=60)
    all_named(page, "main")


def test_a_second_example_takes_the_place_of_the_first(visit, slow_url: str) -> None:
    page = visit(slow_url)
    page.locator(".sl-example").first.click()
    expect(page.locator("#sl-progress")).to_contain_text("picture")
    page.locator(".sl-example").nth(1).click()
    # The first run ends without a word; the second has the model and the page to itself.
    page.wait_for_timeout(3000)
    expect(page.locator("#sl-progress .sl-bar")).to_be_visible()
    expect(page.locator("#sl-cancel")).to_be_visible()
    expect(page.locator(".sl-example").nth(1)).to_have_attribute("aria-pressed", "true")
    page.locator("#sl-cancel").click()
    expect(page.locator("#sl-look")).to_be_visible()
