"""The sandbox PSP's arithmetic: its fee, and amounts as its files write them.

The ISO 4217 table is the one thing that it shares with the program.
"""

from __future__ import annotations

from typing import Final

import msgspec

from app.domain.money import EXPONENTS

CURRENCIES: Final = frozenset(EXPONENTS)
MOST: Final = 10**15
"""Largest amount of one operation, in minor units."""


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """What the PSP keeps. Minor units of the charge's currency; `bps` are hundredths of a percent."""

    bps: int = 140
    fixed: int = 0
    dispute: int = 1500
    dispute_returned: int = 0
    """Of the dispute fee, when the dispute is won."""
    payout: int = 0

    def fee(self, amount: int) -> int:
        """Rounded half up, once; never more than the amount."""
        return min(amount, (amount * self.bps + 5_000) // 10_000 + self.fixed)


def decimal_text(amount: int, currency: str) -> str:
    """12345 of EUR -> `123.45`; of JPY -> `12345`."""
    digits = EXPONENTS[currency]
    sign, whole = "-" if amount < 0 else "", str(abs(amount)).rjust(digits + 1, "0")
    return sign + (f"{whole[:-digits]}.{whole[-digits:]}" if digits else whole)
