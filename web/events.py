"""`GET /v1/events`, `/v1/events/{id}` and `/v1/payments/{id}/events`.

They come from a projection that workers keep behind the log: an event is listed a moment after it happened.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Final, Literal, get_args

import msgspec
from msgspec import Meta

from app.domain.events import PaymentsEvent
from app.domain.fields import Moment
from app.store.web_events import Place, StoredEvent, events_of_payment, find_event, list_events
from app.store.web_lists import PaymentRow
from web.call import Call
from web.cursors import EventKey, EventSequence, cut, read_cursor, write_cursor
from web.event_schemas import Event, EventPage
from web.finding import find_one, unknown
from web.merchants import own_merchant
from web.params import Limit, PositionText, Text

_decode: Final = msgspec.json.Decoder(dict[str, Any]).decode
Cursor = Annotated[str, Meta(max_length=2000)]
if TYPE_CHECKING:
    EventType = str
else:
    EventType = Literal[tuple(sorted(one.__struct_config__.tag for one in get_args(PaymentsEvent)))]
    """A list of all, so that a misspelt one is named as such."""


class EventsQuery(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`since` ≤ created_at < `before`. `type`: several times, or with commas."""

    merchant_id: Text | None = None
    type: tuple[EventType, ...] = ()
    payment_id: Text | None = None
    since: Moment | None = None
    before: Moment | None = None
    cursor: Cursor | None = None
    limit: Limit = 50


class OneEventQuery(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Ids of events are unique among all merchants."""

    merchant_id: Text | None = None


class PaymentEventsQuery(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`merchant_id`: for staff, where several merchants have a payment with this id."""

    merchant_id: Text | None = None
    cursor: Cursor | None = None
    limit: Limit = 50
    min_position: PositionText | None = None
    """Waits for the payment; its events may come a moment later."""


async def get_events(call: Call[EventsQuery]) -> EventPage:
    query = call.query
    after = read_cursor(query.cursor, EventKey)
    filters = {
        "merchant_id": own_merchant(call.principal, query.merchant_id),
        "payment_id": query.payment_id,
        "types": list(query.type) or None,
        "since": query.since,
        "before": query.before,
    }
    end = Place(after.created_at, after.partition, after.offset) if after else None
    found, has_more = cut(await list_events(call.deps.pool, query.limit + 1, end, filters), query.limit)
    return EventPage(
        items=[event_of(row) for row in found],
        has_more=has_more,
        next_cursor=write_cursor(EventKey.of(found[-1])) if has_more else None,
    )


async def get_event(call: Call[OneEventQuery]) -> Event:
    event_id, wanted, own = call.path["id"], call.query.merchant_id, call.principal.merchant_id
    row = await find_event(call.deps.pool, event_id, own or wanted)
    if row is None or wanted not in (None, row.merchant_id):
        raise unknown("event", event_id)
    return event_of(row)


async def get_payments_events(call: Call[PaymentEventsQuery]) -> EventPage:
    """The first one first, so that reading on shows what came since."""
    query, after = call.query, read_cursor(call.query.cursor, EventSequence)
    payment = await find_one(call, PaymentRow, "payment")
    rows = await events_of_payment(
        call.deps.pool, payment.merchant_id, payment.id, after.sequence if after else 0, query.limit + 1
    )
    found, has_more = cut(rows, query.limit)
    return EventPage(
        items=[event_of(row) for row in found],
        has_more=has_more,
        next_cursor=write_cursor(EventSequence(found[-1].seq)) if has_more else None,
    )


def event_of(row: StoredEvent) -> Event:
    return Event(
        id=row.id,
        type=row.type,
        merchant_id=row.merchant_id,
        object=row.subject,
        sequence=row.seq,
        payment_id=row.payment_id,
        occurred_at=row.occurred_at,
        created_at=row.created_at,
        data=_decode(row.body),
    )
