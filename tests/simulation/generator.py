"""Seeded input: what upstream writes (payments, settlement lines, bank lines), well-behaved or not.

Records come as stories (a payment with its captures, refunds and lines; a payout) whose parts are then moved
about, so that repeats, contradictions and children before their parents arise by themselves.
"""

from __future__ import annotations

from collections.abc import Mapping
from random import Random
from typing import Any, Final

import msgspec

from app.domain.streams import (
    BANK_LINES,
    BANKING_COMMANDS,
    MATCHING_COMMANDS,
    PAYMENTS_COMMANDS,
    SETTLEMENTS_LINES,
)
from app.kafka.partitioner import partition_for
from app.kafka.publisher import Outgoing
from tests.simulation.noise import noise

CURRENCIES: Final = ("EUR", "EUR", "USD", "JPY")
ACCOUNTS: Final = ("DE89370400440532013000", "main")
PSPS: Final = ("stripe", "adyen", "paypal")
WHEN: Final = ("2026-11-19T22:15:00Z", "2026-11-20T08:00:00Z", "2026-11-20T09:00:00Z")
TRAILER: Final = ("source", "psp", "batch_id", "settle_currency")
TOTALS: Final = {"type": "settlement.trailer", "count": 1, "gross": 100, "fee": 2, "net": 98}
_encode: Final = msgspec.json.Encoder().encode


