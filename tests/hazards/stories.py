"""Stories whose end is known: payments at the sandbox PSP, told by upstream, webhooks and settlement lines.

Each story has ids, amounts and references that no other has, so what must be matched with what, and which
exceptions must be open once all windows have closed, follows from the story alone. Its parts come in any
order, some of them after a window of seconds has closed; what that opened must have resolved by the end.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from heapq import heappop, heappush
from random import Random
from typing import Any, Final

import orjson

from app.kafka.publisher import Outgoing
from tests.hazards.story_parts import Event, Told
from tests.hazards.truth import COMMANDS, LINES, Truth

PSP: Final = "sandbox"
SOURCE: Final = "sandbox-files"
WINDOW_SECONDS: Final = 3
"""Settlement, payment and parking windows: shorter than many a stall."""
FEE_BPS: Final = 100
"""Of amounts that are multiples of 400: no fee is ever rounded."""
SPREAD: Final = 400
"""Records of the stream that may lie between two parts of a story; some parts come much later."""
MERCHANTS: Final = 12
CURRENCIES: Final = ("EUR", "USD")
_dumps: Final = orjson.dumps


class Stories:
    """`tell` begins a story; `due` gives what of all stories is to be sent by now, counted in records."""

    def __init__(
        self,
        random: Random,
        truth: Truth,
        new_id: Callable[[str], str],
        fee_of: Callable[[int, str], int],
        outgoing: Callable[[str, str, bytes], Outgoing],
    ) -> None:
        self.random, self.truth, self.new_id = random, truth, new_id
        self._fee_of, self._outgoing = fee_of, outgoing
        self._waiting: list[tuple[float, int, Outgoing | Event]] = []
        self._now = 0
        self._count = 0
        self._stories = [getattr(self, name) for name in sorted(dir(self)) if name.startswith("tell_")]

    @property
    def merchants(self) -> list[str]:
        return [f"s-{number}" for number in range(MERCHANTS)]

    def tell(self) -> None:
        self.random.choice(self._stories)()

    def due(self, count: int | None = None) -> list[Outgoing | Event]:
        """What is to be sent until `count` more records of the stream have passed; None: all that is left."""
        self._now += count or 0
        due = []
        while self._waiting and (count is None or self._waiting[0][0] <= self._now):
            due.append(heappop(self._waiting)[2])
        return due

    # -- what a story is made of ---------------------------------------------------------------------------

    def payment(self, **changes: Any) -> Told:
        number = self.new_id("")
        told = Told(
            self.random.choice(self.merchants),
            f"spay-{number}",
            f"pi_{number}",
            f"o-{number}",
            400 * self.random.randint(1, 300),
            self.random.choice(CURRENCIES),
            datetime.now(UTC),
        )
        return told._replace(**changes)

    def say(self, what: Outgoing | Event) -> None:
        later = self.random.expovariate(1 / SPREAD) if self.random.random() < 0.5 else 0
        self._count += 1
        heappush(self._waiting, (self._now + later, self._count, what))

    def captured(self, of: Told, by: str = "", psp_id: bool = True, reference: bool = True) -> None:
        """By upstream, by a webhook, or by both; the capture's end in the books is known from here on."""
        self.truth.capture(
            of.merchant, of.payment, of.amount, of.currency, self._fee_of(of.amount, of.currency)
        )
        by = by or (self.random.choice(("upstream", "webhook", "both")) if psp_id else "upstream")
        told = []
        if by in ("upstream", "both"):
            names = {"psp_payment_id": of.psp_id} if psp_id else {}
            names |= {"order_ref": of.reference} if reference else {}
            told.append(self.command(of, "payment.record", amount=of.amount, psp=PSP, **names))
        if by in ("webhook", "both"):
            told.append(self.webhook(of, "payment.captured", of.amount, reference=reference))
        if by == "both":
            self.truth.spare.update(told)

    def command(self, of: Told, kind: str, **fields: Any) -> str:
        """Returns the record's id."""
        record = {
            "type": kind,
            "id": self.new_id("c"),
            "merchant_id": of.merchant,
            "payment_id": of.payment,
            "currency": of.currency,
            "occurred_at": of.at.isoformat(),
            **fields,
        }
        self.truth.ids.add((of.merchant, record["id"]))
        self.say(self._outgoing(COMMANDS, of.merchant, _dumps(record)))
        return str(record["id"])

    def webhook(
        self, of: Told, kind: str, amount: int, addressed: bool = True, reference: bool = True, **data: Any
    ) -> str:
        """`addressed`: with our ids in it; else the directory knows whose it is. Returns the fact's id."""
        ours = {"merchant_id": of.merchant, "payment_id": of.payment} if addressed else {}
        if addressed and reference:
            ours["order_ref"] = of.reference
        body = {"psp_payment_id": of.psp_id, "amount": amount, "currency": of.currency, **ours, **data}
        event = Event(self.new_id("msg_"), {"type": kind, "timestamp": of.at.isoformat(), "data": body})
        fact = f"{PSP}/{event.id}"
        self.truth.events.add(fact)
        self.say(event)
        return fact

    def line(self, of: Told, kind: str = "capture", by: str = "", **fields: Any) -> str:
        """The right line of a capture unless `fields` say otherwise. Returns its id, `{source}/{line id}`."""
        by = by or self.random.choice(("id", "reference", "both", "other"))
        named: dict[str, Any] = {
            "id": {"psp_payment_id": of.psp_id},
            "reference": {},
            "both": {},
            "other": {},
        }
        names = named[by] | ({} if by == "id" else {"merchant_ref": of.reference})
        if by in ("both", "other"):
            names["psp_payment_id"] = of.psp_id if by == "both" else self.new_id("pi_other_")
        record = {
            "type": "settlement.line",
            "source": SOURCE,
            "psp": PSP,
            "batch_id": f"S{self._now // 5000}",
            "line_id": self.new_id("L"),
            "kind": kind,
            "currency": of.currency,
            "gross": of.amount,
            "fee": of.amount * FEE_BPS // 10_000 if kind == "capture" else 0,
            "booked_on": of.booked_on.isoformat(),
            **names,
            **fields,
        }
        record.setdefault("settle_currency", record["currency"])
        record.setdefault("net", record["gross"] - record["fee"])
        self.truth.line(record["net"], record["settle_currency"])
        value = _dumps(record)
        self.say(self._outgoing(LINES, f"{SOURCE}/{record['batch_id']}/{record['line_id']}", value))
        return f"{SOURCE}/{record['line_id']}"

    def settled(
        self, of: Told, *lines: str, kind: str = "capture", identity: str = "", whole: bool = True
    ) -> None:
        """These lines and no others must be with it in the end; `whole`: its gross is settled by them."""
        self.truth.match(PSP, identity or of.psp_id, kind, lines, whole)

    def opens(self, category: str, about: str) -> None:
        self.truth.open.add((category, about))

    # -- a capture and its line ----------------------------------------------------------------------------

    def tell_exact(self) -> None:
        of = self.payment()
        self.captured(of)
        self.settled(of, self.line(of))

    def tell_exact_by_reference_alone(self) -> None:
        of = self.payment()
        self.captured(of, psp_id=False)
        by = self.random.choice(("reference", "other"))
        self.settled(of, self.line(of, by=by), identity=f"{of.merchant}/{of.payment}")

    def tell_parts(self) -> None:
        of = self.payment()
        self.captured(of)
        half: dict[str, Any] = {"gross": of.amount // 2, "fee": of.amount // 2 * FEE_BPS // 10_000}
        rest = {"batch_id": "S-rest"}
        self.settled(of, self.line(of, **half), self.line(of, **half, **rest))

    def tell_over(self) -> None:
        self._amiss("AMOUNT_OVER", whole=True, more=7)

    def tell_under(self) -> None:
        self._amiss("AMOUNT_UNDER", whole=False, more=-7)

    def _amiss(self, category: str, whole: bool, more: int) -> None:
        of = self.payment()
        self.captured(of)
        self.settled(of, self.line(of, gross=of.amount + more), whole=whole)
        self.opens(category, of.payment)

    def tell_fee(self) -> None:
        of = self.payment(amount=40_000)
        self.captured(of)
        self.settled(of, self.line(of, fee=900))
        self.opens("FEE_VARIANCE", of.payment)

    def tell_currency(self) -> None:
        of = self.payment()
        self.captured(of)
        other = "USD" if of.currency == "EUR" else "EUR"
        self.settled(of, self.line(of, currency=other), whole=False)
        self.opens("CURRENCY_MISMATCH", of.payment)

    def tell_direction(self) -> None:
        of = self.payment()
        self.captured(of)
        self.settled(of, self.line(of, gross=-of.amount), whole=False)
        self.opens("DIRECTION_MISMATCH", of.payment)

    def tell_late(self) -> None:
        of = self.payment()
        self.captured(of)
        late = (of.booked_on + timedelta(days=30)).isoformat()
        self.settled(of, self.line(of, booked_on=late))
        self.opens("LATE", of.payment)

    def tell_fx(self) -> None:
        of = self.payment(currency="EUR", amount=40_000)
        self.captured(of)
        converted: dict[str, Any] = {"settle_currency": "USD", "rate": "1.10", "net": 44_000 - 400 - 500}
        self.settled(of, self.line(of, **converted))
        self.opens("FX_VARIANCE", of.payment)

    def tell_duplicate(self) -> None:
        of = self.payment()
        self.captured(of)
        self.settled(of, self.line(of), self.line(of, batch_id="S-again"))
        self.opens("DUPLICATE_SETTLEMENT", of.payment)

    # -- one side alone ------------------------------------------------------------------------------------

    def tell_missing_settlement(self) -> None:
        of = self.payment()
        self.captured(of)
        self.opens("MISSING_SETTLEMENT", of.payment)

    def tell_missing_payment(self) -> None:
        of = self.payment()
        self.line(of, by="both")
        self.opens("MISSING_PAYMENT", f"{PSP}:{of.psp_id}")

    def tell_a_webhook_of_nobodys_payment(self) -> None:
        of = self.payment()
        self.webhook(of, "payment.captured", of.amount, addressed=False)
        self.opens("MISSING_PAYMENT", f"{PSP}:{of.psp_id}")

    def tell_a_chargeback_of_nobodys_payment(self) -> None:
        of = self.payment()
        self.line(of, "chargeback", by="both", gross=-of.amount)
        self.opens("DISPUTE_UNMATCHED", f"{PSP}:{of.psp_id}")

    # -- amounts where identities do not tell --------------------------------------------------------------

    def tell_two_captures_of_one_order(self) -> None:
        first = self.payment()
        second = self.payment(
            merchant=first.merchant,
            reference=first.reference,
            currency=first.currency,
            amount=first.amount + 400,
        )
        for of in (first, second):
            self.captured(of, psp_id=False)
            line = self.line(of, by="reference")
            self.settled(of, line, identity=f"{of.merchant}/{of.payment}")

    def tell_two_captures_of_one_order_and_amount(self) -> None:
        first = self.payment()
        second = self.payment(**first._asdict() | {"payment": f"{first.payment}b"})
        for of in (first, second):
            self.captured(of, psp_id=False)
            self.opens("MISSING_SETTLEMENT", of.payment)
        self.line(first, by="reference")
        self.opens("AMBIGUOUS", f"{PSP}:{first.reference}")

    def tell_the_amount_alone(self) -> None:
        """The capture has no reference, the line no id: an amount that nothing else has."""
        of = self.payment(amount=400 * (1_000_000 + self._count))
        self.captured(of, reference=False)
        self.settled(of, self.line(of, by="reference"))

    # -- what webhooks tell --------------------------------------------------------------------------------

    def tell_the_directory(self) -> None:
        """The authorisation names our payment, the capture only the PSP's id."""
        of = self.payment()
        self.webhook(of, "payment.authorized", of.amount)
        self.captured(of, by="none")
        self.webhook(of, "payment.captured", of.amount, addressed=False)
        self.settled(of, self.line(of))

    def tell_a_capture_beside_a_void(self) -> None:
        of = self.payment()
        self.captured(of)
        self.webhook(of, "payment.voided", of.amount, addressed=self.random.random() < 0.5)
        self.settled(of, self.line(of))
        self.opens("STATUS_MISMATCH", of.payment)

    def tell_a_refund(self) -> None:
        of = self.payment()
        self.captured(of)
        own, amount = f"re_{of.payment}", of.amount // 2
        self.webhook(of, "refund.succeeded", amount, psp_object_id=own, addressed=self.random.random() < 0.7)
        self.truth.refund_fact(of.merchant, of.payment, amount, of.currency)
        self.settled(of, self.line(of))
        line = self.line(of._replace(psp_id=own), "refund", by="id", gross=-amount)
        self.settled(of, line, kind="refund", identity=own)

    def tell_a_refund_that_failed(self) -> None:
        of = self.payment()
        self.captured(of)
        own, amount = f"re_{of.payment}", of.amount // 2
        for kind in ("refund.succeeded", "refund.failed"):
            self.webhook(of, kind, amount, psp_object_id=own)
        self.settled(of, self.line(of))

    def tell_a_dispute(self) -> None:
        """Open, won or lost; the chargeback is settled under the dispute's id."""
        of = self.payment()
        self.captured(of)
        own, end = f"dp_{of.payment}", self.random.choice(("open", "won", "lost"))
        addressed = self.random.random() < 0.7
        self.webhook(of, "dispute.opened", of.amount, psp_object_id=own, addressed=addressed)
        if end != "open":
            self.webhook(of, f"dispute.{end}", of.amount, psp_object_id=own, addressed=addressed)
        self.settled(of, self.line(of))
        line = self.line(of._replace(psp_id=own), "chargeback", by="id", gross=-of.amount)
        self.settled(of, line, kind="chargeback", identity=own)
        self.truth.dispute(of.merchant, of.payment, of.amount, of.currency, end)
        if end == "won":
            back = self.line(of._replace(psp_id=own), "chargeback_reversal", by="id")
            self.settled(of, back, kind="chargeback_reversal", identity=own)

    def tell_a_dispute_that_only_the_line_knows(self) -> None:
        of = self.payment()
        self.captured(of)
        self.settled(of, self.line(of))
        line = self.line(of, "chargeback", by="both", gross=-of.amount)
        self.settled(of, line, kind="chargeback", identity=f"{of.merchant}/line:{line}")
        self.truth.dispute(of.merchant, of.payment, of.amount, of.currency, "open")

    def tell_a_payment_twice(self) -> None:
        """Two payments that look the same to a person: the one with the greater id is the duplicate."""
        first = self.payment()
        names = {
            "payment": f"{first.payment}b",
            "psp_id": f"{first.psp_id}b",
            "reference": f"{first.reference}b",
        }
        second = self.payment(**first._asdict() | names)
        for of in (first, second):
            self.captured(of, by="none")
            self.command(
                of,
                "payment.record",
                amount=of.amount,
                psp=PSP,
                psp_payment_id=of.psp_id,
                order_ref=of.reference,
                invoice_id=f"INV-{first.payment}",
                payer={"tax_id": "DE1"},
            )
            self.settled(of, self.line(of))
        self.opens("DUPLICATE_PAYMENT", second.payment)

    def tell_what_nobody_can_read(self) -> None:
        of = self.payment()
        kind = self.random.choice(("payment.teleported", "ping", "payment.created"))
        self.say(Event(self.new_id("msg_"), {"type": kind, "timestamp": of.at.isoformat(), "data": {}}))
