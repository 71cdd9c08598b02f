"""How torch's modules are written and read: weights as safetensors, the rest as a description.

No pickle and no call of the program's constructors: a module is its class, its plain attributes,
its tensors and its parts. Names of classes are read back: those of modules must be importable, of
those that the program itself defined the source is kept.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from autolog.errors import UsageError
from autolog.models.flavors import Create, Files, Written

WEIGHTS, STRUCTURE, FORM = "model.safetensors", "structure.json", "safetensors"
PACKAGE = "code/autolog_torch"
"""Where MLflow finds its loader."""
PROGRAM = f"{PACKAGE}/program.py"
"""What the program itself defined of the model, where it did."""


class TorchFlavor:
    """A directory with `model.safetensors` and `structure.json`; loads without unpickling.

    MLflow's generic loader loads it by what stands in `code/`, which needs torch alone.
    """

    name = "torch"

    def handles(self, model: Any) -> bool:
        """Whether it is a module of torch; Keras's models on torch are Keras's."""
        torch = sys.modules.get("torch")
        return torch is not None and isinstance(model, torch.nn.Module)

    def write(self, model: Any, create: Create) -> Written:
        """Write both files."""
        from . import definitions, safetensors, structure

        tensors: dict[str, Any] = {}
        described = structure.describe(model, tensors)
        with create(WEIGHTS) as stream:
            safetensors.write(stream, tensors)
        _put(create, STRUCTURE, json.dumps(described, indent=1))
        for name in ("pyfunc", "rebuilding", "safetensors"):
            source = Path(__file__).with_name(f"{name}.py").read_text("utf-8")
            _put(create, f"{PACKAGE}/{'__init__' if name == 'pyfunc' else name}.py", source)
        program = definitions.kept(structure.own_classes(model))
        if program is not None:
            _put(create, PROGRAM, program)
        config = {
            "torch_version": sys.modules["torch"].__version__,
            "weights": WEIGHTS,
            "structure": STRUCTURE,
            "class": described["class"],
            "class_sha256": definitions.digest_of(type(model)),
            "program": PROGRAM if program is not None else None,
        }
        pyfunc = {"loader_module": "autolog_torch", "code": "code"}
        needed = ("torch", "numpy")
        return Written({k: v for k, v in config.items() if v is not None}, pyfunc, FORM, needed)

    def load(self, config: Mapping[str, Any], files: Files) -> Any:
        """The module, as it was saved; its class is imported, not called."""
        from . import rebuilding, safetensors, structure

        names = config.get("weights"), config.get("structure")
        if names != (WEIGHTS, STRUCTURE):
            raise UsageError(f"MLmodel's torch flavor has no known files {names!r}")
        described = json.loads(files.read(STRUCTURE))
        own = sorted(structure.classes(described))
        if own:
            why = f"it imports {', '.join(own[:5])}"
            described = json.loads(files.read_code(STRUCTURE, why))

        def definitions() -> dict[str, Any]:
            if config.get("program") != PROGRAM:
                return {}
            return rebuilding.defined(files.read_code(PROGRAM, "it defines its class").decode())

        try:
            return rebuilding.rebuild(described, safetensors.read(files.read(WEIGHTS)), definitions)
        except rebuilding.NotImportable as error:
            raise UsageError(str(error)) from None


def _put(create: Create, name: str, text: str) -> None:
    with create(name) as stream:
        stream.write(text.encode("utf-8"))
