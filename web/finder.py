"""The page on which finance finds and compares mismatches: filters in the URL, live rows, one export."""

from __future__ import annotations

from typing import Annotated, Final, Literal

import msgspec
from aiohttp import web
from msgspec.structs import replace

from app.store.mismatch_filters import MismatchFilter
from app.store.web_mismatches import Sort, count_mismatches, list_mismatches
from web import render
from web.boxes import new_box
from web.call import Principal
from web.cursors import cut, write_cursor
from web.deps import DEPS
from web.filter_links import FilterLinks, facets_of
from web.following import follow
from web.mismatch_filters import FilterQuery, filter_of
from web.mismatch_orders import KEYS, beyond
from web.params import read_query
from web.row_stream import html_of, row_encoder
from web.sse import asked_after, respond_with
from web.visitor import PRINCIPAL

PAGE_ROWS: Final = 100


class FinderQuery(FilterQuery, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What the page shows lies in its URL alone. `show` counts where neither `open` nor `status` is given."""

    show: Literal["open", "closed", "all"] = "open"
    sort: Sort = "-detected_at"
    cursor: Annotated[str, msgspec.Meta(max_length=1000)] | None = None
    after: Annotated[str, msgspec.Meta(max_length=4_000)] | None = None


def wanted_by(query: FinderQuery, principal: Principal) -> MismatchFilter:
    if query.open is None and not query.status and query.show != "all":
        query = replace(query, open=query.show == "open")
    return filter_of(query, principal)


async def get_finder(request: web.Request) -> web.StreamResponse:
    query, deps = read_query(request.query, FinderQuery), request.app[DEPS]
    wanted, mark = wanted_by(query, request[PRINCIPAL]), deps.feed.mark  # before anything is read
    rows = await list_mismatches(
        deps.pool, wanted, query.sort, PAGE_ROWS + 1, beyond(query.cursor, query.sort)
    )
    page, has_more = cut(rows, PAGE_ROWS)
    groups = await count_mismatches(deps.pool, replace(wanted, categories=(), severities=()))
    links = FilterLinks(query)
    following = write_cursor(KEYS[query.sort].of(page[-1])) if has_more else None
    text = render.page(
        "finder.html",
        query=query,
        links=links,
        facets=facets_of(groups, wanted),
        rows=[html_of(row) for row in page],
        more=links.to(cursor=following) if following else None,
        mark=mark,
    )
    return web.Response(text=text, content_type="text/html")


async def get_rows(request: web.Request) -> web.StreamResponse:
    """Server-sent events `rows` and `left` for the page's own filter. An internal format of the page."""
    query, deps = read_query(request.query, FinderQuery), request.app[DEPS]
    encode = row_encoder(wanted_by(query, request[PRINCIPAL]))
    with deps.feed.boxes.joined(new_box()) as box:
        return await respond_with(request, follow(deps.feed, box, asked_after(request, query.after), encode))
