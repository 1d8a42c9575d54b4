"""Reads path and query parameters; whatever is wrong becomes one 422 that names the parameter."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from functools import cache
from typing import Annotated, Any, Final, TypeVar, get_args, get_origin, get_type_hints

import msgspec
from msgspec import Meta
from multidict import MultiMapping

from app.domain.streams import LANE_CODES
from app.store.api import LaneId
from web.problems import FieldError, invalid, invalid_all

Parameters = TypeVar("Parameters", bound=msgspec.Struct)

PRINTABLE: Final = "^[^\\u0000-\\u001f\\u007f]*(?![\\s\\S])"
"""No control characters: no id of ours has one, PostgreSQL refuses a NUL. (`$` would pass a last newline.)"""
Text = Annotated[str, Meta(min_length=1, max_length=200, pattern=PRINTABLE)]
Limit = Annotated[int, Meta(ge=1, le=500)]
PositionText = Annotated[
    str,
    Meta(
        max_length=300,
        examples=["payments.commands:3:1042"],
        description="topic:partition:offset",
        extra_json_schema={
            "pattern": f"^({'|'.join(map(re.escape, LANE_CODES))}):[0-9]{{1,5}}:[0-9]{{1,18}}(?![\\s\\S])"
        },
    ),
]
"""Wrong ones are named by `read_position` in words; the pattern is for those who read the description."""

LARGEST_OFFSET: Final = 2**63 - 2
POSITION: Final = re.compile(r"([a-z0-9._-]{1,249}):([0-9]{1,5}):([0-9]{1,19})")
AT: Final = re.compile(r" - at `\$\.?(?P<name>[^`]*)`$")
UNKNOWN: Final = re.compile(r"unknown field `(?P<name>[^`]*)`")


def read_query(query: MultiMapping[str], wanted: type[Parameters]) -> Parameters:
    """Convert a query string's parameters; unknown ones, and repeated ones of a single value, are errors.

    A parameter of several values is given repeatedly, or once with commas, or both.
    """
    several = _several(wanted)
    repeated = sorted({name for name in query if name not in several and len(query.getall(name)) > 1})
    if repeated:
        raise invalid_all([FieldError(name, "given more than once") for name in repeated])
    texts = {name: ",".join(query.getall(name)) for name in query}
    for name, value in texts.items():
        if not _encodable(name + value):
            raise invalid(name.encode(errors="replace").decode(), "is not valid Unicode")
    for name in _moments(wanted) & texts.keys():
        if ":" not in texts[name]:  # a bare number would be taken for seconds since 1970
            raise invalid(name, f"must be a time like 2026-11-20T09:00:00Z, given {texts[name][:100]!r}")
    values: dict[str, Any] = texts | {name: texts[name].split(",") for name in several & texts.keys()}
    try:
        return _check_given(check_moments(msgspec.convert(values, wanted, strict=False)), texts)
    except msgspec.ValidationError as error:
        raise _named(error, texts) from None


def _check_given(read: Parameters, texts: Mapping[str, str]) -> Parameters:
    """The text `null` is no value: to say nothing, a parameter is left out."""
    for field in msgspec.structs.fields(type(read)):
        if field.encode_name in texts and getattr(read, field.name) is None:
            raise invalid(field.encode_name, f"cannot be {texts[field.encode_name][:100]!r}")
    return read


def check_moments(given: Parameters) -> Parameters:
    """A time near the calendar's ends may have no equal in UTC, where all of ours are kept."""
    for name in given.__struct_fields__:
        moment = getattr(given, name)
        if isinstance(moment, datetime):
            try:
                moment.astimezone(UTC)
            except OverflowError:
                raise invalid(name, "is out of range") from None
    return given


@cache
def _several(wanted: type[msgspec.Struct]) -> frozenset[str]:
    """Parameters that take several values."""
    fields = msgspec.structs.fields(wanted)
    return frozenset(field.name for field in fields if get_origin(field.type) is tuple)


@cache
def _moments(wanted: type[msgspec.Struct]) -> frozenset[str]:
    """Parameters that are times."""
    hints = get_type_hints(wanted)
    return frozenset(name for name, hint in hints.items() if datetime in (hint, *get_args(hint)))


def _named(error: msgspec.ValidationError, texts: Mapping[str, str]) -> Exception:
    message = str(error)
    unknown, at = UNKNOWN.search(message), AT.search(message)
    if unknown:
        return invalid(unknown["name"][:100], "is not a parameter of this resource")
    if at:
        name = at["name"].partition("[")[0]
        given = texts.get(name, "")
        return invalid(name, f"{AT.sub('', message)}, given {given[:100]!r}")
    return invalid("query", message)


def check_path(path: Mapping[str, str]) -> None:
    """Path parameters are ids: the same rules as `Text`."""
    for name, value in path.items():
        try:
            msgspec.convert(value, Text)
        except msgspec.ValidationError as error:
            raise invalid(name, str(error)) from None
        if not _encodable(value):
            raise invalid(name, "is not valid Unicode")


def _encodable(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def read_position(text: str) -> tuple[LaneId, int]:
    """`topic:partition:offset`, as the header `Tallystick-Position` of an earlier answer gave it."""
    match = POSITION.fullmatch(text)
    if not match or int(match[3]) > LARGEST_OFFSET:
        raise invalid("min_position", "must be topic:partition:offset, e.g. payments.commands:3:1042")
    return LaneId(match[1], int(match[2])), int(match[3])
