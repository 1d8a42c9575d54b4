"""The sandbox PSP's API: `/v1/…`, JSON, `Authorization: Bearer KEY`, `Idempotency-Key` on every POST."""

from __future__ import annotations

import asyncio
import hmac
from collections import Counter
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any, Final, Literal

import msgspec
from aiohttp import web

from app.sandbox import charges, payouts, returns
from app.sandbox.books import KINDS, Books
from app.sandbox.desk import Answer, Desk, error
from app.sandbox.draft import Draft, Refusal, not_found
from app.sandbox.faults import Chance, Faults, Trouble, trouble
from app.sandbox.objects import Charge, Payout, Session, Thing
from app.sandbox.requests import (
    Body,
    ChargeBody,
    NoBody,
    PartBody,
    PayoutBody,
    SessionBody,
    content,
    read,
)

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
MOST_LISTED: Final = 100
LONGEST_KEY: Final = 255


def answered(status: int, body: bytes, **headers: str) -> web.Response:
    return web.Response(status=status, body=body, content_type="application/json", headers=headers)


def refused(refusal: Refusal, **headers: str) -> web.Response:
    return answered(refusal.status, error(refusal), **headers)


class Api:
    """`faults`: what goes wrong now."""

    def __init__(self, desk: Desk, chance: Chance, faults: Callable[[], Faults], api_key: str) -> None:
        self._desk, self._chance, self._faults = desk, chance, faults
        self._bearer = f"Bearer {api_key}".encode()
        self._attempts: Counter[str] = Counter()
        """Of each request: so that its repeat is drawn anew."""

    def routes(self) -> list[web.RouteDef]:
        return [
            web.post("/v1/sessions", self._handler(SessionBody, _open_session)),
            web.post("/v1/charges", self._handler(ChargeBody, _charge)),
            web.post("/v1/charges/{id}/captures", self._handler(PartBody, _capture)),
            web.post("/v1/charges/{id}/void", self._handler(NoBody, _void)),
            web.post("/v1/charges/{id}/refunds", self._handler(PartBody, self._refund)),
            web.post("/v1/payouts", self._handler(PayoutBody, self._payout)),
            web.get("/v1/{kind}/{id}", self._get),
            web.get("/v1/{kind}", self._list),
        ]

    def _handler(self, shape: type[Body], operation: Callable[[Draft, Any, str], Thing]) -> Handler:
        async def handle(request: web.Request) -> web.StreamResponse:
            self._authorize(request)
            body = read(await request.read(), shape)
            key = _key(request)
            charge = request.match_info.get("id", "")

            def ask() -> web.Response:
                asked = content(request.path, body)
                return _given(self._desk.ask(key, asked, lambda draft: operation(draft, body, charge)))

            return await self._through(request, key, getattr(body, "token", None), ask)

        return handle

    async def _get(self, request: web.Request) -> web.StreamResponse:
        self._authorize(request)
        kind, thing_id = _kind(request), request.match_info["id"]

        def look() -> web.Response:
            books = self._desk.books
            found = books.all(kind).get(charge_id(books, thing_id) if kind is Charge else thing_id)
            if found is None:
                raise not_found(kind, thing_id)
            return answered(200, msgspec.json.encode(self._desk.shown(found)))

        return await self._through(request, request.path, None, look)

    async def _list(self, request: web.Request) -> web.StreamResponse:
        """By our ids, or the newest; `limit` at most 100."""
        self._authorize(request)
        kind = _kind(request)

        def look() -> web.Response:
            found = [self._desk.shown(each) for each in _chosen(self._desk, kind, request.query)]
            return answered(200, msgspec.json.encode({"data": found}))

        return await self._through(request, request.path_qs, None, look)

    async def _through(
        self, request: web.Request, key: str, token: str | None, answer: Callable[[], web.Response]
    ) -> web.StreamResponse:
        """The answer, or what the faults make of it."""
        self._attempts[key] += 1
        faults = self._faults()
        planned: Trouble = trouble(faults, self._chance, key, self._attempts[key], token)
        if planned.latency_seconds:
            await asyncio.sleep(planned.latency_seconds)
        if planned.before is not None:
            return await _fail(request, planned.before, faults)
        response = answer()
        return response if planned.after is None else await _fail(request, planned.after, faults)

    def _authorize(self, request: web.Request) -> None:
        given = request.headers.get("Authorization", "").encode("utf-8", "surrogateescape")
        if not hmac.compare_digest(given, self._bearer):
            raise Refusal(401, "unauthorized", "the API key is missing or wrong")

    def _refund(self, draft: Draft, body: PartBody, charge: str) -> Thing:
        faults, subject = self._faults(), f"{charge}/{body.metadata.get('refund_id', draft.books.seq)}"
        fails = self._chance.happens(faults.refunds_failing, "refund", subject)
        at = draft.now + timedelta(seconds=faults.refund_delay_seconds) if fails else None
        found = charge_id(draft.books, charge)
        return returns.refund(draft, found, amount=body.amount, metadata=body.metadata, fails_at=at)

    def _payout(self, draft: Draft, body: PayoutBody, _: str) -> Payout:
        due = draft.now + timedelta(seconds=self._faults().payout_delay_seconds)
        fields = {name: getattr(body, name) for name in ("amount", "currency", "destination", "metadata")}
        return payouts.ask_payout(draft, **fields, due_at=due)


