"""A seeded stream of state-dependent traffic, and what is known of it without the program's own rules.

About half of the requests ask for more than there is: whether one must be refused depends on everything
that came before it, so a record lost, doubled or decided out of order shows in other decisions as well.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from datetime import UTC, datetime
from random import Random
from typing import Any, Final, NamedTuple

import orjson

from app.demo.market import Plan
from app.kafka.partitioner import partition_for
from app.kafka.publisher import Outgoing
from tests.hazards import storytelling
from tests.hazards.stories import Stories
from tests.hazards.story_parts import Event
from tests.hazards.truth import BANK, COMMANDS, LINES, Truth

PLAN: Final = Plan(250, {"EUR": 25, "USD": 30})
RELEASE_SECONDS: Final = 1
WINDOW_SECONDS: Final = 7200
"""Longer than any run: what no line settles is simply not missing yet."""
PSPS: Final = ("stripe", "adyen")
BANK_ACCOUNTS: Final = tuple(f"DE{number}" for number in range(12))
CURRENCIES: Final = ("EUR", "USD")
REPEATED: Final = 0.05
UNDER: Final = 0.01
MERCHANTS: Final = 48
RECENT: Final = 400
GARBAGE: Final = (
    b"",
    b"  ",
    b"[]",
    b"\xff\xfe",
    b'{"type":"payment.record","id":"cut',
    b'{"type":"payment.recorded","id":"x"}',
    b'{"type":"payout.create","id":"x","merchant_id":"m","payout_id":"p","amount":1.5,"currency":"EUR"}',
    b'{"type":"payout.create","id":"x","merchant_id":"m","payout_id":"p","amount":10000000000000000,"currency":"EUR"}',
)


class Payment(NamedTuple):
    merchant: str
    id: str
    psp: str
    amount: int
    currency: str


def platform() -> dict[str, Any]:
    """A document for `python -m app configure`."""
    window = {"settlement_window_seconds": WINDOW_SECONDS}
    sources = {f"{psp}-files": {"psp": psp, "payment_window_seconds": WINDOW_SECONDS} for psp in PSPS}
    short = {
        "settlement_window_seconds": storytelling.WINDOW_SECONDS,
        "fee_plan": {"bps": storytelling.FEE_BPS},
    }
    sandbox = {"psp": storytelling.PSP, "payment_window_seconds": storytelling.WINDOW_SECONDS}
    return {
        "id": "platform-hazards",
        "default_plan": PLAN.document(),
        "release_delay_seconds": RELEASE_SECONDS,
        "parking_window_seconds": storytelling.WINDOW_SECONDS,
        "psps": dict.fromkeys(PSPS, window) | {storytelling.PSP: short},
        "sources": sources | {storytelling.SOURCE: sandbox},
    }


def _platform_fee(amount: int, currency: str) -> int:
    return min(amount, PLAN.fee(amount, currency))


class Traffic:
    """`take(n)` gives the next n records to send, in order; `truth` knows what was taken.

    `webhooks`: what is to be posted beside them, for whoever posts it to take away.
    """

    def __init__(self, seed: int, partitions: int, prefix: str = "") -> None:
        self.random = Random(seed)
        self.truth = Truth()
        self._partitions = partitions
        self._prefix = prefix
        self._ids = 0
        self._balance: dict[tuple[str, str], int] = {}
        self._recent: deque[Payment] = deque(maxlen=RECENT)
        self._payouts: deque[tuple[str, str]] = deque(maxlen=RECENT)
        self._repeats: deque[Outgoing] = deque(maxlen=RECENT)
        self.webhooks: deque[Event] = deque()
        self._stories = Stories(self.random, self.truth, self._id, _platform_fee, self._outgoing)
        self._started = False
        self._kinds: dict[Callable[[], Outgoing | None], float] = {
            self._payment: 52,
            self._line: 17,
            self._bank_line: 4,
            self._story: 5,
            self._refund_request: 12,
            self._payout: 11,
            self._payout_fact: 4,
            self._refund_fact: 3,
            self._garbage: 0.3,
            self._unkeepable: 0.2,
            self._misdirected: 0.3,
        }

    def opening(self) -> list[Outgoing]:
        merchants = [f"m-{number}" for number in range(MERCHANTS)] + self._stories.merchants
        return [self._configure(merchant) for merchant in merchants]

    def take(self, count: int) -> list[Outgoing]:
        taken = self._told(self._stories.due(count))
        while len(taken) < count:
            if self._repeats and self.random.random() < REPEATED:
                record: Outgoing | None = self.random.choice(self._repeats)
                self.truth.repeats += 1
            else:
                record = self.random.choices(list(self._kinds), list(self._kinds.values()))[0]()
                if record is not None:
                    self._repeats.append(record)
            if record is not None:
                taken.append(record)
        return taken

    def rest(self) -> list[Outgoing]:
        """What is left of stories that have begun."""
        return self._told(self._stories.due())

    def _told(self, due: list[Outgoing | Event]) -> list[Outgoing]:
        """Some of it twice; webhooks are set aside."""
        records = []
        for what in due:
            times = 2 if self.random.random() < REPEATED else 1
            self.truth.repeats += times - 1
            if isinstance(what, Event):
                self.webhooks += [what] * times
            else:
                records += [what] * times
        return records

    def _story(self) -> None:
        self._stories.tell()

    def junk(self, count: int) -> list[Outgoing]:
        """Well-formed payments that must never be seen: for transactions that are aborted."""
        merchant = self._merchant()
        return [
            self._command(merchant, self._payment_document(merchant, "aborted-"), known=False)
            for _ in range(count)
        ]

    def _merchant(self) -> str:
        return f"m-{self.random.randrange(MERCHANTS)}"

    def _id(self, prefix: str) -> str:
        self._ids += 1
        return f"{prefix}{self._prefix}{self._ids}"

    def _configure(self, merchant: str) -> Outgoing:
        document = {"type": "merchant.configure", "id": self._id("c"), "merchant_id": merchant}
        return self._command(merchant, {**document, "name": merchant, "settlement_currency": "EUR"})

    def _payment_document(self, merchant: str, prefix: str = "pay-") -> dict[str, Any]:
        payment_id, psp = self._id(prefix), self.random.choice(PSPS)
        return {
            "type": "payment.record",
            "id": self._id("c"),
            "merchant_id": merchant,
            "payment_id": payment_id,
            "amount": int(self.random.lognormvariate(8.0, 1.0)) + 1,
            "currency": self.random.choice(CURRENCIES),
            "psp": psp,
            "psp_payment_id": f"{psp}_{payment_id}",
            "occurred_at": datetime.now(UTC).isoformat(timespec="milliseconds"),
        }

    def _payment(self) -> Outgoing:
        merchant = self._merchant()
        document = self._payment_document(merchant)
        payment = Payment(
            merchant, document["payment_id"], document["psp"], document["amount"], document["currency"]
        )
        self._recent.append(payment)
        fee = _platform_fee(payment.amount, payment.currency)
        self.truth.capture(merchant, payment.id, payment.amount, payment.currency, fee)
        self._move(merchant, payment.currency, payment.amount - fee)
        return self._command(merchant, document)

    def _refund(self, kind: str, payment: Payment, amount: int) -> dict[str, Any]:
        return {
            "type": kind,
            "id": self._id("c"),
            "merchant_id": payment.merchant,
            "payment_id": payment.id,
            "refund_id": self._id("re-"),
            "amount": amount,
            "currency": payment.currency,
        }

    def _refund_request(self) -> Outgoing | None:
        """Up to the whole payment; earlier ones of the same payment, or a payout, may have taken it."""
        if not self._recent:
            return None
        payment = self.random.choice(self._recent)
        amount = self.random.randint(1, max(1, payment.amount * 3 // 2))
        document = self._refund("refund.create", payment, amount)
        self.truth.refund_request(payment.merchant, document["id"], payment.id, amount, payment.currency)
        return self._command(payment.merchant, document)

    def _refund_fact(self) -> Outgoing | None:
        if not self._recent:
            return None
        payment = self.random.choice(self._recent)
        amount = self.random.randint(1, max(1, payment.amount // 10))
        document = self._refund("refund.record", payment, amount)
        document["psp_refund_id"] = f"{payment.psp}_{document['refund_id']}"
        document["occurred_at"] = datetime.now(UTC).isoformat(timespec="milliseconds")
        self.truth.refund_fact(payment.merchant, payment.id, amount, payment.currency)
        self._move(payment.merchant, payment.currency, -amount)
        return self._command(payment.merchant, document)

    def _payout(self) -> Outgoing:
        """Around what the merchant should have: about half of them ask for too much."""
        merchant, currency = self._merchant(), self.random.choice(CURRENCIES)
        estimate = max(1000, self._balance.get((merchant, currency), 0))
        amount = self.random.randint(1, estimate * 5 // 4)
        payout_id = self._id("po-")
        record_id = self._id("c")
        document: dict[str, Any] = {
            "type": "payout.create",
            "id": record_id,
            "merchant_id": merchant,
            "payout_id": payout_id,
            "amount": amount,
            "currency": currency,
        }
        self._move(merchant, currency, -amount // 2)
        self._payouts.append((merchant, payout_id))
        self.truth.payout(merchant, record_id, payout_id, amount, currency)
        return self._command(merchant, document)

    def _payout_fact(self) -> Outgoing | None:
        """About a payout that may have been refused: then the fact waits for it."""
        if not self._payouts:
            return None
        merchant, payout_id = self._payouts.popleft()
        status = self.random.choice(("paid", "paid", "failed"))
        document = {
            "type": f"payout.{status}",
            "id": self._id("c"),
            "merchant_id": merchant,
            "payout_id": payout_id,
            "occurred_at": datetime.now(UTC).isoformat(timespec="milliseconds"),
        }
        self.truth.payout_fact(merchant, payout_id, status)
        return self._command(merchant, document)

    def _line(self) -> Outgoing | None:
        """One settlement line per payment at most; now and then it holds less than was paid."""
        if not self._recent:
            return None
        payment = self.random.choice(self._recent)
        if not self.truth.settle(payment.id):
            return None
        under = self.random.random() < UNDER and payment.amount > 1000
        gross = payment.amount // 2 if under else payment.amount
        document: dict[str, Any] = {
            "type": "settlement.line",
            "source": f"{payment.psp}-files",
            "psp": payment.psp,
            "batch_id": f"B{self._ids // 1000}",
            "line_id": self._id("L"),
            "kind": "capture",
            "psp_payment_id": f"{payment.psp}_{payment.id}",
            "currency": payment.currency,
            "gross": gross,
            "settle_currency": payment.currency,
            "net": gross,
            "booked_on": datetime.now(UTC).date().isoformat(),
        }
        line = f"{document['source']}/{document['line_id']}"
        self.truth.line(gross, payment.currency)
        self.truth.match(payment.psp, document["psp_payment_id"], "capture", [line], not under)
        if under:
            self.truth.open.add(("PARTIAL_SETTLEMENT", payment.id))
        value = orjson.dumps(document)
        return self._outgoing(LINES, f"{document['source']}/{document['batch_id']}/{payment.id}", value)

    def _bank_line(self) -> Outgoing:
        account, currency = self.random.choice(BANK_ACCOUNTS), self.random.choice(CURRENCIES)
        amount = self.random.choice((-1, 1, 1)) * self.random.randint(1, 90_000)
        self.truth.bank_line(amount, currency)
        document = {
            "type": "bank.line",
            "account": account,
            "line_id": self._id("bank"),
            "amount": amount,
            "currency": currency,
            "value_date": datetime.now(UTC).date().isoformat(),
        }
        return self._outgoing(BANK, account, orjson.dumps(document))

    def _garbage(self) -> Outgoing:
        self.truth.poison += 1
        return self._outgoing(COMMANDS, self._merchant(), self.random.choice(GARBAGE))

    def _unkeepable(self) -> Outgoing:
        """Decodes well, but no text column takes a NUL."""
        merchant = self._merchant()
        document = self._payment_document(merchant)
        document[self.random.choice(("id", "payment_id"))] += "\0"
        self.truth.poison += 1
        return self._outgoing(COMMANDS, merchant, orjson.dumps(document))

    def _misdirected(self) -> Outgoing:
        """Under another's key: forwarded once to where it belongs, and decided there."""
        record = self._payment()
        key = f"stranger-{self.random.randrange(100)}".encode()
        return Outgoing(COMMANDS, partition_for(key, self._partitions), key, record.value)

    def _command(self, merchant: str, document: dict[str, Any], known: bool = True) -> Outgoing:
        if known:
            self.truth.ids.add((merchant, document["id"]))
        return self._outgoing(COMMANDS, merchant, orjson.dumps(document))

    def _outgoing(self, topic: str, key: str, value: bytes) -> Outgoing:
        raw = key.encode()
        return Outgoing(topic, partition_for(raw, self._partitions), raw, value)

    def _move(self, merchant: str, currency: str, amount: int) -> None:
        place = (merchant, currency)
        self._balance[place] = max(0, self._balance.get(place, 0) + amount)
