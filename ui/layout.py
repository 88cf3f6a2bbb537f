"""All pages: frame, theme, script. They are listed in `ui.pages.PAGES`."""

from __future__ import annotations

import logging
from functools import cached_property
from importlib import import_module
from pathlib import Path
from typing import Any

import gradio as gr
from gradio.themes.utils.fonts import LocalFont

from inference.errors import UserError
from ui.components.upload import check_files
from ui.pages import PAGES
from ui.shell.arguments import check_arguments, read_event
from ui.shell.desk import Desk
from ui.shell.errors import as_shown, queue_full
from ui.shell.frame import build_frame, wire_frame
from ui.shell.services import Services

log = logging.getLogger(__name__)
HERE = Path(__file__).parent
MAX_UPLOAD = "44mb"  # a little above inference.media.MAX_BYTES, whose message is the better one
KEEP_UPLOADS_S = 24 * 3600
# Gradio keeps about 2 MB of components' settings for each (`python -m benchmarks visits`). Who is
# forgotten has to reload the page; results and runs are kept elsewhere.
SESSIONS = 100
MOST_WAITING = 64  # for an answer; who comes then is told to come back


class Page(gr.Blocks):
    """Blocks whose every event and call, raw ones too, passes through `process_api`: there the
    files and arguments that a browser sends are checked, and errors become what may be shown."""

    services: Services

    def queue(self, *args: Any, **more: Any) -> Page:
        """From the start as it stays: each call makes the whole app again."""
        super().queue(*args, **{"max_size": MOST_WAITING, **more})
        return self

    def turn_to(self, path: str, label: str) -> None:
        """What is built from now on belongs to that page, as with `route`, which wants a `with` of
        its own for each; at the end of each `with` gradio would make the whole app again."""
        if path:
            self.pages.append((path, label, False))
        self.current_page = path

    @cached_property
    def _examples(self) -> frozenset[Path]:
        return frozenset(example.path.resolve() for example in self.services.examples())

    async def process_api(self, block_fn: Any, inputs: Any, *args: Any, **kwargs: Any) -> Any:
        try:
            check_files(inputs, self.GRADIO_CACHE, self._examples)
            read_event(kwargs.get("event_data"))
            return await super().process_api(block_fn, inputs, *args, **kwargs)
        except Exception as error:
            raise as_shown(error) from error

    async def preprocess_data(
        self, block_fn: Any, inputs: Any, state: Any, explicit_call: bool = False
    ) -> Any:
        fields = block_fn.inputs
        if state is not None:  # a field's choices and bounds are this visit's
            # The settings of all pages' components once more, for gradio's deep links: 1 MB each.
            state.config_values.clear()
            fields = [f if f.stateful else state.get(f._id, f) for f in fields]
        check_arguments(fields, inputs)
        try:
            return await super().preprocess_data(block_fn, inputs, state, explicit_call)
        except Exception as error:
            if isinstance(error, (UserError, gr.Error)) or isinstance(error.__cause__, UserError):
                raise
            log.warning("%s cannot read what was sent: %s", block_fn.api_name, type(error).__name__)
            raise UserError(
                "What was sent cannot be read", hint="Upload the file again, or reload the page"
            ) from error


def build_page(services: Services) -> tuple[gr.Blocks, Desk]:
    """All pages, not yet served. A browser gets the components and events of one of them."""
    desk = Desk(services)
    modules = {name: import_module(module) for name, module in PAGES.items()}
    labels = {name: module.LABEL for name, module in modules.items()}
    paths = dict.fromkeys(PAGES, "") | {name: name for name in list(PAGES)[1:]}
    with Page(
        title="Sightline",
        analytics_enabled=False,
        fill_width=True,
        delete_cache=(3600, KEEP_UPLOADS_S),
    ) as page:
        page.services = services
        for name, module in modules.items():
            page.turn_to(paths[name], labels[name])
            frame = build_frame(desk, labels, name)
            module.wire(module.build(), desk, frame, page)
            wire_frame(frame, desk, page, name)
    return page, desk


def theme() -> gr.themes.Base:
    """Quiet greys, so that blue and amber mean something. Its fonts come with gradio."""
    return gr.themes.Base(
        primary_hue=gr.themes.colors.stone,
        neutral_hue=gr.themes.colors.stone,
        radius_size=gr.themes.sizes.radius_sm,
        spacing_size=gr.themes.sizes.spacing_sm,
        # gradio 6.31 ships a SemiBold that lacks most letters: 400 and 700 only.
        font=(LocalFont("IBM Plex Sans", (400, 700)), "system-ui", "sans-serif"),
        font_mono=(LocalFont("IBM Plex Mono", (400, 700)), "ui-monospace", "monospace"),
    ).set(
        button_primary_background_fill="#1C1917",
        button_primary_background_fill_hover="#44403C",
        button_primary_text_color="#FFFFFF",
        button_primary_background_fill_dark="#F5F5F4",
        button_primary_background_fill_hover_dark="#D6D3D1",
        button_primary_text_color_dark="#1C1917",
        body_text_color_subdued="#57534E",
        body_text_color_subdued_dark="#A8A29E",
        block_info_text_color="#57534E",
        block_info_text_color_dark="#A8A29E",
        input_placeholder_color="#6B6560",
        input_placeholder_color_dark="#A8A29E",
        slider_color="#57534E",
        slider_color_dark="#D6D3D1",
    )


def launch_options(desk: Desk, media: Path, private: list[Path]) -> dict[str, Any]:
    """What `launch` needs besides host and port. private: folders never to be served."""
    script, style = _static("js"), _static("css")
    return {
        "theme": theme(),
        "css": style,
        "head": f"<script>{script}</script>",
        "allowed_paths": [str(desk.pictures.folder), str(media)],
        "blocked_paths": [str(path) for path in private],
        "max_file_size": MAX_UPLOAD,
        "state_session_capacity": SESSIONS,
        "app_kwargs": {"exception_handlers": {503: queue_full}},
        "footer_links": ["api"],
        "run_history": False,
        "show_error": False,  # besides those of `Page`, whose texts are ours: gradio's name paths
        "ssr_mode": False,
        "enable_monitoring": False,
    }


def _static(suffix: str) -> str:
    """All files of that kind: the frame's, then those of pages that need their own."""
    files = sorted(HERE.glob(f"*/*.{suffix}"), key=lambda p: (p.parent.name != "shell", p))
    return "\n".join(path.read_text(encoding="utf-8") for path in files)
