"""The Training tab as one thing: its components, and which of them which event may touch."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import gradio as gr

from ui.training.handlers import run as training_run
from ui.training.parts import (
    ChoosePart,
    KeepPart,
    PreviewPart,
    PromotePart,
    ProvePart,
    RunPart,
    SetPart,
)
from ui.training.views import STEPS

Values = dict[Any, Any]


@dataclass(frozen=True)
class TrainingTab:
    """The tab's components, step by step."""

    steps: gr.HTML
    message: gr.HTML
    choose: ChoosePart
    preview: PreviewPart
    set: SetPart
    run: RunPart
    prove: ProvePart
    promote: PromotePart
    keep: KeepPart
    curves: training_run.Curves

    @property
    def boxes(self) -> dict[str, gr.Column]:
        """Each step's section."""
        return {key: getattr(self, key).box for key in STEPS}

    @property
    def watched(self) -> list[Any]:
        """What the timer may change: never a field that somebody is filling in."""
        r, v, m, k = self.run, self.prove, self.promote, self.keep
        return [
            self.steps, r.empty, r.begin, r.body, r.queue, r.status, r.cancel, r.resume, r.retry,
            r.delete, r.message, r.charts, *r.titles.values(), *r.plots.values(), r.log, v.empty,
            v.begin, v.body, v.table, v.gallery, v.again, v.case, m.empty, m.begin, m.body, m.rule,
            m.promote, m.reason, m.override, m.in_use, m.rollback, m.history, k.seen, k.place,
        ]  # fmt: skip

    @property
    def shown(self) -> list[Any]:
        """All that a change of step or job may touch."""
        c, p, s, r, k = self.choose, self.preview, self.set, self.run, self.keep
        more = [
            self.message, *self.boxes.values(), c.empty, c.open_corrections, c.form, c.author,
            c.slices, c.adapter, c.message, c.progress, c.preview, c.stop, p.view, p.message,
            p.use, s.runner, s.message, s.start, s.changed, s.command, s.config, s.name_message,
            r.confirm, r.command, r.config, self.prove.maps, self.prove.progress,
            self.prove.maps_note, self.promote.message, k.address, k.timer,
        ]  # fmt: skip
        return [*self.watched, *more]

    @property
    def filled(self) -> list[Any]:
        """The same with the fields of the Set step."""
        return [*self.shown, *self.set.fields.values(), *self.set.messages.values()]
