"""Correcting in a real browser: exact points at two widths, keys, boxes, the five-second mode, a
store that fails, links to kept pictures, and text that must stay text."""

from __future__ import annotations

import math
import re
import resource
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import Page, expect

from tests.browser.conftest import Server, serve
from tests.browser.scene import PHONE, WIDE, all_named, open_editor, texts_stand_out
from training.store.feedback import Feedback
from training.store.home import Home

pytestmark = [pytest.mark.browser, pytest.mark.slow]
WAIT_MS = 60_000
EVIL = "<img src=x onerror=window.__hit=1>"
# Where each panel shows the person's cross, in pixels of the image.
CROSSES = """() => [...document.querySelectorAll('#sl-stage .sl-svg')].map((svg) => {
  const cross = svg.querySelector('[data-kind=human]');
  return cross && [Number(cross.dataset.x), Number(cross.dataset.y)]; })"""


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Home:
    return Home(tmp_path_factory.mktemp("home"))


def command(home: Home) -> tuple[str, ...]:
    """The page over a fake model that answers at once, with a store."""
    return "-m", "tests.ui.fake_app", "--seconds", "0.2", "--home", str(home.root)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory, home: Home) -> Iterator[Server]:
    with serve(tmp_path_factory.mktemp("correcting"), *command(home)) as running:
        yield running


@pytest.fixture
def url(server: Server) -> str:
    return server.url


@pytest.fixture
def photo(tmp_path: Path) -> Callable[[str], Path]:
    """photo(name): a 960 × 540 picture that no other test has."""

    def make(name: str = "road.png") -> Path:
        noise = np.random.default_rng().integers(0, 255, (54, 96, 3), np.uint8)
        path = tmp_path / name
        Image.fromarray(noise).resize((960, 540), Image.Resampling.NEAREST).save(path)
        return path

    return make


def look(page: Page, picture: Path) -> None:
    page.set_input_files("#sl-image input[type=file]", str(picture))
    expect(page.locator("#sl-image-message")).to_contain_text("960 × 540 px", timeout=WAIT_MS)
    page.locator("#sl-compare").click()


def click_at(page: Page, share_x: float, share_y: float) -> tuple[int, int]:
    """Clicks on a whole CSS pixel there; the pixel of the original that lies under it."""
    image = page.locator("#sl-stage .sl-svg").first
    image.scroll_into_view_if_needed()
    box = image.bounding_box()
    x, y = round(box["x"] + share_x * box["width"]), round(box["y"] + share_y * box["height"])
    page.mouse.click(x, y)
    # A panel that is wider than the image shows it in its middle.
    scale = min(box["width"] / 960, box["height"] / 540)
    left = box["x"] + (box["width"] - 960 * scale) / 2
    top = box["y"] + (box["height"] - 540 * scale) / 2
    return math.floor((x - left) / scale), math.floor((y - top) / scale)


def where(page: Page) -> str:
    return page.locator(".sl-mark-where").inner_text()


@pytest.mark.parametrize("size", [WIDE, PHONE], ids=["1440", "390"])
def test_click_nudge_undo_save_reload_withdraw(visit, url: str, photo, size) -> None:
    page = visit(url, size)
    look(page, photo())
    open_editor(page)
    x, y = click_at(page, 0.31, 0.62)
    assert where(page) == f"Point ({x}, {y}) px"
    page.keyboard.press("ArrowLeft")
    page.keyboard.press("Shift+ArrowDown")
    assert where(page) == f"Point ({x - 1}, {y + 10}) px"
    page.keyboard.press("Escape")
    assert where(page) == f"Point ({x - 1}, {y}) px"
    page.locator("#sl-field-reason textarea").fill("It may cut in")
    page.locator("#sl-save").click()
    expect(page.locator(".sl-confirmed")).to_contain_text("Saved.", timeout=WAIT_MS)
    page.wait_for_function(f"() => ({CROSSES})().every(Boolean)")
    assert page.evaluate(CROSSES) == [[x - 1, y]] * 3
    expect(page.locator("#sl-editor")).to_be_hidden()
    expect(page.locator(".sl-headline")).to_contain_text("the hazard")
    assert page.evaluate("document.documentElement.scrollWidth - window.innerWidth") <= 0

    page.reload()
    mine = page.locator(".sl-mine")
    expect(mine).to_have_count(1, timeout=WAIT_MS)
    expect(mine).to_contain_text("It may cut in")
    page.locator("[data-withdraw]").click()
    expect(page.locator(".sl-confirmed")).to_contain_text("Undone.", timeout=WAIT_MS)
    expect(mine).to_have_count(0)
    page.wait_for_function(f"() => ({CROSSES})().every((at) => !at)")


