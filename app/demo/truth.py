"""What the demo sent and what must follow from it, kept by the demo itself.

Only the exceptional is remembered by id, everything else is counted, so that a demo may run for days.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass, field
from typing import Final

APPLIED: Final = "applied"
DUPLICATE: Final = "duplicate"
REFUSED: Final = "refused"
PARKED: Final = "parked"
DEAD: Final = "dead_letter"
EITHER: Final = "applied or duplicate"
"""A fact that the PSP reports as well: whoever is heard first brings it, the other repeats it."""
CATEGORIES: Final = (
    "AMOUNT_UNDER",
    "AMOUNT_OVER",
    "PARTIAL_SETTLEMENT",
    "FEE_VARIANCE",
    "CURRENCY_MISMATCH",
    "FX_VARIANCE",
    "DIRECTION_MISMATCH",
    "DUPLICATE_SETTLEMENT",
    "LATE",
    "MISSING_SETTLEMENT",
    "MISSING_PAYMENT",
    "DUPLICATE_PAYMENT",
    "STATUS_MISMATCH",
    "AMBIGUOUS",
    "DISPUTE_UNMATCHED",
)
"""What the demo plants. Any other open mismatch is one too many."""


@dataclass
class Truth:
    """Amounts are minor units per currency, records are counted when they are handed out for sending."""

    sent: Counter[str] = field(default_factory=Counter)
    """Topic -> records."""
    webhooks: int = 0
    """Deliveries with a right signature, repeats included."""
    forged: int = 0
    """Deliveries that nobody may believe."""
    unreadable: int = 0
    """Deliveries with a right signature whose event nobody knows."""
    outcomes: Counter[str] = field(default_factory=Counter)
    """Outcome -> records of ours on `payments.commands`."""
    refused: set[tuple[str, str]] = field(default_factory=set)
    """(merchant id, record id) of requests that the rules must refuse."""
    parked: set[tuple[str, str]] = field(default_factory=set)
    """(merchant id, record id) of facts sent before their parent."""
    merchants: set[str] = field(default_factory=set)
    payments: int = 0
    """Different payments, those without a capture as well."""
    captured: Counter[str] = field(default_factory=Counter)
    refunded: Counter[str] = field(default_factory=Counter)
    disputed: Counter[str] = field(default_factory=Counter)
    """In open and lost disputes."""
    held: Counter[str] = field(default_factory=Counter)
    """In open disputes."""
    platform_fees: Counter[str] = field(default_factory=Counter)
    merchants_money: Counter[str] = field(default_factory=Counter)
    """What the platform owes its merchants: pending and available together."""
    payouts: Counter[str] = field(default_factory=Counter)
    """Status at the end -> payouts."""
    bank_fees: Counter[str] = field(default_factory=Counter)
    lines: int = 0
    """Different settlement lines."""
    line_repeats: int = 0
    trailers: int = 0
    settled_net: Counter[str] = field(default_factory=Counter)
    """Σ net of different lines per settle currency: what lies in transit."""
    mismatches: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))
    """Category -> name of each planted one: `{psp}:{object id}`, or `{merchant}/{payment}` where no line is
    involved."""

    def command(self, merchant_id: str, record_id: str, outcome: str) -> None:
        """One more record on `payments.commands` with its certain outcome."""
        self.outcomes[outcome] += 1
        self.merchants.add(merchant_id)
        if outcome == REFUSED:
            self.refused.add((merchant_id, record_id))
        elif outcome == PARKED:
            self.parked.add((merchant_id, record_id))

    def capture(self, amount: int, currency: str, platform_fee: int) -> None:
        self.payments += 1
        self.captured[currency] += amount
        self.platform_fees[currency] += platform_fee
        self.merchants_money[currency] += amount - platform_fee

    def refund(self, amount: int, currency: str) -> None:
        """A negative amount: the refund came to nothing."""
        self.refunded[currency] += amount
        self.merchants_money[currency] -= amount

    def dispute(self, amount: int, currency: str) -> None:
        """One opens: the merchant's money is held."""
        self.disputed[currency] += amount
        self.held[currency] += amount
        self.merchants_money[currency] -= amount

    def dispute_ends(self, amount: int, currency: str, won: bool) -> None:
        """What was held goes back to the merchant or is gone."""
        self.held[currency] -= amount
        if won:
            self.disputed[currency] -= amount
            self.merchants_money[currency] += amount

    def payout(self, amount: int, currency: str, before: str | None, after: str) -> None:
        """A payout moves from one status to the next; failed and returned ones give the money back."""
        if before is not None:
            self.payouts[before] -= 1
        self.payouts[after] += 1
        if after == "started":
            self.merchants_money[currency] -= amount
        elif after in ("failed", "returned"):
            self.merchants_money[currency] += amount

    def line(self, net: int, currency: str) -> None:
        self.lines += 1
        self.settled_net[currency] += net

    def plant(self, category: str, name: str) -> None:
        self.mismatches[category].add(name)

    def planted(self) -> dict[str, int]:
        """Category -> number planted, all categories of the demo."""
        return {category: len(self.mismatches.get(category, ())) for category in CATEGORIES}
