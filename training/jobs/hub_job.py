"""Runs on a machine of the hub: trains from a mounted bundle and puts the adapter back into it.

Sent as a script on its own, so standard library only. `python hub_job.py BUNDLE`, where BUNDLE
holds code/, home/, config.json (with "{bundle}" and "{work}" in its paths), command.json and
perhaps base/, parent/ and checkpoints/. Training runs on the machine's own disk, since a mounted
bucket is none; whole checkpoints are copied back as they come.
"""

from __future__ import annotations

import json
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

MARKER = "complete.json"
COPY_EVERY_S = 15.0
POLL_S = 0.2


def main(bundle: Path, work: Path) -> int:
    """The exit code of the worker's launcher."""
    for name in ("code", "home", "checkpoints"):
        if (bundle / name).is_dir():
            shutil.copytree(bundle / name, work / name)
    places = {"{bundle}": str(bundle), "{work}": str(work)}
    config = _filled((bundle / "config.json").read_text(encoding="utf-8"), places)
    (work / "config.json").write_text(config, encoding="utf-8")
    command = json.loads(_filled((bundle / "command.json").read_text(encoding="utf-8"), places))
    child = subprocess.Popen([sys.executable, *command], cwd=work / "code")
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda n, _frame: child.send_signal(n))
    copied = time.monotonic()
    while child.poll() is None:
        time.sleep(POLL_S)
        if time.monotonic() - copied > COPY_EVERY_S:
            keep_checkpoints(work / "checkpoints", bundle / "checkpoints")
            copied = time.monotonic()
    keep_checkpoints(work / "checkpoints", bundle / "checkpoints")
    if child.returncode == 0:
        shutil.copytree(work / "adapter", bundle / "adapter")
    return child.returncode


def _filled(text: str, places: dict[str, str]) -> str:
    for mark, place in places.items():
        text = text.replace(mark, place)
    return text


def keep_checkpoints(source: Path, target: Path) -> None:
    """Copy what is whole and new, its marker last, then drop what the run has dropped."""
    if not source.is_dir():
        return
    whole = {p.name: p for p in source.iterdir() if (p / MARKER).is_file()}
    for name, folder in whole.items():
        if not (target / name / MARKER).is_file():
            try:
                shutil.copytree(
                    folder,
                    target / name,
                    dirs_exist_ok=True,
                    ignore=shutil.ignore_patterns(MARKER),
                )
                shutil.copyfile(folder / MARKER, target / name / MARKER)
            except OSError as error:  # the run may drop it meanwhile; the next one is copied
                print(f"checkpoint {name} was not copied: {error}", flush=True)
    for file in source.glob("*.safetensors"):
        target.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(file, target / file.name)
    for old in target.iterdir() if target.is_dir() else ():
        if old.is_dir() and old.name not in whole:
            shutil.rmtree(old, ignore_errors=True)


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder:
        raise SystemExit(main(Path(sys.argv[1]), Path(folder)))
