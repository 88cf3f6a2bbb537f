"""Adapters with where they came from: snapshot, parent, job, figures; and out again, as a folder
or to the hub. Knows no model and no torch."""

from __future__ import annotations

import re
import shutil
import zipfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from inference.adapter_files import FILES, WEIGHTS, check_files, read_card
from inference.adapters import examine, validate_adapter
from inference.errors import UserError
from inference.fingerprint import file_sha256
from inference.schema import AdapterEntry
from training.adapters.folders import embedded
from training.adapters.promotion import in_use
from training.store.database import connect
from training.store.home import Home
from training.store.rows import now, one, writing
from training.store.whole import whole


@dataclass(frozen=True)
class Lineage:
    """An adapter and its origin.

    version: sha256 of its weights. snapshot: hash of what it was trained on. parent: name of the
    adapter that its training continued. figures: of its card, as evaluated.
    promoted: in use now. embedded: it is built in. problem: why it cannot be used.
    """

    name: str
    task: str
    version: str
    size_bytes: int
    folder: Path
    snapshot: str | None = None
    parent: str | None = None
    job: str | None = None
    created: str | None = None
    figures: Mapping[str, Any] | None = None
    description: str = ""
    promoted: bool = False
    embedded: bool = False
    problem: str | None = None


# ---- in ------------------------------------------------------------------------------------------


def register(
    home: Home,
    *,
    name: str,
    task: str,
    job: str | None = None,
    snapshot: str | None = None,
    parent: str | None = None,
) -> str:
    """Put an adapter that lies in Home.adapters / name into the table; returns its version. Raises
    UserError: there is no such folder, or it is not a whole adapter."""
    folder = home.adapters / name
    validate_adapter(folder)
    version = version_of(folder)
    with connect(home) as db:
        db.execute(
            "insert into adapters (name, task, folder, version, job, snapshot, parent, created)"
            " values (?, ?, ?, ?, ?, ?, ?, ?) on conflict (name) do update set version ="
            " excluded.version, job = excluded.job, snapshot = excluded.snapshot",
            [name, task, name, version, job, snapshot, parent, now()],
        )
    return version


def version_of(folder: Path) -> str:
    """sha256 of an adapter's weights."""
    return file_sha256(folder / WEIGHTS)


def name_of(folder: Path) -> str:
    """The name that people know the adapter in a folder by."""
    card = read_card(folder)
    return card.name if card is not None else folder.name


# ---- the list ------------------------------------------------------------------------------------


def adapters(home: Home) -> list[Lineage]:
    """Those trained here, newest first, then the built-in ones."""
    with connect(home) as db:
        rows = list(db.query("select * from adapters order by created desc"))
        tasks = {row["task"] for row in rows} | {"hazard"}
    promotions = {task: in_use(home, task) for task in tasks}
    known = ("name", "task", "version", "snapshot", "parent", "job", "created")
    found = []
    for row in rows:
        folder = home.adapters / row["folder"]
        found.append(_lineage(folder, examine(folder), promotions, **{k: row[k] for k in known}))
    for entry in embedded():
        if entry.name not in {own.name for own in found}:
            found.append(shipped(entry, promotions))
    return found


def shipped(entry: AdapterEntry, promotions: Mapping[str, str | None]) -> Lineage:
    """Of an adapter that was not trained here."""
    folder = Path(entry.source)
    version = version_of(folder) if (folder / WEIGHTS).is_file() else ""
    return _lineage(folder, entry, promotions, version=version, embedded=True)


def _lineage(
    folder: Path, entry: AdapterEntry, promotions: Mapping[str, str | None], **more: Any
) -> Lineage:
    """more: what is known beside the card."""
    card = entry.card
    usual = {"name": entry.name, "task": card.task if card else ""}
    known = {**usual, **more}
    return Lineage(
        **known,
        size_bytes=size_of(folder),
        folder=folder,
        figures=card.heldout if card else None,
        description=card.description if card else "",
        promoted=promotions.get(known["task"]) == known["name"],
        problem=entry.problem,
    )


def size_of(folder: Path) -> int:
    """Bytes of the adapter's own files."""
    return sum((folder / f).stat().st_size for f in FILES if (folder / f).is_file())


# ---- out ----------------------------------------------------------------------------------------


def download_zip(folder: Path, target: Path) -> Path:
    """Write the adapter's own files, under a folder of its name, into the zip file `target`.

    Only the files that an adapter has: nothing else that lies in the folder leaves the machine.
    Raises UserError: the folder holds no whole adapter, or there is no space.
    """
    check_files(folder)
    name = name_of(folder)
    try:
        with whole(target) as fresh, zipfile.ZipFile(fresh, "w", zipfile.ZIP_DEFLATED) as archive:
            for file in FILES:
                if (folder / file).is_file():
                    archive.write(folder / file, f"{name}/{file}")
    except OSError as error:
        raise UserError("The adapter could not be packed", got=str(error)) from error
    return target


def can_push() -> bool:
    """Whether there is a token for the hub."""
    from huggingface_hub import get_token

    return get_token() is not None


def push_to_hub(
    folder: Path,
    repo: str,
    *,
    private: bool = True,
    api: Any = None,
    token: Callable[[], str | None] | None = None,
) -> str:
    """Upload an adapter to the model repository owner/name, made if need be; returns its address.

    api: a huggingface_hub.HfApi, for tests a stand-in. Raises UserError: the name is not one, there
    is no token, or the hub refuses.
    """
    import huggingface_hub as hub
    from huggingface_hub.errors import HfHubHTTPError

    if not re.fullmatch(r"\w[\w.-]{0,95}/\w[\w.-]{0,95}", repo, flags=re.ASCII):
        raise UserError(
            "Not the name of a repository", expected="owner/name", got=repo[:200], field="repo"
        )
    if (token or hub.get_token)() is None:
        raise UserError(
            "There is no token for the Hugging Face hub",
            expected="HF_TOKEN with the right to write, or a login",
            got="none",
            hint="Run: hf auth login",
            field="repo",
        )
    check_files(folder)
    api = api or hub.HfApi()
    try:
        address = api.create_repo(repo, private=private, exist_ok=True)
        api.upload_folder(
            repo_id=repo,
            folder_path=str(folder),
            allow_patterns=list(FILES),
            commit_message=f"Adapter {name_of(folder)} from Sightline",
        )
    except (HfHubHTTPError, OSError, ValueError) as error:
        raise UserError(
            "The hub did not take the adapter", got=str(error)[:300], field="repo"
        ) from error
    return str(address)


def remove(home: Home, name: str) -> None:
    """Delete an adapter that was trained here and is not in use: its files and its row. What was
    promoted once stays in the history by name. Raises UserError: it is in use, or was not trained
    here."""
    with connect(home) as db, writing(db):
        row = one(db, "select task, folder from adapters where name = ?", [name])
        if row is None:
            raise UserError("Only adapters that were trained here can be deleted", got=name[:100])
        if in_use(home, row["task"], db) == name:
            raise UserError(
                "This adapter is in use", got=name, hint="Roll back or promote another one first"
            )
        db.execute("delete from evaluations where adapter = ? and job is null", [name])
        db.execute("delete from adapters where name = ?", [name])
    shutil.rmtree(home.adapters / row["folder"], ignore_errors=True)
