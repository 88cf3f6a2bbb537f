"""What holds for every event of the page."""

import inspect
from pathlib import Path
from typing import get_type_hints

import gradio as gr
import pytest

from tests.ui.fakes import fake_services
from training.store.home import find_home
from ui.layout import build_page


@pytest.fixture(scope="module")
def events(tmp_path_factory):
    home = find_home(Path(tmp_path_factory.mktemp("home")))
    page, _ = build_page(fake_services(home=home))
    return list(page.fns.values())


def test_the_browser_follows_one_output_of_an_event_at_most(events):
    """It looks each followed output up in the whole tree, at every step of every event."""
    for event in events:
        shown = event.show_progress_on
        followed = event.outputs if shown is None else shown
        assert len(followed) <= 1, event.api_name


def test_a_control_that_is_changed_again_is_heard_again(events):
    """Else the page goes by the value before, and the control shows the one that was dropped."""
    heard = [e for e in events if e.fn and any(name == "input" for _, name in e.targets)]
    assert len(heard) > 6
    for event in heard:
        assert event.trigger_mode == "always_last", event.api_name


def test_an_event_that_is_sent_again_brings_no_data_of_the_first(events):
    for event in events:
        if event.fn and event.trigger_mode == "always_last":
            hints = get_type_hints(inspect.unwrap(event.fn)).values()
            assert not [h for h in hints if inspect.isclass(h) and issubclass(h, gr.EventData)]
