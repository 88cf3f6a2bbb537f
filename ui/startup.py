"""The real services behind the page, and what runs beside it: copies of the store, training jobs.

Imports no torch. `app.py` calls it, tests put fakes in its place.
"""

from __future__ import annotations

from argparse import Namespace
from functools import cache
from pathlib import Path

from explain.describe import describe
from explain.maps import default_tokens, make_pair_maps
from explain.registry import EXPLAINERS
from inference.errors import UserError
from inference.media import load_image
from inference.service import ModelService
from inference.tasks.hazard import PROMPTS, validate_prompt
from training.home import Home
from training.promotion import promoted
from ui.services import Services, default_adapter, installed_versions, read_examples


def build_services(flags: Namespace, home: Home, examples: Path) -> Services:
    """flags: as `app.parse_flags` reads them. examples: folder of models, adapters, pictures."""
    roots = [examples / "adapters", home.adapters]
    options = (flags.quantize, flags.device, flags.dtype)
    model = ModelService(flags.model, flags.embedded, flags.adapter, roots, *options)

    def first_adapter() -> str | None:
        return default_adapter(model.adapters(), flags.adapter, _promoted(home), examples)

    return Services(
        model_info=model.info,
        load_image=load_image,
        list_adapters=model.adapters,
        default_adapter=first_adapter,
        load_adapter=model.load_adapter,
        unload_adapter=model.unload_adapter,
        predict_pair=model.predict_pair,
        make_pair_maps=make_pair_maps,
        default_tokens=default_tokens,
        explainers=EXPLAINERS,
        prompts=PROMPTS,
        validate_prompt=validate_prompt,
        examples=cache(lambda: read_examples(examples / "media")),
        describe=describe,
        versions=installed_versions,
        home=home,
    )


def _promoted(home: Home) -> str | None:
    """The adapter in use for hazards, or None. A store that cannot be read hides no page."""
    try:
        return promoted(home, "hazard")
    except UserError:
        return None
