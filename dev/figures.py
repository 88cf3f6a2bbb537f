"""Write the figures in the READMEs from what was measured: `python -m dev.figures [--check]`.

Blocks between `<!-- figures:NAME -->` and `<!-- /figures:NAME -->` are made from
benchmarks/results/*.json, dev/loop_proof.json and the adapters' cards. No figure there is typed
by hand. `--check` changes nothing and fails when a block is out of date.
"""

from __future__ import annotations

import argparse
import json
import re
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
FILES = [ROOT / folder / "README.md" for folder in ("", "benchmarks", "examples/adapters")]
RESULTS = ROOT / "benchmarks" / "results"
ADAPTERS = ROOT / "examples" / "adapters"
LOOP = ROOT / "dev" / "loop_proof.json"  # the last line of `python -m training.proof.loop`
NOT_MEASURED = "_Not measured yet._"
Json = dict[str, Any]

SIDE_COLUMNS = (
    ("median_px", "median distance, px", "{:.0f}"),
    ("mse_px2", "MSE, px²", "{:,.0f}"),
    ("in_box", "point inside the hazard's box", "{:.0%}"),
    ("hit_50px", "within 50 px", "{:.0%}"),
    ("parse_rate", "answers that name a point", "{:.0%}"),
)


def read(path: Path) -> Json | None:
    """The JSON object in a file, or None where there is no such file."""
    if not path.is_file():
        return None
    found: Json = json.loads(path.read_text(encoding="utf-8"))
    return found


def results(folder: Path) -> dict[str, Json]:
    """Benchmark results by name."""
    paths = sorted(folder.glob("*.json"))
    return {path.stem: json.loads(path.read_text(encoding="utf-8")) for path in paths}


def cards(folder: Path) -> dict[str, Json]:
    """Adapter cards by folder name, the default adapter first."""
    default = folder / "default.txt"
    first = default.read_text(encoding="utf-8").strip() if default.is_file() else ""
    paths = sorted(folder.glob("*/card.json"), key=lambda path: path.parent.name != first)
    return {path.parent.name: json.loads(path.read_text(encoding="utf-8")) for path in paths}


def table(header: list[str], rows: list[list[str]]) -> str:
    """A Markdown table, the first column to the left and the others to the right."""
    rule = ["---", *["---:"] * (len(header) - 1)]
    return "\n".join("| " + " | ".join(row) + " |" for row in [header, rule, *rows])


def speed_block(found: Mapping[str, Json]) -> str:
    """Benchmarks against their targets, and the machine they ran on."""
    lines = (
        ("attention", "time_vs_sdpa", "Keeping attention rows, time against plain SDPA", "{:.2f}"),
        ("attention", "time_vs_eager", "… time against eager attention", "{:.2f}"),
        ("attention", "extra_memory_vs_eager", "… extra memory against eager's", "{:.3f}"),
        ("attention", "max_abs_diff", "… largest difference from eager's rows", "{:.1e}"),
        ("pair", "time_ratio", "Both answers on one model, time against two models", "{:.2f}"),
        ("pair", "time_ratio_with_maps", "… with the attention maps", "{:.2f}"),
        ("pair", "memory_ratio", "… memory against two models", "{:.2f}"),
        ("startup", "ratio", "First page, time against an empty Gradio app", "{:.2f}"),
        (
            "first_prediction",
            "p50_s",
            "One prediction with maps, embedded model: median, s",
            "{:.2f}",
        ),
        ("first_prediction", "p95_s", "… 95th percentile, s", "{:.2f}"),
        ("world", "images_per_second_core", "Drawn scenes a second and core, 640 × 360", "{:.1f}"),
        ("store", "per_second", "Corrections a second from 32 writers, each confirmed", "{:.0f}"),
        ("store", "p99_ms", "… 99th percentile of one confirmation, ms", "{:.0f}"),
        ("store", "lost", "… lost", "{:.0f}"),
        ("queue", "open_s", "Corrections opened with 20,000 cases, s", "{:.2f}"),
        ("queue", "plan_s", "A snapshot of 5,000 accepted corrections planned, s", "{:.2f}"),
        ("training", "speedup", "LoRA epochs on cached vision features, times as fast", "{:.2f}"),
        ("training", "loss_diff", "… largest difference of the loss", "{:.1e}"),
    )
    rows = []
    for name, key, words, form in lines:
        if name in found and key in found[name]:
            target = found[name].get("targets", {}).get(key, "")
            rows.append([words, form.format(found[name][key]), target])
    if not rows:
        return NOT_MEASURED
    return table(["", "measured", "target"], rows) + "\n\n" + machines(found)


