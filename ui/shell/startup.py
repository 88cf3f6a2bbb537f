"""The real services behind the page, and what runs beside it: copies of the store, training jobs.

Imports no torch. `app.py` calls it, tests put fakes in its place.
"""

from __future__ import annotations

import os
import signal
import sys
from argparse import Namespace
from functools import cache, partial
from ipaddress import ip_address
from pathlib import Path

from explain.describe import describe
from explain.maps import default_tokens, make_pair_maps
from explain.registry import EXPLAINERS
from inference.errors import UserError
from inference.media import load_media
from inference.service import ModelService
from training.adapters.promotion import promoted
from training.jobs.supervisor import Supervisor
from training.store.backup import BackupThread, restore_if_missing
from training.store.home import Home
from training.store.mirror import Mirror, repository
from ui.shell.services import Services, default_adapter, installed_versions, read_examples
from ui.shell.visitors import on_space, who


def build_services(flags: Namespace, home: Home, examples: Path) -> Services:
    """flags: as `app.parse_flags` reads them. examples: folder of models, adapters, pictures."""
    roots = [examples / "adapters", home.adapters]
    options = (flags.quantize, flags.device, flags.dtype)
    model = ModelService(flags.model, flags.embedded, flags.adapter, roots, *options)

    def first_adapter() -> str | None:
        return default_adapter(model.adapters(), flags.adapter, _promoted(home), examples)

    return Services(
        model_info=model.info,
        load_media=load_media,
        list_adapters=model.adapters,
        default_adapter=first_adapter,
        load_adapter=model.load_adapter,
        unload_adapter=model.unload_adapter,
        predict_pair=model.predict_pair,
        make_pair_maps=make_pair_maps,
        default_tokens=default_tokens,
        explainers=EXPLAINERS,
        examples=cache(lambda: read_examples(examples / "media")),
        describe=describe,
        versions=installed_versions,
        home=home,
        base_model=lambda: str(flags.embedded if model.info().embedded else flags.model),
        who=partial(who, trusted=network_is_trusted(flags)),
    )


def network_is_trusted(flags: Namespace) -> bool:
    """Whether whoever reaches the app may do everything: with --trust-network, and without it
    where nobody but this machine can (a loopback address, no public link)."""
    if flags.trust_network is not None:
        return bool(flags.trust_network)
    shared = os.environ.get("GRADIO_SHARE", "").lower() == "true"
    return _is_loopback(flags.host) and not shared


def _is_loopback(host: str) -> bool:
    try:
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:  # a name, or nothing, which is every address
        return False


def who_may_what(flags: Namespace) -> str:
    """The line at the start that says what visitors may do."""
    if on_space():
        return "On a Space visitors may look; SIGHTLINE_TRAINERS names who may train."
    if network_is_trusted(flags):
        return f"Whoever reaches {flags.host} may correct, train and use this machine's hub login."
    return f"Visitors of {flags.host} may only look; --trust-network gives them all rights."


def run_beside(home: Home) -> None:
    """Before the page is built: the store's way back, then its copies (a mirror only where
    SIGHTLINE_DATASET names one) and the training queue.

    Raises UserError where a lost database cannot be restored, or a setting makes no sense.
    """
    restored = restore_if_missing(home)
    if restored is not None:
        print(f"The database was missing; restored {restored}", file=sys.stderr)
    BackupThread(home).start()
    if (dataset := repository()) is not None:
        Mirror(home, dataset).start()
    Supervisor(home).start()
    # Python runs its exit handlers, and with them the last backup, only when it ends by itself.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))


def _promoted(home: Home) -> str | None:
    """The adapter in use for hazards, or None. A store that cannot be read hides no page."""
    try:
        return promoted(home, "hazard")
    except UserError:
        return None
