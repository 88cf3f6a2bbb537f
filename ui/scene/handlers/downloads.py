"""Files to keep: the comparison as a sheet and its numbers as JSON. Plain functions, no gradio."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

from ui.scene import export
from ui.scene.address import ViewSettings
from ui.scene.handlers import correct
from ui.scene.handlers.view import fit_settings, stored
from ui.scene.numbers import as_json
from ui.shell.desk import Desk
from ui.shell.results import StoredResult
from ui.shell.visitors import Visitor

GONE = "There is no result to save any more"


def sheet(visitor: Visitor, desk: Desk, result_id: str, view: ViewSettings) -> str:
    """All panels as they are shown now (without zoom): JSON of an SVG and the PNG's name."""
    result = stored(desk, result_id, GONE)
    view = fit_settings(result.pair, view)
    maps = desk.services.make_pair_maps(result.pair, view.maps)
    human = correct.mine(visitor, desk, result).point
    svg = export.sheet(desk, result, maps, view.opacity, human)
    return json.dumps({"name": _name(result, "png"), "svg": svg})


def save_json(desk: Desk, result_id: str, view: ViewSettings) -> str:
    """Path of the numbers behind the page, maps included."""
    numbers = as_numbers(desk, result_id, view)
    result = stored(desk, result_id, GONE)
    path = desk.pictures.new_file(_name(result, "json"))
    path.write_text(json.dumps(numbers, indent=1), encoding="utf-8")
    return str(path)


def as_numbers(
    desk: Desk, result_id: str, view: ViewSettings, strict: bool = False
) -> dict[str, Any]:
    """The numbers of a finished result under these settings. strict: UserError for settings that
    this result does not have."""
    result = stored(desk, result_id, GONE)
    view = fit_settings(result.pair, view, strict)
    maps = desk.services.make_pair_maps(result.pair, view.maps)
    return as_json(result, maps, view, desk.services.model_info(), desk.services.versions())


def _name(result: StoredResult, suffix: str) -> str:
    """With the image's name and hash."""
    stem = re.sub(r"[^A-Za-z0-9_-]+", "-", Path(result.pair.image.name).stem).strip("-")[:60]
    return f"sightline-{stem or 'image'}-{result.pair.image.content_hash[:8]}.{suffix}"
