"""The middle of the Corrections page as HTML: one case, who points where, what was said, and what
happened to it. Every text that came from a person or a model is escaped here. Knows no gradio."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from typing import TYPE_CHECKING

from training.store.feedback import Case
from ui.components.markup import sign
from ui.corrections.words import (
    Sign,
    diagonal_px,
    moment,
    px_and_share,
    signs,
    status_badge,
    what_they_said,
)

if TYPE_CHECKING:
    from ui.corrections.handlers.learned import Answer, Lesson


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
        f"<h2>{escape(media.name or media.hash[:12])}</h2>{status_badge(case.status)}"
        f'<span class="sl-quiet">{escape(" · ".join(facts))}</span>{scene}</div>'
        f"{_loudest(case)}"
    )


def _loudest(case: Case) -> str:
    marks = signs(case)
    people = [s for s in marks if s.kind == "human"]
    model = next((s for s in marks if s.kind == "finetuned"), None)
    model = model or next((s for s in marks if s.kind == "base"), None)
    if not people:
        return ""
    if model is None:
        return '<p class="sl-cor-loud">The model gave no point.</p>'
    # The farthest: it is what puts the case at its place in the queue.
    farthest = max(people, key=model.far_px)
    far = model.far_px(farthest)
    who = escape(farthest.name)
    who += f", the farthest of {len(people)} people" if len(people) > 1 else ""
    percent = f"{100 * far / diagonal_px(case):.1f} % of the diagonal"
    return (
        f'<p class="sl-cor-loud"><strong>{far:.0f} px</strong>{percent} from '
        f"{sign(model.kind)}{escape(model.name.lower())} to {sign('human')}{who}</p>"
    )


def sentence(case: Case) -> str:
    """The figure in words, for everyone and for screen readers."""
    parts = [f"{s.name} at ({s.x_px:.0f}, {s.y_px:.0f})" for s in signs(case)]
    said = "; ".join(parts) or "nobody points anywhere"
    text = f"Image of {case.media.width} × {case.media.height} px: {said}."
    return f'<p class="sl-quiet sl-cor-said">{escape(text)}</p>'


def differences(case: Case) -> str:
    """Who points where, and how far from the models and the truth."""
    marks = signs(case)
    if not marks:
        return ""
    against = [s for s in marks if s.kind != "human"]
    head_cells = "".join(
        f'<th scope="col">{sign(s.kind)}from {escape(s.name.lower())}</th>' for s in against
    )
    rows = "".join(_row(case, s, against) for s in marks)
    return (
        '<div class="sl-cor-table-box"><table class="sl-cor-table"><caption>Who points where'
        '<span class="sl-quiet"> px, and percent of the diagonal</span></caption>'
        f'<thead><tr><th scope="col">Who</th><th scope="col">Point (px)</th>{head_cells}</tr>'
        f"</thead><tbody>{rows}</tbody></table></div>"
    )


def _row(case: Case, mark: Sign, against: Sequence[Sign]) -> str:
    cells = "".join(
        f"<td>{'–' if other is mark else px_and_share(mark.far_px(other), case)}</td>"
        for other in against
    )
    return (
        f'<tr><th scope="row" class="sl-free">{sign(mark.kind)}{escape(mark.name)}</th>'
        f"<td>({mark.x_px:.0f}, {mark.y_px:.0f})</td>{cells}</tr>"
    )


def answers(case: Case) -> str:
    """What each side said, in the newest prediction."""
    if not case.predictions:
        return '<p class="sl-quiet">No model was run on this case.</p>'
    newest = case.predictions[0]
    sides = [("base", "Base", newest.base), ("finetuned", "Fine-tuned", newest.finetuned)]
    boxes = "".join(
        f'<div class="sl-answer"><p class="sl-point">{sign(kind)}<b>{name}</b></p><blockquote>'
        f"{escape(str(side.get('text') or '(empty answer)'))}</blockquote></div>"
        for kind, name, side in sides
        if side
    )
    made = f"{newest.backbone} · adapter {newest.adapter or 'none'}"
    took = f" · {newest.latency_s:.1f} s" if newest.latency_s else ""
    return (
        f'<div class="sl-said">{boxes}</div><p class="sl-quiet">Prompt: '
        f"“{escape(newest.prompt)}” · {escape(made)}{took} · {moment(newest.created)}</p>"
    )


def history(case: Case) -> str:
    """Every event of the case, the newest first. Nothing is ever overwritten."""
    events = [
        (p.created, f"{escape(p.backbone)} with adapter {escape(p.adapter or 'none')} answered")
        for p in case.predictions
    ]
    for c in case.corrections:
        said = escape(what_they_said(c))
        events.append((c.created, f"<b>{escape(c.author)}</b> corrected: {said}"))
        events += [
            (r.created, _review(r.reviewer, r.verdict, c.author, r.comment)) for r in c.reviews
        ]
        if c.status == "withdrawn":
            when = c.withdrawn or c.created
            events.append((when, f"<b>{escape(c.author)}</b> withdrew the correction"))
    lines = "".join(
        f'<li>{text}<span class="sl-quiet"> · {moment(when)}</span></li>'
        for when, text in sorted(events, reverse=True)
    )
    return f'<h3>History</h3><ol class="sl-cor-events" reversed>{lines}</ol>' if lines else ""


def _review(reviewer: str, verdict: str, author: str, comment: str) -> str:
    did = {"accept": "accepted", "reject": "rejected", "comment": "commented on"}
    said = f" <q>{escape(comment)}</q>" if comment else ""
    what = did.get(verdict, "reopened")
    return f"<b>{escape(reviewer)}</b> {what} {escape(author)}’s correction{said}"


def learned(case: Case, found: Sequence[Lesson]) -> str:
    """Which snapshots and adapters hold this case's corrections, and what came of it."""
    title = "<h3>Which adapters learned this, and is it fixed?</h3>"
    if not found:
        text = "None yet: accepted corrections go into the next training."
        return f'{title}<p class="sl-quiet">{text}</p>'
    rows = "".join(_lesson(case, lesson) for lesson in found)
    return (
        f'{title}<div class="sl-cor-table-box"><table class="sl-cor-table"><thead><tr>'
        '<th scope="col">Adapter</th><th scope="col">Snapshot</th><th scope="col">Error before (px)'
        '</th><th scope="col">after (px)</th><th scope="col">Now</th></tr></thead>'
        f"<tbody>{rows}</tbody></table></div>"
    )


