"""The Scene page without its page: gradio_client, and what the server gives away."""

from __future__ import annotations

from pathlib import Path

import pytest

pytestmark = [pytest.mark.browser, pytest.mark.slow]


def test_gradio_client_can_predict(app_url: str, road: Path) -> None:
    from gradio_client import Client, handle_file

    client = Client(app_url, verbose=False)
    answer = client.predict(
        image=handle_file(str(road)), prompt="", adapter="", forced="finetuned",
        max_new_tokens=24, api_name="/predict",
    )  # fmt: skip
    assert answer["base"]["text"] is not None
    assert answer["finetuned"]["tokens"]
    maps = client.predict(
        result=answer["result"], method="attention", tokens="0", first_layer=0, last_layer=0,
        heads="max", remove_sinks=False, relative=False, shared_scale=True, api_name="/maps",
    )  # fmt: skip
    assert maps["settings"]["heads"] == "max"
    assert {"/predict", "/maps"} == set(client.view_api(return_format="dict")["named_endpoints"])


def test_gradio_client_sees_why(quick_url: str, tmp_path: Path) -> None:
    from gradio_client import Client, handle_file

    bad = tmp_path / "bad.jpg"
    bad.write_bytes(b"nothing")
    client = Client(quick_url, verbose=False)
    with pytest.raises(Exception, match=r"image"):
        client.predict(image=handle_file(str(bad)), prompt="", adapter="", forced="finetuned",
                       max_new_tokens=8, api_name="/predict")  # fmt: skip


def test_only_uploaded_files_are_read_and_nothing_private_is_served(quick_url: str) -> None:
    import httpx

    order = {"path": "/etc/passwd", "meta": {"_type": "gradio.FileData"}}
    call = f"{quick_url}gradio_api/call/predict"
    sent = httpx.post(call, json={"data": [order, "", "", "finetuned", 8]})
    answer = httpx.get(f"{call}/{sent.json()['event_id']}").text
    assert "event: error" in answer
    assert "root:" not in answer
    for path in ("app.py", "ui/shell/services.py", ".git/config"):
        served = httpx.get(f"{quick_url}gradio_api/file={Path.cwd() / path}")
        assert served.status_code in (403, 404)
