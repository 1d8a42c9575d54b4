"""What the generator knows of its own records, without the program's rules.

Ids; sums per merchant; what must be matched with what, and which exceptions must be open once all windows
have closed.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Final, NamedTuple

COMMANDS: Final = "payments.commands"
LINES: Final = "settlements.lines"
BANK: Final = "bank.lines"

Place = tuple[str, str]
"""(merchant id, currency)."""


Thing = tuple[str, str, str]
"""(psp, identity, kind) of what is expected to be settled."""


class Match(NamedTuple):
    """Ids of its settlement lines, `{source}/{line id}`, and whether they settle all of it."""

    lines: frozenset[str]
    whole: bool


class Request(NamedTuple):
    """Something that may be refused; amounts are minor units. `subject`: the payment or payout."""

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
        self.events: set[str] = set()
        """Record ids of the facts that webhooks brought."""
        self.spare: set[str] = set()
        """Ids of commands and webhooks that tell what another tells, too: the later is a duplicate."""
        self.held: Counter[Place] = Counter()
        """Of open disputes."""
        self.matches: dict[Thing, Match] = {}
        self.open: set[tuple[str, str]] = set()
        """(category, what it is about) of the exceptions that depend on no request."""
        self.taken_back: Counter[tuple[str, str]] = Counter()
        """(merchant, payment) -> refunds and disputes that are facts, minor units."""
        self.captured_of: dict[tuple[str, str], int] = {}
        self._with_line: set[str] = set()

    def capture(self, merchant: str, payment: str, amount: int, currency: str, fee: int) -> None:
        self.payments.add(payment)
        self.captured_of[merchant, payment] = amount
        self.captured[currency] += amount
        self.owed[merchant, currency] += amount - fee

    def refund_fact(self, merchant: str, payment: str, amount: int, currency: str) -> None:
        self.refund_facts[currency] += amount
        self.owed[merchant, currency] -= amount
        self.taken_back[merchant, payment] += amount

    def dispute(self, merchant: str, payment: str, amount: int, currency: str, end: str) -> None:
        """`end`: open, won or lost."""
        if end == "won":
            return
        self.taken_back[merchant, payment] += amount
        (self.held if end == "open" else self.owed)[merchant, currency] += (
            amount if end == "open" else -amount
        )

    def refund_request(self, merchant: str, record_id: str, payment: str, amount: int, currency: str) -> None:
        self.requests[merchant, record_id] = Request("refund", payment, amount, currency)

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

    def line(self, net: int, currency: str) -> None:
        """`currency`: the one it is settled in."""
        self.lines += 1
        self.settled[currency] += net

    def match(self, psp: str, identity: str, kind: str, lines: Iterable[str], whole: bool) -> None:
        """These lines and no others belong to the object; `whole`: they settle its gross."""
        self.matches[psp, identity, kind] = Match(frozenset(lines), whole)

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

    def open_after(self, outcomes: Mapping[tuple[str, str], str]) -> set[tuple[str, str]]:
        """All exceptions that must be open, given which requests were accepted."""
        owed, taken_back = self.owed_after(outcomes), Counter(self.taken_back)
        refused = set()
        for (merchant, record_id), request in self.requests.items():
            accepted = outcomes.get((merchant, record_id)) == "applied"
            if request.kind == "refund" and accepted:
                taken_back[merchant, request.subject] += request.amount
            if request.kind == "payout" and not accepted:
                refused.add((merchant, request.subject))
        below = [place for place in owed if owed[place] - self.held[place] < 0]
        exceeding = [name for name, amount in taken_back.items() if amount > self.captured_of[name]]
        return (
            self.open
            | {("NEGATIVE_BALANCE", "/".join(place)) for place in below}
            | {("REFUND_EXCEEDS_CAPTURE", payment) for _, payment in exceeding}
            | {("MISSING_PAYMENT", f"payout/{payout}") for _, payout in refused & self.payout_facts.keys()}
        )
