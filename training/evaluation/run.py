"""`python -m training.evaluate`: base, adapters and blind baselines on the same images.

Prints a table, and as its last line one JSON object {"task", "n", "sides", "slices", ...}.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from inference.adapters import CARD, discover, read_card
from inference.errors import UserError, unknown
from inference.registry import TASKS, load_plugins, resolve
from inference.registry import task as find_task
from training.evaluation.folders import load_folder
from training.evaluation.scoring import Response, Tally, report
from training.evaluation.sets import EvalCase, EvalSet, load_split
from training.evaluation.sources import SPLITS
from training.evaluation.table import table
from training.store.whole import write_json

ROOT = Path(__file__).resolve().parents[2]
# Paths, not imports: nothing below `examples` may import it.
EMBEDDED_MODEL = ROOT / "examples" / "models" / "sightline-tiny"
ADAPTERS = ROOT / "examples" / "adapters"
# A string, so that --help and wrong arguments need no torch.
SIDES = "training.evaluation.responses:ModelSides"

Respond = Callable[[EvalCase], Mapping[str, Response]]
MakeRespond = Callable[..., Respond]


def parser() -> argparse.ArgumentParser:
    p = argparse.ArgumentParser(prog="python -m training.evaluate", description=__doc__)
    p.add_argument("--task", default="hazard")
    p.add_argument(
        "--split", default="heldout", help=f"one of {', '.join(SPLITS)}, without the task"
    )
    p.add_argument("--data", type=Path, help="a folder instead: manifest.csv or INSIGHT's rows")
    p.add_argument("--n", type=int, help="number of images (default: all; 500 held-out scenes)")
    p.add_argument("--seed-start", type=int, help="first seed of the split's scenes")
    p.add_argument(
        "--adapter",
        nargs="*",
        help="names or folders (default: all embedded adapters of the task; none: the base alone)",
    )
    p.add_argument("--model", default=str(EMBEDDED_MODEL), help="folder or hub id of the base")
    p.add_argument("--quantize", default="none", choices=["none", "nf4", "int8"])
    p.add_argument("--device", default="auto", choices=["auto", "cpu", "cuda"])
    p.add_argument("--json", action="store_true", help="print the JSON line alone")
    p.add_argument(
        "--write-cards",
        action="store_true",
        help="put the object into each adapter's card.json: heldout, or extra.photos with --data",
    )
    return p


def main(argv: Sequence[str] | None = None, make_respond: MakeRespond | None = None) -> int:
    """Run the command. make_respond: called as `model_sides` (tests put a fake)."""
    load_plugins()
    arguments = parser().parse_args(argv)
    try:
        result = evaluate(arguments, make_respond or model_sides)
    except UserError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    if not arguments.json:
        print(table(result, result["data"]), end="\n\n")
    print(json.dumps(result))
    return 0


def evaluate(arguments: argparse.Namespace, make_respond: MakeRespond) -> dict[str, Any]:
    """The report of one run, written into the cards if that was asked for."""
    if arguments.task not in TASKS:
        raise unknown("task", arguments.task, TASKS)
    if arguments.n is not None and arguments.n < 1:
        raise UserError("--n must be positive", got=str(arguments.n))
    started = time.monotonic()
    adapters = adapter_folders(arguments.adapter, arguments.task)
    data = _data(arguments)
    respond = make_respond(
        arguments.model,
        adapters,
        task=arguments.task,
        quantize=arguments.quantize,
        device=arguments.device,
    )
    tally = Tally(find_task(arguments.task))
    for i, case in enumerate(data.cases(), 1):
        tally.add(case, respond(case))
        _progress(i, data.total, time.monotonic() - started)
    result = {
        "task": arguments.task,
        **report(tally, data),
        "data": data.name,
        "model": Path(arguments.model).name if Path(arguments.model).exists() else arguments.model,
        "seconds": round(time.monotonic() - started, 1),
    }
    if arguments.write_cards:
        for folder in adapters:
            write_card(folder, result, photos=arguments.data is not None)
    return result


def model_sides(model: str, adapters: Sequence[Path], **options: Any) -> Respond:
    """The real sides; see `responses.ModelSides`."""
    sides: Respond = resolve(SIDES)(model, adapters, **options)
    return sides


def adapter_folders(named: Sequence[str] | None, task: str) -> list[Path]:
    """Folders of the adapters named, or of all embedded ones of the task."""
    if named is None:
        entries = discover([ADAPTERS])
        return [Path(e.source) for e in entries if e.card is not None and e.card.task == task]
    return [_adapter_folder(name, task) for name in named]


def _adapter_folder(name: str, task: str) -> Path:
    for folder in (Path(name), ADAPTERS / name, ADAPTERS / f"{task}-{name}"):
        if (folder / "adapter_config.json").is_file():
            return folder
    known = [p.name for p in ADAPTERS.iterdir() if p.is_dir()] if ADAPTERS.is_dir() else []
    raise UserError(
        "There is no such adapter",
        expected=f"a folder with adapter_config.json, or one of {', '.join(sorted(known)) or '-'}",
        got=name,
    )


def _data(arguments: argparse.Namespace) -> EvalSet:
    if arguments.data is None:
        return load_split(arguments.task, arguments.split, arguments.n, arguments.seed_start)
    if not arguments.data.is_dir():
        raise UserError("There is no such folder", got=str(arguments.data))
    return load_folder(arguments.data, arguments.n)


def write_card(folder: Path, result: Mapping[str, Any], *, photos: bool) -> None:
    """Put the object into the adapter's card: `heldout`, or `extra.photos`."""
    read_card(folder)  # a faulty card is refused before it is rewritten
    path = folder / CARD
    if not path.is_file():
        raise UserError("The adapter has no card to write to", expected=str(path), got="no file")
    card = json.loads(path.read_text(encoding="utf-8"))
    if photos:
        card.setdefault("extra", {})["photos"] = dict(result)
    else:
        card["heldout"] = dict(result)
    write_json(path, card)


def _progress(done: int, total: int, seconds: float) -> None:
    if done == total or done % 10 == 0:
        left = seconds / done * (total - done)
        print(f"{done} of {total}, {left:.0f} s left", file=sys.stderr, flush=True)
