"""A path that comes from a browser is read only if it is an upload or an example: every endpoint of
the page, also those to come, called raw as a viewer."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from tests.ui.fakes import fake_services
from tests.ui.served import Server
from training.store.home import find_home
from ui.components.upload import check_files
from ui.shell.services import read_examples

META = {"_type": "gradio.FileData"}
REFUSED = "That file was not uploaded here"
SHAPES = {
    "bare": lambda path: {"path": path},
    "with meta": lambda path: {"path": path, "meta": META},
    "with a file url": lambda path: {"path": path, "url": f"file://{path}", "meta": META},
    "with a data url": lambda path: {"path": path, "url": "data:image/png;base64,AAAA"},
    "as a stream": lambda path: {"path": path, "meta": META, "is_stream": True},
    "as a file url": lambda path: {"path": f"file://{path}", "meta": META},
    "in a list": lambda path: [{"path": path, "meta": META}],
    "deep inside": lambda path: {"image": {"a": [{"path": path, "meta": META}]}},
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("files")


@pytest.fixture(scope="module")
def photo(folder: Path, road: Path) -> Path:
    """Somebody else's picture, in the blocked home."""
    kept = find_home(folder / "home").media / "secret.jpg"
    kept.write_bytes(road.read_bytes())
    return kept


@pytest.fixture(scope="module")
def road(tmp_path_factory: pytest.TempPathFactory) -> Path:
    from PIL import Image

    path = tmp_path_factory.mktemp("road") / "road.png"
    Image.radial_gradient("L").convert("RGB").resize((640, 360)).save(path)
    return path


@pytest.fixture(scope="module")
def server(folder: Path, road: Path) -> Iterator[Server]:
    media = folder / "media"
    media.mkdir()
    (media / "night.png").write_bytes(road.read_bytes())
    (media / "manifest.json").write_text(json.dumps([{"file": "night.png"}]))
    services = fake_services(home=find_home(folder / "home"), examples=media)
    running = Server(folder, services)
    yield running
    running.page.close()


def file_places(server: Server) -> dict[str, list[int]]:
    """Endpoint -> which of its inputs take a file, read from the components' own schemas."""
    found = {}
    for name, fn in server.calls.items():
        places = [i for i, part in enumerate(fn.inputs) if _takes_a_file(part)]
        if places:
            found[name] = places
    return found


def _takes_a_file(part: Any) -> bool:
    model = getattr(part, "data_model", None)
    return model is not None and '"path"' in json.dumps(model.model_json_schema())


def error_in(answer: str) -> str:
    found = re.findall(r'"error":\s*"((?:[^"\\]|\\.)*)"', answer)
    return found[-1] if found else ""


def test_the_known_file_fields_are_among_them(server):
    named = set(file_places(server))
    assert {"scene_look", "scene_picture", "predict", "corrections_import"} <= named
    assert len(named) > 10


@pytest.mark.parametrize("shape", SHAPES)
def test_no_endpoint_reads_a_file_that_was_not_uploaded(server, photo, shape):
    for name, places in file_places(server).items():
        for place in places:
            there, missing = (
                server.call(name, "viewer", {place: SHAPES[shape](str(path))})
                for path in (photo, photo.with_name("missing.jpg"))
            )
            assert error_in(there).startswith(REFUSED), f"{name}: {there[:400]}"
            assert error_in(there) == error_in(missing), name
            assert photo.name not in there


def test_no_other_input_takes_one_either(server, photo):
    """Gradio reads a file wherever a value says of itself that it is one."""
    for name, fn in server.calls.items():
        plain = [i for i, part in enumerate(fn.inputs) if not part.stateful]
        for place in {*plain[:1], *plain[-1:]}:
            answer = server.call(name, "viewer", {place: {"path": str(photo), "meta": META}})
            assert error_in(answer).startswith(REFUSED), f"{name} {place}: {answer[:400]}"


@pytest.mark.parametrize(
    "path",
    ["{cache}/../../..{photo}", "{link}", "{photo}\0", "/" + "x" * 5000, "", ".", "/etc/passwd",
     "http://127.0.0.1:9/a.jpg", "https://example.org/a.jpg", "{cache}", "{cache}/missing.jpg"],
)  # fmt: skip
def test_other_ways_to_name_one(server, photo, path):
    cache = Path(server.page.GRADIO_CACHE)
    cache.mkdir(parents=True, exist_ok=True)
    link = cache / f"link-{uuid4().hex}.jpg"  # the folder is every test process's
    link.symlink_to(photo)
    path = path.format(cache=cache, photo=photo, link=link)
    try:
        for name in ("scene_picture", "predict"):
            place = file_places(server)[name][0]
            answer = server.call(name, "viewer", {place: {"path": path}})
            assert error_in(answer).startswith(REFUSED), answer[:400]
    finally:
        link.unlink()


def test_uploads_and_examples_are_read(server, road, folder):
    place = file_places(server)["scene_picture"][0]
    sent = server.upload(road)
    assert "640 × 360" in server.call("scene_picture", "viewer", {place: sent})
    bare = {"path": sent["path"]}
    assert "640 × 360" in server.call("scene_picture", "viewer", {place: bare})
    example = {"path": str(read_examples(folder / "media")[0].path)}
    assert "640 × 360" in server.call("scene_picture", "viewer", {place: example})
    place = file_places(server)["predict"][0]
    assert "process_completed" in (answer := server.call("predict", "viewer", {place: sent}))
    assert '"success": true' in answer or '"success":true' in answer


def test_a_deep_value_is_no_way_past(tmp_path):
    value: Any = {"path": "/etc/passwd"}
    for _ in range(5000):
        value = [value]
    with pytest.raises(Exception, match=REFUSED):
        check_files(value, str(tmp_path), ())
