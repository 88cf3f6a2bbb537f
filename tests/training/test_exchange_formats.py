"""The registry of formats."""

from __future__ import annotations

import subprocess
import sys

import pytest

from inference.registry import resolve
from training.exchange.formats import FORMATS, READERS


@pytest.mark.parametrize("name", list(FORMATS))
def test_every_format_resolves_and_says_what_it_keeps(name: str) -> None:
    spec = FORMATS[name]
    assert callable(resolve(spec.entry))
    assert spec.refuses is None or callable(resolve(spec.refuses))
    assert spec.label and spec.files and spec.keeps and spec.loses


@pytest.mark.parametrize("entry", list(READERS.values()))
def test_every_reader_resolves(entry: str) -> None:
    assert callable(resolve(entry))


def test_listing_formats_imports_nothing_heavy() -> None:
    """pandas, which gradio brings, imports pyarrow itself."""
    code = (
        "import sys, training.exchange.importing, training.exchange.exporting;"
        "import training.agreement.measures;"
        "print([m for m in ('pyarrow.parquet', 'nltk', 'torch') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
