"""One resource by its id: ids are unique per merchant, so staff may have to say which one they mean."""

from __future__ import annotations

from typing import Any, Final, TypeVar

import msgspec

from app.store.web_lists import PaymentRow, PayoutRow, find_rows
from web.call import Call
from web.params import PositionText, Text
from web.problems import Problem

MOST_NAMED: Final = 20
"""An `ambiguous` answer names so many merchants at most."""

Row = TypeVar("Row", PaymentRow, PayoutRow)


class OneQuery(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`merchant_id`: for staff, where several merchants have one with this id."""

    merchant_id: Text | None = None
    min_position: PositionText | None = None


async def find_one(call: Call[Any], kind: type[Row], what: str) -> Row:
    """The row of the path's `id`. Raises Problem: `not_found` (also for another merchant's), `ambiguous`."""
    row_id, merchant_id = call.path["id"], call.query.merchant_id
    await call.deps.positions.wait_for(call.query.min_position)
    if not call.principal.is_staff:
        if merchant_id not in (None, call.principal.merchant_id):
            raise unknown(what, row_id)
        merchant_id = call.principal.merchant_id
    found = await find_rows(call.deps.pool, kind, row_id, merchant_id, MOST_NAMED)
    if not found:
        raise unknown(what, row_id)
    if len(found) > 1:
        merchants = [row.merchant_id for row in found]
        raise Problem("ambiguous", "say which with ?merchant_id=", merchant_ids=merchants)
    return found[0]


def unknown(what: str, row_id: str) -> Problem:
    """The same for one that is not there and for one of another merchant."""
    return Problem("not_found", f"no {what} {row_id!r}")
