"""What a person does on the Scene page, and what holds for every page."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import Page, Route, expect

WIDE, PHONE = {"width": 1440, "height": 900}, {"width": 390, "height": 844}
WAIT_MS = 180_000  # loading torch on a busy machine
MAP = "document.querySelector('#sl-stage [data-side=finetuned] .sl-svg')?.dataset.map"

CONTRAST = Path(__file__).with_name("contrast.js").read_text(encoding="utf-8")
# Each panel is drawn, in the mode that this browser remembers.
DRAWN = """() => { const stage = document.querySelector('#sl-stage .sl-stage[data-mode]');
  return stage && stage.querySelectorAll('.sl-svg .sl-photo').length == stage.dataset.count; }"""
NEWS = "gradio_config.dependencies.find((event) => event.api_name.endsWith('_news')).id"
RESTED = "() => document.getAnimations().every((a) => !(a instanceof CSSTransition))"

UNNAMED = """(part) => [...part.querySelectorAll('button, input, textarea, a[href]')]
  .filter((e) => e.checkVisibility() && e.type != 'file' && !e.closest('.modebar'))
  .filter((e) => !(e.innerText || e.ariaLabel || e.title || (e.labels || [])[0]?.innerText
    || e.getAttribute('aria-labelledby')))
  .map((e) => e.outerHTML.slice(0, 160))"""


def upload(page: Page, path: Path) -> None:
    page.set_input_files("#sl-image input[type=file]", str(path))


def finished(page: Page) -> None:
    expect(page.locator("#sl-head .sl-headline")).to_be_visible(timeout=WAIT_MS)
    page.wait_for_function(DRAWN)


def open_editor(page: Page) -> None:
    """Wrong: the images can be marked, and the first one has the keyboard."""
    page.locator("#sl-wrong").click()
    expect(page.locator(".sl-marking .sl-svg").first).to_be_focused(timeout=60_000)


@contextmanager
def held_back(page: Page) -> Iterator[None]:
    """What the page asks the server meanwhile is answered afterwards, as on a slow line. Asking
    for news does not count."""
    held = []
    news = page.evaluate(NEWS)

    def hold(route: Route) -> None:
        asks_for_news = (route.request.post_data_json or {}).get("fn_index") == news
        route.continue_() if asks_for_news else held.append(route)

    page.route("**/gradio_api/run/**", hold)
    yield
    for _ in range(600):  # the request leaves the page a moment after what was pressed
        if held:
            break
        page.wait_for_timeout(100)
    assert held
    page.unroute("**/gradio_api/run/**")  # lets go of what was held


def texts_stand_out(page: Page, more_than: int = 0) -> None:
    """Every visible text is 4.5 : 1 to its ground, in the scheme that the page has and when the
    system turns to the other."""
    dark = page.evaluate("document.body.classList.contains('dark')")
    for scheme in ("dark", "light") if dark else ("light", "dark"):
        page.emulate_media(color_scheme=scheme)
        page.wait_for_function(
            f"() => document.body.classList.contains('dark') == {int(scheme == 'dark')}"
        )
        page.wait_for_function(RESTED)
        found = page.evaluate(CONTRAST)
        assert found["bad"] == [], scheme
        assert found["seen"] > more_than


def all_named(page: Page, within: str) -> None:
    """Every control in that part of the page has a name, and every figure says what it shows, in
    words of its own."""
    unnamed = page.locator(within).evaluate(UNNAMED)
    assert unnamed == []
    said = [
        figure.get_attribute("aria-label")
        for figure in page.locator(f"{within} .js-plotly-plot, {within} .sl-svg").all()
    ]
    assert all(len(label or "") > 20 for label in said)
    assert len(set(said)) == len(said), "two figures with one label"
