"""A seeded stream of three parties (merchants' systems, PSPs, acquirers), and the truth about it.

    generator = Generator(seed=7, rate=300)
    for record in generator.opening(): ...      # merchants and their first sales; wait until they are booked
    for event in generator.records(60): ...     # send each at `event.at` seconds after the start
    generator.truth                             # what the books must now hold

Nothing here knows the program's own rules: neither `app.domain` nor `app.contracts` may be imported.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from functools import partial
from typing import Final

from app.demo.commands import Commands
from app.demo.disputes import Disputes
from app.demo.market import CURRENCIES, MERCHANTS, PSPS, Merchant, Route, merchant_fee
from app.demo.payments import Payments
from app.demo.payouts import OPENING_MEDIANS, Payouts
from app.demo.plants import Plants
from app.demo.refunds import Refunds
from app.demo.reports import Reports
from app.demo.settlement import Settlements
from app.demo.stream import COMMANDS, OWN_IDS, Document, Event, Mix, Record, Stream
from app.demo.truth import APPLIED, CATEGORIES, Truth

TAIL_SECONDS: Final = 15.0
"""Everything that follows from a payment is sent within so many seconds after it."""


class Generator:
    """One stream. The same seed, start, rate, mix and run give the same records, byte for byte.

    The first payments plant one of each category, so that the shortest demo shows them all.
    `rate` is records and webhooks per second; `start` is the time of `record.at == 0`. Another `run`
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
        stream = self._stream
        commands, reports, settlements = Commands(stream), Reports(stream), Settlements(stream)
        parties = (stream, commands, reports, settlements)
        self._commands = commands
        self._payments = Payments(*parties)
        self._refunds = Refunds(*parties)
        self._disputes = Disputes(*parties)
        self._payouts = Payouts(stream, commands)
        self._plants = Plants(stream, self._payments, reports, settlements)
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

    def opening(self) -> Iterator[Event]:
        """Merchants' configuration, then one large sale per merchant and currency, and their lines."""
        for merchant in MERCHANTS:
            self._stream.schedule(0.0, partial(self._configure, merchant))
            for currency in merchant.currencies:
                self._open_with(merchant, currency)
        return self._rest()

    def records(self, seconds: float | None = None) -> Iterator[Event]:
        """New payments for `seconds` (None: for ever), then, within TAIL_SECONDS, what follows from them."""
        at, before = 0.0, self._stream.scheduled
        while seconds is None or at < seconds:
            self._plan(at)
            ahead = (self._stream.scheduled - before) / self._rate - at
            at += self._stream.random.expovariate(1.0) * max(ahead, 0.0)
            yield from self._until(at)
        yield from self._rest()

    def _until(self, limit: float) -> Iterator[Event]:
        while (at := self._stream.next_at()) is not None and at <= limit:
            event = self._stream.take()
            if event is not None:
                yield event

    def _rest(self) -> Iterator[Event]:
        return self._until(float("inf"))

    def _plan(self, at: float) -> None:
        """One payment, with or without a defect, and at times something beside it."""
        stream, mix = self._stream, self._stream.mix
        self._number += 1
        if self._number <= len(CATEGORIES) and mix.defects:
            self._plants.plant(at, CATEGORIES[self._number - 1])
        elif stream.chance(mix.defects):
            self._plants.any(at)
        else:
            self._plan_payment(at)
        if stream.chance(mix.shared_reference):
            self._plants.told_apart_by_amount(at)
        if stream.chance(mix.lapsed):
            self._plants.lapse(at)
        if stream.chance(mix.payout):
            merchant = stream.random.choice(MERCHANTS)
            self._payouts.plan(at, merchant, stream.random.choice(merchant.currencies))

    def _plan_payment(self, at: float) -> None:
        """A sound payment, and what becomes of it."""
        stream, mix = self._stream, self._stream.mix
        payment = self._payments.draw()
        if payment.teller == "us" and not payment.psp.posts and stream.chance(mix.refund / 8):
            at = self._refunds.plan_early(at, payment)
        elif stream.chance(mix.refund):
            self._refunds.plan(at + stream.soon(0.2, 3.0), payment)
        elif stream.chance(mix.dispute):
            self._disputes.plan(at + stream.soon(0.2, 3.0), payment)
        self._payments.send(at, payment)
        self._commands.plan_rubbish(at, payment)

    def _open_with(self, merchant: Merchant, currency: str) -> None:
        """A sale so large that refunds and payouts never run dry, told by us alone."""
        amount = CURRENCIES[currency].typical * OPENING_MEDIANS
        psps = [PSPS[name] for name in merchant.psps if currency in PSPS[name].plan.fixed]
        sale = self._payments.at(Route(merchant, currency, psps[0]), amount, teller="us")
        self._payments.send(0.001, sale)
        self._payouts.fund(merchant, currency, amount - merchant_fee(merchant, amount, currency))

    def _configure(self, merchant: Merchant, at: float) -> Record:
        document: Document = {
            "type": "merchant.configure",
            "id": self._stream.new_id(OWN_IDS),
            "merchant_id": merchant.id,
            "name": merchant.name,
            "settlement_currency": merchant.currencies[0],
        }
        if merchant.plan is not None:
            document["fee_plan"] = merchant.plan.document()
        self._stream.truth.command(merchant.id, str(document["id"]), APPLIED)
        return self._stream.record(at, COMMANDS, merchant.id, document)
