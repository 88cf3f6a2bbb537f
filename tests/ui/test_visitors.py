"""Who may do what: the roles on a Space, the quota, and every endpoint called raw as each role."""

from __future__ import annotations

import json
from collections.abc import Iterator
from importlib import import_module
from types import SimpleNamespace
from typing import Any

import pytest

from inference.errors import UserError
from tests.ui.fakes import fake_services
from tests.ui.served import Server
from ui.layout import build_page
from ui.pages import PAGES
from ui.shell import frame
from ui.shell.visitors import REFUSED, ROLES, Quota, Role, Visitor, names_only, require, who

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


def test_off_this_machine_visitors_may_look(monkeypatch):
    monkeypatch.delenv("SPACE_ID", raising=False)
    monkeypatch.delenv("SIGHTLINE_ANONYMOUS", raising=False)
    visitor = who(request({}), trusted=False)
    assert (visitor.role, visitor.anonymous) == ("viewer", True)
    with pytest.raises(UserError, match="whoever runs this app"):  # there is no login
        require(visitor, "trainer", "Training")
    # A list of names gives nobody a role where nobody can log in.
    monkeypatch.setenv("SIGHTLINE_TRAINERS", "*")
    assert who(request({}), trusted=False).role == "viewer"
    monkeypatch.setenv("SIGHTLINE_ANONYMOUS", "correct")
    assert who(request({}), trusted=False).role == "annotator"


def test_a_trusted_network_opens_no_space(space):
    assert who(request({}), trusted=True).role == "viewer"


@pytest.mark.parametrize(
    ("text", "cut"),
    [
        ("Got /home/me/adapters/mine.", "Got mine."),
        ('{"home": "/home/My Files/it", "n": "1/2"}', '{"home": "it", "n": "1/2"}'),
        ("run -m x '/home/a b/c.json' --cpu", "run -m x 'c.json' --cpu"),
        ("[Errno 13] Permission denied: '/data/x/'", "[Errno 13] Permission denied: 'x'"),
        ("https://huggingface.co/a/b, owner/name, /maps", None),
    ],
)
def test_paths_are_cut_to_names(text, cut):
    assert names_only(text) == (cut or text)


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
    """api_name -> the least role, of the frame and of every page."""
    gathered: dict[str, Role] = {}
    for page, module in PAGES.items():
        rows = frame.endpoints(page) | import_module(module).ENDPOINTS
        for name, role in rows.items():
            assert name not in gathered, f"{name} is there twice"
            gathered[name] = role
    return gathered


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    running = Server(tmp_path_factory.mktemp("roles"))
    yield running
    running.page.close()


def test_every_endpoint_has_a_row(server):
    assert not set(server.calls) - set(table()), "an endpoint without a row"
    assert not set(table()) - set(server.calls), "a row without endpoint"


def test_private_endpoints_are_really_called(server):
    answer = server.call("scene_look", "trainer")
    assert "There is no image yet" in answer


@pytest.mark.parametrize(("name", "needed"), [row for row in table().items() if row[1] != "viewer"])
def test_roles(server, name, needed):
    for role in ROLES:
        answer = server.call(name, role)
        allowed = ROLES.index(role) >= ROLES.index(needed)
        assert (REFUSED in answer) != allowed, f"{name} as {role}: {answer[:600]}"
