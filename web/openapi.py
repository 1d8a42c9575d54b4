"""The API's description in OpenAPI 3.1, made from the table of routes and the answers' own types."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Any, Final

import msgspec
from aiohttp import web

from web.asking import IDEMPOTENCY_KEY, KEY_PATTERN, MOST_WAIT_SECONDS, WAIT_SECONDS
from web.body import NoBody
from web.call import Access, Endpoint, Raw, by_path
from web.mismatch_schemas import StreamedMismatch
from web.params import PRINTABLE
from web.problems import CODES, CONTENT_TYPE, ProblemDocument
from web.schemas import Underway

OPENAPI: Final[web.AppKey[bytes]] = web.AppKey("openapi", bytes)
REF: Final = "#/components/schemas/{name}"
PATH_PARAMETER: Final = re.compile(r"\{(\w+)\}")
JSON: Final = "application/json"
KEYED: Final = ("unauthorized", "forbidden", "rate_limited")
BODY: Final = {"required": True, "content": {JSON: {}}}
ALWAYS: Final = ("invalid_parameter", "card_number_refused", "internal", "database_unavailable", "timeout")
FORM: Final = {
    "type": "object",
    "required": ["source", "file"],
    "properties": {
        "source": {"type": "string", "description": "Its name in the platform's configuration"},
        "file": {"type": "string", "format": "binary"},
    },
    "additionalProperties": False,
}
UPLOAD: Final = {"requestBody": {"required": True, "content": {"multipart/form-data": {"schema": FORM}}}}
BODY_PROBLEMS: Final = ("csrf_refused", "bad_request", "body_too_large", "unsupported_media_type")
MAKING_PROBLEMS: Final = ("idempotency_conflict", "refused", "kafka_unavailable")
UNDERWAY: Final = {"$ref": REF.format(name=Underway.__name__)}
STATUSES: Final = {200: "OK", 201: "Made", 202: "Under way: ask for it again"}
Json = dict[str, Any]

IDEMPOTENCY: Final[Json] = {
    "name": IDEMPOTENCY_KEY,
    "in": "header",
    "required": True,
    "description": "Made by the caller; the same one again with the same content makes nothing twice",
    "schema": {"type": "string", "minLength": 1, "maxLength": 255, "pattern": KEY_PATTERN},
}
PREFER: Final[Json] = {
    "name": "Prefer",
    "in": "header",
    "required": False,
    "description": (
        f"`wait=N`: answer within N seconds ({WAIT_SECONDS:.0f} where nothing is said, at most "
        f"{MOST_WAIT_SECONDS:.0f}), with 202 where it is still under way; `respond-async`: at once"
    ),
    "schema": {"type": "string", "maxLength": 200, "examples": ["wait=5"]},
}
WRITE_HEADERS: Final[Json] = {
    "Tallystick-Position": {
        "description": "Pass it as `min_position` to read what this wrote",
        "schema": {"type": "string"},
    },
    "Idempotent-Replayed": {
        "description": "`true` where this key was used for the same request before",
        "schema": {"type": "string", "const": "true"},
    },
    "Preference-Applied": {
        "description": "`wait=N`, as asked for by `Prefer`",
        "schema": {"type": "string"},
    },
}

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
    bodies = {endpoint.body for endpoint in endpoints if endpoint.body}
    answers = (
        {endpoint.answer for endpoint in endpoints} | {ProblemDocument, StreamedMismatch, Underway} | bodies
    )
    _, schemas = msgspec.json.schema_components(
        sorted(answers, key=lambda type_: type_.__name__), ref_template=REF
    )
    paths = {
        path: {endpoint.method.lower(): _operation(endpoint) for endpoint in found}
        for path, found in by_path(endpoints).items()
    }
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
        "parameters": [
            *_path_parameters(endpoint.path, endpoint.id_pattern),
            *(_query_parameters(endpoint.query) if endpoint.query.__struct_fields__ else []),
            *([IDEMPOTENCY] if endpoint.makes else []),
            *([PREFER] if 202 in endpoint.statuses and len(endpoint.statuses) > 1 else []),
        ],
        **(UPLOAD if endpoint.uploads else _body(endpoint.body)),
        "security": _security(endpoint.access),
        "x-access": endpoint.access.value,
        "responses": {
            **{str(status): _success(status, answer, endpoint) for status in endpoint.statuses},
            **_problems(_codes(endpoint.access, _special(endpoint))),
        },
    }


def _body(body: type[msgspec.Struct] | None) -> Json:
    if body is None:
        return {}
    schema = {"$ref": REF.format(name=body.__name__)}
    return {"requestBody": {"required": body is not NoBody, "content": {JSON: {"schema": schema}}}}


def _success(status: int, answer: Json, endpoint: Endpoint) -> Json:
    return {
        "description": STATUSES[status],
        **({"headers": WRITE_HEADERS} if endpoint.makes else {}),
        "content": {JSON: {"schema": _answer(status, answer, endpoint)}},
    }


def _answer(status: int, answer: Json, endpoint: Endpoint) -> Json:
    """What may be under way still may not be there yet."""
    may_be_missing = status == 202 and endpoint.statuses[0] != 202 and not endpoint.uploads
    return {"anyOf": [answer, UNDERWAY]} if may_be_missing else answer


def _special(endpoint: Endpoint) -> list[str]:
    """Codes of its own, and those that come with its kind."""
    body = BODY_PROBLEMS if endpoint.body or endpoint.uploads else ()
    return list(dict.fromkeys([*endpoint.problems, *body, *(MAKING_PROBLEMS if endpoint.makes else ())]))


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


def _path_parameters(path: str, pattern: str | None = None) -> list[Json]:
    text = {"type": "string", "minLength": 1, "maxLength": 200, "pattern": pattern or PRINTABLE}
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
