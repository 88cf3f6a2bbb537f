"""Command line: `python -m benchmarks NAME|all [--json] [--smoke]`."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

from benchmarks.measure import ROOT, machine, provenance
from benchmarks.registry import BENCHMARKS, misses, resolve

RESULTS = ROOT / "benchmarks" / "results"


def measure(name: str, smoke: bool) -> dict[str, Any]:
    """Run one benchmark; its figures with what they were measured on."""
    spec = BENCHMARKS[name]
    figures = resolve(name)(smoke)
    missing = [key for key in spec.keys if key not in figures]
    if missing:
        raise KeyError(f"benchmark {name} did not report {', '.join(missing)}")
    # Smoke sizes show that it runs; the targets mean nothing there.
    verdict = {} if smoke else {"targets": spec.targets, "missed": misses(spec, figures)}
    about = {**verdict, **provenance(), "machine": machine()}
    return {"name": name, "smoke": smoke, **figures, **about}


def save(result: dict[str, Any], folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    text = json.dumps(result, indent=2, ensure_ascii=False) + "\n"
    (folder / f"{result['name']}.json").write_text(text, encoding="utf-8")


def report(result: dict[str, Any]) -> None:
    """The result for a person to read."""
    spec = BENCHMARKS[result["name"]]
    print(spec.label)
    for key in spec.keys:
        bound = f"   (target at most {spec.at_most[key]:g})" if key in spec.at_most else ""
        print(f"  {key:24s} {result[key]:.4g}{bound}")
    for miss in result.get("missed", []):
        print(f"  MISSED: {miss}")


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("name", choices=[*BENCHMARKS, "all"])
    parser.add_argument("--json", action="store_true", help="print nothing but the JSON object")
    parser.add_argument("--smoke", action="store_true", help="tiny sizes; nothing is written")
    parser.add_argument("--out", type=Path, default=RESULTS, help="folder for the results")
    options = parser.parse_args(arguments)
    every = [name for name, spec in BENCHMARKS.items() if not spec.by_name]
    names = every if options.name == "all" else [options.name]
    results = []
    for name in names:
        result = measure(name, options.smoke)
        results.append(result)
        if not options.smoke:
            save(result, options.out)
        if not options.json:
            report(result)
    # A miss is reported, not an error: a busy machine must not look like a broken program.
    made = results[0] if len(results) == 1 else {r["name"]: r for r in results}
    print(json.dumps(made), flush=True)


if __name__ == "__main__":
    main()
