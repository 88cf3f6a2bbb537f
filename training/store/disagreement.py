"""How much people and the model disagree about a case, and how dangerous the case is. These two
order the queue: a dispute about a pedestrian comes before one about a parked van.

Disagreement is the largest of all pairs of voices, where a voice is one person or the model:
- points: their distance in shares of the picture's diagonal; a point against "no hazard" is 1;
- labels and verdicts: 0 if equal, 1 if not; probabilities: their difference.

Risk is the largest hint that there is: what people said of the risk itself, else the kind of the
hazard that they named, else the slices of the media. Kinds are graded by how little protects who
would be hit and how fast it can happen; the grades are ours, not measured, and only order a queue.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from itertools import combinations
from typing import Any

from inference.correction import (
    ActionFix,
    EventFix,
    HazardFix,
    Payload,
    RiskFix,
)

Voice = Mapping[str, Any]
UNKNOWN_RISK = 0.5
LABEL_RISK = {"Normal": 0.1, "Near": 0.7, "Collision": 1.0}
KIND_RISK = {
    "pedestrian": 1.0,
    "cyclist": 1.0,
    "crossing vehicle": 0.9,
    "oncoming vehicle": 0.9,
    "animal": 0.8,
    "braking vehicle": 0.8,
    "cut-in": 0.8,
    "debris": 0.7,
    "stopped vehicle": 0.6,
    "roadworks": 0.5,
    "traffic signal": 0.5,
    "other": 0.5,
}
# Slices that the drawn world and data sets use, by the kind that they mean.
SLICE_KINDS = {
    "brake_lights": "braking vehicle",
    "cut_in": "cut-in",
    "crossing_vehicle": "crossing vehicle",
    "oncoming": "oncoming vehicle",
    "stopped_vehicle": "stopped vehicle",
}
NO_HAZARD = {"present": False}


def disagreement(
    payloads: Sequence[Payload], model: Mapping[str, Any] | None, size_wh: tuple[int, int]
) -> float:
    """0 to 1. payloads: one for each person. model: what the side that was shown had said."""
    said = [voice for p in payloads if (voice := voice_of(p, model)) is not None]
    if not said:
        return 0.0
    own = _model_voice(payloads[0], model)
    voices = [*said, own] if own is not None else said
    diagonal = math.hypot(*size_wh) or 1.0
    return max((_apart(a, b, diagonal) for a, b in combinations(voices, 2)), default=0.0)


def voice_of(payload: Payload, model: Mapping[str, Any] | None) -> Voice | None:
    """What a person holds true, as comparable facts. Who says "right" holds what the model said."""
    own = _model_voice(payload, model)
    if isinstance(payload, HazardFix):
        if payload.verdict == "no_hazard":
            return NO_HAZARD
        if payload.point_px is None:
            return own
        return {"present": True, "point": payload.point_px}
    if payload.verdict == "right":
        return own
    if isinstance(payload, RiskFix | EventFix):
        said = {"label": payload.label, "probability": getattr(payload, "probability", None)}
        mended = {k: v for k, v in said.items() if v is not None}
        # Facts that the model states too are compared as such, not as right against wrong.
        return mended if mended.keys() & (own or {}).keys() else {"verdict": "wrong", **mended}
    if isinstance(payload, ActionFix):
        return {"actions": tuple(sorted(payload.actions))}
    return {"verdict": "wrong"}


def _model_voice(payload: Payload, model: Mapping[str, Any] | None) -> Voice | None:
    if isinstance(payload, HazardFix):
        if model is None:
            return None
        point = model.get("point_px")
        # An answer without a point stands against everybody who sees a hazard.
        return NO_HAZARD if point is None else {"present": True, "point": tuple(point)}
    facts: dict[str, Any] = {"verdict": "right"}
    model = model or {}
    if isinstance(payload, RiskFix | EventFix):
        facts |= {k: model[k] for k in ("label", "probability") if model.get(k) is not None}
    if isinstance(payload, ActionFix) and "actions" in model:
        facts["actions"] = tuple(sorted(model["actions"]))
    return facts


def _apart(a: Voice, b: Voice, diagonal: float) -> float:
    """The largest difference of the facts that both have."""
    found = 0.0
    for name in a.keys() & b.keys():
        one, other = a[name], b[name]
        if name == "point":
            found = max(found, math.dist(one, other) / diagonal)
        elif name == "probability":
            found = max(found, abs(one - other))
        elif None not in (one, other):
            found = max(found, float(one != other))
    return min(found, 1.0)


def risk(payloads: Sequence[Payload], slices: Sequence[str] = ()) -> float:
    """0 to 1; UNKNOWN_RISK where nothing is known."""
    stated = [r for p in payloads if (r := _stated(p)) is not None]
    if stated:
        return max(stated)
    kinds = [p.hazard_kind for p in payloads if isinstance(p, HazardFix) and p.hazard_kind]
    kinds = kinds or [SLICE_KINDS.get(s, s) for s in slices]
    return max((KIND_RISK[k] for k in kinds if k in KIND_RISK), default=UNKNOWN_RISK)


def _stated(payload: Payload) -> float | None:
    """The risk that a person put into numbers or a label."""
    if isinstance(payload, RiskFix) and payload.probability is not None:
        return payload.probability
    if isinstance(payload, RiskFix | EventFix) and payload.label is not None:
        return LABEL_RISK[payload.label]
    return None