def test_a_box_by_dragging_and_nothing_is_lost_on_reload(visit, url: str, home, photo) -> None:
    page = visit(url)
    look(page, photo())
    open_editor(page)
    page.locator("[data-means=box]").click()
    image = page.locator("#sl-stage .sl-svg").first
    image.scroll_into_view_if_needed()
    seen = image.bounding_box()
    scale = 960 / seen["width"]
    x1, y1 = round(seen["x"] + 100), round(seen["y"] + 80)
    page.mouse.move(x1, y1)
    page.mouse.down()
    page.mouse.move(x1 + 120, y1 + 60, steps=5)
    page.mouse.up()
    left, top = (x1 - seen["x"]) * scale, (y1 - seen["y"]) * scale
    said = where(page)
    page.locator("#sl-field-reason textarea").fill("Half a thought")

    page.reload()
    open_editor(page)
    assert where(page) == said
    expect(page.locator("#sl-field-reason textarea")).to_have_value("Half a thought")
    page.locator("#sl-save").click()
    expect(page.locator(".sl-confirmed")).to_contain_text("Saved.", timeout=WAIT_MS)
    fix = Feedback(home).corrections()[-1].payload
    wanted = [left, top, left + 120 * scale, top + 60 * scale]
    point = fix.values["point"]
    # Kept in whole pixels; Chromium lays out in 1/64 of a CSS pixel, here 0.03 of the image's.
    assert np.abs(np.subtract(point.box_px, wanted)).max() <= 0.5 + scale / 64
    assert point.xy == tuple(np.mean(np.reshape(point.box_px, (2, 2)), axis=0))
    # The saved draft is over: the next one begins empty.
    open_editor(page)
    assert where(page) == "Nothing is marked yet"
    expect(page.locator("#sl-field-reason textarea")).to_have_value("")


def test_right_and_no_hazard_are_one_click(visit, url: str, home, photo) -> None:
    page = visit(url)
    look(page, photo())
    page.locator("#sl-right").click()
    expect(page.locator(".sl-mine")).to_contain_text("Your verdict: Right", timeout=WAIT_MS)
    page.locator("#sl-nothing").click()
    expect(page.locator(".sl-mine")).to_contain_text("No hazard", timeout=WAIT_MS)
    expect(page.locator(".sl-mine")).to_have_count(1)  # one standing verdict
    verdicts = [c.payload.verdict for c in Feedback(home).corrections()[-2:]]
    assert verdicts == ["right", "none"]


def test_nothing_marked_is_said_next_to_the_picture(visit, url: str, photo) -> None:
    page = visit(url)
    look(page, photo())
    open_editor(page)
    page.locator("#sl-save").click()
    expect(page.locator("#sl-mark-message .sl-error")).to_contain_text("Nothing is marked yet")


def test_five_seconds_hide_the_answers(visit, url: str, home, photo) -> None:
    page = visit(url)
    page.locator("#sl-five input").check()
    look(page, photo())
    expect(page.locator("[data-side=human] h3")).to_contain_text("Mark it in", timeout=WAIT_MS)
    click_at(page, 0.5, 0.5)  # too early
    assert where(page) == ""
    for secret in ("The area around", "px apart"):
        assert secret not in page.content()
    expect(page.locator("#sl-stage .sl-point[data-kind]")).to_have_count(0)
    page.reload()  # does not lift the veil
    expect(page.locator("[data-side=human] h3")).to_contain_text("Mark it in", timeout=WAIT_MS)
    assert "The area around" not in page.content()
    expect(page.locator("[data-side=human] h3")).to_contain_text("Mark it now", timeout=WAIT_MS)
    point = click_at(page, 0.4, 0.7)
    page.locator("#sl-save").click()
    expect(page.locator(".sl-confirmed")).to_contain_text("Saved.", timeout=WAIT_MS)
    expect(page.locator(".sl-answer blockquote").first).to_contain_text("The area around")
    kept = Feedback(home).corrections()[-1].payload
    assert (kept.five_second, kept.values["point"].xy) == (True, point)


