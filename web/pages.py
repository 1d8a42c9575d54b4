"""The pages for people: the live overview, and the stream that keeps the overview current."""

from __future__ import annotations

from typing import Annotated

import msgspec
from aiohttp import web

from app.store.mismatch_filters import MismatchFilter
from web import render
from web.boxes import new_box
from web.deps import DEPS
from web.following import follow
from web.params import read_query
from web.row_stream import html_of, row_encoder
from web.sse import asked_after, respond_with
from web.status import status_of


class LiveQuery(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`after`: where the log stood when the page was read."""

    after: Annotated[str, msgspec.Meta(max_length=4_000)] | None = None


async def get_home(request: web.Request) -> web.StreamResponse:
    deps = request.app[DEPS]
    snapshot = await deps.snapshots.current()
    rows = [html_of(row) for row in snapshot.fast.mismatches]
    return _html(render.home(status_of(snapshot), rows, snapshot.mark))


async def get_live(request: web.Request) -> web.StreamResponse:
    """Server-sent events: figures as `fragments`, mismatches as `rows`. An internal format of the page."""
    query, deps = read_query(request.query, LiveQuery), request.app[DEPS]
    after, encode = asked_after(request, query.after), row_encoder(MismatchFilter())
    with deps.live.view(new_box()) as box, deps.feed.boxes.joined(box):
        return await respond_with(request, follow(deps.feed, box, after, encode))


def _html(text: str) -> web.Response:
    return web.Response(text=text, content_type="text/html")
