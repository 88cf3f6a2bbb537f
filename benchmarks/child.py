"""`python -m benchmarks.child MODULE:FUNCTION JSON`: one measurement in a process of its own.

The function gets the JSON object as keyword arguments; what it returns is the last line printed.
"""

from __future__ import annotations

import importlib
import json
import sys


def main(arguments: list[str]) -> int:
    entry, options = arguments
    module, _, name = entry.partition(":")
    answer = getattr(importlib.import_module(module), name)(**json.loads(options))
    print(json.dumps(answer))
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
