"""Who may do what: the roles on a Space, the quota, and every endpoint called raw as each role."""

from __future__ import annotations

import json
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import httpx
import pytest

from inference.errors import UserError
from tests.ui.fakes import fake_services
from training.home import find_home
from ui import frame
from ui.layout import build_page, launch_options
from ui.tabs import TABS
from ui.visitors import REFUSED, ROLES, Quota, Role, Visitor, require, who

# ---- who is there -----------------------------------------------------------------------------


def request(session: dict[str, Any] | None = None, **more: Any) -> Any:
    """What a handler gets: gr.Request round a starlette request with its signed session."""
    inner = SimpleNamespace(scope={"session": session} if session is not None else {})
    return SimpleNamespace(request=inner, session_hash="visit-1", **more)


def signed_in(name: str, **more: Any) -> Any:
    return request({"oauth_info": {"userinfo": {"preferred_username": name}, **more}})


@pytest.fixture
def space(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    monkeypatch.setenv("SPACE_ID", "me/sightline")
    for name in ("TRAINERS", "ANNOTATORS", "ANONYMOUS"):
        monkeypatch.delenv(f"SIGHTLINE_{name}", raising=False)
    return monkeypatch


def test_at_home_everybody_may_do_everything(monkeypatch):
    monkeypatch.delenv("SPACE_ID", raising=False)
    assert who(None) == Visitor("you", "trainer")
    assert who(request()).role == "trainer"


def test_lists_name_trainers_and_annotators(space):
    space.setenv("SIGHTLINE_TRAINERS", "ada, Grace")
    space.setenv("SIGHTLINE_ANNOTATORS", "linus")
    roles = {name: who(signed_in(name)).role for name in ("ada", "grace", "linus", "mallory")}
    assert roles == {"ada": "trainer", "grace": "trainer", "linus": "annotator",
                     "mallory": "viewer"}  # fmt: skip
    assert who(signed_in("linus")).name == "linus"


def test_a_star_means_everyone_who_signed_in(space):
    space.setenv("SIGHTLINE_ANNOTATORS", "*")
    assert who(signed_in("mallory")).role == "annotator"
    assert who(request({})).role == "viewer"


def test_without_a_login_one_may_look(space):
    visitor = who(request({}))
    assert (visitor.role, visitor.anonymous) == ("viewer", True)
    assert visitor.name.startswith("anonymous-")
    assert "visit-1" not in visitor.name
    space.setenv("SIGHTLINE_ANONYMOUS", "correct")
    assert who(request({})).role == "annotator"


def test_what_a_client_writes_counts_for_nothing(space):
    space.setenv("SIGHTLINE_TRAINERS", "ada")
    forged = {"oauth_info": {"userinfo": {"preferred_username": "ada"}}}
    liar = request({}, headers={"x-user": "ada"}, cookies={"session": json.dumps(forged)},
                   query_params={"user": "ada"}, username="ada")  # fmt: skip
    liar.session = forged
    assert who(liar).role == "viewer"


def test_an_expired_login_is_none(space):
    space.setenv("SIGHTLINE_TRAINERS", "ada")
    assert who(signed_in("ada", expires_at=4e9)).role == "trainer"
    assert who(signed_in("ada", expires_at=1.0)).role == "viewer"


@pytest.mark.parametrize("info", ["x", {}, {"userinfo": "x"}, {"userinfo": {}}, None])
def test_a_broken_session_is_no_login(space, info):
    assert who(request({"oauth_info": info})).anonymous


def test_two_visits_are_two_names(space):
    one, other = request({}), request({})
    other.session_hash = "visit-2"
    assert who(one).name == who(one).name != who(other).name


def test_require_lets_higher_roles_pass():
    for i, role in enumerate(ROLES):
        for j, needed in enumerate(ROLES):
            if i >= j:
                require(Visitor("x", role), needed, "This")
            else:
                with pytest.raises(UserError, match=REFUSED):
                    require(Visitor("x", role), needed, "This")


def test_quota_of_visitors_without_a_login():
    quota = Quota(each=2, hour=3)
    one, two = (Visitor("anonymous", "annotator", s, anonymous=True) for s in "ab")
    quota.take(one)
    quota.take(one)
    with pytest.raises(UserError, match="Sign in"):
        quota.take(one)
    quota.take(two)
    with pytest.raises(UserError, match="this hour"):
        quota.take(two)
    for _ in range(9):
        quota.take(Visitor("ada", "annotator", "a"))


# ---- the login button -------------------------------------------------------------------------


@pytest.mark.parametrize("oauth", [True, False])
def test_a_space_with_oauth_has_a_login_button(space, oauth):
    if oauth:
        space.setenv("OAUTH_CLIENT_ID", "id")
        # Its routes need what a Space installs beside gradio.
        space.setattr("gradio.oauth.attach_oauth", lambda app: None)
        space.setattr("gradio.routes.attach_oauth", lambda app: None, raising=False)
    else:
        space.delenv("OAUTH_CLIENT_ID", raising=False)
    page, _ = build_page(fake_services())
    assert any(type(b).__name__ == "LoginButton" for b in page.blocks.values()) == oauth
    asked = {fn.api_name for fn in page.fns.values() if fn.fn is not None}
    assert asked <= set(table())


# ---- every endpoint, raw ----------------------------------------------------------------------


def table() -> dict[str, Role]:
    """api_name -> the least role, of the frame and of every tab."""
    gathered = dict(frame.ENDPOINTS)
    for module in TABS.values():
        for name, role in import_module(module).ENDPOINTS.items():
            assert name not in gathered, f"{name} is there twice"
            gathered[name] = role
    return gathered


class Server:
    """The page as it is served, with a visitor of any role."""

    def __init__(self, folder: Path) -> None:
        self.visitor = Visitor("tester", "viewer", "s")
        services = fake_services(home=find_home(folder / "home"), who=lambda _: self.visitor)
        self.page, desk = build_page(services)
        options = launch_options(desk, folder, [folder / "home"])
        _, self.url, _ = self.page.launch(
            server_name="127.0.0.1", prevent_thread_lock=True, quiet=True, **options
        )
        self.calls = {fn.api_name: fn for fn in self.page.fns.values() if fn.fn is not None}

    def call(self, name: str, role: Role) -> str:
        """All that the server answers to a raw call with the components' first values."""
        self.visitor = Visitor("tester", role, "s")
        fn = self.calls[name]
        data = [getattr(part, "value", None) for part in fn.inputs]
        data = [value if _is_json(value) else None for value in data]
        order = {"data": data, "fn_index": fn._id, "session_hash": f"s-{name}-{role}",
                 "event_data": {"id": "x", "tokens": []}}  # fmt: skip
        with httpx.Client(base_url=f"{self.url}gradio_api/", timeout=60) as client:
            if not fn.queue:
                return client.post("run/predict", json=order).text
            client.post("queue/join", json=order).raise_for_status()
            stream = client.stream("GET", f"queue/data?session_hash={order['session_hash']}")
            said = ""
            with stream as answer:
                for line in answer.iter_lines():
                    said += line
                    if '"process_completed"' in line:
                        break
            return said


def _is_json(value: object) -> bool:
    try:
        json.dumps(value)
    except TypeError:
        return False
    return True


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    running = Server(tmp_path_factory.mktemp("roles"))
    yield running
    running.page.close()


def test_every_endpoint_has_a_row(server):
    assert not set(server.calls) - set(table()), "an endpoint without a row"
    assert not set(table()) - set(server.calls) - {"_check_login_status"}, "a row without endpoint"


def test_private_endpoints_are_really_called(server):
    answer = server.call("scene_look", "trainer")
    assert "There is no picture yet" in answer


@pytest.mark.parametrize("name", [n for n in table() if n != "_check_login_status"])
def test_roles(server, name):
    needed = table()[name]
    for role in ROLES:
        answer = server.call(name, role)
        allowed = ROLES.index(role) >= ROLES.index(needed)
        assert (REFUSED in answer) != allowed, f"{name} as {role}: {answer[:600]}"
