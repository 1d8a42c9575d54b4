"""What a story is made of: a payment's names and amounts, what tells of it, and what must come of it.

Each story has ids, amounts and references that no other has. Its parts come in any order, some of them long
after the others.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
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


class Storyteller:
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
