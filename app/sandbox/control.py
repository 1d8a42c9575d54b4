"""`/_control/…`: what tests and demos do to the sandbox PSP, and its books to compare with.

Not a PSP's API: open to whoever reaches the port, which is bound to loopback unless told otherwise.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import msgspec
from aiohttp import web

from app.errors import ConfigurationError
from app.sandbox import payouts, returns
from app.sandbox.api import answered, charge_id
from app.sandbox.books import KINDS
from app.sandbox.courier import Courier
from app.sandbox.cut_off import Clearing
from app.sandbox.desk import Desk
from app.sandbox.draft import Draft, Refusal
from app.sandbox.faults import Faults, checked
from app.sandbox.objects import Movement, Payout, Thing
from app.sandbox.requests import Body, CutOffBody, DisputeBody, NoBody, ReasonBody, read

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class Controls:
    """`faults` is changed in place: a list of the one that holds now."""

    def __init__(self, desk: Desk, courier: Courier, clearing: Clearing, faults: list[Faults]) -> None:
        self._desk, self._courier, self._clearing, self._faults = desk, courier, clearing, faults

    def routes(self) -> list[web.RouteDef]:
        return [
            web.get("/_control/books", self.books),
            web.get("/_control/status", self.status),
            web.get("/_control/faults", self.show_faults),
            web.post("/_control/faults", self.set_faults),
            web.post("/_control/resend", self.resend),
            web.post("/_control/cut-off", self.cut_off),
            web.get("/_control/files/{name}", self.file),
            web.post("/_control/charges/{id}/disputes", self._handler(DisputeBody, _dispute)),
            web.post("/_control/disputes/{id}/win", self._handler(NoBody, _win)),
            web.post("/_control/disputes/{id}/lose", self._handler(NoBody, _lose)),
            web.post("/_control/refunds/{id}/fail", self._handler(ReasonBody, _fail_refund)),
            web.post("/_control/payouts/{id}/pay", self._handler(NoBody, _pay)),
            web.post("/_control/payouts/{id}/fail", self._handler(ReasonBody, _fail_payout)),
            web.post("/_control/payouts/{id}/return", self._handler(ReasonBody, _return)),
        ]

    def _handler(self, shape: type[Body], operation: Callable[[Draft, str, Any], Thing]) -> Handler:
        async def handle(request: web.Request) -> web.StreamResponse:
            body = read(await request.read(), shape)
            thing_id = request.match_info["id"]
            made = self._desk.perform(thing_id, lambda draft: operation(draft, thing_id, body))
            return _json(self._desk.shown(made))

        return handle

    async def books(self, request: web.Request) -> web.Response:
        """All of it; amounts in minor units. `balances`: owed to us; `bank`: our account."""
        books = self._desk.books
        kinds = {name: list(books.all(kind).values()) for name, kind in KINDS.items()}
        return _json(
            {
                **{name: [_whole(each) for each in found] for name, found in kinds.items()},
                "movements": [_whole(each) for each in books.movements.values()],
                "balances": books.balances,
                "bank": books.bank,
                "bank_balances": books.bank_balances,
            }
        )

    async def status(self, request: web.Request) -> web.Response:
        """`undelivered`: webhooks nobody has taken; `waiting`: deliveries planned or under way."""
        books = self._desk.books
        pending = sum(each.status == "pending" for each in books.all(Payout).values())
        return _json(
            {
                "undelivered": len(books.undelivered),
                "waiting": self._courier.waiting,
                "attempts": self._courier.attempts,
                "pending_payouts": pending,
                "entries": books.seq,
            }
        )

    async def show_faults(self, request: web.Request) -> web.Response:
        return _json(self._faults[0])

    async def set_faults(self, request: web.Request) -> web.Response:
        """Those named; the others stay as they are."""
        try:
            named = msgspec.json.decode(await request.read(), type=dict[str, Any])
            self._faults[0] = checked({**msgspec.structs.asdict(self._faults[0]), **named})
        except (ConfigurationError, ValueError) as wrong:
            raise Refusal(400, "invalid_request", str(wrong)) from None
        return await self.show_faults(request)

    async def resend(self, request: web.Request) -> web.Response:
        """Every webhook that nobody has taken is sent at once, without faults."""
        waiting = list(self._desk.books.undelivered.values())
        self._courier.send_now(waiting)
        return _json({"sent": len(waiting)})

    async def cut_off(self, request: web.Request) -> web.Response:
        return _json(self._clearing.cut_off(read(await request.read(), CutOffBody)))

    async def file(self, request: web.Request) -> web.StreamResponse:
        name = request.match_info["name"]
        path = self._clearing.folder / name
        if path.parent != self._clearing.folder or not path.is_file():
            raise Refusal(404, "not_found", "there is no such file")
        return web.FileResponse(path)


def _whole(thing: Thing | Movement) -> dict[str, Any]:
    """Defaults too, so that others need not know them."""
    return {name: getattr(thing, name) for name in thing.__struct_fields__ if name != "due_at"}


def _json(document: Any) -> web.Response:
    return answered(200, msgspec.json.encode(document))


def _dispute(draft: Draft, named: str, body: DisputeBody) -> Thing:
    charge = charge_id(draft.books, named)
    fields: dict[str, Any] = {"amount": body.amount, "reason": body.reason, "metadata": body.metadata}
    return returns.open_dispute(draft, charge, **fields)


def _win(draft: Draft, thing_id: str, _: NoBody) -> Thing:
    return returns.win_dispute(draft, thing_id)


def _lose(draft: Draft, thing_id: str, _: NoBody) -> Thing:
    return returns.lose_dispute(draft, thing_id)


def _fail_refund(draft: Draft, thing_id: str, body: ReasonBody) -> Thing:
    return returns.fail_refund(draft, thing_id, body.reason)


def _pay(draft: Draft, thing_id: str, _: NoBody) -> Thing:
    return payouts.pay_payout(draft, thing_id)


def _fail_payout(draft: Draft, thing_id: str, body: ReasonBody) -> Thing:
    return payouts.fail_payout(draft, thing_id, body.reason)


def _return(draft: Draft, thing_id: str, body: ReasonBody) -> Thing:
    return payouts.return_payout(draft, thing_id, body.reason)
