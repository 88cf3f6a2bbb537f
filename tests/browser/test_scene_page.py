"""The Scene page in a real browser: journeys at 1440 and 390 px, links, refresh, bad files."""

from __future__ import annotations

import itertools
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
pytestmark = [pytest.mark.browser, pytest.mark.slow]


def choose_attention(page: Page) -> None:
    """The maps of which tokens can be chosen. Its settings are folded on a phone."""
    if not page.locator("#sl-method").is_visible():
        page.locator("#sl-settings > button").click()
    page.locator("#sl-method input").click()
    page.get_by_role("option", name="Attention").click()
    expect(page.locator(".sl-chip").first).to_be_visible()
    expect(page).to_have_url(re.compile("method=attention"))


def scroll_width(page: Page) -> int:
    return page.evaluate("document.documentElement.scrollWidth - window.innerWidth")


@pytest.mark.parametrize("size", [WIDE, PHONE], ids=["1440", "390"])
def test_upload_pair_token_download(visit, app_url: str, road: Path, size) -> None:
    page = visit(app_url, size)
    upload(page, road)
    expect(page.locator("#sl-image-message")).to_contain_text("640 × 360 px", timeout=60_000)
    page.locator("#sl-compare").click()
    expect(page.locator("#sl-progress .sl-progress, .sl-headline").first).to_be_visible()
    finished(page)
    expect(page.locator("#sl-stage .sl-svg")).to_have_count(3)
    expect(page.locator(".sl-answer blockquote")).to_have_count(2)
    assert scroll_width(page) <= 0
    choose_attention(page)
    before = page.evaluate(MAP)
    chip = page.locator(".sl-chip").first
    chip.click()
    expect(chip).to_have_attribute("aria-pressed", "true")
    page.wait_for_function(f"before => {MAP} != before", arg=before)
    expect(page).to_have_url(re.compile(r"image=[0-9a-f]{64}.*token=0"))

    page.locator("#sl-keep > button").click()
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
    expect(page.locator("#sl-compare")).to_be_disabled()
    upload(page, road)
    expect(page.locator("#sl-image-message")).to_contain_text("640 × 360 px")
    assert held
    page.unroute("**/queue/join*")  # lets go of what was held
    expect(page.locator("#sl-compare")).to_be_enabled()
    expect(page.locator("#sl-image-message")).to_contain_text("640 × 360 px")
    page.locator("#sl-compare").click()
    finished(page)


def test_a_refresh_keeps_the_result_and_its_settings(visit, quick_url: str, road: Path) -> None:
    page = visit(quick_url)
    upload(page, road)
    expect(page.locator("#sl-image-message")).to_contain_text("px", timeout=60_000)
    page.locator("#sl-compare").click()
    finished(page)
    choose_attention(page)
    default = page.evaluate(MAP)
    page.locator(".sl-chip").nth(1).click()
    expect(page).to_have_url(re.compile("token=1"))
    page.wait_for_function(f"default_ => {MAP} != default_", arg=default)
    before = page.evaluate(MAP)
    page.reload()
    finished(page)
    page.wait_for_function(f"before => {MAP} == before", arg=before)
    expect(page.locator(".sl-chip").nth(1)).to_have_attribute("aria-pressed", "true")
    # Without the address, the browser still knows its last result.
    page.goto(quick_url)
    finished(page)


def test_a_link_reopens_the_example_and_settings_elsewhere(visit, quick_url: str) -> None:
    link = f"{quick_url}?tab=scene&example=day&method=logit_lens&token=4&opacity=40"
    page = visit(link)
    finished(page)
    expect(page.locator(".sl-chip[aria-pressed=true]")).to_have_count(1)
    expect(page.locator("#sl-method input")).to_have_value("Logit lens")
    expect(page.locator("#sl-stage .sl-map").first).to_have_css("opacity", "0.4")


def test_back_returns_to_the_case_before(visit, quick_url: str) -> None:
    page = visit(quick_url)
    for i, name in enumerate(("day", "night")):
        page.locator(".sl-example").nth(i).click()
        expect(page).to_have_url(re.compile(f"example={name}"), timeout=WAIT_MS)
    page.go_back()
    expect(page).to_have_url(re.compile("example=day"))
    finished(page)
    expect(page.locator(".sl-example").first).to_have_attribute("aria-pressed", "true")


