"""Cursors of lists: where the last page ended, opaque to the client and checked when it comes back.

A cursor holds the list's name and the sort key of the last row, so a page costs the same at any depth and
rows that arrive in between shift nothing. It holds no secret: it is checked, not signed.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Sequence
from typing import Annotated, Any, TypeVar

import msgspec
from msgspec import Meta

from web.problems import invalid

Key = TypeVar("Key", bound=msgspec.Struct)
Row = TypeVar("Row")


class TransactionKey(msgspec.Struct, array_like=True, forbid_unknown_fields=True, tag="ledger"):
    number: Annotated[int, Meta(ge=0, le=2**63 - 1)]


def write_cursor(last: msgspec.Struct) -> str:
    return base64.urlsafe_b64encode(msgspec.json.encode(last)).decode().rstrip("=")


def read_cursor(text: str | None, key: type[Key]) -> Key | None:
    """Raises a 422 for anything that `write_cursor` did not make for this list."""
    if text is None:
        return None
    try:
        raw = base64.b64decode(text.encode("ascii") + b"=" * (-len(text) % 4), altchars=b"-_", validate=True)
        return msgspec.json.decode(raw, type=key)
    except (UnicodeEncodeError, binascii.Error, ValueError):
        raise invalid("cursor", "is not the `next_cursor` of an earlier page of this list") from None


def cut(rows: Sequence[Row], limit: int) -> tuple[Sequence[Row], bool]:
    """(the page's rows, has_more) of rows that were asked for with a limit of one more."""
    return rows[:limit], len(rows) > limit


def columns(row: Any, *without: str) -> dict[str, Any]:
    """A row's fields by name."""
    return {name: getattr(row, name) for name in row.__struct_fields__ if name not in without}
