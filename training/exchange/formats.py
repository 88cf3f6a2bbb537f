"""The formats of exchange, and which file is read how. Entries are strings: listing the formats
does not import pyarrow."""

from __future__ import annotations

from dataclasses import dataclass

from inference.registry import Spec

LOST_BY_ALL = (
    "what the model said beside its point, who reviewed before the last decision, and which "
    "session an anonymous person used"
)


@dataclass(frozen=True)
class Format(Spec):
    """entry: `write(rows, folder)`. refuses: `refuses(row)` -> why one correction cannot go, or
    None, where a format cannot take them all. files: what it makes. keeps: what stands in it;
    loses: what does not (beside LOST_BY_ALL), or does not come back from an import."""

    files: str = ""
    keeps: str = ""
    loses: str = ""
    refuses: str | None = None


_ALL = (
    "points and boxes to the last digit, verdicts, kinds, rationales, authors, times, last "
    "reviews, slices, the pictures' bytes and names"
)
FORMATS: dict[str, Format] = {
    "sharegpt": Format(
        "LLaMA-Factory (ShareGPT)",
        "training.exchange.sharegpt:write",
        "data.json, dataset_info.json, images/",
        "the pictures and the paper's sentences, with whole pixels of the original picture",
        "all but the point; “no hazard”, for which the paper has no sentence; and what was "
        "rejected or withdrawn, as LLaMA-Factory would train on it",
        "training.exchange.sharegpt:refuses",
    ),
    "parquet": Format(
        "Hugging Face datasets (Parquet)",
        "training.exchange.parquet:write",
        "train-00000-of-00001.parquet with the pictures inside",
        _ALL + "; also INSIGHT's messages",
        "nothing more",
    ),
    "coco": Format(
        "COCO key points",
        "training.exchange.coco:write",
        "annotations.json, images/",
        _ALL + " (in “attributes”)",
        "the way back: Sightline does not import COCO",
    ),
    "csv": Format(
        "CSV",
        "training.exchange.table:write",
        "corrections.csv, images/",
        _ALL,
        "nothing more",
    ),
}

# By a file's ending: `read(path)` -> rows. A .json is INSIGHT's or LLaMA-Factory's list.
READERS: dict[str, str] = {
    ".json": "training.exchange.sharegpt:read",
    ".jsonl": "training.exchange.sharegpt:read_lines",
    ".parquet": "training.exchange.parquet:read",
    ".csv": "training.exchange.table:read",
}