def test_the_image_is_the_largest_thing(visit, start, road: Path, tmp_path: Path) -> None:
    """With a result open and nothing scrolled, of the whole screen; and the bar is there."""
    home = str(tmp_path / "home")
    server = start(tmp_path, "-m", "tests.ui.fake_app", "--seconds", "0.2", "--home", home)
    page = visit(f"{server.url}?method=attention")
    page.set_default_timeout(20_000)
    upload(page, road)
    expect(page.locator("#sl-image-message")).to_contain_text("640 × 360 px")
    page.locator("#sl-compare").click()
    finished(page)
    for mode, share in (("three", 0.24), ("two", 0.38), ("difference", 0.34)):
        page.locator(f"button[data-mode={mode}]").click()
        boxes = [panel.bounding_box() for panel in page.locator("#sl-stage .sl-svg:visible").all()]
        within = [(box["y"] >= 0 and box["y"] + box["height"] <= 900) for box in boxes]
        assert all(within), mode
        area = sum(box["width"] * box["height"] for box in boxes) / (1440 * 900)
        assert area >= share, (mode, area)
        gaps = [b["x"] - a["x"] - a["width"] for a, b in itertools.pairwise(boxes)]
        assert all(gap <= 4 for gap in gaps)
        if mode == "difference":
            continue
        for part in (
            "method",
            "map-first_layer",
            "map-heads",
            "opacity",
            "right",
            "wrong",
            "nothing",
        ):
            box = page.locator(f"#sl-{part}").bounding_box()
            assert box["y"] + box["height"] <= 900, (mode, part)


def test_modes_zoom_and_values(visit, quick_url: str) -> None:
    page = visit(f"{quick_url}?example=day&method=attention")
    finished(page)
    panel = page.locator("#sl-stage .sl-svg")
    panel.nth(0).focus()
    page.keyboard.press("+")
    page.keyboard.press("ArrowLeft")
    views = [part.get_attribute("viewBox") for part in panel.all()]
    assert len(set(views)) == 1
    x, _, width, _ = map(float, views[0].split())
    assert width == pytest.approx(640 / 1.5)
    assert 0 <= x < (640 - width) / 2
    page.locator(".sl-chip").first.click()  # other maps: the zoom stays
    expect(page).to_have_url(re.compile("token=0"))
    expect(panel.nth(2)).to_have_attribute("viewBox", views[0])
    panel.nth(0).focus()
    page.keyboard.press("0")
    expect(panel.nth(2)).to_have_attribute("viewBox", "0 0 640 360")
    box = panel.nth(1).bounding_box()
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    expect(page.locator(".sl-value")).to_contain_text(re.compile(r"px · 0\.\d+ share of all"))

    page.locator("button[data-mode=flicker]").click()
    tuned = page.locator("[data-side=finetuned] .sl-svg")
    expect(tuned).to_be_hidden()
    panel.nth(0).focus()
    page.keyboard.down("Space")
    expect(tuned).to_be_visible()
    page.keyboard.up("Space")
    expect(tuned).to_be_hidden()
    page.locator("button[data-mode=slider]").click()
    page.locator(".sl-split").focus()
    page.keyboard.press("Home")
    expect(tuned).to_have_css("clip-path", "inset(0px 0px 0px 0%)")
    page.evaluate("window.sightline.panels.opacity(0.2)")
    expect(page.locator("#sl-stage .sl-map").first).to_have_css("opacity", "0.2")
    page.reload()  # the mode is this browser's
    expect(page.locator(".sl-stage[data-mode=slider]")).to_be_visible()


def test_by_keyboard_from_upload_to_a_saved_correction(visit, start, road, tmp_path) -> None:
    """At most 25 key presses."""
    home = tmp_path / "home"
    server = start(tmp_path, "-m", "tests.ui.fake_app", "--seconds", "0.2", "--home", str(home))
    page = visit(server.url)
    page.on("filechooser", lambda _: None)  # from now on: a busy browser is late to hear of it
    pressed = []

    def press(key: str) -> None:
        pressed.append(key)
        page.keyboard.press(key)

    def tab_to(selector: str) -> None:
        for _ in range(25):
            if page.evaluate(f"Boolean(document.activeElement?.closest('{selector}'))"):
                return
            press("Tab")
        raise AssertionError(f"{selector} is out of reach: {pressed}")

    tab_to("#sl-image")
    with page.expect_file_chooser(timeout=10_000) as chooser:
        press("Enter")
    chooser.value.set_files(str(road))
    expect(page.locator("#sl-image-message")).to_contain_text("640 × 360 px")
    tab_to("#sl-compare")
    press("Enter")
    finished(page)
    expect(page.locator("#sl-stage .sl-svg").first).to_be_focused()
    press("m")
    expect(page.locator(".sl-marking .sl-svg").first).to_be_focused()
    press("ArrowRight")
    press("Shift+ArrowDown")
    press("Enter")
    expect(page.locator(".sl-confirmed")).to_contain_text("Saved.")
    assert len(pressed) <= 25, pressed


