"""Which answer tokens a map is about."""

from __future__ import annotations

from collections.abc import Sequence

from inference.errors import UserError
from inference.schema import AnswerToken, Trace


def default_tokens(trace: Trace) -> tuple[int, ...]:
    """Indices of the tokens that spell the coordinates (those with a digit), else of all that are
    not special, else of all."""
    return _default(trace.tokens)


def _default(tokens: Sequence[AnswerToken]) -> tuple[int, ...]:
    spoken = [i for i, token in enumerate(tokens) if not token.is_special]
    digits = [i for i in spoken if any(c.isdigit() for c in tokens[i].text)]
    return tuple(digits or spoken or range(len(tokens)))


def chosen_tokens(trace: Trace, tokens: tuple[int, ...]) -> list[int]:
    """The chosen indices, or the default ones; a UserError where one does not exist."""
    if not trace.tokens:
        raise UserError("The answer has no tokens, so there is nothing to explain", field="tokens")
    chosen = list(tokens or default_tokens(trace))
    wrong = [t for t in chosen if not 0 <= t < len(trace.tokens)]
    if wrong:
        raise UserError(
            "The answer has no such token",
            expected=f"numbers from 0 to {len(trace.tokens) - 1}",
            got=", ".join(map(str, wrong)),
            field="tokens",
        )
    return chosen
