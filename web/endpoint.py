"""Turns a row of the table of routes into an aiohttp handler: authenticate, check, call, encode."""

from __future__ import annotations

from typing import Final

import msgspec
from aiohttp import web

from web.auth import authenticate
from web.call import Call, Endpoint, Principal, Raw, RawHandler
from web.deps import DEPS
from web.params import check_path, read_query

PRINCIPAL: Final = web.RequestKey("principal", Principal)


def json_handler(endpoint: Endpoint) -> RawHandler:
    """In this order: a caller without a key learns nothing about parameters."""

    async def handle(request: web.Request) -> web.StreamResponse:
        deps = request.app[DEPS]
        principal = await authenticate(request, deps, endpoint.access)
        check_path(request.match_info)
        query = read_query(request.query, endpoint.query)
        answer = await endpoint.handler(Call(deps, principal, dict(request.match_info), query))
        return web.Response(body=msgspec.json.encode(answer), content_type="application/json")

    return handle


def raw_handler(route: Raw) -> RawHandler:
    async def handle(request: web.Request) -> web.StreamResponse:
        request[PRINCIPAL] = await authenticate(request, request.app[DEPS], route.access)
        return await route.handler(request)

    return handle
