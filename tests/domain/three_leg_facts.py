"""What the stories of the three legs are made of: facts from outside, and what has to stand before them."""

from __future__ import annotations

import random
from collections.abc import Iterable
from datetime import date, datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal
from typing import Any, Final, NamedTuple

import msgspec

from app.domain.banking import BankLine
from app.domain.commands import PlatformConfigure
from app.domain.configuration import FeePlan, OtherRule, PspConfiguration, SourceConfiguration
from app.domain.merchant_records import MerchantLaneRecord
from app.domain.settlement import SettlementLine, SettlementTrailer
from tests.support.all_lanes import AllLanes
from tests.support.matching_world import NOON

MERCHANTS: Final = ("m-1", "m-2", "m-3")
PAYER: Final = "m-out"
"""The merchant that is paid out."""
INCOME: Final = "acc-in"
"""Where batches are paid to."""
OUTGO: Final = "acc-out"
"""Where payouts leave from."""
PAID_AT: Final = NOON + timedelta(hours=1)


class Found(NamedTuple):
    """An exception as a story expects it: what it is about is a payment, a batch, a bank line or a payout."""

    leg: str
    category: str
    about: str


def platform() -> PlatformConfigure:
    """`slow` settles long after the test is over; `plan` has a fee plan."""
    week = 7 * 24 * 3600
    quick = PspConfiguration(gross_tolerance=1, settlement_window_seconds=week)
    window: dict[str, Any] = {"payment_window_seconds": 60, "bank_window_seconds": week}
    return PlatformConfigure(
        id="cfg",
        psps={
            "stripe": quick,
            "plan": PspConfiguration(settlement_window_seconds=week, fee_plan=FeePlan(bps=200)),
            "slow": PspConfiguration(settlement_window_seconds=10**9),
            "asked": PspConfiguration(settlement_window_seconds=week, api=True),
        },
        sources={
            "acq": SourceConfiguration(psp="stripe", settles_to=INCOME, **window),
            "acq-plan": SourceConfiguration(psp="plan", settles_to=INCOME, **window),
            "acq-slow": SourceConfiguration(psp="slow", settles_to=INCOME, **window),
            "acq-asked": SourceConfiguration(psp="asked", settles_to=INCOME, **window),
            "bank-out": SourceConfiguration(
                settles_to=OUTGO,
                payouts=True,
                bank_window_seconds=week,
                bank_tolerance=50,
                other=(OtherRule(pattern="salaries*", sign="debit", label="salaries"),),
            ),
        },
        payout_account=OUTGO,
        release_delay_seconds=0,
    )


def fact(**fields: Any) -> Any:
    """A record of `payments.commands` as it is decoded from the wire."""
    return msgspec.convert(fields, MerchantLaneRecord)


