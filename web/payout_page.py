"""The page of a payout: what it is made of, its residual, and its way to the bank."""

from __future__ import annotations

from aiohttp import web

from web import render
from web.bank_pages import link_of
from web.call import Call
from web.deps import DEPS
from web.finding import OneQuery
from web.params import check_path, read_query
from web.payouts import get_payout
from web.visitor import PRINCIPAL


async def get_payout_page(request: web.Request) -> web.StreamResponse:
    check_path(request.match_info)
    query = read_query(request.query, OneQuery)
    call = Call(request.app[DEPS], request[PRINCIPAL], dict(request.match_info), query)
    text = render.page("payout.html", payout=await get_payout(call), link=link_of)
    return web.Response(text=text, content_type="text/html")
