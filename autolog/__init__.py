"""autolog records machine-learning training by itself.

`from autolog import autolog` and `import autolog` give the same object: calling it enables the
recording, and every public name hangs on it. Nothing heavy is imported before that call.
"""

from __future__ import annotations

import sys
from types import ModuleType
from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

PUBLIC = (
    "active_run",
    "autolog",
    "disable",
    "get_run",
    "load_model",
    "log_artifact",
    "log_dataset",
    "log_figure",
    "log_metric",
    "log_metrics",
    "log_model",
    "log_param",
    "log_params",
    "log_table",
    "paused",
    "search_runs",
    "set_tag",
    "set_tags",
    "start_run",
)
__all__ = [*PUBLIC]

if TYPE_CHECKING:
    from .api import Autolog
    from .api import active_run as active_run
    from .api import disable as disable
    from .api import get_run as get_run
    from .api import load_model as load_model
    from .api import log_artifact as log_artifact
    from .api import log_dataset as log_dataset
    from .api import log_figure as log_figure
    from .api import log_metric as log_metric
    from .api import log_metrics as log_metrics
    from .api import log_model as log_model
    from .api import log_param as log_param
    from .api import log_params as log_params
    from .api import log_table as log_table
    from .api import paused as paused
    from .api import search_runs as search_runs
    from .api import set_tag as set_tag
    from .api import set_tags as set_tags
    from .api import start_run as start_run

    autolog: Autolog


class _Callable(ModuleType):
    """This very module, made callable; public names are loaded at their first use."""

    def __call__(self, *args: Any, **settings: Any) -> None:
        """Enable the recording; see `autolog.api.enable`."""
        from . import api

        api.enable(*args, **settings)

    def __getattr__(self, name: str) -> Any:
        if name not in PUBLIC:
            raise AttributeError(f"module 'autolog' has no attribute {name!r}")
        from . import api

        value = getattr(api, name)
        self.__dict__[name] = value
        return value

    def __dir__(self) -> list[str]:
        return sorted({*self.__dict__, *PUBLIC})


_module = sys.modules[__name__]
_module.__class__ = _Callable
_module.__dict__["autolog"] = _module
