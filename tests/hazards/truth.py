"""What the generator knows of its own records: ids, sums per merchant, what was planted. No rules in here."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Final, NamedTuple

COMMANDS: Final = "payments.commands"
LINES: Final = "settlements.lines"
BANK: Final = "bank.lines"

Place = tuple[str, str]
"""(merchant id, currency)."""


class Request(NamedTuple):
    """Something that may be refused; amounts are minor units."""

    kind: str
    subject: str
    amount: int
    currency: str


class Truth:
    """Facts are summed at once; requests are kept until the books say which of them were accepted."""

    def __init__(self) -> None:
        self.ids: set[tuple[str, str]] = set()
        """(merchant, command id) of every well-formed command."""
        self.repeats = 0
        self.poison = 0
        self.payments: set[str] = set()
        self.owed: Counter[Place] = Counter()
        """Captures less fees less refunds that happened."""
        self.captured: Counter[str] = Counter()
        self.refund_facts: Counter[str] = Counter()
        self.requests: dict[tuple[str, str], Request] = {}
        self.payout_facts: dict[tuple[str, str], str] = {}
        self.settled: Counter[str] = Counter()
        self.lines = 0
        self.bank_lines = 0
        self.at_banks: Counter[str] = Counter()
        """What bank lines say came in, less what went out."""
        self.under: set[str] = set()
        self._with_line: set[str] = set()

    def capture(self, merchant: str, payment: str, amount: int, currency: str, fee: int) -> None:
        self.payments.add(payment)
        self.captured[currency] += amount
        self.owed[merchant, currency] += amount - fee

    def refund_fact(self, merchant: str, amount: int, currency: str) -> None:
        self.refund_facts[currency] += amount
        self.owed[merchant, currency] -= amount

    def request(self, merchant: str, record_id: str, kind: str, amount: int, currency: str) -> None:
        self.requests[merchant, record_id] = Request(kind, "", amount, currency)

    def payout(self, merchant: str, record_id: str, payout: str, amount: int, currency: str) -> None:
        self.requests[merchant, record_id] = Request("payout", payout, amount, currency)

    def payout_fact(self, merchant: str, payout: str, status: str) -> None:
        self.payout_facts[merchant, payout] = status

    def settle(self, payment: str) -> bool:
        """False where the payment has a line already."""
        if payment in self._with_line:
            return False
        self._with_line.add(payment)
        return True

    def line(self, key: str, gross: int, currency: str, under: bool) -> None:
        self.lines += 1
        self.settled[currency] += gross
        if under:
            self.under.add(key)

    def bank_line(self, amount: int, currency: str) -> None:
        self.bank_lines += 1
        self.at_banks[currency] += amount

    def owed_after(self, outcomes: Mapping[tuple[str, str], str]) -> Counter[Place]:
        """What each merchant is owed, given which requests were accepted (`applied`)."""
        owed = Counter(self.owed)
        for (merchant, record_id), request in self.requests.items():
            if outcomes.get((merchant, record_id)) != "applied":
                continue
            failed = self.payout_facts.get((merchant, request.subject)) == "failed"
            if request.kind == "refund" or not failed:
                owed[merchant, request.currency] -= request.amount
        return owed
