"""General questions about a view, with answers from the ground truth: what the base model learns.

No question asks what is dangerous or where to look: that is left to the hazard adapters.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

import numpy as np

from examples.build.views import KINDS, AgentView, View
from examples.world import SEMANTICS
from inference.tasks import hazard

QA = tuple[str, str]
NAMES = {"pedestrian": "person", "debris": "object", "barrier": "barrier"}
PLURALS = {"person": "people", "bus": "buses"}
NUMBERS = ("no", "one", "two", "three", "four", "five", "six")
SMALLEST01 = 0.0006  # share of the image below which an agent is not asked about
DOING = {
    "away": "moving away from us",
    "towards": "coming towards us",
    "left": "crossing to the left",
    "right": "crossing to the right",
    "stopped": "standing still",
    "parked": "parked",
}


def noun(agent: AgentView) -> str:
    return NAMES.get(agent.kind, agent.kind)


def name(agent: AgentView) -> str:
    """Colour and kind, as a person would say it."""
    if agent.kind in ("pedestrian", "cyclist"):
        return f"{noun(agent)} in {agent.colour}"
    return f"{agent.colour} {noun(agent)}"


def with_article(words: str) -> str:
    return ("an " if words[0] in "aeiou" else "a ") + words


def sentence(words: str) -> str:
    return words[0].upper() + words[1:] + "."


def at(point01: tuple[float, float]) -> str:
    """A place in the embedded model's frame: thousandths, in steps of ten."""
    x, y = (min(max(round(v * 100) * 10, 0), 1000) for v in point01)
    return f"({x},{y})"


def visible(view: View) -> list[AgentView]:
    return [a for a in view.agents if a.area01 >= SMALLEST01]


def unique(view: View) -> list[AgentView]:
    """Agents that their name tells apart."""
    counts = Counter(name(a) for a in view.agents)
    return [a for a in visible(view) if counts[name(a)] == 1]


def _pick(rng: np.random.Generator, items: list[AgentView]) -> AgentView | None:
    if not items:
        return None
    weights = np.array([a.area01**0.35 for a in items])
    return items[rng.choice(len(items), p=weights / weights.sum())]


def where(view: View, rng: np.random.Generator) -> QA | None:
    agent = _pick(rng, unique(view))
    if agent is None:
        return None
    n, p = name(agent), at(agent.centre01)
    if rng.random() < 0.3:
        return f"Which area shows the {n}?", f"The area around {p} shows the {n}."
    question = ("Where is the {}?", "Point at the {}.")[int(rng.random() < 0.3)]
    return question.format(n), f"The {n} is around {p}."


def area(view: View, rng: np.random.Generator) -> QA | None:
    """Places of scenery: answers in the words of the task to come, about harmless things."""
    options = []
    for word, kinds in {
        "sky": ("sky",), "road": ("road", "marking"), "buildings": ("building",),
        "trees": ("vegetation",),
    }.items():  # fmt: skip
        mask = np.isin(view.semantics, [SEMANTICS.index(k) for k in kinds])
        if mask.mean() > 0.04:
            options.append((word, mask))
    if not options:
        return None
    word, mask = options[rng.integers(len(options))]
    ys, xs = np.nonzero(mask)
    p = at((float(np.median(xs)) / mask.shape[1], float(np.median(ys)) / mask.shape[0]))
    verb = "show" if word in ("buildings", "trees") else "shows"
    return f"Which area {verb} the {word}?", f"The area around {p} {verb} the {word}."


def what_at(view: View, rng: np.random.Generator) -> QA | None:
    agent = _pick(rng, visible(view))
    if agent is None:
        return None
    question = ("What is at {}?", "What do you see around {}?")[int(rng.random() < 0.5)]
    return question.format(at(agent.centre01)), sentence(with_article(name(agent)))


def nearest(view: View, rng: np.random.Generator) -> QA | None:
    agents = [a for a in visible(view) if a.kind not in ("cone", "barrier")]
    if not agents:
        return None
    a = min(agents, key=lambda v: v.depth_m)
    answer = f"{with_article(name(a))}, about {distance(a)} away, around {at(a.centre01)}"
    return "What is the nearest thing on or beside the road?", sentence(answer)


def distance(agent: AgentView) -> str:
    d = agent.depth_m
    rounded = round(d) if d < 10 else round(d / 5) * 5 if d < 50 else round(d / 20) * 20
    return f"{max(rounded, 1)} meters"


def how_far(view: View, rng: np.random.Generator) -> QA | None:
    a = _pick(rng, unique(view))
    return None if a is None else (f"How far away is the {name(a)}?", f"About {distance(a)}.")


