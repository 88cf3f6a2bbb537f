"""The methods that make maps, as data, with the options that each declares.

An option is declared here once: its control on the page, its parameter in addresses and in the API,
its key in JSON and exports follow from that. Each method is reached through its entry string.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal

from explain.types import MapSettings
from inference.errors import UserError, unknown
from inference.registry import resolve as resolve_entry
from inference.schema import Heatmap, PairPrediction, SidePrediction, Trace

Explainer = Callable[[SidePrediction, MapSettings], Heatmap]
Setting = bool | int | float | str


@dataclass(frozen=True)
class Option:
    """One setting of a method.

    name: its key everywhere; options of two methods with one name are one option.
    default: also what stands for "whatever the result has" (last_layer: -1).
    least, most, step: of a number; whole numbers where step is whole.
    choices: (label, value) of a choice.
    fit: the option within what one result has, or None where it cannot be set there.
    """

    name: str
    label: str
    kind: Literal["number", "choice", "switch"]
    default: Setting
    least: float = 0
    most: float = 1
    step: float = 1
    choices: tuple[tuple[str, str], ...] = ()
    fit: Callable[[Option, Trace], Option | None] | None = None

    def within(self, trace: Trace) -> Option | None:
        return self.fit(self, trace) if self.fit else self

    def read(self, sent: object) -> Setting:
        """The value as the method takes it, of what a page, an address or the API sent.

        Raises:
            UserError: (field: the option's name) not a value of this option.
        """
        if self.kind == "switch":
            if str(sent).lower() in ("true", "1", "false", "0"):
                return str(sent).lower() in ("true", "1")
            raise self._wrong("on or off", sent)
        if self.kind == "choice":
            values = [value for _, value in self.choices]
            if str(sent) in values:
                return str(sent)
            raise self._wrong(", ".join(values[:8]) + (" …" if len(values) > 8 else ""), sent)
        try:
            number = float(sent) if not isinstance(sent, bool) else float("nan")  # type: ignore[arg-type]
        except (TypeError, ValueError, OverflowError):
            number = float("nan")
        whole = self.step == int(self.step)
        if not self.least <= number <= self.most or (whole and number != int(number)):
            kind = "a whole number" if whole else "a number"
            raise self._wrong(f"{kind} from {self.least:g} to {self.most:g}", sent)
        return int(number) if whole else number

    def _wrong(self, expected: str, sent: object) -> UserError:
        return UserError(
            f"Wrong value for “{self.label}”",
            expected=expected,
            got=repr(sent)[:80],
            field=self.name,
        )


@dataclass(frozen=True)
class ExplainerSpec:
    """One method.

    entry: "module:function", resolved on first use.
    needs: what the side must carry, out of "attention", "logit_lens", "head_map".
    signed: whether its maps are centred on zero.
    tokens: whether its map depends on the chosen answer tokens.
    reads: what its values are, as a noun, for sentences.
    """

    label: str
    entry: str
    needs: frozenset[str]
    signed: bool
    description: str
    reads: str
    tokens: bool = False
    options: tuple[Option, ...] = ()


def _up_to_the_last(option: Option, trace: Trace) -> Option:
    top = trace.n_layers - 1
    return replace(option, least=0, most=top, default=top if option.default == -1 else 0)


def _each_head(option: Option, trace: Trace) -> Option:
    heads = tuple((f"Head {i}", str(i)) for i in range(trace.n_heads))
    return replace(option, choices=option.choices + heads)


def _with_neutral_prompt(option: Option, trace: Trace) -> Option | None:
    return None if trace.attention_neutral is None else option


# In the order in which they are tried where nobody has chosen: the first that can run is shown.
EXPLAINERS: dict[str, ExplainerSpec] = {
    "head": ExplainerSpec(
        label="Head's heatmap",
        entry="explain.head:explain",
        needs=frozenset({"head_map"}),
        signed=False,
        description="The adapter's own heatmap, from which it decodes the hazard point.",
        reads="heatmap probability",
    ),
    "attention": ExplainerSpec(
        label="Attention",
        entry="explain.attention:explain",
        needs=frozenset({"attention"}),
        signed=False,
        description="How much the chosen answer tokens attend to each part of the image.",
        reads="attention",
        tokens=True,
        options=(
            Option("first_layer", "First layer", "number", 0, most=1000, fit=_up_to_the_last),
            Option("last_layer", "Last layer", "number", -1, -1, 1000, fit=_up_to_the_last),
            Option("heads", "Heads", "choice", "mean", fit=_each_head,
                   choices=(("Mean of heads", "mean"), ("Max of heads", "max"))),
            Option("remove_sinks", "Remove attention sinks", "switch", False),
            Option("relative", "Relative to a neutral prompt", "switch", False,
                   fit=_with_neutral_prompt),
        ),
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
        reads="logit-lens probability",
        tokens=True,
    ),
}  # fmt: skip


def spec(method: str) -> ExplainerSpec:
    """The method's spec, or a UserError that lists the methods."""
    if method not in EXPLAINERS:
        raise unknown("method", method, EXPLAINERS, field="method")
    return EXPLAINERS[method]


def resolve(method: str) -> Explainer:
    """The method's function."""
    explainer: Explainer = resolve_entry(spec(method).entry)
    return explainer


def all_options() -> dict[str, Option]:
    """By name, those of all methods."""
    return {option.name: option for known in EXPLAINERS.values() for option in known.options}


def options_of(method: str, trace: Trace) -> dict[str, Option]:
    """The method's options within what this result has."""
    fitted = (option.within(trace) for option in spec(method).options)
    return {option.name: option for option in fitted if option is not None}


def complete(settings: MapSettings, trace: Trace, strict: bool = True) -> MapSettings:
    """The settings with a value for each option of their method, and none of others.

    Args:
        strict: raise for a wrong value, instead of the default in its place.

    Raises:
        UserError: (field: the option's name) a wrong value.
    """
    values: dict[str, Any] = {}
    declared = {option.name: option for option in spec(settings.method).options}
    fitted = options_of(settings.method, trace)
    for name, option in declared.items():
        sent = settings.options.get(name, option.default)
        usual = fitted[name].default if name in fitted else option.default
        if sent in (option.default, str(option.default)):
            values[name] = usual
            continue
        try:
            # What cannot be set here is left to the method, which says what it lacks.
            values[name] = fitted.get(name, option).read(sent)
        except UserError:
            if strict:
                raise
            values[name] = usual
        if name not in fitted and not strict:
            values[name] = usual
    return replace(settings, options=values)


def changed(settings: MapSettings, trace: Trace) -> Mapping[str, Setting]:
    """The options that differ from their defaults, for an address."""
    usual = {name: option.default for name, option in options_of(settings.method, trace).items()}
    return {k: v for k, v in settings.options.items() if k in usual and v != usual[k]}


def can_run(method: str, side: SidePrediction) -> bool:
    """Whether this side carries what the method needs."""
    has = {
        "attention": side.trace.n_layers > 0,
        "logit_lens": side.trace.logit_lens is not None,
        "head_map": side.head_map is not None,
    }
    return all(has[need] for need in spec(method).needs)


def runnable(pair: PairPrediction) -> list[str]:
    """The methods that can run on either side, in their order."""
    sides = [side for side in (pair.finetuned, pair.base) if side is not None]
    return [method for method in EXPLAINERS if any(can_run(method, side) for side in sides)]
