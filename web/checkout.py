"""The page that leads a payer to the PSP's page, and the one they come back to.

Opened by a link that only the merchant was given (`app/checkout_links.py`); no key, no card fields. That a
browser comes back confirms nothing: the page says "processing" until what became of it is verified.
"""

from __future__ import annotations

from typing import Final, Literal

import msgspec
from aiohttp import web

from app.domain.asked import asked_key
from app.domain.payment import Payment
from app.store.web_lists import PaymentRow, rows_by_key
from app.store.web_reads import merchant_name
from web import render
from web.deps import DEPS
from web.payment_view import state_of
from web.problems import Problem

Stage = Literal["open", "preparing", "processing", "paid", "failed"]
PAID: Final = frozenset({"authorized", "captured"})
OVER: Final = frozenset({"failed", "voided", "expired"})
WEB_URLS: Final = ("https://", "http://")


class CheckoutStatus(msgspec.Struct, frozen=True):
    """All that a page learns as time goes by."""

    stage: Stage


async def get_checkout(request: web.Request) -> web.StreamResponse:
    """Amount, merchant, and the way to the PSP's page."""
    return await _page(request, came_back=False)


async def get_return(request: web.Request) -> web.StreamResponse:
    """Where the PSP sends the payer: the outcome, as far as it is verified."""
    return await _page(request, came_back=True)


async def get_checkout_status(request: web.Request) -> web.StreamResponse:
    stage = stage_of(state_of(await _row(request)), came_back="back" in request.query)
    body = msgspec.json.encode(CheckoutStatus(stage))
    return web.Response(body=body, content_type="application/json")


async def _page(request: web.Request, *, came_back: bool) -> web.Response:
    deps, row = request.app[DEPS], await _found(request)
    if row is None:
        return web.Response(text=render.page("checkout_unknown.html"), status=404, content_type="text/html")
    payment = state_of(row)
    requested = payment.requested
    text = render.page(
        "checkout.html",
        token=request.match_info["token"],
        came_back=came_back,
        stage=stage_of(payment, came_back=came_back),
        merchant=await merchant_name(deps.pool, row.merchant_id) or row.merchant_id,
        amount=requested.amount if requested else row.amount,
        currency=row.currency,
        description=requested.description if requested else None,
        psp_url=psp_url(payment),
        return_url=_web_url(requested.return_url if requested else None),
    )
    return web.Response(text=text, content_type="text/html")


async def _row(request: web.Request) -> PaymentRow:
    if (row := await _found(request)) is None:
        raise Problem("not_found", "this link does not lead to a payment")
    return row


async def _found(request: web.Request) -> PaymentRow | None:
    """The token's payment. A token that is not ours is not looked for."""
    deps = request.app[DEPS]
    owned = deps.links.read(request.match_info["token"]) if deps.links else None
    found = await rows_by_key(deps.pool, PaymentRow, [owned]) if owned else {}
    return found.get(owned) if owned else None


def stage_of(payment: Payment, *, came_back: bool) -> Stage:
    """What the payer is told. Who came back from the PSP waits for what the PSP says."""
    if payment.status in PAID:
        return "paid"
    if payment.status in OVER:
        return "failed"
    if came_back:
        return "processing"
    return "open" if psp_url(payment) else "preparing"


def psp_url(payment: Payment) -> str | None:
    """The PSP's page for this payment, once the PSP has made it."""
    asked = payment.asked.get(asked_key("session", payment.id))
    return _web_url(asked.url) if asked else None


def _web_url(url: str | None) -> str | None:
    """Nothing that a browser would run instead of open."""
    return url if url is not None and url.startswith(WEB_URLS) else None
