"""The table that a person reads above the JSON line. Knows the report's shape alone."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

COLUMNS = {
    "mse_px2": ("MSE px2", "{:,.0f}"),
    "median_px": ("median px", "{:.0f}"),
    "hit_50px": ("Hit@50", "{:.3f}"),
    "in_box": ("in box", "{:.3f}"),
    "parse_rate": ("parsed", "{:.3f}"),
    "lm_loss": ("LM loss", "{:.3f}"),
    "bleu4": ("BLEU-4", "{:.3f}"),
    "rouge1": ("ROUGE-1", "{:.3f}"),
    "rouge2": ("ROUGE-2", "{:.3f}"),
    "rougeL": ("ROUGE-L", "{:.3f}"),
}


def table(report: Mapping[str, Any], name: str) -> str:
    """The main figures, then those of each slice."""
    blocks = [_block(f"{name}, {report['n']} cases", report["sides"])]
    for label, part in report["slices"].items():
        blocks.append(_block(f"{label}, {part['n']} cases", part["sides"]))
    return "\n\n".join(blocks)


def _block(title: str, sides: Mapping[str, Mapping[str, float | None]]) -> str:
    shown = [c for c in COLUMNS if any(f.get(c) is not None for f in sides.values())]
    rows = [[title, *(COLUMNS[c][0] for c in shown)]]
    rows += [[side, *(_cell(c, figures.get(c)) for c in shown)] for side, figures in sides.items()]
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    return "\n".join(
        "  ".join(
            cell.ljust(width) if i == 0 else cell.rjust(width)
            for i, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in rows
    )


def _cell(column: str, value: float | None) -> str:
    return "-" if value is None else COLUMNS[column][1].format(value)
