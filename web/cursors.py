"""Cursors of lists: where the last page ended, opaque to the client and checked when it comes back.

A cursor holds the list's name and the sort key of the last row, so a page costs the same at any depth and
rows that arrive in between shift nothing. It holds no secret: it is checked, not signed.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Sequence
from typing import Annotated, Any, Self, TypeVar

import msgspec
from msgspec import Meta

from app.domain.fields import Moment
from web.problems import invalid
from web.request_fields import Name

Key = TypeVar("Key", bound=msgspec.Struct)
Row = TypeVar("Row")


class TransactionKey(msgspec.Struct, array_like=True, forbid_unknown_fields=True, tag="ledger"):
    number: Annotated[int, Meta(ge=0, le=2**63 - 1)]


class RefundKey(msgspec.Struct, array_like=True, forbid_unknown_fields=True, tag="refunds"):
    number: Annotated[int, Meta(ge=0, le=2**63 - 1)]


class CreatedKey(msgspec.Struct, array_like=True, forbid_unknown_fields=True):
    """Of lists in the order of creation."""

    created_at: Moment
    id: Name
    merchant_id: Name

    @classmethod
    def of(cls, row: Any) -> Self:
        return cls(row.created_at, row.id, row.merchant_id)


class PaymentKey(CreatedKey, array_like=True, forbid_unknown_fields=True, tag="payments"):
    pass


class PayoutKey(CreatedKey, array_like=True, forbid_unknown_fields=True, tag="payouts"):
    pass


class EventKey(msgspec.Struct, array_like=True, forbid_unknown_fields=True, tag="events"):
    """When an event was published, and its place in the log."""

    created_at: Moment
    partition: Annotated[int, Meta(ge=0, le=2**31 - 1)]
    offset: Annotated[int, Meta(ge=0, le=2**63 - 1)]

    @classmethod
    def of(cls, row: Any) -> Self:
        return cls(row.created_at, row.partition, row.offset)


class EventSequence(msgspec.Struct, array_like=True, forbid_unknown_fields=True, tag="payment_events"):
    sequence: Annotated[int, Meta(ge=0, le=2**63 - 1)]


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
