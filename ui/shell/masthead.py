"""The head of the page: which model answers, what it learned from, and what is wrong with it."""

from __future__ import annotations

from collections.abc import Mapping
from html import escape
from typing import Any

from inference.schema import AdapterCard, AdapterEntry, ModelInfo
from training.jobs.rows import JobRow
from ui.shell.visitors import Role, Visitor, names_only

QUANTISED = {"none": "not quantised", "nf4": "4-bit NF4", "int8": "8-bit"}
ROLE_MEANS: dict[Role, str] = {
    "viewer": "may look",
    "annotator": "may look and correct",
    "trainer": "may look, correct, review and train",
}
OTHER_MODEL = "python app.py --model Qwen/Qwen2-VL-7B-Instruct"


def pages(labels: Mapping[str, str], current: str) -> str:
    """The way to every page. labels: by name, in their order; the first one lies at the root."""
    first, here = next(iter(labels)), ' aria-current="page"'
    links = "".join(
        f'<a href="./{"" if name == first else name}"{here if name == current else ""}>'
        f"{escape(label)}</a>"
        for name, label in labels.items()
    )
    return f'<b class="sl-name">Sightline</b><nav class="sl-pages" aria-label="Pages">{links}</nav>'


def header(info: ModelInfo, adapter: AdapterEntry | None) -> str:
    """Name, model and adapter in one bar."""
    model = "embedded model" if info.embedded else info.id
    facts = [model, QUANTISED.get(info.quantize, info.quantize), info.device]
    if info.loaded:
        facts.append(f"{info.memory_mb:,.0f} MB")
    else:
        facts.append("loads on first use")
    rest = "".join(f" · {fact}" for fact in facts[1:])
    tuned = "none: base alone" if adapter is None else adapter.name
    return (
        '<header><dl class="sl-header"><div><dt>'
        '<span class="sl-sign sl-sign-base" aria-hidden="true"></span>'
        '<span class="sl-wide">Base</span></dt>'
        f'<dd>{escape(facts[0])}<span class="sl-wide">{escape(rest)}</span></dd></div><div><dt>'
        '<span class="sl-sign sl-sign-finetuned" aria-hidden="true"></span>'
        '<span class="sl-wide">Fine-tuned</span></dt>'
        f"<dd>{escape(tuned)}</dd></div></dl></header>"
    )


def who(visitor: Visitor) -> str:
    """Who is on the page and what they may do."""
    return (
        f'<p class="sl-who"><b>{escape(visitor.name)}</b> '
        f'<span class="sl-quiet sl-wide">· {ROLE_MEANS[visitor.role]}</span></p>'
    )


def work(job: JobRow | None) -> str:
    """The training under way."""
    if job is None:
        return ""
    steps = f", step {job.step:,} of {job.steps:,}" if job.state == "running" and job.steps else ""
    return (
        f'<p class="sl-work"><b>Training:</b> {escape(job.name)} is {escape(job.state)}{steps}. '
        f'<a href="./training?job={escape(job.id, quote=True)}">Watch it</a></p>'
    )


def banner(info: ModelInfo, card: AdapterCard | None, photographed: AdapterCard | None) -> str:
    """What a visitor must know: a model that could not be had, and what the embedded one is.

    card: of the adapter in use. photographed: a card with figures on photographs."""
    parts = []
    if info.fallback_reason:
        wanted = f"“{names_only(info.requested)}” could not be used. " if info.requested else ""
        parts.append(
            f'<p class="sl-banner sl-banner-warn" role="alert"><b>Fallback.</b> {escape(wanted)}'
            f"{escape(names_only(info.fallback_reason))}</p>"
        )
    if info.embedded:
        parts.append(
            '<details class="sl-banner"><summary><b>Embedded model</b> of a drawn world'
            f"{_measured(card, photographed)}</summary>"
            f"To use Qwen2-VL: <code>{OTHER_MODEL}</code></details>"
        )
    return "".join(parts)


def _measured(card: AdapterCard | None, photographed: AdapterCard | None) -> str:
    """How the adapter in use does, read from its card; on photographs, where its card does not
    say, how the one does whose card says so. HTML, "" where nobody says."""
    on_photos = card if card and card.extra.get("photos") else photographed
    said = []
    if on_photos is not None:
        text = _figures(on_photos.name, "photographs", on_photos.extra.get("photos"))
        said.append(text and escape(text if on_photos is card else f"{on_photos.name} {text}"))
    drawn = _figures(card.name, "drawn scenes", card.heldout) if card else ""
    if drawn and any(said):
        drawn = f'<span class="sl-wide">; {escape(drawn)}</span>'
    text = "".join(said) + drawn
    return f"; median error {text}" if text else ""


def _figures(name: str, where: str, measured: Any) -> str:
    """A few words from an object that `python -m training.evaluate` printed; "" for any other."""
    try:
        sides = dict(measured["sides"])
        base = sides.pop("base", {}).get("median_px")
        tuned = (sides.get(name) or next(iter(sides.values())))["median_px"]
        against = f" (base {base:.0f} px)" if base is not None else ""
        return f"{tuned:.0f} px on {measured['n']:,} {where}{against}"
    except (KeyError, TypeError, ValueError, AttributeError, StopIteration):
        return ""
