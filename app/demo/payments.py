"""Payments, told by our own systems, by their PSP's webhooks, or by both."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, Final

from app.demo.commands import Commands
from app.demo.market import Psp, Route, draw_amount, draw_route, merchant_fee
from app.demo.payment import Payment, Teller
from app.demo.reports import Reports
from app.demo.settlement import Settlements
from app.demo.stream import OWN_IDS, Document, Record, Stream
from app.demo.truth import APPLIED, DUPLICATE, EITHER

DAY_SECONDS: Final = 86_400.0
LATE_DAYS: Final = 9
"""So many days after the capture no calendar of the demo settles any more."""


def any_psp(psp: Psp) -> bool:
    return True


class Payments:
    """Draws payments and lets their capture be told and settled."""

    def __init__(
        self, stream: Stream, commands: Commands, reports: Reports, settlements: Settlements
    ) -> None:
        self._stream = stream
        self._commands = commands
        self._reports = reports
        self._settlements = settlements

    def draw(self, fits: Callable[[Psp], bool] = any_psp, times: int = 1, **known: Any) -> Payment:
        """A payment at a PSP that fits, of so many times the usual amount.

        `known`: fields of `Payment` that are not left to chance.
        """
        route = draw_route(self._stream.random, fits)
        amount = times * draw_amount(self._stream.random, route.currency)
        return self.at(route, amount, **known)

    def at(self, route: Route, amount: int, **known: Any) -> Payment:
        """A payment that takes this route."""
        stream = self._stream
        fields = {**self._told_by(route.psp), **known}
        if fields["teller"] != "both":
            fields["is_nameless"] = False
        return Payment(
            merchant=route.merchant,
            psp=route.psp,
            id=stream.new_id("pay-"),
            psp_id=stream.new_id(route.psp.payment_prefix),
            amount=amount,
            currency=route.currency,
            left=amount,
            **{"order_ref": stream.new_id("o-"), "invoice_id": self._invoice(), **fields},
        )

    def like(self, other: Payment, **changed: Any) -> Payment:
        """Another payment of the same merchant, PSP and currency; `changed`: fields that differ."""
        stream = self._stream
        fields = {**vars(other), "document": {}, **changed}
        fields["id"] = stream.new_id("pay-")
        fields["psp_id"] = stream.new_id(other.psp.payment_prefix)
        return Payment(**{"left": fields["amount"], **fields})

    def _told_by(self, psp: Psp) -> dict[str, Any]:
        """Who tells of a payment at this PSP, and who knows whose ids."""
        random = self._stream.random
        tellers: tuple[Teller, ...] = ("both", "psp", "us")
        teller: Teller = random.choices(tellers, (50, 35, 15))[0] if psp.posts else "us"
        is_named = random.random() < 0.7
        return {
            "teller": teller,
            "is_named": is_named,
            "is_nameless": teller == "both" and is_named and random.random() < 0.2,
        }

    def _invoice(self) -> str | None:
        return self._stream.new_id("INV-") if self._stream.chance(0.1) else None

    def send(self, at: float, payment: Payment, defect: str | None = None) -> None:
        """Its capture at `at`, told by whoever tells it, and its settlement lines."""
        self.tell(at, payment)
        self._settlements.capture(at, payment, defect)

    def tell(self, at: float, payment: Payment) -> None:
        """Its capture at `at`, in the books and in every teller's words."""
        fee = merchant_fee(payment.merchant, payment.amount, payment.currency)
        self._stream.truth.capture(payment.amount, payment.currency, fee)
        if payment.teller != "psp":
            self._stream.schedule(at, partial(self._record, payment))
        elif not payment.is_named:
            self._stream.schedule(at, partial(self._authorized, payment))
        if payment.teller != "us":
            self._report(at, payment)

    def _report(self, at: float, payment: Payment) -> None:
        """The PSP's words."""
        if self._stream.chance(self._stream.mix.failed_attempt):
            self.report("failed", at, payment)
        for kind in ("authorized", "captured"):
            self.report(kind, at, payment)

    def report(self, kind: str, at: float, payment: Payment, **more: Any) -> None:
        """One event about the payment itself."""
        ids = {"ours": payment.metadata, **more}
        self._reports.tell(payment.psp, kind, at, payment.psp_id, payment.amount, payment.currency, **ids)

    def _record(self, payment: Payment, at: float) -> Record:
        stream = self._stream
        document = {**self._facts(payment, at, "payment.record"), **self._payer(payment)}
        payment.document = document
        outcome = APPLIED if payment.teller == "us" else EITHER
        if stream.chance(stream.mix.restated):
            restated = {**document, "id": stream.new_id(OWN_IDS)}
            again = partial(self._commands.send, restated, DUPLICATE)
            stream.schedule(at + stream.soon(0.05, 2.0), again)
        return self._commands.send(document, outcome, at)

    def _authorized(self, payment: Payment, at: float) -> Record:
        """Our system knows of the payment; that it was captured only the PSP will say."""
        return self._commands.send(self._facts(payment, at, "payment.authorized"), EITHER, at)

    def _facts(self, payment: Payment, at: float, kind: str) -> Document:
        document: Document = {
            "type": kind,
            "id": self._stream.new_id(OWN_IDS),
            "merchant_id": payment.merchant.id,
            "payment_id": payment.id,
            "amount": payment.amount,
            "currency": payment.currency,
            "psp": payment.psp.name,
            "occurred_at": self._stream.moment(at if payment.happened is None else payment.happened),
            "order_ref": payment.order_ref,
        }
        if not payment.is_nameless:
            document["psp_payment_id"] = payment.psp_id
        if payment.invoice_id is not None:
            document["invoice_id"] = payment.invoice_id
        return document

    def _payer(self, payment: Payment) -> Document:
        random = self._stream.random
        customer = random.randrange(1, 5_000)
        payer: Document = {"id": f"c-{customer}", "email": f"c-{customer}@example.org"}
        if payment.tax_id is not None:
            payer["tax_id"] = payment.tax_id
        return {"method": random.choice(payment.psp.methods), "payer": payer}
