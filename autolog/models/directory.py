"""Writing a model directory as MLflow lays it out: the model, `MLmodel`, environment, signature."""

from __future__ import annotations

import contextlib
import functools
import hashlib
import json
import os
import time
from collections.abc import Iterable, Iterator, Mapping
from types import TracebackType
from typing import Any, BinaryIO, cast

from .. import environment
from ..backend import Create
from ..errors import AutologError
from . import signing, yamltext
from .example import Example
from .flavors import Flavor, Written
from .keys import SigningKey, shown

MLFLOW_LEVEL = "3.18.0"
"""The release of MLflow whose directory format this is; readers of `MLmodel` branch on it."""

MLFLOW_NEEDED = "mlflow>=3,<4"
"""For tools that build a server from the directory; loading it with us does not need it."""


class ModelTooLarge(AutologError):
    """The model went beyond the limit while it was written; `bytes` had come by then."""

    def __init__(self, size: int, limit: int) -> None:
        super().__init__(f"the model is larger than max_model_size ({limit:,} bytes)")
        self.bytes = size


class _Stream:
    """A file being written: hashed and counted as it goes."""

    def __init__(self, file: BinaryIO, folder: _Folder) -> None:
        self._file = file
        self._folder = folder
        self._sha256 = hashlib.sha256()
        self.size = 0

    def write(self, data: Any) -> int:
        """Pass `data` on; raises ModelTooLarge once the whole folder is beyond its limit."""
        view = memoryview(data)
        size = view.nbytes
        self.size += size
        self._folder.grow(size)
        self._sha256.update(view)
        self._file.write(view)
        return size

    def facts(self) -> signing.FileFacts:
        return signing.FileFacts(self.size, self._sha256.hexdigest())


class _Folder:
    """The files of one directory, which appear together at the end, or none of them."""

    def __init__(self, create: Create, limit: int) -> None:
        self._create = create
        self._limit = limit
        self._written: list[contextlib.AbstractContextManager[BinaryIO]] = []
        self.files: dict[str, signing.FileFacts] = {}
        self.size = 0

    def grow(self, size: int) -> None:
        self.size += size
        if self.size > self._limit:
            raise ModelTooLarge(self.size, self._limit)

    @contextlib.contextmanager
    def create(self, name: str) -> Iterator[BinaryIO]:
        """A stream for one file; what was written of it is dropped where the block fails."""
        manager = self._create(name)
        stream = _Stream(manager.__enter__(), self)
        try:
            yield cast(BinaryIO, stream)
        except BaseException as error:
            self.size -= stream.size
            manager.__exit__(type(error), error, error.__traceback__)
            raise
        self.files[name] = stream.facts()
        self._written.append(manager)

    def put(self, name: str, content: bytes) -> None:
        with self.create(name) as stream:
            stream.write(content)

    def __enter__(self) -> _Folder:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Let all files appear, the model's own first, `MLmodel` last of all; or drop them."""
        waiting = self._written
        while waiting:
            manager = waiting.pop(0)
            try:
                manager.__exit__(kind, error, trace)
            except Exception as failure:
                if error is None:
                    kind, error, trace = type(failure), failure, failure.__traceback__
        if error is not None and kind is not None:
            raise error


def save(
    model: Any,
    flavor: Flavor,
    create: Create,
    *,
    signature: Mapping[str, Any] | None = None,
    limit: int,
    extra: Mapping[str, Any] | None = None,
    key: SigningKey | None = None,
    example: Example | None = None,
) -> dict[str, Any]:
    """Write a model directory through `create`; the value of its `model` record, without `path`.

    Args:
        model: Any object that `flavor` can write.
        flavor: How its library's models are written.
        create: Opens each file of the directory.
        signature: `{"inputs": …, "outputs": …, "params": …}` in MLflow's schema form.
        limit: Bytes of the whole directory beyond which the writing is broken off.
        extra: Goes into the `metadata` of `MLmodel`: the run's id.
        key: Signs the directory.
        example: Rows that the model takes, kept beside it.

    Raises:
        ModelTooLarge: It went beyond `limit`; no file is left.
        ModelNotSerialisable: It cannot be pickled; no file is left.
    """
    with _Folder(create, limit) as folder:
        written = flavor.write(model, folder.create)
        distributions = frozenset(written.distributions)
        for name, content in _environment(distributions, environment.python_version()).items():
            folder.put(name, content)
        for name, content in example.files.items() if example else ():
            folder.put(name, content)
        described = _description(model, flavor, written, signature, folder.size, extra or {})
        if example:
            described["saved_input_example_info"] = dict(example.info)
        mlmodel = yamltext.emit(described).encode("utf-8")
        if key is not None:
            facts = signing.FileFacts(len(mlmodel), hashlib.sha256(mlmodel).hexdigest())
            folder.put(signing.NAME, signing.sign({**folder.files, "MLmodel": facts}, key))
        folder.put("MLmodel", mlmodel)
    return _record(model, flavor, written, signature, folder, key)


