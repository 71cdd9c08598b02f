"""Saving a run's model: which models are kept, and what is recorded where one is not."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from . import artifacts, models
from .errors import BackendError
from .reporting import guarded, note, report
from .waiting import LARGEST, Waiting, in_memory

if TYPE_CHECKING:
    from .backend import Create
    from .live import Run
    from .models import Flavor
    from .models.example import Example
    from .recorder import Recorder


def save_model(
    recorder: Recorder, run: Run, name: str, model: Any, details: dict[str, Any]
) -> None:
    """Save `model` below the run, in the caller: the user may change it on the next line.

    `details`: `flavor` (name), `format`, `data` and `target` (for the signature), `signature`
    (where the model itself tells it), `example_rows` (of the data, kept with it),
    `save_redacted`, `also` (a second name of the same files). What keeps the model from being
    saved becomes the record's `error`.
    """
    flavor = _flavor(model, details)
    if flavor is None:
        run.fact("model", name, {"error": _no_flavor(model), "class": models.class_name(model)})
        return
    refused = _refusal(recorder, run, details)
    if refused is not None:
        run.fact("model", name, {"shed": refused, "class": models.class_name(model)})
        return
    backend = recorder.place(run.id)
    try:
        if run.light and _waits(recorder, run, name, model, flavor, details):
            _make_room(recorder, run, name)
            return
        limit = recorder.settings.max_model_size
        with backend.create_artifacts(run.id, name) as create:
            facts = _save(recorder, run, name, model, flavor, details, create, limit)
    except (models.ModelTooLarge, models.ModelNotSerialisable) as error:
        facts = models.unsaved(model, flavor, error)
    except BackendError as error:
        report("saving the model", error)
        facts = models.unsaved(model, flavor, error)
    run.fact("model", name, facts)
    if "path" in facts:
        if details.get("also"):
            run.fact("model", details["also"], facts)
        artifacts.count(backend, facts["bytes"])
        if run.light:
            _make_room(recorder, run, name)


def _flavor(model: Any, details: dict[str, Any]) -> Flavor | None:
    named = details.get("flavor")
    if not named:
        return models.flavor_for(model)
    options = {"format": details["format"]} if "format" in details else {}
    return models.flavor_named(named, **options)


def _no_flavor(model: Any) -> str:
    return f"no integration here saves a {type(model).__qualname__}; pickle it and log_artifact it"


def _refusal(recorder: Recorder, run: Run, details: dict[str, Any]) -> str | None:
    if run.redacted and not details.get("save_redacted"):
        return "its params held a secret, which the model holds too (option save_redacted)"
    return artifacts.shed_reason(recorder.place(run.id), recorder.settings)


def _waits(
    recorder: Recorder, run: Run, name: str, model: Any, flavor: Flavor, details: dict[str, Any]
) -> bool:
    """Let a light run's model wait in memory; False where it is too large for that, or due."""
    if not recorder.waiting.room(run.group or ""):
        return False
    files: dict[str, bytes] = {}
    limit = min(LARGEST, recorder.settings.max_model_size)
    try:
        facts = _save(recorder, run, name, model, flavor, details, in_memory(files), limit)
    except models.ModelTooLarge:
        return False
    recorder.waiting.put(Waiting(run, name, files, facts))
    return True


def store_waiting(recorder: Recorder) -> None:
    """Write the models that waited in memory and have not been replaced."""
    for run, name, files, facts in recorder.waiting.take():
        with guarded("saving the model"):
            backend = recorder.place(run.id)
            with backend.create_artifacts(run.id, name) as create:
                for file, content in files.items():
                    with create(file) as stream:
                        stream.write(content)
            artifacts.count(backend, sum(map(len, files.values())))
            run.fact("model", name, facts)


def _save(
    recorder: Recorder,
    run: Run,
    name: str,
    model: Any,
    flavor: Flavor,
    details: dict[str, Any],
    create: Create,
    limit: int,
) -> dict[str, Any]:
    facts = models.save(
        model,
        flavor,
        create,
        signature=_signature(details),
        limit=limit,
        extra={"run": run.id},
        key=models.signing_key(recorder.settings.signing_key),
        example=_example(details),
    )
    return {"path": name, **facts}


def _signature(details: dict[str, Any]) -> dict[str, Any] | None:
    if details.get("signature") is not None:
        return dict(details["signature"])
    if details.get("data") is None:
        return None
    from .data.signature import model_signature

    with guarded("the model's signature"):
        return model_signature(details["data"], details.get("target"))
    return None


def _example(details: dict[str, Any]) -> Example | None:
    rows, data = details.get("example_rows", 0), details.get("data")
    if rows < 1 or data is None:
        return None
    from .models.example import input_example

    with guarded("the model's input example"):
        found = input_example(data, rows)
        if found is None:
            note("input_example", f"none of a {type(data).__qualname__}: see docs/models.md")
        return found
    return None


def _make_room(recorder: Recorder, run: Run, name: str) -> None:
    """Of a group's light runs only the last and the best keep their models."""
    with guarded("shedding a model"):
        for gone in recorder.groups.kept(run.group or "", run.id, run.state.get("score")):
            recorder.shed_model(gone, name)
