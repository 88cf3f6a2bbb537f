"""The table that a person reads above the JSON line. Knows the report's shape alone."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

COLUMNS = {
    "mse_px2": ("MSE px2", "{:,.0f}"),
    "median_px": ("median px", "{:.0f}"),
    "hit_50px": ("Hit@50", "{:.3f}"),
    "in_box": ("in box", "{:.3f}"),
    "accuracy": ("accuracy", "{:.3f}"),
    "macro_f1": ("macro F1", "{:.3f}"),
    "parse_rate": ("parsed", "{:.3f}"),
    "lm_loss": ("LM loss", "{:.3f}"),
    "bleu4": ("BLEU-4", "{:.3f}"),
    "rouge1": ("ROUGE-1", "{:.3f}"),
    "rouge2": ("ROUGE-2", "{:.3f}"),
    "rougeL": ("ROUGE-L", "{:.3f}"),
}

BY_SLICE = (("median_px", "mse_px2"), ("accuracy", "macro_f1"), ("rougeL", "bleu4"))


def table(report: Mapping[str, Any], name: str) -> str:
    """The main figures, the same over the unseen slices, and the others slice by slice."""
    full = {k: v for k, v in report["slices"].items() if "lm_loss" in v["sides"].get("base", {})}
    blocks = [_block(f"{name}, n = {report['n']}", report["sides"])]
    blocks += [_block(f"{label}, n = {part['n']}", part["sides"]) for label, part in full.items()]
    others = {k: v for k, v in report["slices"].items() if k not in full}
    return "\n\n".join([*blocks, *([_by_slice(others)] if others else [])])


def _block(title: str, sides: Mapping[str, Mapping[str, float | None]]) -> str:
    shown = [c for c in COLUMNS if any(f.get(c) is not None for f in sides.values())]
    rows = [[title, *(COLUMNS[c][0] for c in shown)]]
    rows += [[side, *(_cell(c, figures.get(c)) for c in shown)] for side, figures in sides.items()]
    return _aligned(rows)


def _by_slice(slices: Mapping[str, Any]) -> str:
    """One line a slice, one column a side, without the other ways of decoding."""
    sides = [s for s in next(iter(slices.values()))["sides"] if ":" not in s and s != "random"]
    first = next(iter(slices.values()))["sides"][sides[0]]
    one, other = next(pair for pair in BY_SLICE if pair[0] in first)
    rows = [[f"{COLUMNS[one][0]} ({COLUMNS[other][0]})", "n", *sides]]
    for label, part in slices.items():
        cells = [
            f"{_cell(one, f[one])} ({_cell(other, f[other])})"
            for f in (part["sides"][side] for side in sides)
        ]
        rows.append([label, str(part["n"]), *cells])
    return _aligned(rows)


def _aligned(rows: list[list[str]]) -> str:
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    lines = []
    for first, *rest in rows:
        cells = [cell.rjust(width) for cell, width in zip(rest, widths[1:], strict=True)]
        lines.append("  ".join([first.ljust(widths[0]), *cells]).rstrip())
    return "\n".join(lines)


def _cell(column: str, value: float | None) -> str:
    return "-" if value is None else COLUMNS[column][1].format(value)
