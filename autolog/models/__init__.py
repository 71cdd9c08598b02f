"""Model directories: saving, signing, trusting, loading."""

from .directory import ModelTooLarge, class_name, save, unsaved
from .flavors import Create, Files, Flavor, Written, flavor_for, flavor_named
from .keys import SigningKey, signing_key
from .loading import AlteredModel, describe, load_model
from .pickling import ModelNotSerialisable

__all__ = [
    "AlteredModel",
    "Create",
    "Files",
    "Flavor",
    "ModelNotSerialisable",
    "ModelTooLarge",
    "SigningKey",
    "Written",
    "class_name",
    "describe",
    "flavor_for",
    "flavor_named",
    "load_model",
    "save",
    "signing_key",
    "unsaved",
]
