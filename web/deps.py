"""Everything the web needs from outside, in one frozen struct; `web/application.py` builds it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from aiohttp import web

from app.checkout_links import CheckoutLinks
from app.effects.secrets import EndpointSecrets
from app.store.web_keys import StoredKey
from web.desk import Desk
from web.feed import MismatchFeed
from web.file_intake import Uploads
from web.ingress import Ingress
from web.keys import KeyHasher
from web.live import LiveHub
from web.people import People
from web.positions import PositionWaiter
from web.rate_limits import RateLimits
from web.requests_seen import RequestsSeen
from web.snapshots import Snapshots


@dataclass(frozen=True, slots=True, kw_only=True)
class Deps:
    """`pages_open`: bound to loopback, so that the pages need no key. `links`: to checkout pages.

    `people`: who can sign in; None: nobody, and only then `pages_open` counts.
    """

    pool: Any
    hasher: KeyHasher
    find_key: Callable[[str], Awaitable[StoredKey | None]]
    schema_complaint: Callable[[], Awaitable[str | None]]
    pages_open: bool
    snapshots: Snapshots
    positions: PositionWaiter
    live: LiveHub
    feed: MismatchFeed
    requests_seen: RequestsSeen
    ingress: Ingress
    desk: Desk
    rates: RateLimits
    links: CheckoutLinks | None
    endpoint_secrets: EndpointSecrets
    uploads: Uploads | None = None
    """Of files; None: this process takes none."""
    people: People | None = None


DEPS: web.AppKey[Deps] = web.AppKey("deps", Deps)
