"""Files to keep: the comparison as PNG and its numbers as JSON. Plain functions, no gradio."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

from inference.errors import UserError
from ui import export, numbers
from ui.address import ViewSettings
from ui.handlers.desk import Desk
from ui.handlers.scene import fit_settings
from ui.store import StoredResult


def save_png(desk: Desk, result_id: str, view: ViewSettings) -> str:
    """Path of the picture of all panels, as they are shown now (without zoom)."""
    result = _result(desk, result_id)
    view = fit_settings(result.pair, view)
    maps = desk.services.make_pair_maps(result.pair, view.maps)
    sentence = desk.services.describe(result.pair, maps) if desk.services.describe else ""
    picture = export.comparison(result, maps, view, desk.services.model_info(), sentence)
    path = _file(desk, result, "png")
    picture.save(path)
    return str(path)


def save_json(desk: Desk, result_id: str, view: ViewSettings) -> str:
    """Path of the numbers behind the page, maps included."""
    path = _file(desk, _result(desk, result_id), "json")
    path.write_text(json.dumps(as_numbers(desk, result_id, view), indent=1), encoding="utf-8")
    return str(path)


def as_numbers(desk: Desk, result_id: str, view: ViewSettings) -> dict[str, Any]:
    """The numbers of a finished result under these settings."""
    result = _result(desk, result_id)
    view = fit_settings(result.pair, view)
    maps = desk.services.make_pair_maps(result.pair, view.maps)
    return numbers.as_json(result, maps, view, desk.services.model_info(), desk.services.versions())


def _result(desk: Desk, result_id: str) -> StoredResult:
    result = desk.results.get(result_id)
    if result is None:
        raise UserError("There is no result to save any more", hint="Press Look once more")
    return result


def _file(desk: Desk, result: StoredResult, suffix: str) -> Path:
    """A name with the picture's name and hash."""
    stem = re.sub(r"[^A-Za-z0-9_-]+", "-", Path(result.pair.image.name).stem).strip("-")[:60]
    short = result.pair.image.content_hash[:8]
    return desk.pictures.new_file(f"sightline-{stem or 'picture'}-{short}.{suffix}")