def unsaved(model: Any, flavor: Flavor | None, error: Exception) -> dict[str, Any]:
    """The value of the `model` record of a model that could not be saved."""
    facts = {
        "flavor": flavor.name if flavor else None,
        "class": class_name(model),
        "bytes": getattr(error, "bytes", None),
        "error": f"{type(error).__name__}: {error}".splitlines()[0][:500],
    }
    return {name: value for name, value in facts.items() if value is not None}


def class_name(model: Any) -> str:
    """`sklearn.linear_model._logistic.LogisticRegression`."""
    return f"{type(model).__module__}.{type(model).__qualname__}"


def _record(
    model: Any,
    flavor: Flavor,
    written: Written,
    signature: Mapping[str, Any] | None,
    folder: _Folder,
    key: SigningKey | None,
) -> dict[str, Any]:
    value: dict[str, Any] = {
        "flavor": flavor.name,
        "class": class_name(model),
        "bytes": folder.size,
        "sha256": {name: facts.sha256 for name, facts in folder.files.items()},
        "format": written.format,
        "partial": written.partial,
        "signer": shown(key.public) if key else None,
        "signature": dict(signature) if signature else None,
        "non_importable": _left_behind(model, written.format) if written.by_name else None,
    }
    return {name: item for name, item in value.items() if item not in (None, [], "")}


def _left_behind(model: Any, form: str) -> list[str]:
    """Classes that another machine will not find; cloudpickle takes some of them along."""
    names = environment.non_importable(model)
    if form != "cloudpickle":
        return names
    mains = tuple(f"{main}." for main in environment.MAINS)
    return [name for name in names if not name.startswith(mains) and "<locals>" not in name]


def _description(
    model: Any,
    flavor: Flavor,
    written: Written,
    signature: Mapping[str, Any] | None,
    size: int,
    extra: Mapping[str, Any],
) -> dict[str, Any]:
    """The content of `MLmodel`."""
    flavors: dict[str, Any] = {flavor.name: written.config}
    if written.pyfunc:
        env = {"conda": "conda.yaml", "virtualenv": "python_env.yaml"}
        python = {"env": env, "python_version": environment.python_version()}
        flavors = {"python_function": {**written.pyfunc, **python}, **flavors}
    now = time.time()
    stamp = time.strftime("%Y-%m-%d %H:%M:%S", time.gmtime(now))
    described = {
        "flavors": flavors,
        "metadata": {"autolog": _version(), "class": class_name(model), **extra},
        "mlflow_version": MLFLOW_LEVEL,
        "model_size_bytes": size,
        "model_uuid": os.urandom(16).hex(),
        "utc_time_created": f"{stamp}.{int(now % 1 * 1_000_000):06d}",
    }
    if signature:
        described["signature"] = {part: _as_text(signature.get(part)) for part in _PARTS}
    return described


_PARTS = ("inputs", "outputs", "params")


def _as_text(schema: Any) -> str | None:
    return schema if schema is None or isinstance(schema, str) else json.dumps(schema)


@functools.cache
def _version() -> str:
    return environment.packages().get("autolog-ml", "unknown")


@functools.lru_cache(maxsize=64)
def _environment(distributions: frozenset[str], python: str) -> Mapping[str, bytes]:
    """The three files from which others build the environment, once for each set of names."""
    pins = environment.requirements(distributions)
    build = environment.requirements(["pip", "setuptools", "wheel"])
    virtual = {
        "python": python,
        "build_dependencies": build,
        "dependencies": [MLFLOW_NEEDED, "-r requirements.txt"],
    }
    conda = {
        "name": "autolog-model",
        "channels": ["conda-forge"],
        "dependencies": [f"python={python}", "pip", {"pip": [MLFLOW_NEEDED, *pins]}],
    }
    return {
        "requirements.txt": _text(pins),
        "python_env.yaml": yamltext.emit(virtual).encode("utf-8"),
        "conda.yaml": yamltext.emit(conda).encode("utf-8"),
    }


def _text(lines: Iterable[str]) -> bytes:
    return "".join(f"{line}\n" for line in lines).encode("utf-8")
