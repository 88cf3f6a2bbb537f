"""Pictures and clips by content hash, in Home.media, which no page serves as a folder.

A file is complete under its name or not there: it is written beside it, flushed to disk, renamed,
and the folder is flushed, all before any row of the database names it.
"""

from __future__ import annotations

import hashlib
import os
import tempfile
from pathlib import Path

from inference.errors import UserError
from training.store.database import explained
from training.store.home import Home

CHUNK = 1 << 20
PARTIAL = ".new-"
# First bytes of the formats that uploads may have; a name's ending says nothing certain.
SIGNATURES: tuple[tuple[int, bytes, str], ...] = (
    (0, b"\xff\xd8\xff", ".jpg"),
    (0, b"\x89PNG\r\n\x1a\n", ".png"),
    (8, b"WEBP", ".webp"),
    (0, b"BM", ".bmp"),
    (0, b"GIF8", ".gif"),
    (0, b"II*\x00", ".tif"),
    (0, b"MM\x00*", ".tif"),
    (4, b"ftyp", ".mp4"),
    (0, b"\x1aE\xdf\xa3", ".mkv"),
    (8, b"AVI ", ".avi"),
)


def store_file(home: Home, source: Path, expected: str | None = None) -> tuple[str, str, int]:
    """Copy `source` into the media folder; its sha256, its file's name there, and its bytes. Raises
    UserError (field "image"): it cannot be read or is not what was expected; the media folder
    cannot be written."""
    digest, head = _digest(source)
    if expected is not None and digest != expected:
        raise UserError(
            "The image on disk is not the one that was looked at",
            expected=f"sha256 {expected[:12]}",
            got=digest[:12],
            hint="Upload it again",
            field="image",
        )
    name = digest + suffix_of(head)
    place = home.media / name
    if not place.is_file():
        try:
            home.media.mkdir(parents=True, exist_ok=True)
            copy_durably(source, place)
        except OSError as error:
            raise explained(home, error) from error
    return digest, name, place.stat().st_size


def suffix_of(head: bytes) -> str:
    """The ending for a file that begins with these bytes (16 are enough)."""
    for at, signature, suffix in SIGNATURES:
        if head[at : at + len(signature)] == signature:
            return suffix
    return ".bin"


def copy_durably(source: Path, place: Path) -> None:
    """Copy so that after a crash `place` is complete or absent. Raises OSError."""
    handle, partial = tempfile.mkstemp(prefix=PARTIAL, dir=place.parent)
    try:
        with os.fdopen(handle, "wb") as out, source.open("rb") as data:
            while block := data.read(CHUNK):
                out.write(block)
            out.flush()
            os.fsync(out.fileno())
        _readable(Path(partial))
        os.replace(partial, place)
        sync_folder(place.parent)
    except BaseException:
        Path(partial).unlink(missing_ok=True)
        raise


def _readable(path: Path) -> None:
    """Temporary files are made for their owner alone."""
    try:
        path.chmod(0o644)
    except OSError:
        pass  # mounted buckets have no such thing


def sync_folder(folder: Path) -> None:
    """Makes a rename in it survive a power cut."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    except OSError:
        pass  # mounted buckets have no such thing
    finally:
        os.close(handle)


def _digest(source: Path) -> tuple[str, bytes]:
    try:
        with source.open("rb") as file:
            head = file.read(16)
            file.seek(0)
            return hashlib.file_digest(file, "sha256").hexdigest(), head
    except OSError as error:
        raise UserError(
            "The file cannot be read", got=f"{source.name}: {error.strerror}", field="image"
        ) from error
