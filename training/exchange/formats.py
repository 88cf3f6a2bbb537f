"""The formats of exchange, and which file is read how. Entries are strings: listing the formats
does not import pyarrow."""

from __future__ import annotations

from dataclasses import dataclass

from inference.registry import Spec

LOST_BY_ALL = (
    "what the model said beside its values, who reviewed before the last decision, and which "
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
    "values to the last digit, verdicts, notes, authors, times, last "
    "reviews, slices, the images' bytes and names"
)
FORMATS: dict[str, Format] = {
    "sharegpt": Format(
        "LLaMA-Factory (ShareGPT)",
        "training.exchange.sharegpt:write",
        "data.json, dataset_info.json, images/",
        "the images and the task's sentences, with whole pixels of the original image",
        "all but the answer; “no hazard”, for which there is no sentence; and what was "
        "rejected or withdrawn, as LLaMA-Factory would train on it",
        "training.exchange.sharegpt:refuses",
    ),
    "parquet": Format(
        "Hugging Face datasets (Parquet)",
        "training.exchange.parquet:write",
        "train-00000-of-00001.parquet with the images inside",
        _ALL + "; also the chat messages",
        "nothing more",
    ),
    "coco": Format(
        "COCO key points",
        "training.exchange.coco:write",
        "annotations.json, images/",
        _ALL + " (in “attributes”)",
        "the way back: Sightline does not import COCO; and answers without a point",
        "training.exchange.coco:refuses",
    ),
    "csv": Format(
        "CSV",
        "training.exchange.table:write",
        "corrections.csv, images/",
        _ALL,
        "nothing more",
    ),
}
