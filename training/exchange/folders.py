"""Files and folders that come and go whole: a folder or zip appears complete or not at all, and
what somebody else packed cannot reach outside its folder."""

from __future__ import annotations

import shutil
import tempfile
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from inference.errors import UserError
from training.evaluation.insight import inside

MAX_ZIP_FILES = 100_000
MAX_ZIP_BYTES = 8_000_000_000  # unpacked
_CHUNK = 1 << 20


@contextmanager
def appearing(target: Path) -> Iterator[Path]:
    """A folder to fill. When the block ends it becomes `target`, or a zip where the name ends in
    .zip; when it raises, nothing is left. Raises UserError: the target is there already, or cannot
    be written."""
    target = target.expanduser().absolute()
    _check_free(target)
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        working = Path(tempfile.mkdtemp(prefix=f".{target.name}.", dir=target.parent))
    except OSError as error:
        raise _unwritable(target, error) from error
    try:
        inner = working / "export"
        inner.mkdir()
        yield inner
        if target.suffix == ".zip":
            _zip(inner, working / "export.zip")
            inner = working / "export.zip"
        elif target.is_dir():  # empty, as checked
            target.rmdir()
        inner.rename(target)
    except OSError as error:
        raise _unwritable(target, error) from error
    finally:
        shutil.rmtree(working, ignore_errors=True)


def _check_free(target: Path) -> None:
    if target.is_dir() and target.suffix != ".zip" and not any(target.iterdir()):
        return
    if target.exists() or target.is_symlink():
        raise UserError(
            "The export's place is taken",
            expected="a folder that is not there yet or is empty, or a new name ending in .zip",
            got=str(target),
            hint="Choose another name, or remove it first",
            field="folder",
        )


def _unwritable(target: Path, error: OSError) -> UserError:
    return UserError(
        "The export could not be written",
        expected="a place with enough space that this user may write",
        got=f"{target}: {error.strerror or error}",
        field="folder",
    )


def _zip(folder: Path, archive: Path) -> None:
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as packed:
        for path in sorted(p for p in folder.rglob("*") if p.is_file()):
            packed.write(path, path.relative_to(folder).as_posix())


def put(source: Path, target: Path) -> None:
    """A copy; a hard link would let a change of the export reach the store."""
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(source, target)


# ---- reading ---------------------------------------------------------------------------------


@contextmanager
def unpacked(path: Path) -> Iterator[Path]:
    """The path itself, or for a zip a folder with its files, removed afterwards. Raises UserError:
    the zip is damaged, too large, or has a path that leaves its folder."""
    if path.is_dir() or not zipfile.is_zipfile(path):
        yield path
        return
    with tempfile.TemporaryDirectory(prefix="sightline-import-") as name:
        _unpack(path, Path(name))
        yield Path(name)


def _unpack(archive: Path, folder: Path) -> None:
    try:
        with zipfile.ZipFile(archive) as packed:
            members = [m for m in packed.infolist() if not m.is_dir()]
            _check_zip(members)
            for member in members:
                _unpack_one(packed, member, folder)
    except (zipfile.BadZipFile, NotImplementedError, RuntimeError, EOFError, OSError) as error:
        raise UserError(
            "The zip file cannot be unpacked", got=f"{archive.name}: {error}", field="file"
        ) from error


def _check_zip(members: list[zipfile.ZipInfo]) -> None:
    total = sum(m.file_size for m in members)
    if len(members) > MAX_ZIP_FILES or total > MAX_ZIP_BYTES:
        raise UserError(
            "The zip file is too large",
            expected=f"at most {MAX_ZIP_FILES} files and {MAX_ZIP_BYTES // 10**9} GB unpacked",
            got=f"{len(members)} files, {total / 1e9:.1f} GB",
            field="file",
        )


def _unpack_one(packed: zipfile.ZipFile, member: zipfile.ZipInfo, folder: Path) -> None:
    """Byte by byte up to the size its header states, which Python's zipfile enforces."""
    target = inside(folder, member.filename)
    target.parent.mkdir(parents=True, exist_ok=True)
    with packed.open(member) as source, target.open("wb") as file:
        shutil.copyfileobj(source, file, _CHUNK)
