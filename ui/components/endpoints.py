"""The events of a page: who may cause each, and what a person is told when one goes wrong."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import gradio as gr
from gradio.blocks import Block

from ui.components import markup
from ui.shell.desk import Desk
from ui.shell.events import AT_ONCE
from ui.shell.failures import explain_failure
from ui.shell.visitors import Role, Visitor, require

Values = dict[Any, Any]
Event = Callable[[Visitor, Values], Values]
"""From who is there and the inputs' values to what becomes of the outputs."""

Needs = Mapping[str, tuple[Role, str]]
"""Name of an endpoint -> the least role, and what it is called to somebody who is refused."""


def components(part: Any) -> list[Any]:
    """All components that a part of a page holds, by attribute, by key or in parts of its own."""
    if isinstance(part, Block):
        return [part]
    ours = type(part).__module__.startswith("ui.")
    inner = part.values() if isinstance(part, dict) else vars(part).values() if ours else ()
    return list(dict.fromkeys(c for inside in inner for c in components(inside)))


def needs(viewer: str, others: Needs) -> Needs:
    """viewer: names, with spaces, of what everybody may do."""
    return dict.fromkeys(viewer.split(), ("viewer", "")) | dict(others)


def roles(prefix: str, table: Needs) -> dict[str, Role]:
    """A page's ENDPOINTS."""
    return {f"{prefix}_{name}": role for name, (role, _) in table.items()}


class Endpoints:
    """Binds a page's events. prefix: of their names in the API."""

    def __init__(self, desk: Desk, prefix: str, table: Needs) -> None:
        self.desk, self.prefix, self.table = desk, prefix, table

    def bind(
        self, trigger: Callable[..., Any], name: str, event: Event, inputs: set[Any],
        outputs: list[Any], message: Any, **how: Any,
    ) -> Any:  # fmt: skip
        """message: gets what went wrong, all else then stays as it is; an output. how: of the
        event; answered at once where nothing is said."""
        role, what = self.table[name]

        def tried(values: Values, request: gr.Request) -> Values:
            try:
                visitor = self.desk.visitor(request)
                require(visitor, role, what)
                return event(visitor, values)
            except Exception as error:
                return {message: markup.error(explain_failure(error))}

        return trigger(tried, inputs, outputs, api_name=f"{self.prefix}_{name}", **(how or AT_ONCE))