def test_the_answers_can_be_had_without_marking(visit, url: str, photo) -> None:
    page = visit(url)
    page.locator("#sl-five input").check()
    look(page, photo())
    page.locator("#sl-reveal").click()
    expect(page.locator(".sl-answer blockquote").first).to_contain_text("The area around")
    expect(page.locator("#sl-editor")).to_be_hidden()


@pytest.mark.skipif(not hasattr(resource, "prlimit"), reason="limits of another process: Linux")
def test_a_full_disk_keeps_the_form(visit, server: Server, home, photo) -> None:
    page = visit(server.url)
    look(page, photo())
    open_editor(page)
    click_at(page, 0.2, 0.3)
    said = where(page)
    page.locator("#sl-field-reason textarea").fill("Keep me")
    before = len(Feedback(home).corrections())
    unlimited = resource.prlimit(server.pid, resource.RLIMIT_FSIZE, (1000, resource.RLIM_INFINITY))
    try:
        page.locator("#sl-save").click()
        expect(page.locator("#sl-correct-message .sl-error")).to_be_visible(timeout=WAIT_MS)
    finally:
        resource.prlimit(server.pid, resource.RLIMIT_FSIZE, unlimited)
    assert where(page) == said
    expect(page.locator("#sl-field-reason textarea")).to_have_value("Keep me")
    assert len(Feedback(home).corrections()) == before
    page.locator("#sl-save").click()
    expect(page.locator(".sl-confirmed")).to_contain_text("Saved.", timeout=WAIT_MS)
    assert Feedback(home).corrections()[-1].payload.values["reason"].text == "Keep me"


def test_a_link_opens_a_kept_picture_on_another_start(
    visit, start, url: str, home, photo, tmp_path: Path
) -> None:
    page = visit(url)
    look(page, photo())
    page.locator("#sl-right").click()
    expect(page.locator(".sl-confirmed")).to_contain_text("Saved.", timeout=WAIT_MS)
    expect(page).to_have_url(re.compile("image=[0-9a-f]{64}"))
    link = page.url.split("?")[1]
    again = visit(f"{start(tmp_path, *command(home)).url}?{link}")
    expect(again.locator(".sl-headline")).to_be_visible(timeout=WAIT_MS)
    expect(again.locator(".sl-mine")).to_have_count(1)
    again.wait_for_function("() => document.querySelector('#sl-image img')?.naturalWidth === 960")


def test_each_page_has_an_address_and_back_leads_to_it(visit, url: str, photo) -> None:
    page = visit(url)
    look(page, photo())
    expect(page).to_have_url(re.compile("/[?]image="), timeout=WAIT_MS)
    scene = page.url
    page.get_by_role("link", name="Corrections").click()
    expect(page).to_have_url(re.compile(r"/corrections$"))
    expect(page.locator(".sl-pages [aria-current]")).to_have_text("Corrections")
    # What a page showed in this tab is there again.
    page.get_by_role("link", name="Scene", exact=True).click()
    expect(page).to_have_url(scene)
    expect(page.locator(".sl-headline")).to_be_visible(timeout=WAIT_MS)
    page.go_back()
    expect(page).to_have_url(re.compile(r"/corrections$"))
    # Links of before.
    page.goto(f"{url}?tab=training&step=set")
    expect(page).to_have_url(re.compile(r"/training[?]step=set"))
    page.goto(f"{url}?tab=nonsense&opacity=40")
    expect(page).to_have_url(re.compile(r"/[?]opacity=40"))


def test_text_stands_out_and_controls_have_names(visit, url: str, photo) -> None:
    page = visit(url, color_scheme="dark")
    look(page, photo())
    page.locator("#sl-right").click()
    expect(page.locator(".sl-mine")).to_have_count(1, timeout=WAIT_MS)
    open_editor(page)
    texts_stand_out(page)
    all_named(page, "#sl-result")
