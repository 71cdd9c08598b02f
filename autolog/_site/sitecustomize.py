"""Run at the start of every Python program that `autolog run` starts, and of its children.

Any Python may meet this file, also one that is too old for autolog: its syntax is plain.
"""
# ruff: noqa: PTH100, PTH120, UP031, UP036
# mypy: ignore-errors

import os
import sys

# Held, for old Pythons empty a module's names when it leaves `sys.modules`.
_this = sys.modules.pop("sitecustomize", None)
_folder = os.path.dirname(os.path.abspath(__file__))
sys.path[:] = [entry for entry in sys.path if os.path.normcase(entry) != os.path.normcase(_folder)]
sys.path_importer_cache.pop(_folder, None)
try:
    # The one that would have been run without us. If there is none, the error is what `site`
    # expects in that case, and leaves no module behind; any other error is its own to tell.
    import sitecustomize  # noqa: F401
finally:
    if sys.version_info >= (3, 11):
        try:
            from importlib.util import find_spec

            _found = find_spec("autolog")
            # A package: not the unrelated module of that name, which would set up logging.
            if _found is not None and _found.submodule_search_locations:
                from autolog import autolog

                autolog()
        except ImportError as _error:
            # Another environment, where autolog is not installed or lacks what it needs.
            if (_error.name or "").partition(".")[0] == "autolog" and _error.name != "autolog":
                sys.stderr.write("autolog: nothing is recorded here: %s\n" % _error)
        except Exception as _error:
            sys.stderr.write("autolog: nothing is recorded here: %s\n" % _error)