def _lesson(case: Case, lesson: Lesson) -> str:
    made = lesson.adapter or (f"job {lesson.state}" if lesson.job else "not trained yet")
    used = "trained on" if lesson.split == "train" else "validation set"
    result = lesson.result
    before = f"{result.before:.0f}" if result else "–"
    after = f"{result.after:.0f}" if result else "–"
    fate = f"<b>{escape(result.fate)}</b>" if result else "not measured"
    return (
        f'<tr><th scope="row" class="sl-free">{sign("finetuned")}{escape(made)}</th>'
        f"<td>{escape(lesson.snapshot[:10])}, {used}</td><td>{before}</td><td>{after}</td>"
        f"<td>{fate}</td></tr>"
    )


def asked(answer: Answer) -> str:
    """What the adapter in use says now."""
    if answer.point_px is None:
        return (
            f'<div class="sl-answer" role="status"><p>{sign("finetuned")}'
            f"<b>{escape(answer.adapter)}</b> gives no point: “{escape(answer.text.strip())}”"
            "</p></div>"
        )
    x, y = answer.point_px
    far = "; ".join(f"{escape(words)} from {escape(name)}" for name, words in answer.far)
    verdict = {"right": "fixed", "still wrong": "still wrong"}.get(answer.verdict, "")
    return (
        f'<div class="sl-answer" role="status"><p>{sign("finetuned")}<b>{escape(answer.adapter)}'
        f"</b> now points at ({x:.0f}, {y:.0f}) px: {far or 'nobody to compare with'}. "
        f"<b>{verdict}</b></p></div>"
    )