def machines(found: Mapping[str, Json]) -> str:
    """One sentence for each machine and commit that figures come from."""
    sentences: dict[str, list[str]] = {}
    for name, result in found.items():
        machine = result["machine"]
        where = f"{machine['processor']}, {machine['cores']} cores, {machine['memory_gb']} GB"
        when = f"{result['date']}, commit {result['commit']}"
        sentences.setdefault(f"{where} ({when})", []).append(name)
    return "\n".join(f"{', '.join(names)}: {where}." for where, names in sentences.items())


def true_size_block(found: Json | None) -> str:
    """What a model of 2.2 B parameters costs without a GPU."""
    if found is None:
        return NOT_MEASURED
    rows = [
        [words, f"{seconds:.0f}", f"{peak / 1000:.1f}"]
        for words, seconds, peak in (
            (f"`QUANTIZE=none` ({found['dtype']})", found["seconds"]["pair"], found["peak_mb"]),
            ("`QUANTIZE=nf4`", found["nf4"]["seconds"], found["nf4"]["peak_mb"]),
        )
    ]
    words = (
        f"That is {found['ratio']:.2f} times as long as one plain answer of the base without maps "
        f"({found['seconds']['plain']:.0f} s; the aim is at most 1.6 times). Random weights, a "
        f"512 × 512 image, 24 tokens a side; the machine's load before was {found['load']:.1f}."
    )
    head = ["", "both answers with maps, s", "peak memory, GB"]
    return "\n\n".join([table(head, rows), words, machines({"true_size": found})])


def quality_block(found: Mapping[str, Json]) -> str:
    """How base, adapters and blind baselines do on held-out drawn scenes, and apart from that on
    the kinds of scene that the adapters never saw."""
    parts = []
    for heldout in distinct(card.get("heldout") for card in found.values()):
        parts.append(evaluation(heldout, "held-out drawn scenes"))
        if unseen := heldout.get("slices", {}).get("unseen"):
            kinds = sorted({k for card in found.values() for k in card.get("not_trained_on", ())})
            words = f"scenes with {' or '.join(kinds)}, which no adapter was trained on"
            parts.append(evaluation(unseen, words))
    return "\n\n".join(parts) or NOT_MEASURED


def photos_block(found: Mapping[str, Json]) -> str:
    """How they do on photographs, where that was measured."""
    measured = distinct(card.get("extra", {}).get("photos") for card in found.values())
    return "\n\n".join(evaluation(m, "photographs") for m in measured) or NOT_MEASURED


def loop_block(found: Json | None) -> str:
    """Before and after 60 corrections, with the change's 95 % interval."""
    if found is None:
        return NOT_MEASURED
    rows, sides = [], ("base", "current", "candidate")
    for label, row in found["rows"].items():
        relative, change = row["median_relative"], row["median_change"]
        cells = [f"{row['median_px'][side]:.0f}" for side in sides]
        interval = f"{change['low']:+.0f} to {change['high']:+.0f}"
        rows.append([label, str(row["n"]), *cells, f"{relative['estimate']:+.0%}", interval])
    head = ["median distance, px", "scenes", *sides, "change", "interval, px"]
    words = (
        f"{found['corrections']} corrections, {found['seconds']['train']:.0f} s of training from "
        f"`{found['parent']}`, held-out scenes at 1280 × 720:"
    )
    return words + "\n\n" + table(head, rows)


