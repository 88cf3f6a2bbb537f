"""The methods that make maps, as data. Each is reached through its entry string."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from explain.types import MapSettings
from inference.errors import unknown
from inference.registry import resolve as resolve_entry
from inference.schema import Heatmap, SidePrediction

Explainer = Callable[[SidePrediction, MapSettings], Heatmap]


@dataclass(frozen=True)
class ExplainerSpec:
    """One method.

    entry: "module:function", resolved on first use.
    needs: what the side must carry, out of "attention", "logit_lens", "head_map".
    signed: whether its maps are centred on zero.
    options: which fields of MapSettings change its map; the page greys out the others.
    reads: what its values are, as a noun, for sentences.
    """

    label: str
    entry: str
    needs: frozenset[str]
    signed: bool
    description: str
    options: frozenset[str]
    reads: str


EXPLAINERS: dict[str, ExplainerSpec] = {
    "attention": ExplainerSpec(
        label="Attention",
        entry="explain.attention:explain",
        needs=frozenset({"attention"}),
        signed=False,
        description="How much the chosen answer tokens attend to each part of the picture.",
        options=frozenset({"tokens", "layers", "heads", "remove_sinks", "relative"}),
        reads="attention",
    ),
    "logit_lens": ExplainerSpec(
        label="Logit lens",
        entry="explain.logit_lens:explain",
        needs=frozenset({"logit_lens"}),
        signed=False,
        description=(
            "How likely each image position's own final state makes the chosen answer tokens. "
            "Needs no attention."
        ),
        options=frozenset({"tokens"}),
        reads="logit-lens probability",
    ),
    "head": ExplainerSpec(
        label="Head's heatmap",
        entry="explain.head:explain",
        needs=frozenset({"head_map"}),
        signed=False,
        description="The adapter's own heatmap, from which it decodes the hazard point.",
        options=frozenset(),
        reads="heatmap probability",
    ),
}


def spec(method: str) -> ExplainerSpec:
    """The method's spec, or a UserError that lists the methods."""
    if method not in EXPLAINERS:
        raise unknown("method", method, EXPLAINERS, field="method")
    return EXPLAINERS[method]


def resolve(method: str) -> Explainer:
    """The method's function."""
    explainer: Explainer = resolve_entry(spec(method).entry)
    return explainer


def can_run(method: str, side: SidePrediction) -> bool:
    """Whether this side carries what the method needs."""
    has = {
        "attention": side.trace.n_layers > 0,
        "logit_lens": side.trace.logit_lens is not None,
        "head_map": side.head_map is not None,
    }
    return all(has[need] for need in spec(method).needs)