def charge_id(books: Books, named: str) -> str:
    """A charge may be named by its session as well."""
    session = books.all(Session).get(named)
    return session.charge if session is not None else named


def _open_session(draft: Draft, body: SessionBody, _: str) -> Session:
    return charges.open_session(draft, **msgspec.structs.asdict(body))


def _charge(draft: Draft, body: ChargeBody, _: str) -> Charge:
    return charges.make_charge(draft, **msgspec.structs.asdict(body))


def _capture(draft: Draft, body: PartBody, charge: str) -> Thing:
    return charges.capture(draft, charge_id(draft.books, charge), amount=body.amount, metadata=body.metadata)


def _void(draft: Draft, _: NoBody, charge: str) -> Charge:
    return charges.void(draft, charge_id(draft.books, charge))


def _given(answer: Answer) -> web.Response:
    headers = {"Idempotent-Replayed": "true"} if answer.replayed else {}
    return answered(answer.status, answer.body, **headers)


async def _fail(
    request: web.Request, how: Literal["throttle", "timeout", "error"], faults: Faults
) -> web.StreamResponse:
    if how == "throttle":
        busy = Refusal(429, "too_many_requests", "slow down")
        return refused(busy, **{"Retry-After": str(faults.retry_after_seconds)})
    if how == "error":
        return refused(Refusal(500, "internal_error", "something went wrong here"))
    await asyncio.sleep(faults.hang_seconds)
    if request.transport is not None:
        request.transport.abort()
    return web.Response(status=504)


def _key(request: web.Request) -> str:
    key = request.headers.get("Idempotency-Key", "")
    if not 0 < len(key) <= LONGEST_KEY:
        said = f"Idempotency-Key must have 1 to {LONGEST_KEY} characters"
        raise Refusal(400, "idempotency_key_required", said, "Idempotency-Key")
    return key


def _kind(request: web.Request) -> type[Thing]:
    kind = KINDS.get(request.match_info["kind"])
    if kind is None:
        raise Refusal(404, "not_found", f"there is no list of {request.match_info['kind']}")
    return kind


def _chosen(desk: Desk, kind: type[Thing], query: Any) -> list[Thing]:
    our_id = query.get("payment_id") or query.get("payout_id")
    if our_id:
        found = desk.books.ours(kind, query.get("merchant_id", ""), our_id)
        return [found] if found is not None else []
    limit = query.get("limit", "20")
    if not limit.isdecimal() or not 1 <= int(limit) <= MOST_LISTED:
        raise Refusal(400, "invalid_request", f"limit must be 1 to {MOST_LISTED}", "limit")
    everything = reversed(desk.books.all(kind).values())
    return [each for each, _ in zip(everything, range(int(limit)), strict=False)]
