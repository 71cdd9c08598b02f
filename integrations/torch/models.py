"""How torch's modules are written and read: weights as safetensors, the rest as a description.

No pickle and no call of the program's constructors: a module is its class, its plain attributes,
its tensors and its parts. Only names of classes are read back, which must be importable.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from typing import Any

from autolog.errors import UsageError
from autolog.models.flavors import Create, Files, Written

WEIGHTS, STRUCTURE = "model.safetensors", "structure.json"


class TorchFlavor:
    """A directory with `model.safetensors` and `structure.json`; loads without unpickling."""

    name = "torch"

    def handles(self, model: Any) -> bool:
        """Whether it is a module of torch; Keras's models on torch are Keras's."""
        torch = sys.modules.get("torch")
        return torch is not None and isinstance(model, torch.nn.Module)

    def write(self, model: Any, create: Create) -> Written:
        """Write both files."""
        from . import safetensors, structure

        tensors: dict[str, Any] = {}
        described = structure.describe(model, tensors)
        with create(WEIGHTS) as stream:
            safetensors.write(stream, tensors)
        with create(STRUCTURE) as stream:
            stream.write(json.dumps(described, indent=1).encode("utf-8"))
        config = {
            "torch_version": sys.modules["torch"].__version__,
            "weights": WEIGHTS,
            "structure": STRUCTURE,
            "class": described["class"],
        }
        return Written(config, {}, "safetensors", ("torch",))

    def load(self, config: Mapping[str, Any], files: Files) -> Any:
        """The module, as it was saved; its class is imported, not called."""
        from . import safetensors, structure

        names = config.get("weights"), config.get("structure")
        if names != (WEIGHTS, STRUCTURE):
            raise UsageError(f"MLmodel's torch flavor has no known files {names!r}")
        described = json.loads(files.read(STRUCTURE))
        own = sorted(structure.classes(described))
        if own:
            why = f"it imports {', '.join(own[:5])}"
            described = json.loads(files.read_code(STRUCTURE, why))
        return structure.rebuild(described, safetensors.read(files.read(WEIGHTS)))
