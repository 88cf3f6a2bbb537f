"""Who is on the page and what they may do. Hiding a button protects nothing: any endpoint answers
a raw call, so `ui.components.endpoints` asks here before each event. Knows no gradio at run time.

Each module in `ui.pages.PAGES` has `ENDPOINTS`: api_name of each of its events -> the least role;
tests/ui/test_visitors.py calls those that not everybody may, as each role, and fails where an event
has no row. What a role may read, wherever it appears, is `READABLE`.
"""

from __future__ import annotations

import hashlib
import hmac
import os
import re
import secrets
import threading
import time
from collections import OrderedDict, deque
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from inference.errors import UserError

if TYPE_CHECKING:
    import gradio as gr

Role = Literal["viewer", "annotator", "trainer"]
ROLES: tuple[Role, ...] = ("viewer", "annotator", "trainer")
"""From least to most; each may do what the ones before it may."""

READABLE: dict[str, Role] = {
    "examples and own uploads": "viewer",
    "adapters in use": "viewer",
    "metrics": "viewer",
    "corrections": "annotator",
    "names of people": "annotator",
    "adapters on trial": "annotator",
    "training previews": "annotator",
    "job logs": "trainer",
    "paths of the server": "trainer",
}
"""What -> the least role that may read it. README says the same in words; a test compares them.

Adapters in use: those that came with the app, were loaded from elsewhere, or are promoted. On
trial: those trained here that are not. Corrections: with their pictures."""

LOCAL_NAME, ANONYMOUS = "you", "anonymous"
REFUSED = "needs the role"
QUOTA_SESSION, QUOTA_HOUR, HOUR_S = 20, 400, 3600.0
_PATH = re.compile(
    r"""(?P<quote>['"“])/[^'"”\n]*/(?P<quoted>[^/'"”\n]+)/?(?=['"”])"""  # may hold spaces
    r"""|(?<![\w:/.~-])(?:/[^\s/'"“”<>,;:()]+)+/(?P<name>[^\s/'"“”<>,;:()]+)/?"""
)
_SECRET = secrets.token_bytes(16)


@dataclass(frozen=True)
class Visitor:
    """One person in one visit.

    name: what their corrections are signed with. session: gradio's hash of this visit.
    anonymous: nobody vouches for the name, so a quota holds.
    """

    name: str
    role: Role
    session: str = ""
    anonymous: bool = False

    def may(self, role: Role) -> bool:
        return ROLES.index(self.role) >= ROLES.index(role)

    def reads(self, what: str) -> bool:
        """what: a key of READABLE."""
        return self.may(READABLE[what])


def require(visitor: Visitor, role: Role, what: str) -> None:
    """Raises UserError unless the visitor has that role or a higher one.

    what: the thing asked for, as the beginning of a sentence ("Training").
    """
    if visitor.may(role):
        return
    hint = how_to_get_a_role(visitor)
    raise UserError(
        f"{what} {REFUSED} “{role}”", got=f"“{visitor.role}” ({visitor.name})", hint=hint
    )


def how_to_get_a_role(visitor: Visitor) -> str:
    if visitor.anonymous and can_sign_in():
        return "Sign in"
    return "Ask whoever runs this app for the role"


def names_only(text: str) -> str:
    """The text with each path of the server cut to its last name: paths are for trainers."""
    return _PATH.sub(lambda m: (m["quote"] or "") + (m["quoted"] or m["name"] or ""), text)


def who(request: gr.Request | None, trusted: bool = True) -> Visitor:
    """The visitor behind a request.

    trusted: outside a Space, everybody who reaches the app may do everything, as on one's own
    machine; otherwise they may look. On a Space (SPACE_ID) the Hugging Face login of the session
    counts: SIGHTLINE_TRAINERS and SIGHTLINE_ANNOTATORS list names with commas, "*" is everyone who
    signed in. SIGHTLINE_ANONYMOUS=correct lets all without a login correct, as "anonymous".
    """
    session = str(getattr(request, "session_hash", None) or "")
    if trusted and not on_space():
        return Visitor(LOCAL_NAME, "trainer", session)
    open_to_all = os.environ.get("SIGHTLINE_ANONYMOUS", "").strip().lower() == "correct"
    least: Role = "annotator" if open_to_all else "viewer"
    name = _signed_in(request)
    if name is None:
        return Visitor(_alias(session), least, session, anonymous=True)
    role: Role = least
    if _listed(name, "SIGHTLINE_TRAINERS"):
        role = "trainer"
    elif _listed(name, "SIGHTLINE_ANNOTATORS"):
        role = "annotator"
    return Visitor(name, role, session)


def on_space() -> bool:
    return bool(os.environ.get("SPACE_ID"))


def can_sign_in() -> bool:
    """Whether the Space was given its OAuth application (`hf_oauth: true` in README.md)."""
    return on_space() and bool(os.environ.get("OAUTH_CLIENT_ID"))


def _signed_in(request: gr.Request | None) -> str | None:
    """Name of the account in the signed session cookie, or None. Nothing that a client may write
    into a request (header, query, body) counts."""
    scope = getattr(getattr(request, "request", None), "scope", None)
    session = scope.get("session") if isinstance(scope, Mapping) else None
    info = session.get("oauth_info") if isinstance(session, Mapping) else None
    if not isinstance(info, Mapping):
        return None
    expires: Any = info.get("expires_at")
    if expires is not None and float(expires) < time.time():
        return None
    user = info.get("userinfo")
    name = user.get("preferred_username") if isinstance(user, Mapping) else None
    return str(name) if name else None


def _listed(name: str, variable: str) -> bool:
    names = {part.strip().lower() for part in os.environ.get(variable, "").split(",")}
    return name.lower() in names or "*" in names


def _alias(session: str) -> str:
    """One name for each visit, so that nobody else without a login can withdraw what this visitor
    said; the session itself cannot be read off it."""
    if not session:
        return ANONYMOUS
    digest = hmac.new(_SECRET, session.encode(), hashlib.sha256).hexdigest()
    return f"{ANONYMOUS}-{digest[:10]}"


class Quota:
    """How many corrections visitors without a login may make: each visit, and all of them in an
    hour (a client of the raw API can call itself a new visit as often as it likes)."""

    def __init__(self, each: int = QUOTA_SESSION, hour: int = QUOTA_HOUR) -> None:
        self._each, self._hour = each, hour
        self._lock = threading.Lock()
        self._used: OrderedDict[str, int] = OrderedDict()
        self._times: deque[float] = deque()

    def take(self, visitor: Visitor) -> None:
        """Counts one correction; UserError where there are too many."""
        if not visitor.anonymous:
            return
        now = time.monotonic()
        with self._lock:
            while self._times and now - self._times[0] > HOUR_S:
                self._times.popleft()
            used = self._used.get(visitor.session, 0)
            if used >= self._each:
                raise _too_many(f"at most {self._each} corrections without a login")
            if len(self._times) >= self._hour:
                raise _too_many("fewer corrections by visitors without a login in this hour")
            self._times.append(now)
            self._used[visitor.session] = used + 1
            while len(self._used) > 10_000:
                self._used.popitem(last=False)


def _too_many(expected: str) -> UserError:
    return UserError(
        "Too many corrections without a login", expected=expected, hint="Sign in to go on"
    )