def nearer(view: View, rng: np.random.Generator) -> QA | None:
    agents = unique(view)
    if len(agents) < 2:
        return None
    a, b = (agents[i] for i in rng.choice(len(agents), 2, replace=False))
    if max(a.depth_m, b.depth_m) < 1.2 * min(a.depth_m, b.depth_m):
        return None
    first = a if a.depth_m < b.depth_m else b
    return f"Which is nearer, the {name(a)} or the {name(b)}?", f"The {name(first)}."


def doing(view: View, rng: np.random.Generator) -> QA | None:
    a = _pick(rng, [u for u in unique(view) if u.kind not in ("cone", "barrier", "debris")])
    if a is None:
        return None
    words = "braking" if a.braking else DOING[a.motion]
    return f"What is the {name(a)} doing?", f"It is {words}."


def in_lane(view: View, rng: np.random.Generator) -> QA | None:
    a = _pick(rng, unique(view))
    if a is None:
        return None
    answer = "Yes." if a.in_path else "No, but it is coming into it." if a.entering_path else "No."
    return f"Is the {name(a)} in our lane?", answer


def ahead(view: View, rng: np.random.Generator) -> QA | None:
    agents = [a for a in visible(view) if a.in_path]
    if not agents:
        return "Is anything in our lane?", "No, our lane is free."
    a = min(agents, key=lambda v: v.depth_m)
    return "Is anything in our lane?", f"Yes, {with_article(name(a))} around {at(a.centre01)}."


def exists(view: View, rng: np.random.Generator) -> QA | None:
    kinds = KINDS[1:10]  # but for cones and barriers
    present = sorted({a.kind for a in visible(view)} & set(kinds))
    kind = str(rng.choice(present if present and rng.random() < 0.6 else kinds))
    found = [a for a in visible(view) if a.kind == kind]
    word = NAMES.get(kind, kind)
    question = f"Is there {with_article(word)}?"
    if not found:
        hidden = any(a.kind == kind for a in view.agents)
        return None if hidden else (question, "No.")
    a = max(found, key=lambda v: v.area01)
    return question, f"Yes, around {at(a.centre01)}."


def count(view: View, rng: np.random.Generator) -> QA | None:
    kind = str(rng.choice(["car", "pedestrian", "truck", "cyclist"]))
    n = sum(a.kind == kind for a in visible(view))
    if any(a.kind == kind and a.area01 < SMALLEST01 for a in view.agents):
        return None
    return f"How many {plural(kind)} are there?", sentence(counted(kind, n))


def plural(kind: str) -> str:
    word = NAMES.get(kind, kind)
    return PLURALS.get(word, word + "s")


def counted(kind: str, n: int) -> str:
    many = NUMBERS[n] if n < len(NUMBERS) else "many"
    return f"{many} {NAMES.get(kind, kind) if n == 1 else plural(kind)}"


def conditions(view: View, rng: np.random.Generator) -> QA | None:
    truth = view.scene.truth
    options = {
        "What is the weather like?": f"It is {truth['weather']}.",
        "What time of day is it?": f"It is {truth['time_of_day']}.",
        "What kind of road is this?": sentence(with_article(truth["road"])),
    }
    question = str(rng.choice(list(options)))
    return question, options[question]


def describe(view: View, rng: np.random.Generator) -> QA | None:
    truth = view.scene.truth
    counts = Counter(a.kind for a in visible(view))
    parts = [counted(k, n) for k, n in counts.most_common(3)]
    listed = ", ".join(parts[:-1]) + " and " + parts[-1] if len(parts) > 1 else "".join(parts)
    tail = f" with {listed}" if parts else ""
    text = f"{with_article(truth['road'])}, {truth['weather']}, {truth['time_of_day']}{tail}"
    return hazard.NEUTRAL_PROMPT, sentence(text)


Maker = Callable[[View, np.random.Generator], "QA | None"]
QUESTIONS: dict[Maker, float] = {
    where: 0.30, area: 0.05, what_at: 0.12, nearest: 0.07, how_far: 0.05, nearer: 0.06,
    doing: 0.08, in_lane: 0.07, ahead: 0.06, exists: 0.06, count: 0.03, conditions: 0.03,
    describe: 0.04,
}  # fmt: skip


def draw_questions(view: View, rng: np.random.Generator, n: int) -> list[QA]:
    """n different questions and answers about a view."""
    makers, weights = list(QUESTIONS), np.array(list(QUESTIONS.values()))
    found: dict[str, str] = {}
    for _ in range(n * 6):
        made = makers[rng.choice(len(makers), p=weights / weights.sum())](view, rng)
        if made is not None:
            found.setdefault(*made)
        if len(found) == n:
            break
    return list(found.items())


def hazard_answer(view: View, *, with_reason: bool) -> QA:
    """INSIGHT's question and answer; with_reason adds the rationale."""
    assert view.hazard is not None
    text = f"The area around {at(view.hazard.centre01)} should be paid more attention to."
    if not with_reason:
        return hazard.PROMPT, text
    return hazard.REASON_PROMPT, f"{text} {view.rationale}"
