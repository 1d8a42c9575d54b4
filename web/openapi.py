"""The API's description in OpenAPI 3.1, made from the table of routes and the answers' own types."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Any, Final

import msgspec
from aiohttp import web

from web.call import Access, Endpoint, Raw
from web.mismatch_schemas import StreamedMismatch
from web.problems import CODES, CONTENT_TYPE, ProblemDocument

OPENAPI: Final[web.AppKey[bytes]] = web.AppKey("openapi", bytes)
REF: Final = "#/components/schemas/{name}"
PATH_PARAMETER: Final = re.compile(r"\{(\w+)\}")
KEYED: Final = ("unauthorized", "forbidden")
BODY: Final = {"required": True, "content": {"application/json": {}}}
ALWAYS: Final = ("invalid_parameter", "internal", "database_unavailable", "timeout")
Json = dict[str, Any]

DESCRIPTION: Final = (
    "Amounts are integers in minor units of the `currency` beside them; times are RFC 3339 in UTC. "
    "Errors are RFC 9457 problem documents: programs look at `code`. Lists are newest first: pass "
    "`next_cursor` as `cursor` while `has_more` is true. `min_position` waits up to 2 seconds for a write."
)


async def get_openapi(request: web.Request) -> web.StreamResponse:
    return web.Response(body=request.app[OPENAPI], content_type="application/json")


def render(endpoints: Sequence[Endpoint], raw: Sequence[Raw]) -> bytes:
    """The document as committed in docs/ and served: indented, so that a change can be read."""
    return msgspec.json.format(msgspec.json.encode(document(endpoints, raw)), indent=2) + b"\n"


def document(endpoints: Sequence[Endpoint], raw: Sequence[Raw]) -> Json:
    answers = {endpoint.answer for endpoint in endpoints} | {ProblemDocument, StreamedMismatch}
    _, schemas = msgspec.json.schema_components(
        sorted(answers, key=lambda type_: type_.__name__), ref_template=REF
    )
    paths = {endpoint.path: {"get": _operation(endpoint)} for endpoint in endpoints}
    paths |= {route.path: {route.method.lower(): _raw_operation(route)} for route in raw if route.documented}
    return {
        "openapi": "3.1.0",
        "info": {"title": "Tallystick", "version": "1", "description": DESCRIPTION},
        "servers": [{"url": "/"}],
        "paths": paths,
        "components": {
            "schemas": schemas,
            "securitySchemes": {"key": {"type": "http", "scheme": "bearer", "description": "An API key"}},
        },
    }


def _operation(endpoint: Endpoint) -> Json:
    answer = {"$ref": REF.format(name=endpoint.answer.__name__)}
    return {
        "operationId": endpoint.handler.__name__,
        "summary": endpoint.summary,
        **({"description": endpoint.query.__doc__} if endpoint.query.__struct_fields__ else {}),
        "parameters": [*_path_parameters(endpoint.path), *_query_parameters(endpoint.query)],
        "security": _security(endpoint.access),
        "x-access": endpoint.access.value,
        "responses": {
            "200": {"description": "OK", "content": {"application/json": {"schema": answer}}},
            **_problems(_codes(endpoint.access, endpoint.problems)),
        },
    }


def _raw_operation(route: Raw) -> Json:
    return {
        "operationId": route.handler.__name__,
        "summary": route.summary,
        **({"description": route.query.__doc__} if route.query.__struct_fields__ else {}),
        "parameters": [
            *_path_parameters(route.path),
            *(_query_parameters(route.query) if route.query.__struct_fields__ else []),
        ],
        **({"requestBody": BODY} if route.method == "POST" else {}),
        "security": _security(route.access),
        "x-access": route.access.value,
        "responses": {
            "200": {"description": "OK", "content": {route.content_type: {}}},
            **_problems(_codes(route.access, route.problems, always=("internal",))),
        },
    }


def _path_parameters(path: str) -> list[Json]:
    text = {"type": "string", "minLength": 1, "maxLength": 200}
    return [
        {"name": name, "in": "path", "required": True, "schema": text}
        for name in PATH_PARAMETER.findall(path)
    ]


def _query_parameters(query: type[msgspec.Struct]) -> list[Json]:
    _, components = msgspec.json.schema_components([query], ref_template=REF)
    properties = components[query.__name__]["properties"]
    return [
        {"name": name, "in": "query", "required": False, "schema": _without_null(schema)}
        for name, schema in properties.items()
    ]


def _without_null(schema: Json) -> Json:
    """A parameter is there or not; it is never null."""
    schema = {name: value for name, value in schema.items() if not (name == "default" and value is None)}
    if "enum" in schema:
        return {**schema, "enum": [value for value in schema["enum"] if value is not None]}
    kinds = [kind for kind in schema.pop("anyOf", []) if kind != {"type": "null"}]
    return {**kinds[0], **schema} if len(kinds) == 1 else schema


def _security(access: Access) -> list[Json]:
    return [] if access is Access.OPEN else [{"key": []}]


def _codes(access: Access, special: Sequence[str], always: Sequence[str] = ALWAYS) -> list[str]:
    return [*(() if access is Access.OPEN else KEYED), *special, *always]


def _problems(codes: Iterable[str]) -> Json:
    """One response per status; several codes may share one."""
    by_status: dict[int, list[str]] = {}
    for code in codes:
        by_status.setdefault(CODES[code][0], []).append(code)
    content = {CONTENT_TYPE: {"schema": {"$ref": REF.format(name=ProblemDocument.__name__)}}}
    return {
        str(status): {
            "description": "; ".join(f"`{code}`: {CODES[code][1]}" for code in found),
            "content": content,
        }
        for status, found in sorted(by_status.items())
    }