def distinct(measured: Iterable[Json | None]) -> list[Json]:
    """Evaluations that are there, each once: one run writes the same object into every card."""
    kept: list[Json] = []
    for one in measured:
        if one and one not in kept:
            kept.append(one)
    return kept


def evaluation(measured: Json, kind: str) -> str:
    """One table: a row for each side. See DESIGN, "Quality figures", for the object."""
    sides: dict[str, Json] = measured["sides"]
    used = [c for c in SIDE_COLUMNS if any(side.get(c[0]) is not None for side in sides.values())]
    rows = [
        [f"`{side}`", *[_cell(figures.get(key), form) for key, _, form in used]]
        for side, figures in sides.items()
    ]
    head = f"{measured['n']} {kind}:"
    return head + "\n\n" + table(["", *[words for _, words, _ in used]], rows)


def _cell(value: Any, form: str) -> str:
    return "–" if value is None else form.format(value)


def three_block(found: Mapping[str, Json], carded: Mapping[str, Json], loop: Json | None) -> str:
    """What somebody who meets Sightline wants to know first: quality, learning, speed."""
    name, card = next(iter(carded.items()), ("", {}))
    photos, first = card.get("extra", {}).get("photos"), found.get("first_prediction")
    if not (photos and loop and first):
        return NOT_MEASURED
    drawn = card["heldout"]
    sides, seen = drawn["sides"], photos["sides"]
    learned, others = loop["rows"]["debris/animal"]["median_px"], loop["rows"]["photographs"]
    return "\n".join(
        [
            f"- **Quality**: `{name}` points {sides[name]['median_px']:.0f} px from the hazard "
            f"(median of {drawn['n']} held-out drawn scenes at 1280 × 720; base "
            f"{sides['base']['median_px']:.0f}). On {photos['n']} photographs its point is inside "
            f"the hazard's box in {seen[name]['in_box']:.0%} (base {seen['base']['in_box']:.0%}).",
            f"- **Learning**: {loop['corrections']} corrections and "
            f"{loop['seconds']['train'] / 60:.0f} minutes of training on 2 cores bring scenes of "
            f"kinds that it never saw from {learned['current']:.0f} to "
            f"{learned['candidate']:.0f} px; on photographs it gets worse, from "
            f"{others['median_px']['current']:.0f} to {others['median_px']['candidate']:.0f} px.",
            f"- **Speed**: both answers with their maps in {first['p50_s']:.2f} s on 2 cores "
            "(embedded model, median).",
        ]
    )


def blocks() -> dict[str, str]:
    """Every block's text by name, from the files in this checkout."""
    measured, carded = results(RESULTS), cards(ADAPTERS)
    true_size, loop = measured.pop("true_size", None), read(LOOP)
    return {
        "three": three_block(measured, carded, loop),
        "true_size": true_size_block(true_size),
        "speed": speed_block(measured),
        "quality": quality_block(carded),
        "photos": photos_block(carded),
        "loop": loop_block(loop),
    }


def filled(text: str, made: Mapping[str, str]) -> str:
    """`text` with every block replaced; KeyError for a block that nobody makes."""

    def replace(match: re.Match[str]) -> str:
        name = match["name"]
        return f"<!-- figures:{name} -->\n{made[name]}\n<!-- /figures:{name} -->"

    pattern = r"<!-- figures:(?P<name>\w+) -->.*?<!-- /figures:(?P=name) -->"
    return re.sub(pattern, replace, text, flags=re.DOTALL)


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m dev.figures", description=__doc__)
    parser.add_argument("--check", action="store_true", help="fail when a file is out of date")
    options = parser.parse_args(arguments)
    made, stale = blocks(), []
    for path in FILES:
        before = path.read_text(encoding="utf-8")
        if (after := filled(before, made)) != before:
            stale.append(str(path.relative_to(ROOT)))
            if not options.check:
                path.write_text(after, encoding="utf-8")
    if stale and options.check:
        print(f"{', '.join(stale)}: out of date; run `make figures`", file=sys.stderr)
    elif stale:
        print(f"{', '.join(stale)}: figures written")
    return int(options.check and bool(stale))


if __name__ == "__main__":
    raise SystemExit(main())
