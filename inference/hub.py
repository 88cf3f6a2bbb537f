"""From a folder or a hub id to a local folder. Nothing but JSON, safetensors and tokenizer files
is ever fetched. Imports huggingface_hub only when a hub id is asked for."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Literal

from inference.errors import UserError

CONNECT_S = 8.0
MAX_SOURCE = 1000  # characters of a folder or hub id
MODEL_FILES = ("*.json", "*.safetensors", "*.jinja", "*.txt", "*.model")
ADAPTER_FILES = ("*.json", "*.safetensors")
_HUB_ID = re.compile(r"[A-Za-z0-9][\w.-]*/[A-Za-z0-9][\w.-]*")


def is_hub_id(source: str) -> bool:
    """Whether it has the form owner/name and is no folder here."""
    return bool(_HUB_ID.fullmatch(source)) and ".." not in source and not _is(source, "exists")


def check_source(source: str, field: str) -> None:
    """UserError (with that field) for what can be neither a folder nor a hub id."""
    if len(source) > MAX_SOURCE or "\0" in source:
        raise _no_such(source, field)


def _no_such(source: str, field: str) -> UserError:
    return UserError(
        f"There is no such {field}",
        expected="a folder, or a hub id such as owner/name",
        got=source[:200] if source[:200].isprintable() else ascii(source[:200]),
        field=field,
    )


def _is(path: str | Path, kind: Literal["exists", "is_dir"]) -> bool:
    """Path.exists or Path.is_dir, which raise for a name that is too long."""
    try:
        return bool(getattr(Path(path), kind)())
    except OSError:
        return False


def local_folder(source: str, *, field: str) -> Path:
    """The folder of a model (field "model") or an adapter (field "adapter").

    A hub id is looked up once with a short timeout before anything is fetched: the download client
    itself tries six times, which takes 24 s without a network. What was fetched before is used
    when the hub cannot be reached.

    Raises:
        UserError: with that field; it is neither a folder nor a hub id that can be had.
    """
    check_source(source, field)
    path = Path(source).expanduser()
    if _is(path, "is_dir"):
        return path
    if _is(path, "exists") or not is_hub_id(source):
        raise _no_such(source, field)
    patterns = list(MODEL_FILES if field == "model" else ADAPTER_FILES)
    return _snapshot(source, patterns, _unreachable(source, field), field)


def _unreachable(source: str, field: str) -> str | None:
    """None if the hub lets us have it, else why the hub cannot be asked.

    Raises:
        UserError: the hub was asked and said no.
    """
    from huggingface_hub import HfApi
    from huggingface_hub.errors import GatedRepoError, HfHubHTTPError, RepositoryNotFoundError

    try:
        if HfApi().model_info(source, timeout=CONNECT_S).gated:
            HfApi().auth_check(source)
    except GatedRepoError as error:
        raise UserError(
            f"The {field} {source} is gated",
            hint=f"Accept its terms on https://huggingface.co/{source} and log in with `hf auth "
            "login`",
            field=field,
        ) from error
    except RepositoryNotFoundError as error:
        raise UserError(
            f"The hub has no {field} {source}, or it is private",
            hint="Check the spelling",
            field=field,
        ) from error
    except HfHubHTTPError as error:
        return f"the hub answered with an error ({type(error).__name__})"
    except Exception as error:  # connection errors of the HTTP library below
        return f"the hub could not be reached ({type(error).__name__})"
    return None


def _snapshot(source: str, patterns: list[str], why_offline: str | None, field: str) -> Path:
    from huggingface_hub import snapshot_download

    try:
        return Path(
            snapshot_download(
                source, allow_patterns=patterns, local_files_only=why_offline is not None
            )
        )
    except Exception as error:  # the hub client raises many kinds
        raise UserError(
            f"The {field} {source} could not be had",
            got=why_offline or f"{type(error).__name__} while it was fetched",
            hint="It is not in the local cache either; give a local folder, or go online",
            field=field,
        ) from error
