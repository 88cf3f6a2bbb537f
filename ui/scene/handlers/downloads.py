"""Files to keep: the comparison as PNG and its numbers as JSON. Plain functions, no gradio."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

from inference.errors import UserError
from ui.scene import export
from ui.scene.handlers import correct
from ui.scene.handlers.view import fit_settings
from ui.scene.numbers import as_json
from ui.shell.address import ViewSettings
from ui.shell.desk import Desk
from ui.shell.results import StoredResult
from ui.shell.visitors import Visitor, require


def save_png(visitor: Visitor, desk: Desk, result_id: str, view: ViewSettings) -> str:
    """Path of the picture of all panels, as they are shown now (without zoom)."""
    require(visitor, "viewer", "Downloading")
    result = _result(desk, result_id)
    view = fit_settings(result.pair, view)
    maps = desk.services.make_pair_maps(result.pair, view.maps)
    sentence = desk.services.describe(result.pair, maps) if desk.services.describe else ""
    human = correct.mine(visitor, desk, result).point
    info = desk.services.model_info()
    picture = export.comparison(result, maps, view, info, sentence, human)
    path = _file(desk, result, "png")
    picture.save(path)
    return str(path)


def save_json(visitor: Visitor, desk: Desk, result_id: str, view: ViewSettings) -> str:
    """Path of the numbers behind the page, maps included."""
    require(visitor, "viewer", "Downloading")
    path = _file(desk, _result(desk, result_id), "json")
    path.write_text(
        json.dumps(as_numbers(visitor, desk, result_id, view), indent=1), encoding="utf-8"
    )
    return str(path)


def as_numbers(visitor: Visitor, desk: Desk, result_id: str, view: ViewSettings) -> dict[str, Any]:
    """The numbers of a finished result under these settings."""
    require(visitor, "viewer", "Looking at a result")
    result = _result(desk, result_id)
    view = fit_settings(result.pair, view)
    maps = desk.services.make_pair_maps(result.pair, view.maps)
    return as_json(result, maps, view, desk.services.model_info(), desk.services.versions())


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
