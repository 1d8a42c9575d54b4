"""Turns a row of the table of routes into an aiohttp handler: authenticate, check, call, encode."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace

import msgspec
from aiohttp import web

from app.store.merchant_scope import MerchantPool
from web.asking import read_key, read_wait
from web.auth import authenticate, is_stream
from web.body import read_body
from web.call import Access, Call, Endpoint, Principal, Raw, RawHandler, Reply, Upload, Write
from web.csrf import check_csrf, csrf_token
from web.deps import DEPS, Deps
from web.guard import STANDING
from web.params import check_path, read_query
from web.rate_limits import too_many
from web.visitor import PRINCIPAL, Visitor, visited_by


def json_handler(endpoint: Endpoint) -> RawHandler:
    """In this order: a caller without a key learns nothing about parameters."""

    async def handle(request: web.Request) -> web.StreamResponse:
        deps = request.app[DEPS]
        principal = await admit(request, deps, endpoint.access)
        check_path(request.match_info)
        call = await _call(request, endpoint, deps, principal)
        answer = await endpoint.handler(call)
        reply = answer if isinstance(answer, Reply) else Reply(answer, endpoint.statuses[0])
        return web.Response(
            body=msgspec.json.encode(reply.document),
            status=reply.status,
            headers=reply.headers,
            content_type="application/json",
        )

    return handle


async def admit(request: web.Request, deps: Deps, access: Access) -> Principal:
    """Who calls, if it may and not too often."""
    principal = await authenticate(request, deps, access)
    public_url = deps.people.public_url if deps.people is not None else None
    await check_csrf(request, principal, deps.hasher, public_url)
    if principal.key_id:
        standing = request[STANDING] = await deps.rates.hit(principal.key_id)
        if not standing.allowed:
            raise too_many(standing)
    return principal


async def _call(
    request: web.Request, endpoint: Endpoint, deps: Deps, principal: Principal
) -> Call[msgspec.Struct]:
    path, query = dict(request.match_info), read_query(request.query, endpoint.query)
    if principal.merchant_id is not None:
        deps = replace(deps, pool=MerchantPool(deps.pool, principal.merchant_id))
    if endpoint.uploads:
        return Upload(deps, principal, path, query, request)
    if endpoint.body is None:
        return Call(deps, principal, path, query)
    return Write(
        deps,
        principal,
        path,
        query,
        body=await read_body(request, endpoint.body),
        route=endpoint.path,
        key=read_key(request.headers) if endpoint.makes else "",
        wait=read_wait(request.headers),
        address=request.remote,
    )


def raw_handler(route: Raw) -> RawHandler:
    async def handle(request: web.Request) -> web.StreamResponse:
        principal = request[PRINCIPAL] = await admit(request, request.app[DEPS], route.access)
        with visited_by(_visitor(request.app[DEPS], principal)):
            async with _watched(request, principal):
                return await route.handler(request)

    return handle


@asynccontextmanager
async def _watched(request: web.Request, principal: Principal) -> AsyncIterator[None]:
    """A stream outlives the request's look at the session, but not the session."""
    people = request.app[DEPS].people
    if people is None or not principal.session_id or not is_stream(request):
        yield
        return
    watching = asyncio.create_task(people.cut_when_over(request, principal.session_id))
    try:
        yield
    finally:
        watching.cancel()


def _visitor(deps: Deps, principal: Principal) -> Visitor:
    token = "" if principal.kind == "anyone" else csrf_token(deps.hasher, principal)
    return Visitor(principal.caller, token, deps.people is not None)
