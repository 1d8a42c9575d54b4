"""Disputes: told by the PSP, by us, or by nothing but the acquirer's chargeback line."""

from __future__ import annotations

from functools import partial
from typing import Any

from app.demo.commands import Commands
from app.demo.market import DISPUTE_FEES
from app.demo.payment import Payment
from app.demo.reports import Reports
from app.demo.settlement import Settlements
from app.demo.stream import OWN_IDS, Document, Stream
from app.demo.truth import APPLIED


class Disputes:
    """Plans disputes of whole payments that have no refund."""

    def __init__(
        self, stream: Stream, commands: Commands, reports: Reports, settlements: Settlements
    ) -> None:
        self._stream = stream
        self._commands = commands
        self._reports = reports
        self._settlements = settlements

    def plan(self, at: float, payment: Payment) -> None:
        """One dispute of a payment that was captured before `at`; some are decided a little later."""
        self._stream.truth.dispute(payment.amount, payment.currency)
        if self._stream.chance(0.25):
            self._settlements.chargeback(at, payment, payment.psp_id)
            return
        dispute_id = self._stream.new_id(payment.psp.dispute_prefix)
        self._tell("dispute_opened", at, payment, dispute_id)
        self._settlements.chargeback(at, payment, dispute_id)
        fate = self._stream.random.choices(("open", "won", "lost"), (40, 30, 30))[0]
        if fate != "open":
            self._decide(at, payment, dispute_id, fate == "won")

    def _decide(self, opened_at: float, payment: Payment, dispute_id: str, won: bool) -> None:
        stream, at = self._stream, opened_at + self._stream.soon(0.5, 2.0)
        stream.truth.dispute_ends(payment.amount, payment.currency, won)
        returned = DISPUTE_FEES[payment.currency] if won and stream.chance(0.5) else 0
        kind = "dispute_won" if won else "dispute_lost"
        opened_epoch = stream.epoch(opened_at)
        self._tell(kind, at, payment, dispute_id, fee_returned=returned, opened_epoch=opened_epoch)
        if won:
            self._settlements.reversal(at, payment, dispute_id, returned)

    def _tell(self, kind: str, at: float, payment: Payment, dispute_id: str, **more: Any) -> None:
        """By webhook where the PSP posts, which knows no ids of ours here; else by our own system."""
        if payment.psp.posts:
            fee = DISPUTE_FEES[payment.currency]
            known = {"object_id": dispute_id, "fee": fee, **more}
            self._reports.tell(
                payment.psp, kind, at, payment.psp_id, payment.amount, payment.currency, **known
            )
        else:
            document = self._document(kind, at, payment, dispute_id, more.get("fee_returned", 0))
            self._stream.schedule(at, partial(self._commands.send, document, APPLIED))

    def _document(self, kind: str, at: float, payment: Payment, dispute_id: str, returned: int) -> Document:
        document: Document = {
            "type": kind.replace("_", "."),
            "id": self._stream.new_id(OWN_IDS),
            "merchant_id": payment.merchant.id,
            "payment_id": payment.id,
            "dispute_id": f"our-{dispute_id}",
            "psp_dispute_id": dispute_id,
            "amount": payment.amount,
            "currency": payment.currency,
            "occurred_at": self._stream.moment(at),
        }
        if kind == "dispute_opened":
            document["fee"] = DISPUTE_FEES[payment.currency]
        elif returned:
            document["fee_returned"] = returned
        return document
