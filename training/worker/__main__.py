"""`python -m training.worker CONFIG.json`; `accelerate launch -m training.worker CONFIG.json`."""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

from inference.errors import UserError
from inference.registry import load_plugins
from training.jobs.config import EXIT_FAILED, read_config


def main() -> int:
    """The exit code says how it ended: 0 trained, 75 cancelled with a checkpoint, 76 failed."""
    parser = argparse.ArgumentParser(prog="python -m training.worker", description=__doc__)
    parser.add_argument("config", type=Path, help="a JSON file, see training/jobs/config.py")
    load_plugins()
    try:
        config = read_config(parser.parse_args().config)
    except UserError as error:
        print(f"failed: {error}", file=sys.stderr)
        return EXIT_FAILED
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
    from training.worker.run import run

    return run(config)


if __name__ == "__main__":
    raise SystemExit(main())
