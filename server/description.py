"""The OpenAPI description: what the framework knows of the routes, and what it cannot know."""

from __future__ import annotations

import functools
from typing import Any

import msgspec
from litestar import Litestar
from litestar.openapi.config import OpenAPIConfig

from autolog.protocol import ErrorBody
from autolog.records import Record

_BYTES = {"schema": {"type": "string", "format": "binary"}}
_FILE = {"required": True, "content": {"application/octet-stream": _BYTES}}
_REF = "#/components/schemas/{name}"


@functools.cache
def describe(routes: tuple[Any, ...]) -> dict[str, Any]:
    """The description of `routes`, with the bodies that are read as streams, and the errors."""
    # An application of its own: the framework's routes for its description know no access rules.
    config = OpenAPIConfig("autolog", "1", use_handler_docstrings=True)
    schema = Litestar(routes, openapi_config=config).openapi_schema.to_schema()
    _, components = msgspec.json.schema_components((Record, ErrorBody), ref_template=_REF)
    record = {"$ref": _REF.format(name="Record")}
    many = {"schema": {"type": "array", "items": record}}
    paths = schema["paths"]
    paths["/api/v1/records"]["post"]["requestBody"] = {
        "required": True,
        "content": {"application/json": many, "application/msgpack": many},
    }
    paths["/api/v1/runs/{run}/artifact"]["put"]["requestBody"] = _FILE
    paths["/api/v1/runs/{run}/upload"]["put"]["requestBody"] = _FILE
    schema.setdefault("components", {}).setdefault("schemas", {}).update(components)
    schema["components"]["securitySchemes"] = {"token": {"type": "http", "scheme": "bearer"}}
    schema["security"] = [{"token": []}]
    for methods in paths.values():
        for operation in methods.values():
            _add_errors(operation)
    return schema


def _add_errors(operation: dict[str, Any]) -> None:
    body = {"application/json": {"schema": {"$ref": _REF.format(name="ErrorBody")}}}
    operation["responses"].pop("400", None)
    operation["responses"]["4XX"] = {"description": "Refused; `code` says why.", "content": body}
    operation["responses"]["503"] = {"description": "Try again later.", "content": body}
