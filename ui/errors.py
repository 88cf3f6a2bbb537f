"""The one place where a UserError becomes what gradio shows. Anything else is logged, not shown."""

from __future__ import annotations

import functools
import logging
from collections.abc import Callable
from typing import ParamSpec, TypeVar

import gradio as gr

from inference.errors import UserError
from ui.handlers.scene import explain_failure

P = ParamSpec("P")
R = TypeVar("R")
log = logging.getLogger(__name__)


def shown(handler: Callable[P, R]) -> Callable[P, R]:
    """Lets a UserError out of an event or API call as gr.Error, so that its text is seen."""

    @functools.wraps(handler)
    def guarded(*args: P.args, **kwargs: P.kwargs) -> R:
        try:
            return handler(*args, **kwargs)
        except gr.Error:
            raise
        except Exception as error:
            problem = error if isinstance(error, UserError) else explain_failure(error)
            raise gr.Error(str(problem), print_exception=False) from error

    return guarded
