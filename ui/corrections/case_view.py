"""The middle of the Corrections page as HTML: one case, who points where, what was said, and what
happened to it. Every text that came from a person or a model is escaped here. Knows no gradio."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from typing import TYPE_CHECKING

from markupsafe import Markup

from inference.fields import Point
from training.store.feedback import Case
from ui.components import panels
from ui.components.fields import said
from ui.components.markup import sign
from ui.components.panels import Panel
from ui.components.tables import Row, table
from ui.components.words import moment
from ui.corrections.words import name_of, people, points, px_and_share, share, status_badge, title

if TYPE_CHECKING:
    from ui.corrections.handlers.learned import Lesson

DID = {"accept": "accepted", "reject": "rejected", "comment": "commented on", "reopen": "reopened"}


def head(case: Case, link: str | None) -> str:
    """Name, size and state; how far the model is from the people is the loudest.

    link: address of the case in Scene with the same settings, or None.
    """
    media = case.media
    facts = [case.task, f"{media.width} × {media.height} px", *media.slices]
    if media.duration_s:
        facts.append(f"{media.duration_s:.1f} s")
    scene = (
        f'<a data-role="scene" href="{escape(link, quote=True)}">Open in Scene</a>' if link else ""
    )
    return (
        f'<div class="sl-cor-head" data-shown="{escape(case.id, quote=True)}">'
        f"<h2>{escape(title(case))}</h2>{status_badge(case.status)}"
        f'<span class="sl-quiet">{escape(" · ".join(facts))}</span>{scene}</div>'
        f"{_loudest(case, points(case))}"
    )


def _loudest(case: Case, marks: Mapping[str, Point]) -> str:
    human = people(marks)
    model = next((kind for kind in ("finetuned", "base") if kind in marks), None)
    if not human:
        return ""
    if model is None:
        return '<p class="sl-cor-loud">The model gave no point.</p>'
    # The farthest: it is what puts the case at its place in the queue.
    farthest = max(human, key=lambda key: human[key].distance_px(marks[model]))
    who = name_of(farthest)
    who += f", the farthest of {len(human)} marks" if len(human) > 1 else ""
    far = human[farthest].distance_px(marks[model])
    part = share(human[farthest], marks[model], case)
    return (
        f'<p class="sl-cor-loud"><strong>{far:.0f} px</strong>{part} of the diagonal from '
        f"{sign(model)}{name_of(model).lower()} to {sign('human')}{who}</p>"
    )


def picture(case: Case, url: str, image_wh: tuple[int, int]) -> str:
    """The image with every mark on it. url: of its copy."""
    marks = points(case)
    where = [f"{key.partition(':')[2] or name_of(key)} at ({p.x_px:.0f}, {p.y_px:.0f})"
             for key, p in marks.items()]  # fmt: skip
    said = f"Image of {image_wh[0]} × {image_wh[1]} px: {'; '.join(where) or 'nobody points'}."
    panel = Panel("photo", "", url, image_wh, points=marks, said=said)
    return panels.stage([panel], case.id, modes=False)


def differences(case: Case) -> str:
    """Who points where, and how far from the models and the truth."""
    marks = points(case)
    against = [key for key in marks if key not in people(marks)]
    rows = [
        (
            _signed(key),
            [f"({at.x_px:.0f}, {at.y_px:.0f})",
             *("–" if other == key else px_and_share(at, marks[other], case) for other in against)],
        )
        for key, at in marks.items()
    ]  # fmt: skip
    heads = ["Who", "Point (px)", *(f"from {name_of(key).lower()}" for key in against)]
    return table(heads, rows, "Who points where", stack=True)


def _signed(key: str) -> Markup:
    return Markup(f"{sign('human' if ':' in key else key)}{name_of(key)}")


def answers(case: Case) -> str:
    """What each side said, in the newest prediction."""
    if not case.predictions:
        return '<p class="sl-quiet">No model was run on this case.</p>'
    newest = case.predictions[0]
    boxes = "".join(
        f'<div class="sl-answer"><p>{sign(kind)}<b>{name_of(kind)}</b></p><blockquote>'
        f"{escape(str(side.get('text') or '(empty answer)'))}</blockquote></div>"
        for kind, side in (("base", newest.base), ("finetuned", newest.finetuned))
        if side
    )
    made = f"{newest.backbone} · adapter {newest.adapter or 'none'}"
    took = f" · {newest.latency_s:.1f} s" if newest.latency_s else ""
    return (
        f'<div class="sl-said">{boxes}</div><p class="sl-quiet">Prompt: “{escape(newest.prompt)}” '
        f"· {escape(made)}{took} · {escape(moment(newest.created))}</p>"
    )


def history(case: Case) -> str:
    """Every event of the case, the newest first. Nothing is ever overwritten."""
    events = [
        (p.created, f"{escape(p.backbone)} with adapter {escape(p.adapter or 'none')} answered")
        for p in case.predictions
    ]
    for c in case.corrections:
        author = escape(c.author)
        events.append((c.created, f"<b>{author}</b> corrected: {said(c.payload)}"))
        for r in c.reviews:
            what = f"<b>{escape(r.reviewer)}</b> {DID.get(r.verdict, 'reopened')} {author}’s"
            comment = f" <q>{escape(r.comment)}</q>" if r.comment else ""
            events.append((r.created, f"{what} correction{comment}"))
        if c.status == "withdrawn":
            events.append((c.withdrawn or c.created, f"<b>{author}</b> withdrew the correction"))
    lines = "".join(
        f'<li>{text}<span class="sl-quiet"> · {escape(moment(when))}</span></li>'
        for when, text in sorted(events, reverse=True)
    )
    return f'<h3>History</h3><ol class="sl-cor-events" reversed>{lines}</ol>' if lines else ""


def learned(found: Sequence[Lesson]) -> str:
    """Which snapshots and adapters hold a case's corrections, and what came of it."""
    caption = "Which adapters learned this, and is it fixed?"
    if not found:
        text = "None yet: accepted corrections go into the next training."
        return f'<h3>{caption}</h3><p class="sl-quiet">{text}</p>'
    heads = ["Adapter", "Snapshot", "Error before (px)", "Error after (px)", "Now"]
    return table(heads, [_lesson(lesson) for lesson in found], caption, stack=True)


