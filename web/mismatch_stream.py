"""`GET /v1/mismatches/stream`: mismatches as they open, change and resolve, from the log itself."""

from __future__ import annotations

from typing import Annotated

import msgspec
from aiohttp import web

from app.store.mismatch_filters import MismatchFilter
from web.boxes import new_box
from web.cursors import columns
from web.deps import DEPS
from web.feed import Sent, Signal
from web.following import Encode, Item, follow
from web.marks import write_mark
from web.mismatch_filters import FilterQuery, filter_of, matches, may_ever_match
from web.mismatch_schemas import StreamedMismatch
from web.mismatches import difference_of
from web.params import read_query
from web.sse import asked_after, event, respond_with
from web.visitor import PRINCIPAL


class StreamQuery(FilterQuery, frozen=True, forbid_unknown_fields=True, kw_only=True):
    __doc__ = f"""{FilterQuery.__doc__}
    Server-sent events. `mismatch`: one that opened, changed or resolved, in the schema StreamedMismatch.
    `left`: its `id` and `seq`; it no longer fits the filter, or never did. `ready`: from here on nothing is
    missed, so list now and then apply what comes by `id` and the higher `seq`. `trouble`: news are late.
    `reset`: what came since the given position is no longer in the log; list again. Each `id:` is a position:
    send it as the header `Last-Event-ID`, as browsers do by themselves, or as `after`.
    """

    after: Annotated[str, msgspec.Meta(max_length=4_000)] | None = None


async def get_stream(request: web.Request) -> web.StreamResponse:
    query, principal = read_query(request.query, StreamQuery), request[PRINCIPAL]
    encode = encoder(filter_of(query, principal), principal.is_staff)
    feed = request.app[DEPS].feed
    with feed.boxes.joined(new_box(), principal.key_id) as box:
        return await respond_with(request, follow(feed, box, asked_after(request, query.after), encode))


def encoder(wanted: MismatchFilter, to_staff: bool = True) -> Encode:
    def encode(item: Item) -> bytes:
        if isinstance(item, bytes):
            return item
        if isinstance(item, Signal):
            return event(item.name, {}, write_mark(item.positions))
        return b"".join(one for sent in item if (one := _one(sent, wanted, to_staff)))

    return encode


def _one(sent: Sent, wanted: MismatchFilter, to_staff: bool) -> bytes | None:
    change = sent.change
    row = change.row
    if matches(wanted, row, change.identity):
        data = StreamedMismatch(
            **columns(row, "assignee"),
            assignee=row.assignee if to_staff else None,
            difference=difference_of(row),
            change=change.word,
            occurred_at=change.occurred_at,
        )
        return event("mismatch", data, sent.mark)
    if row.seq > 1 and may_ever_match(wanted, row, change.identity):
        return event("left", {"id": row.id, "seq": row.seq}, sent.mark)
    return None
