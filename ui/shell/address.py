"""The address of a page: what is shown and how, as query parameters, and back. No gradio.

A wrong value in a link is ignored, never an error: the rest of the link still works.
A page writes its part with `query_of({"case": ...})`, as the value of a
`gr.HTML(js_on_load=ADDRESS_JS, elem_classes="sl-hidden")`, and reads it from
`request.query_params`. Links between pages are `./NAME?QUERY`; links of before, `?tab=NAME&QUERY`,
are turned into them by ui/shell/sightline.js.
"""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import urlencode

# For the gr.HTML whose value is a query: the browser shows it in its address bar.
ADDRESS_JS = "watch('value', () => window.sightline.address(props.value || ''));"


def query_of(params: Mapping[str, object]) -> str:
    """The query string, without "?"; None and "" are left out."""
    return urlencode(
        [(key, str(value)) for key, value in params.items() if value not in (None, "")]
    )