def test_lists_close_when_one_tabs_on(visit, quick_url: str) -> None:
    page = visit(quick_url)
    page.locator("#sl-preset input").click()
    expect(page.locator("ul[role=listbox]")).to_be_visible()
    page.keyboard.press("Tab")
    expect(page.locator("ul[role=listbox]")).to_have_count(0)


def test_a_changed_form_dims_the_result(visit, quick_url: str, road: Path) -> None:
    page = visit(f"{quick_url}?example=day")
    finished(page)
    page.locator("#sl-prompt textarea").press_sequentially("?")
    expect(page.locator(".sl-stale")).to_contain_text("The prompt changed")
    expect(page.locator("#sl-stage")).to_have_css("opacity", "0.35")
    page.keyboard.press("Backspace")
    expect(page.locator(".sl-stale")).to_have_count(0)
    upload(page, road)
    expect(page.locator(".sl-stale")).to_contain_text("The image changed")
    page.locator("#sl-compare").click()
    expect(page.locator(".sl-stale")).to_have_count(0, timeout=WAIT_MS)


def test_cancel_stops_and_keeps_the_form(visit, slow_url: str, road: Path) -> None:
    page = visit(slow_url)
    upload(page, road)
    page.locator("#sl-prompt textarea").fill("My own question?")
    page.locator("#sl-compare").click()
    expect(page.locator("#sl-progress .sl-bar")).to_be_visible()
    page.locator("#sl-cancel").click()
    expect(page.locator("#sl-progress")).to_contain_text("Stopped")
    expect(page.locator("#sl-compare")).to_be_visible()
    expect(page.locator("#sl-prompt textarea")).to_have_value("My own question?")
    # The model is free again: another run starts at once.
    page.locator("#sl-compare").click()
    expect(page.locator("#sl-progress")).to_contain_text("Reading the picture")


def test_a_refresh_joins_the_run(visit, slow_url: str) -> None:
    page = visit(slow_url)
    page.locator(".sl-example").first.click()
    expect(page.locator("#sl-progress")).to_contain_text("picture", timeout=60_000)
    page.reload()
    expect(page.locator("#sl-progress .sl-bar")).to_be_visible()
    page.locator("#sl-cancel").click()
    expect(page.locator("#sl-progress")).to_contain_text("Stopped")


@pytest.mark.parametrize("name", ["empty.jpg", "truncated.jpg", "huge.png"])
def test_bad_files_get_a_message_next_to_the_field(
    visit, quick_url: str, road: Path, tmp_path: Path, name: str
) -> None:
    path = tmp_path / name
    path.write_bytes(road.read_bytes()[:3000] if name == "truncated.jpg" else b"")
    if name == "huge.png":
        Image.new("1", (20_000, 20_000)).save(path)
    page = visit(quick_url)
    page.locator("#sl-prompt textarea").fill("Where?")
    upload(page, path)
    page.locator("#sl-compare").click()
    message = page.locator("#sl-image-message .sl-error")
    expect(message).to_be_visible()
    assert "Traceback" not in page.content()
    assert len(message.inner_text()) > 15
    expect(page.locator("#sl-prompt textarea")).to_have_value("Where?")
    expect(page.locator("#sl-compare")).to_be_visible()


def test_chips_work_with_the_keyboard(visit, quick_url: str) -> None:
    page = visit(f"{quick_url}?example=day&method=attention")
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
    page = visit(f"{quick_url}?example=day&method=attention")
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
    expect(page.locator("#sl-compare")).to_be_visible()


def test_text_stands_out_and_controls_have_names(visit, quick_url: str) -> None:
    page = visit(f"{quick_url}?example=day&method=attention", color_scheme="dark")
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
    expect(page.locator("#sl-compare")).to_be_visible()
