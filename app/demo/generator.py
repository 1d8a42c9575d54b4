"""A seeded stream of realistic payments, refunds, payouts and settlement lines, and the truth about it.

    generator = Generator(seed=7, rate=300)
    for record in generator.opening(): ...      # merchants and their first sales; wait until they are booked
    for record in generator.records(60): ...    # send each at `record.at` seconds after the start
    generator.truth                             # what the books must now hold

Nothing here knows the program's own rules: neither `app.domain` nor `app.contracts` may be imported.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from functools import partial
from typing import Final

from app.demo.market import CURRENCIES, MERCHANTS, PSPS, Merchant, draw_amount, merchant_fee
from app.demo.payments import Payments
from app.demo.payouts import OPENING_MEDIANS, Payouts
from app.demo.settlement import Settlements
from app.demo.stream import COMMANDS, Document, Mix, Record, Stream
from app.demo.truth import APPLIED, CATEGORIES, Truth

FIRST_DEFECTS: Final = tuple(enumerate(CATEGORIES, start=1))
"""The first payments plant one of each category, so that the shortest demo shows them all."""
TAIL_SECONDS: Final = 12.0
"""Everything that follows from a payment is sent within so many seconds after it."""


class Generator:
    """One stream. The same seed, start, rate, mix and run give the same records, byte for byte.

    `rate` is records per second over all topics; `start` is the time of `record.at == 0`. Another `run`
    changes the ids only, so that one seed can be shown again to books that have seen it.
    """

    def __init__(
        self,
        seed: int,
        rate: float = 300.0,
        start: datetime | None = None,
        mix: Mix | None = None,
        run: int = 0,
    ) -> None:
        self._stream = Stream(seed, start or datetime.now(UTC), mix or Mix(), run)
        self._settlements = Settlements(self._stream)
        self._payments = Payments(self._stream, self._settlements)
        self._payouts = Payouts(self._stream, self._payments)
        self._rate = rate
        self._number = 0

    @property
    def truth(self) -> Truth:
        """Grows while records are taken; final when the iterators are exhausted."""
        return self._stream.truth

    @property
    def started(self) -> datetime:
        """The time of `record.at == 0`."""
        return self._stream.start

    def restart(self, start: datetime) -> None:
        """Let `record.at == 0` of what comes next be `start`, after a wait between opening and records."""
        self._stream.start = start

    def opening(self) -> Iterator[Record]:
        """Merchants' configuration, then one large sale per merchant and currency, and their lines."""
        for merchant in MERCHANTS:
            self._stream.schedule(0.0, partial(self._configure, merchant))
            for currency in merchant.currencies:
                amount = CURRENCIES[currency].typical * OPENING_MEDIANS
                net = amount - merchant_fee(merchant, amount, currency)
                self._payments.send(0.001, self._payments.new(merchant, currency, amount))
                self._payouts.fund(merchant, currency, net)
        return self._rest()

    def records(self, seconds: float | None = None) -> Iterator[Record]:
        """New payments for `seconds` (None: for ever), then, within TAIL_SECONDS, what follows from them."""
        at, before = 0.0, self._stream.scheduled
        while seconds is None or at < seconds:
            self._plan(at)
            ahead = (self._stream.scheduled - before) / self._rate - at
            at += self._stream.random.expovariate(1.0) * max(ahead, 0.0)
            yield from self._until(at)
        yield from self._rest()

    def _until(self, limit: float) -> Iterator[Record]:
        while (at := self._stream.next_at()) is not None and at <= limit:
            record = self._stream.take()
            if record is not None:
                yield record

    def _rest(self) -> Iterator[Record]:
        return self._until(float("inf"))

    def _plan(self, at: float) -> None:
        """One payment, and at times a payout or a line that belongs to nothing."""
        stream = self._stream
        self._number += 1
        defect = self._defect()
        if defect == "MISSING_PAYMENT":
            self._plan_stray(at)
            defect = None
        self._payments.plan(at, defect)
        if stream.chance(stream.mix.payout):
            merchant = stream.random.choice(MERCHANTS)
            self._payouts.plan(at, merchant, stream.random.choice(merchant.currencies))

    def _defect(self) -> str | None:
        """What to plant with this payment."""
        mix = self._stream.mix
        rates = (
            mix.amount_under,
            mix.fee_variance,
            mix.duplicate_settlement,
            mix.missing_settlement,
            mix.missing_payment,
        )
        drawn = self._stream.random.random()
        for (number, category), rate in zip(FIRST_DEFECTS, rates, strict=True):
            if number == self._number and rate:
                return category
            if drawn < rate:
                return category
            drawn -= rate
        return None

    def _plan_stray(self, at: float) -> None:
        stream = self._stream
        psp = stream.random.choice(list(PSPS.values()))
        currency = stream.random.choice([code for code in CURRENCIES if code in psp.plan.fixed])
        self._settlements.plan_stray(
            at + stream.soon(0.0, 1.0), psp, draw_amount(stream.random, currency), currency
        )

    def _configure(self, merchant: Merchant, at: float) -> Record:
        document: Document = {
            "type": "merchant.configure",
            "id": self._stream.new_id("cmd-"),
            "merchant_id": merchant.id,
            "name": merchant.name,
            "settlement_currency": merchant.currencies[0],
        }
        if merchant.plan is not None:
            document["fee_plan"] = merchant.plan.document()
        self._stream.truth.command(merchant.id, str(document["id"]), APPLIED)
        return self._stream.record(at, COMMANDS, merchant.id, document)
