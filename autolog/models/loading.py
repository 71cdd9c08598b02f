"""Loading a model directory: what was signed, by whom, and whether that may run code here."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from pathlib import Path, PurePosixPath
from typing import Any, BinaryIO

from .. import reporting
from ..errors import NotFound, UntrustedModel, UsageError
from . import flavors, keys, signing, yamltext

Opener = Callable[[str], BinaryIO]
"""Opens a file of the directory by name; raises NotFound or FileNotFoundError."""


class AlteredModel(UntrustedModel):
    """A file of the model is not what its `signature.json` says."""


def load_model(source: Path | str | Opener, *, trust: bool = False) -> Any:
    """The model of a directory, or of whatever opens its files by name.

    A format that holds code (pickle) is loaded where it was signed by the caller or one of his
    `allowed_signers`, or with `trust=True`; exactly the bytes that were verified are unpickled.
    `trust=True` also loads what was altered after it was signed, and says so.

    Raises:
        UntrustedModel: Loading would run code for which nobody vouches.
        AlteredModel: A file is not what was signed, whoever signed it.
        NotFound: There is no such directory or file.
        UsageError: It is not a model of a kind that is known here.
    """
    files = ModelFiles(_opener(source), trust=trust)
    described = yamltext.parse(files.read("MLmodel").decode("utf-8", "replace"))
    configs = described.get("flavors")
    if not isinstance(configs, Mapping):
        raise UsageError("MLmodel names no flavors; it is no model description")
    flavor, config = flavors.choose(configs)
    return flavor.load(config, files)


def describe(source: Path | str | Opener) -> dict[str, Any]:
    """What `MLmodel` says, unverified; loads nothing of the model. Raises as `load_model` does."""
    return yamltext.parse(_read(_opener(source), "MLmodel").decode("utf-8", "replace"))


def _opener(source: Path | str | Opener) -> Opener:
    if callable(source):
        return source
    folder = Path(source)
    if not (folder / "MLmodel").is_file():
        raise NotFound(f"{folder} is no model directory: it holds no MLmodel")
    return lambda name: (folder / name).open("rb")


def _read(opener: Opener, name: str) -> bytes:
    path = PurePosixPath(name)
    if path.is_absolute() or ".." in path.parts or "\\" in name or "\0" in name:
        raise UsageError(f"MLmodel names a file outside of the model's directory: {name!r}")
    try:
        with opener(name) as stream:
            return stream.read()
    except FileNotFoundError:
        raise NotFound(f"the model's directory holds no {name!r}") from None


class ModelFiles:
    """The files of one directory, each read once, checked, and given out as those same bytes."""

    def __init__(self, opener: Opener, *, trust: bool) -> None:
        self._opener = opener
        self._trust = trust
        self._signature, self._problem = self._verified()

    def read(self, name: str) -> bytes:
        """All bytes of a file. Raises AlteredModel where they are not what was signed."""
        content = _read(self._opener, name)
        problem = self._problem or self._difference(name, content)
        if problem is not None:
            if not self._trust:
                raise AlteredModel(f"{problem}; trust=True loads it all the same")
            reporting.say(f"loading with trust=True although {problem}")
        return content

    def read_code(self, name: str, why: str) -> bytes:
        """All bytes of a file that may run code. Raises UntrustedModel if nobody vouches for it."""
        content = self.read(name)
        if not self._trust:
            self._demand_trust(why)
        return content

    def _demand_trust(self, why: str) -> None:
        if self._signature is None:
            raise UntrustedModel(
                f"{why}, and nobody signed it; load_model(..., trust=True) lets it run its code, "
                'saving with format="skops" needs no trust'
            )
        public = self._signature.public
        if public not in keys.trusted_signers():
            raise UntrustedModel(
                f"{why}, signed by {keys.fingerprint(public)}, whom you have not allowed; "
                f"load_model(..., trust=True) lets it run its code, or add the signer to "
                f"{keys.folder() / 'allowed_signers'} as the line: NAME {keys.shown(public)}"
            )

    def _verified(self) -> tuple[signing.Signature | None, str | None]:
        """The signature if there is one that holds, and what is wrong with it otherwise."""
        try:
            content = _read(self._opener, signing.NAME)
        except NotFound:
            return None, None
        try:
            return signing.verify(content), None
        except ValueError as error:
            return None, f"{signing.NAME} is not valid ({error})"

    def _difference(self, name: str, content: bytes) -> str | None:
        if self._signature is None:
            return None
        signer = keys.fingerprint(self._signature.public)
        facts = self._signature.files.get(name)
        if facts is None:
            return f"{name} is not among the files that {signer} signed"
        if facts != (len(content), hashlib.sha256(content).hexdigest()):
            return f"{name} is not what {signer} signed: it was altered"
        return None
