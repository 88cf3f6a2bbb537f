"""Tables as HTML, for all pages. On a phone each row of one with `stack` is a block of its own."""

from __future__ import annotations

from collections.abc import Sequence

from markupsafe import Markup, escape

Row = tuple[str, Sequence[str]]
"""What the row is about, as text or Markup, and its cells, as HTML."""


def table(
    heads: Sequence[str], rows: Sequence[Row], caption: str = "", *, stack: bool = False
) -> str:
    """heads, caption: texts or Markup; the first head stands over what the rows are about. Nothing
    where there is no row."""
    if not rows:
        return ""
    body = "".join(
        f'<tr><th scope="row">{escape(name)}</th>'
        + "".join(
            f'<td data-label="{escape(Markup(escape(head)).striptags())}">{cell}</td>'
            for head, cell in zip(heads[1:], cells, strict=True)
        )
        + "</tr>"
        for name, cells in rows
    )
    top = "".join(f'<th scope="col">{escape(head)}</th>' for head in heads)
    over = f"<caption>{escape(caption)}</caption>" if caption else ""
    return (
        f'<table class="sl-table {"sl-stack" if stack else "sl-narrow"}">{over}'
        f"<thead><tr>{top}</tr></thead><tbody>{body}</tbody></table>"
    )
