"""What holds for every event of the page."""

from tests.ui.fakes import fake_services
from ui.layout import build_page


def test_the_browser_follows_one_output_of_an_event_at_most():
    """It looks each followed output up in the whole tree, at every step of every event."""
    page, _ = build_page(fake_services())
    for event in page.fns.values():
        shown = event.show_progress_on
        followed = event.outputs if shown is None else shown
        assert len(followed) <= 1, event.api_name
