"""Reads JSON bodies of requests, strictly: whatever is wrong is one 422 that names every field at fault.

Strict means: no field that we do not know, no field twice, no float, no text for a number. A card number is
refused before anything else looks at the body, wherever it stands.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from types import UnionType
from typing import Any, Final, TypeVar, Union, get_args, get_origin

import msgspec
from aiohttp import web

from web.card_numbers import refuse_card_numbers
from web.params import AT, check_moments
from web.problems import FieldError, Problem, invalid_all

JSON: Final = "application/json"
MOST_ERRORS: Final = 20
Path = tuple[str | int, ...]
Body = TypeVar("Body", bound=msgspec.Struct)


class NoBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """For requests that say all by their URL: send nothing, or `{}`."""


async def read_body(request: web.Request, wanted: type[Body]) -> Body:
    """Raises Problem: 400 for what is not JSON, 413, 415, 422 for what is not `wanted`."""
    raw = await _read(request)
    given = bool(raw) or wanted is not NoBody
    if given and request.content_type != JSON:
        raise Problem("unsupported_media_type", f"send {JSON}")
    value = parse(raw) if given else {}
    refuse_card_numbers(value)
    try:
        return check_moments(msgspec.convert(value, wanted))
    except msgspec.ValidationError as error:
        found = list(errors_in(value, wanted, ())) or [FieldError("body", AT.sub("", str(error)), "#")]
        raise invalid_all(found[:MOST_ERRORS]) from None


async def _read(request: web.Request) -> bytes:
    """The whole body; `client_max_size` bounds it, however it is sent."""
    try:
        return await request.read()
    except (web.RequestPayloadError, ConnectionError):
        raise Problem("bad_request", "the body cannot be read", {"Connection": "close"}) from None


def parse(raw: bytes) -> Any:
    """JSON in UTF-8 without repeated names. Raises Problem `bad_request`, never quoting the body."""
    try:
        msgspec.json.decode(
            raw
        )  # stricter than the standard library: no NaN, no lone surrogates, no huge numbers
        return json.loads(raw, object_pairs_hook=_object)
    except (ValueError, RecursionError) as error:
        raise Problem("bad_request", f"the body is not JSON as it should be: {_why(error)}") from None


def _why(error: Exception) -> str:
    return "nested too deeply" if isinstance(error, RecursionError) else str(error)


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ValueError("an object names a field twice")
    return found


def errors_in(value: Any, wanted: Any, at: Path) -> Iterator[FieldError]:
    """Every field at fault, not only the first one: each is checked by itself."""
    struct = _struct_of(wanted)
    if struct is not None and isinstance(value, dict):
        yield from _errors_of_fields(value, struct, at)
    elif (item := _item_of(wanted)) is not None and isinstance(value, list):
        for index, part in enumerate(value):
            yield from errors_in(part, item, (*at, index))
    if struct is None or not isinstance(value, dict):
        yield from _error_of(value, wanted, at)


def _errors_of_fields(value: dict[str, Any], struct: type[msgspec.Struct], at: Path) -> Iterator[FieldError]:
    fields = {field.encode_name: field for field in msgspec.structs.fields(struct)}
    for name in (name for name in value if name not in fields):
        yield located((*at, name), "is not a field of this request")
    for name, field in fields.items():
        if name in value:
            yield from errors_in(value[name], field.type, (*at, name))
        elif field.required:
            yield located((*at, name), "is required")


def _error_of(value: Any, wanted: Any, at: Path) -> Iterator[FieldError]:
    try:
        msgspec.convert(value, wanted)
    except msgspec.ValidationError as error:
        if AT.search(str(error)) is None:  # what is further inside is named there
            yield located(at, str(error))


def located(at: Path, message: str) -> FieldError:
    """`line_items[0].amount`, and the same as an RFC 6901 pointer; `body` for all of it."""
    name = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in at).lstrip(".")
    pointer = "".join(f"/{str(part).replace('~', '~0').replace('/', '~1')}" for part in at)
    return FieldError(name[:200] or "body", message, f"#{pointer}"[:300])


def _struct_of(wanted: Any) -> type[msgspec.Struct] | None:
    return next(
        (one for one in _choices(wanted) if isinstance(one, type) and issubclass(one, msgspec.Struct)), None
    )


def _item_of(wanted: Any) -> Any:
    """The type of a tuple's or list's items; None for anything else."""
    for one in _choices(wanted):
        if get_origin(one) in (tuple, list):
            return get_args(one)[0]
    return None


def _choices(wanted: Any) -> tuple[Any, ...]:
    """A type without its limits, or the several of a union."""
    if hasattr(wanted, "__metadata__"):
        return _choices(wanted.__origin__)
    if get_origin(wanted) in (Union, UnionType):
        return tuple(part for choice in get_args(wanted) for part in _choices(choice))
    return (wanted,)
