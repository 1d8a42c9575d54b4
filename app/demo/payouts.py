"""Payouts. They draw on each merchant's opening sales only, so that what must happen to each is certain."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

from app.demo.commands import Commands
from app.demo.market import CURRENCIES, Merchant
from app.demo.stream import OWN_IDS, Document, Record, Stream
from app.demo.truth import APPLIED, REFUSED

OPENING_MEDIANS = 2_000
"""Opening sales of a merchant and currency, in median payments of the currency."""
HOPELESS = 10**14
"""More minor units than any merchant of the demo ever has."""


@dataclass
class Payout:
    """One payout; amounts in minor units."""

    merchant: Merchant
    id: str
    psp_id: str
    amount: int
    currency: str


class Payouts:
    """Plans payouts and what the bank says of them."""

    def __init__(self, stream: Stream, commands: Commands) -> None:
        self._stream = stream
        self._commands = commands
        self._float: dict[tuple[str, str], int] = {}

    def fund(self, merchant: Merchant, currency: str, net: int) -> None:
        """Opening sales that will have been released before the first payout. Half is kept for refunds."""
        self._float[merchant.id, currency] = net // 2

    def plan(self, at: float, merchant: Merchant, currency: str) -> None:
        """One payout: most are paid, some fail or come back, some ask for too much."""
        fate = self._stream.random.choices(("paid", "failed", "returned", "refused"), (80, 7, 5, 8))[0]
        available = self._float.get((merchant.id, currency), 0)
        amount = self._stream.random.randint(CURRENCIES[currency].typical, 20 * CURRENCIES[currency].typical)
        if fate == "refused":
            self._stream.schedule(at, partial(self._refused, self._new(merchant, HOPELESS, currency)))
        elif amount <= available:
            self._float[merchant.id, currency] = available - amount
            self._stream.schedule(at, partial(self._create, self._new(merchant, amount, currency), fate))

    def _new(self, merchant: Merchant, amount: int, currency: str) -> Payout:
        return Payout(merchant, self._stream.new_id("po-"), self._stream.new_id("tr_"), amount, currency)

    def _refused(self, payout: Payout, at: float) -> Record:
        return self._commands.send(self._create_document(payout), REFUSED, at)

    def _create(self, payout: Payout, fate: str, at: float) -> Record:
        stream = self._stream
        stream.truth.payout(payout.amount, payout.currency, None, "started")
        first = "failed" if fate == "failed" else "paid"
        stream.schedule(at + stream.soon(0.3, 1.5), partial(self._fact, payout, first, "started", fate))
        return self._commands.send(self._create_document(payout), APPLIED, at)

    def _fact(self, payout: Payout, status: str, before: str, fate: str, at: float) -> Record:
        """What the bank reports. A payout that comes back does so after it had been paid."""
        stream = self._stream
        stream.truth.payout(payout.amount, payout.currency, before, status)
        document: Document = {
            "type": f"payout.{status}",
            "id": stream.new_id(OWN_IDS),
            "merchant_id": payout.merchant.id,
            "payout_id": payout.id,
            "psp_payout_id": payout.psp_id,
            "occurred_at": stream.moment(at),
        }
        if status == "paid":
            document["bank_fee"] = fee = stream.random.choice((0, 0, 10, 25))
            stream.truth.bank_fees[payout.currency] += fee
        else:
            document["reason"] = "account closed"
        if status == "paid" and fate == "returned":
            again = partial(self._fact, payout, "returned", "paid", fate)
            stream.schedule(at + stream.soon(0.5, 2.0), again)
        return self._commands.send(document, APPLIED, at)

    def _create_document(self, payout: Payout) -> Document:
        return {
            "type": "payout.create",
            "id": self._stream.new_id(OWN_IDS),
            "merchant_id": payout.merchant.id,
            "payout_id": payout.id,
            "amount": payout.amount,
            "currency": payout.currency,
        }
