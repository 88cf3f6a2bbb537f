"""The one error that a person may see. Knows nothing of how it is shown."""

from __future__ import annotations

from collections.abc import Iterable

MAX_NAME = 200  # characters of a name that somebody sent, in what they are told


class UserError(Exception):
    """A mistake or limit that the user can act on.

    Args:
        message: what is wrong, in one sentence.
        expected: what would have been accepted.
        got: what came instead.
        hint: what to do now.
        field: the form field it belongs to ("image", "prompt", "adapter", "model"), if any.
    """

    def __init__(
        self,
        message: str,
        *,
        expected: str | None = None,
        got: str | None = None,
        hint: str | None = None,
        field: str | None = None,
    ) -> None:
        self.message = message
        self.expected = expected
        self.got = got
        self.hint = hint
        self.field = field
        super().__init__(str(self))

    def __str__(self) -> str:
        parts = [self.message.rstrip(".") + "."]
        if self.expected is not None:
            parts.append(f"Expected {self.expected.rstrip('.')}.")
        if self.got is not None:
            parts.append(f"Got {self.got.rstrip('.')}.")
        if self.hint is not None:
            parts.append(self.hint.rstrip(".") + ".")
        return " ".join(parts)

    def __reduce__(self) -> tuple[object, ...]:
        return _rebuild, (self.message, self.expected, self.got, self.hint, self.field)


def _rebuild(
    message: str, expected: str | None, got: str | None, hint: str | None, field: str | None
) -> UserError:
    return UserError(message, expected=expected, got=got, hint=hint, field=field)


class Cancelled(Exception):
    """The user stopped a prediction. Not an error."""


def unknown(kind: str, name: str, known: Iterable[str], field: str | None = None) -> UserError:
    """The error for a name that is not in a registry; lists the alternatives."""
    return UserError(
        f"Unknown {kind}",
        expected=f"one of {', '.join(sorted(known))}",
        got=repr(name) if len(name) <= MAX_NAME else repr(name[:MAX_NAME]) + " …",
        field=field,
    )


def unexpected(message: str, error: BaseException) -> UserError:
    """What to say of an error that nobody foresaw. Whoever calls this writes it to the log."""
    return UserError(
        message,
        got=type(error).__name__,
        hint="The server's log has the details; the app goes on",
    )