class Generator:
    """`records` holds (place in time, record); the places are sorted when all is told."""

    def __init__(self, rng: Random, partitions: Mapping[str, int]) -> None:
        self.rng = rng
        self.partitions = partitions
        self.records: list[tuple[float, Outgoing]] = []
        self.merchants = [f"m-{n}" for n in range(2 + int(rng.random() * 4))]
        self._ids = 0

    def inputs(self, count: int) -> list[Outgoing]:
        """The next `count` records; the first time configuration comes first, mostly."""
        if not self._ids:
            self._configure()
        while len(self.records) < count:
            place = 0.02 + self.rng.random()
            chance = self.rng.random()
            if chance < 0.72:
                self._payment(place)
            elif chance < 0.85:
                self._payout(place)
            elif chance < 0.9:
                self._bank_line(place)
            else:
                place, record = noise(self, place)
                self.records.append((place, record))
        self.records.sort(key=lambda told: told[0])
        told, self.records = self.records[:count], self.records[count:]
        return [record for _, record in told]

    def new_id(self, prefix: str) -> str:
        self._ids += 1
        return f"{prefix}{self._ids}"

    def say(self, place: float, topic: str, key: str, record: Mapping[str, Any]) -> None:
        """Write one record near `place`, sometimes twice, sometimes far too late or too early."""
        value = _encode(record)
        raw = key.encode()
        outgoing = Outgoing(topic, partition_for(raw, self.partitions[topic]), raw, value)
        random = self.rng.random
        spread = 0.3 if random() < 0.15 else 0.01
        self.records.append((place + spread * (random() - 0.3), outgoing))
        if random() < 0.08:
            self.records.append((place + 0.2 * random(), outgoing))

    def command(self, place: float, kind: str, merchant: str, **fields: Any) -> None:
        """A record for the merchant lane; now and then the same fact comes under another id as well."""
        record = {"type": kind, "id": self.new_id("c"), "merchant_id": merchant, **fields}
        self.say(place, PAYMENTS_COMMANDS, merchant, record)
        chance = self.rng.random()
        if chance < 0.05:
            self.say(place + 0.05, PAYMENTS_COMMANDS, merchant, {**record, "id": self.new_id("c")})
        elif chance < 0.08 and "amount" in record:
            other = {**record, "amount": record["amount"] + 1}
            if self.rng.random() < 0.5:
                other["id"] = self.new_id("c")
            self.say(place + 0.05, PAYMENTS_COMMANDS, merchant, other)

    def _configure(self) -> None:
        self._configure_platform(0.0)
        if self.rng.random() < 0.3:
            self._configure_platform(self.rng.random())
        for merchant in self.merchants:
            if self.rng.random() < 0.85:
                self._configure_merchant(0.001, merchant)
            if self.rng.random() < 0.2:
                self._configure_merchant(self.rng.random(), merchant)

    def _configure_platform(self, place: float) -> None:
        random = self.rng.random
        window = (1, 20, 3600, None)[int(random() * 4)]
        wait = (0, 2, 60)[int(random() * 3)]
        plan = {"bps": int(random() * 300), "fixed": {"EUR": 10, "USD": 12}}
        record = {
            "type": "platform.configure",
            "id": self.new_id("p"),
            "default_plan": {"bps": 250, "fixed": {"EUR": 25, "JPY": 30}},
            "release_delay_seconds": (0, 3, 600)[int(random() * 3)],
            "psps": {
                "stripe": {
                    "fee_plan": plan,
                    "fee_payer": "merchant" if random() < 0.4 else "platform",
                    "settlement_window_seconds": window,
                },
                "adyen": {"gross_tolerance": int(random() * 2), "settlement_window_seconds": window},
            },
            "sources": {
                "acquirer-a": {"psp": "stripe", "payment_window_seconds": window, "min_wait_seconds": wait},
                "acquirer-b": {"psp": "adyen", "payment_window_seconds": 2},
            },
        }
        value = _encode(record)
        for topic in (PAYMENTS_COMMANDS, MATCHING_COMMANDS, BANKING_COMMANDS):
            for partition in range(self.partitions[topic]):
                self.records.append((place, Outgoing(topic, partition, None, value)))

    def _configure_merchant(self, place: float, merchant: str) -> None:
        random = self.rng.random
        record = {
            "name": f"Shop {merchant}",
            "settlement_currency": "EUR",
            "fee_plan": {"bps": int(random() * 400), "fixed": {"EUR": int(random() * 40)}},
            "negative_limit": (0, 0, 5000)[int(random() * 3)],
        }
        if random() < 0.7:
            record["release_delay_seconds"] = (0, 0, 0, 1, 30)[int(random() * 5)]
        self.command(place, "merchant.configure", merchant, **record)

    def _payment(self, place: float) -> None:
        """One payment: captures, refunds, settlement lines."""
        rng = self.rng
        merchant, psp = rng.choice(self.merchants), rng.choice(PSPS)
        payment, currency = self.new_id("pay-"), rng.choice(CURRENCIES)
        parent: dict[str, Any] = {
            "payment_id": payment,
            "currency": currency,
            "psp": psp,
            "psp_payment_id": f"pi_{payment}",
            "occurred_at": rng.choice(WHEN),
        }
        if rng.random() < 0.12:
            parent |= {"invoice_id": f"INV-{self._ids // 12}", "payer": {"tax_id": f"T{self._ids % 2}"}}
        count = 1 if rng.random() < 0.8 else 2 + int(rng.random() * 2)
        for index in range(count):
            amount = 100 + int(rng.random() * 20_000)
            object_id = f"pi_{payment}"
            if index:
                object_id = f"pi_{payment}.{index}"
                parent = {**parent, "capture_id": f"{payment}.{index}", "psp_capture_id": object_id}
            self._capture(place, merchant, amount, parent)
            if "payer" in parent and rng.random() < 0.5:
                self._look_alike(place, merchant, amount, parent)
            if rng.random() < 0.45:
                self._lines(place + 0.02, psp, object_id, "capture", amount, currency)
            if rng.random() < 0.35:
                self._refunds(place + 0.03, merchant, payment, psp, amount, currency)

    def _look_alike(self, place: float, merchant: str, amount: int, fields: dict[str, Any]) -> None:
        """Another payment that looks like this one to a person."""
        other = self.new_id("pay-")
        names = {"payment_id": other, "psp_payment_id": f"pi_{other}"}
        if "capture_id" in fields:
            names |= {"capture_id": other, "psp_capture_id": f"pi_{other}"}
        self.command(place + 0.02, "payment.record", merchant, amount=amount, **{**fields, **names})

    def _capture(self, place: float, merchant: str, amount: int, fields: dict[str, Any]) -> None:
        """A capture under the PSP's id, or first under ours alone and later under the PSP's as well."""
        chance = self.rng.random()
        if chance < 0.1 and "capture_id" not in fields:
            ours = {name: value for name, value in fields.items() if name != "psp_payment_id"}
            self.command(place, "payment.record", merchant, amount=amount, order_ref=f"o-{self._ids}", **ours)
            if chance < 0.06:
                amount += chance < 0.03
                self.command(place + 0.03, "payment.record", merchant, amount=amount, **fields)
        else:
            self.command(place, "payment.record", merchant, amount=amount, **fields)

    def _refunds(
        self, place: float, merchant: str, payment: str, psp: str, amount: int, currency: str
    ) -> None:
        rng = self.rng
        for _ in range(1 + int(rng.random() * 2)):
            refund = self.new_id("re-")
            part = 1 + int(rng.random() * amount * 1.2)
            fields = {"payment_id": payment, "refund_id": refund, "amount": part, "currency": currency}
            fact = {**fields, "psp_refund_id": f"re_{refund}", "occurred_at": rng.choice(WHEN)}
            chance = rng.random()
            if chance < 0.55:
                self.command(place, "refund.create", merchant, **fields)
            if chance > 0.35:
                self.command(place + 0.02, "refund.record", merchant, **fact)
                if rng.random() < 0.4:
                    self._lines(place + 0.04, psp, f"re_{refund}", "refund", -part, currency)

    def _lines(self, place: float, psp: str, object_id: str, kind: str, gross: int, currency: str) -> None:
        """The settlement line of one object, mostly right."""
        rng = self.rng
        source = "acquirer-b" if psp == "adyen" else "acquirer-a"
        chance = rng.random()
        if chance < 0.1:
            gross += (-1 if rng.random() < 0.5 else 1) * (1 + int(rng.random() * 50))
        fee = int(abs(gross) * rng.choice((0.0, 0.015, 0.02, 0.05)))
        line = {
            "type": "settlement.line",
            "source": source,
            "psp": psp,
            "batch_id": f"B{int(rng.random() * 4)}",
            "line_id": self.new_id("L"),
            "kind": kind,
            "psp_payment_id": object_id,
            "currency": "USD" if 0.1 < chance < 0.13 else currency,
            "gross": gross,
            "fee": fee,
            "net": gross - fee,
            "booked_on": "2026-11-21" if rng.random() < 0.8 else "2026-11-23",
        }
        line["settle_currency"] = line["currency"]
        if chance > 0.93:
            self._complicate(line)
        self._say_line(place, line)
        if rng.random() < 0.05:
            self._say_line(place + 0.02, {**{name: line[name] for name in TRAILER}, **TOTALS})
        if rng.random() < 0.08:
            self._say_line(place + 0.05, {**line, "line_id": self.new_id("L")})
        if rng.random() < 0.08:
            corrected = {**line, "gross": gross + 1, "net": gross + 1 - fee}
            if rng.random() < 0.3:
                corrected["kind"] = "adjustment"
            self._say_line(place + 0.05, corrected)

    def _complicate(self, line: dict[str, Any]) -> None:
        """Tax and reserve withheld, another settlement currency, or only the merchant's own reference."""
        chance = self.rng.random()
        if chance < 0.4:
            line |= {"tax": 3, "reserve": 10, "net": line["net"] - 13}
        elif chance < 0.7 and line["currency"] == "EUR":
            line |= {"settle_currency": "USD", "rate": "1.0850", "net": round(line["gross"] * 1.085)}
        else:
            del line["psp_payment_id"]
            line["merchant_ref"] = f"o-{self._ids}"

    def _say_line(self, place: float, line: dict[str, Any]) -> None:
        self.say(place, SETTLEMENTS_LINES, f"{line['source']}/{line['batch_id']}", line)

    def _bank_line(self, place: float) -> None:
        """A line of a bank statement, now and then corrected by a later statement."""
        rng = self.rng
        account, amount = rng.choice(ACCOUNTS), rng.choice((-1, 1, 1)) * int(rng.random() * 90_000)
        line = {
            "type": "bank.line",
            "account": account,
            "line_id": self.new_id("bank-"),
            "amount": amount,
            "currency": rng.choice(CURRENCIES),
            "value_date": "2026-11-22",
            "remittance": f"PAYOUT B{int(rng.random() * 4)}",
        }
        self.say(place, BANK_LINES, account, line)
        if rng.random() < 0.15:
            corrected = {**line, "amount": amount + int(rng.random() * 3), "booking_date": "2026-11-23"}
            self.say(place + 0.05, BANK_LINES, account, corrected)

    def _payout(self, place: float) -> None:
        """A payout and what became of it, in any order, complete or not."""
        rng = self.rng
        merchant, payout = rng.choice(self.merchants), self.new_id("po-")
        amount = 50 + int(rng.random() * 1_500)
        place = 0.5 + 0.5 * place
        self.command(
            place, "payout.create", merchant, payout_id=payout, amount=amount, currency=rng.choice(CURRENCIES)
        )
        fact = {"payout_id": payout, "occurred_at": rng.choice(WHEN)}
        chance = rng.random()
        if chance < 0.6:
            fee = int(rng.random() * 3) * 10
            self.command(place + 0.01, "payout.paid", merchant, bank_fee=fee, **fact)
        if 0.5 < chance < 0.75:
            self.command(place + 0.01, "payout.failed", merchant, reason="closed", **fact)
        if chance < 0.2:
            self.command(place + 0.02, "payout.returned", merchant, **fact)