class Facts:
    """`facts`: in any order. `found`: what must be open in the end. `rounds`: how often each is told."""

    def __init__(self, seed: int, rounds: int = 1) -> None:
        self.rng = random.Random(seed)
        self.facts: list[Any] = []
        self.before: list[Any] = []
        self.found: list[Found] = []
        self.banked: list[tuple[str, str, str]] = []
        """(bank line, counterpart, rule) of every pair."""
        self._number = 0
        for _ in range(rounds):
            for name in sorted(dir(self)):
                if name.startswith("tell_"):
                    getattr(self, name)()

    def next(self) -> int:
        self._number += 1
        return self._number

    def amount(self) -> int:
        """Large and odd enough that no two sums meet by chance."""
        return self.rng.randint(10_000, 9_999_999) * 2 + 1

    def opens(self, leg: str, category: str, about: str) -> None:
        self.found.append(Found(leg, category, about))

    # --- what facts are made of -----------------------------------------------------------------------------

    def payment(self, psp: str = "stripe", amount: int = 0, **changes: Any) -> Any:
        """A captured payment, known by the PSP's id and by our order."""
        n = self.next()
        fields: dict[str, Any] = {
            "type": "payment.record",
            "id": f"c{n}",
            "merchant_id": MERCHANTS[n % len(MERCHANTS)],
            "payment_id": f"pay-{n:04}",
            "amount": amount or self.amount(),
            "currency": "EUR",
            "psp": psp,
            "psp_payment_id": f"pi_{n}",
            "order_ref": f"o-{n}",
            "occurred_at": NOON - timedelta(hours=1),
            **changes,
        }
        record = fact(**fields)
        self.facts.append(record)
        return record

    def about_payment(self, of: Any, kind: str, **changes: Any) -> Any:
        """A further fact of a payment."""
        n = self.next()
        fields = {
            "type": kind,
            "id": f"f{n}",
            "merchant_id": of.merchant_id,
            "payment_id": of.payment_id,
            "amount": of.amount,
            "currency": of.currency,
            "occurred_at": NOON - timedelta(minutes=30),
            **changes,
        }
        record = fact(**fields)
        self.facts.append(record)
        return record

    def line(self, batch: Batch, of: Any = None, **changes: Any) -> SettlementLine:
        """A settlement line of a batch; of a payment, where one is given."""
        n = self.next()
        fields: dict[str, Any] = {
            "source": batch.source,
            "psp": batch.psp,
            "batch_id": batch.batch_id,
            "line_id": f"L{n}",
            "kind": "capture",
            "currency": "EUR",
            "fee": 0,
            "booked_on": date(2026, 11, 23),
            "gross": of.amount if of is not None else self.amount(),
            "psp_payment_id": of.psp_payment_id if of is not None else f"pi_x{n}",
            **changes,
        }
        fields.setdefault("settle_currency", fields["currency"])
        fields.setdefault("net", fields["gross"] - fields["fee"])
        record = SettlementLine(**fields)
        self.facts.append(record)
        batch.lines.append(record)
        return record

    def batch(self, source: str = "acq", psp: str = "stripe") -> Batch:
        return Batch(source, psp, f"B{self.next():04}")

    def trailer(self, batch: Batch, **changes: Any) -> None:
        lines = batch.lines
        fields = {
            "count": len(lines),
            "gross": sum(_converted(line) for line in lines),
            "fee": sum(line.fee for line in lines),
            "net": batch.net,
            **changes,
        }
        self.facts.append(
            SettlementTrailer(
                source=batch.source,
                psp=batch.psp,
                batch_id=batch.batch_id,
                settle_currency=lines[0].settle_currency,
                **fields,
            )
        )

    def bank(self, amount: int, text: str | None, account: str = INCOME, **changes: Any) -> BankLine:
        n = self.next()
        fields: dict[str, Any] = {
            "account": account,
            "line_id": f"K{n}",
            "amount": amount,
            "currency": "EUR",
            "value_date": date(2026, 11, 24),
            "remittance": text,
            **changes,
        }
        record = BankLine(**fields)
        self.facts.append(record)
        return record

    def paid(self, batch: Batch, amount: int | None = None, **changes: Any) -> BankLine:
        """The bank line that pays a batch by its name."""
        changes.setdefault("currency", batch.lines[0].settle_currency)
        held = self.bank(batch.net if amount is None else amount, f"SETTLEMENT {batch.batch_id}", **changes)
        self.pair(held, batch)
        return held

    def pair(self, line: BankLine, batch: Batch, rule: str = "1") -> None:
        self.banked.append((line.line_id, f"batch:{batch.source}/{batch.batch_id}", rule))

    def settled(self, of: Any, **changes: Any) -> tuple[Batch, SettlementLine]:
        """A payment's line in a batch of its own that the bank pays."""
        source = {"stripe": "acq", "plan": "acq-plan", "slow": "acq-slow", "asked": "acq-asked"}[of.psp]
        batch = self.batch(source, of.psp)
        line = self.line(batch, of, **changes)
        self.trailer(batch)
        self.paid(batch)
        return batch, line

    # --- leg A ----------------------------------------------------------------------------------------------

    def split_payment(self) -> Any:
        """One payment of two sellers, asked for before, captured by the PSP and settled."""
        n = self.next()
        amounts = [self.amount(), self.amount()]
        items = [{"merchant_id": f"m-{k + 2}", "amount": one} for k, one in enumerate(amounts)]
        about: dict[str, Any] = {
            "merchant_id": "m-1",
            "payment_id": f"pay-{n:04}",
            "amount": sum(amounts),
            "currency": "EUR",
        }
        token = {"psp": "asked", "payment_method": "pm_1", "line_items": items, "order_ref": f"o-{n}"}
        self.before.append(fact(type="payment.create", id=f"sp{n}", **about, **token))
        of = self.payment("asked", **about)
        self.settled(of)
        return of

    def simple_batch(self, amount: int = 0) -> Batch:
        """A batch of one settled payment, with its trailer and without a bank line."""
        batch = self.batch()
        self.line(batch, self.payment(amount=amount))
        self.trailer(batch)
        return batch


def _converted(line: SettlementLine) -> int:
    """In the settle currency, at its own rate, rounded half-up."""
    rate = Decimal(line.rate or 1)
    return int((line.gross * rate).quantize(Decimal(1), ROUND_HALF_UP))


class Batch:
    """A settlement batch being told."""

    def __init__(self, source: str, psp: str, batch_id: str) -> None:
        self.source, self.psp, self.batch_id = source, psp, batch_id
        self.lines: list[SettlementLine] = []

    @property
    def net(self) -> int:
        return sum(line.net for line in self.lines)


def prepare(lanes: AllLanes, before: Iterable[Any]) -> None:
    """Configuration, merchants with money that is available, and the payouts that were asked for of it."""
    lanes.say(platform())
    for merchant in (*MERCHANTS, PAYER):
        lanes.say(fact(type="merchant.configure", id="c0", merchant_id=merchant, settlement_currency="EUR"))
        lanes.say(_income(merchant, lanes.now))
    lanes.run()
    lanes.fire_timers(lanes.now)
    for request in before:
        lanes.say(request)
    lanes.run()
    assert [one for one in lanes.unhappy if one[0] != "ignored"] == []


def _income(merchant: str, now: datetime) -> Any:
    """Earned at a PSP that nobody reconciles here: its window never closes."""
    return fact(
        type="payment.record",
        id="income",
        merchant_id=merchant,
        payment_id=f"income-{merchant}",
        amount=10**12,
        currency="EUR",
        psp="slow",
        psp_payment_id=f"pi_income_{merchant}",
        occurred_at=now - timedelta(days=1),
    )
