"""What the Training page shows, as frozen dataclasses that handlers fill and markup draws."""

from __future__ import annotations

from dataclasses import dataclass, field

STEPS: dict[str, str] = {
    "choose": "Choose",
    "preview": "Preview",
    "set": "Set",
    "run": "Run",
    "prove": "Prove",
    "promote": "Promote",
}
"""The steps of a training in page order: key in the address -> what the page calls it."""

STATES = {
    "todo": ("○", "not yet"),
    "ready": ("◔", "can be done now"),
    "doing": ("◑", "under way"),
    "done": ("●", "done"),
    "bad": ("✕", "needs you"),
}
"""State of a step -> its sign and its words."""


@dataclass(frozen=True)
class StepState:
    """state: a key of STATES. note: a few words under the step's name."""

    state: str
    note: str


@dataclass(frozen=True)
class SampleView:
    """One picture that would be trained on. picture: a data URI, or "" where it is gone.

    text: the exact target text. point: the target in pixels, for words. split: train or
    validation. source: correction or replay.
    """

    picture: str
    text: str
    split: str
    source: str
    name: str = ""
    mark: tuple[float, float] | None = None  # share of width and height, for the green cross
    note: str = ""


@dataclass(frozen=True)
class PreviewView:
    """counts: (label, number, meaning). left_out: (why, how many, examples of which)."""

    counts: tuple[tuple[str, int, str], ...]
    samples: tuple[SampleView, ...]
    shown_of: int
    left_out: tuple[tuple[str, int, tuple[str, ...]], ...] = ()
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class JobView:
    """A row of the queue, ready to be read. fraction: 0..1; left_s: seconds, None if unknown."""

    id: str
    title: str
    state: str
    stage: str
    step: int
    steps: int
    author: str
    created: str
    took_s: float | None = None
    left_s: float | None = None
    reason: str = ""
    hint: str = ""
    runner: str = "local"
    parent: str | None = None
    adapter: str | None = None
    changed: tuple[tuple[str, str, str], ...] = field(default=())
    fraction: float = 0.0
    counts: str = ""

    @property
    def over(self) -> bool:
        return self.state in ("done", "failed", "cancelled")


@dataclass(frozen=True)
class Cell:
    """A figure with its 95 % interval, in the unit of its row; low and high None: no interval."""

    value: float | None
    low: float | None = None
    high: float | None = None
    median: float | None = None


@dataclass(frozen=True)
class ProofRow:
    """One line of the table: n scenes of one slice, one metric, three sides and the difference.

    cells: by side. difference: candidate minus current. verdict: better | worse | same | "".
    """

    group: str
    label: str
    n: int
    unit: str
    cells: dict[str, Cell]
    difference: Cell
    verdict: str


@dataclass(frozen=True)
class CaseView:
    """One case of the gallery: where each side points, and how far off that is in pixels."""

    id: str
    picture: str
    label: str
    fate: str  # fixed | still wrong | newly wrong | kept
    before_px: float | None
    after_px: float | None
    truth: tuple[float, float] | None = None  # shares of width and height
    before: tuple[float, float] | None = None
    after: tuple[float, float] | None = None


@dataclass(frozen=True)
class ConditionView:
    """One condition of the rule, in words, and how it came out."""

    text: str
    passed: bool
    found: str
