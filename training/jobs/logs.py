"""The end of a log file, read within bounds: a log of gigabytes costs no more than a short one."""

from __future__ import annotations

from pathlib import Path


def tail(path: Path, lines: int = 200, max_bytes: int = 64_000, start: int = 0) -> str:
    """The last lines of a file, "" where there is none. At most max_bytes are read, none of them
    before `start`: so a run is not judged by what an earlier one left in the same file. Of a
    progress bar, which rewrites its line after a carriage return, the last state is given."""
    try:
        with path.open("rb") as file:
            first = max(start, file.seek(0, 2) - max_bytes)
            file.seek(first)
            text = file.read(max_bytes).decode("utf-8", "replace")
    except OSError:
        return ""
    if first > start and "\n" in text:
        text = text.partition("\n")[2]  # its first line is cut
    found = [line.rstrip("\r").rpartition("\r")[2] for line in text.rstrip("\n").split("\n")]
    return "\n".join(found[-lines:])
