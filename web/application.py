"""The web application: routes and guard around what it is given, and its background tasks."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from functools import partial
from typing import Any, Final

from aiohttp import web

from app.checkout_links import CheckoutLinks
from app.effects.secrets import EndpointSecrets, load_endpoint_secrets
from app.store.web_keys import find_key
from app.store.web_mismatches import detected_after
from app.store.web_schema import schema_complaint
from web.call import by_path
from web.deps import DEPS, Deps
from web.desk import Desk
from web.docs import openapi_json
from web.endpoint import json_handler, raw_handler
from web.ends import EndOffsets, Reader
from web.feed import MismatchFeed, Tail
from web.file_intake import Uploads
from web.guard import LARGEST_BODY_BYTES, STREAMS, add_headers, guard
from web.ingress import Ingress
from web.keys import KeyHasher
from web.live import LiveHub
from web.openapi import OPENAPI
from web.people import People
from web.positions import PositionWaiter
from web.rate_limits import RateLimits
from web.requests_seen import RequestsSeen
from web.routes import ENDPOINTS, RAW
from web.snapshots import Snapshots

ENDS: Final[web.AppKey[EndOffsets]] = web.AppKey("ends", EndOffsets)


def build(
    pool: Any,
    hasher: KeyHasher,
    *,
    reader: Reader | None,
    tail: Tail | None = None,
    pages_open: bool,
    ingress: Ingress | None = None,
    desk: Desk | None = None,
    links: CheckoutLinks | None = None,
    rates: RateLimits | None = None,
    endpoint_secrets: EndpointSecrets | None = None,
    uploads: Uploads | None = None,
    people: People | None = None,
) -> web.Application:
    """`pool`: asyncpg; `reader`: of Kafka's end offsets, `tail`: of the log of mismatches, None for none;
    `pages_open`: bound to loopback; `ingress`: where webhooks go, `desk`: where requests go, None takes none;
    `links`: to checkout pages, None: there are none; `rates`: of each key, None for the usual; `people`: who
    can sign in, None: nobody."""
    ends = EndOffsets(reader)
    feed = MismatchFeed(tail, partial(detected_after, pool))
    snapshots = Snapshots(pool, ends, lambda: feed.mark)
    app = web.Application(middlewares=[guard], client_max_size=LARGEST_BODY_BYTES)
    app[DEPS] = Deps(
        pool=pool,
        hasher=hasher,
        find_key=partial(find_key, pool),
        schema_complaint=partial(schema_complaint, pool),
        pages_open=pages_open,
        snapshots=snapshots,
        positions=PositionWaiter(pool),
        live=LiveHub(snapshots),
        feed=feed,
        requests_seen=RequestsSeen(),
        ingress=ingress or Ingress(),
        desk=desk or Desk(pool),
        rates=rates or RateLimits(),
        links=links,
        endpoint_secrets=endpoint_secrets or load_endpoint_secrets(),
        uploads=uploads,
        people=people,
    )
    app[ENDS] = ends
    app[OPENAPI] = openapi_json()
    _add_routes(app)
    app.on_response_prepare.append(add_headers)
    app.cleanup_ctx.append(_background)
    app.on_shutdown.append(_end_views)
    return app


def _add_routes(app: web.Application) -> None:
    for path, endpoints in by_path(ENDPOINTS).items():
        resource = app.router.add_resource(path)
        for endpoint in endpoints:
            handler = json_handler(endpoint)
            resource.add_route(endpoint.method, handler)
            if endpoint.method == "GET":
                resource.add_route("HEAD", handler)
    for route in RAW:
        if route.method == "GET":
            app.router.add_get(route.path, raw_handler(route), allow_head=route.path not in STREAMS)
        else:
            app.router.add_route(route.method, route.path, raw_handler(route))


async def _background(app: web.Application) -> AsyncIterator[None]:
    deps = app[DEPS]
    tasks = [asyncio.create_task(run()) for run in (app[ENDS].run, deps.live.run, deps.feed.run)]
    yield
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    deps.snapshots.stop()
    await deps.positions.stop()
    await deps.desk.stop()
    if deps.uploads is not None:
        await deps.uploads.jobs.stop()
    if deps.people is not None:
        await deps.people.provider.stop()


async def _end_views(app: web.Application) -> None:
    app[DEPS].live.stop()
    app[DEPS].feed.stop()