def _lesson(lesson: Lesson) -> Row:
    made = lesson.adapter or (f"job {lesson.state}" if lesson.job else "not trained yet")
    used = "trained on" if lesson.split == "train" else "validation set"
    outcome = ("–", "–", "not measured")
    if (result := lesson.result) is not None:
        outcome = (f"{result.before:.0f}", f"{result.after:.0f}", f"<b>{escape(result.fate)}</b>")
    name = Markup(f"{sign('finetuned')}{escape(made)}")
    return name, [f"{escape(lesson.snapshot[:10])}, {used}", *outcome]


def answered(adapter: str, text: str, point: Point | None, case: Case, verdict: str) -> str:
    """What the adapter in use answers now. verdict: fixed, still wrong or, without people's points,
    nothing."""
    name = f"{sign('finetuned')}<b>{escape(adapter)}</b>"
    if point is None:
        words = f"{name} gives no point: “{escape(text.strip())}”"
    else:
        human = {k: p for k, p in people(points(case)).items() if not k.startswith("rejected")}
        near = sorted(human, key=lambda key: human[key].distance_px(point))
        far = [f"{px_and_share(human[key], point, case)} from {name_of(key)}" for key in near]
        words = (
            f"{name} now points at ({point.x_px:.0f}, {point.y_px:.0f}) px: "
            f"{'; '.join(far) or 'nobody to compare with'}. <b>{verdict}</b>"
        )
    return f'<div class="sl-answer" role="status"><p>{words}</p></div>'
