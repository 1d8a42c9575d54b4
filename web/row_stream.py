"""Rows of mismatches for the pages, as HTML over server-sent events; rendered once for everybody."""

from __future__ import annotations

from functools import lru_cache
from typing import Final

from app.store.mismatch_filters import MismatchFilter
from app.store.web_figures import MismatchRow
from web import render
from web.feed import Sent, Signal
from web.following import Encode, Item
from web.marks import write_mark
from web.mismatch_filters import matches, may_ever_match
from web.sse import event

RENDERED: Final = 2_000


@lru_cache(RENDERED)
def html_of(row: MismatchRow) -> str:
    return render.mismatch_row(row)


def row_encoder(wanted: MismatchFilter) -> Encode:
    """Events `rows` (HTML, oldest first) and `left` (ids); signals as they are."""

    def encode(item: Item) -> bytes:
        if isinstance(item, bytes):
            return item
        if isinstance(item, Signal):
            return event(item.name, {}, write_mark(item.positions))
        return _rows(item, wanted)

    return encode


def _rows(news: list[Sent], wanted: MismatchFilter) -> bytes:
    """The last event alone has the position: whoever got it got everything before it."""
    there: list[str] = []
    gone: list[str] = []
    for change in (sent.change for sent in news):
        if matches(wanted, change.row, change.identity):
            there.append(html_of(change.row))
        elif change.row.seq > 1 and may_ever_match(wanted, change.row, change.identity):
            gone.append(change.row.id)
    mark = news[-1].mark
    messages = event("left", gone, "" if there else mark) if gone else b""
    return messages + event("rows", there, mark) if there else messages
