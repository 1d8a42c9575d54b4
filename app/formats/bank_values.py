"""Amounts and dates as banks write them in all their formats."""

from __future__ import annotations

import calendar
import re
from datetime import date
from decimal import Decimal
from typing import Final

from app.formats.errors import BadRow

AMOUNT: Final = re.compile(r"([0-9]{1,20})(?:[.,]([0-9]{0,6}))?|[.,]([0-9]{1,6})")
CENTURY_TURNS_AT: Final = 80
"""Two digits of a year: 80 is 1980, 79 is 2079."""
LONGEST_FEBRUARY: Final = 30


def decimal_amount(text: str, what: str = "amount") -> Decimal:
    """An amount without sign and groups, with `.` or `,` before its decimals. Raises BadRow."""
    found = AMOUNT.fullmatch(text.strip())
    if found is None:
        raise BadRow(f"{what}: {text.strip()[:40]!r} is no amount")
    whole, decimals, only_decimals = found.groups()
    fraction = decimals or only_decimals
    return Decimal(f"{whole or 0}.{fraction}" if fraction else whole)


def signed_amount(text: str, what: str = "amount") -> Decimal:
    """As `decimal_amount`, with a sign before it."""
    clean = text.strip()
    amount = decimal_amount(clean[1:] if clean[:1] in ("+", "-") else clean, what)
    return -amount if clean.startswith("-") else amount


def banking_day(year: int, month: int, day: int) -> date:
    """A date, where months of 30 days give banks a 29 or 30 February: its last day. Raises BadRow."""
    if month == 2 and 28 < day <= LONGEST_FEBRUARY:
        day = min(day, calendar.monthrange(year, month)[1] if 0 < year < 10_000 else day)
    try:
        return date(year, month, day)
    except ValueError:
        raise BadRow(f"there is no date {year:04}-{month:02}-{day:02}") from None


def iso_day(text: str) -> date:
    """The date of `2026-11-21` or of a moment that begins with it, as the bank wrote it. Raises BadRow."""
    found = re.match(r"([0-9]{4})-([0-9]{2})-([0-9]{2})(?![0-9])", text.strip())
    if found is None:
        raise BadRow(f"{text.strip()[:40]!r} is no date")
    return banking_day(int(found[1]), int(found[2]), int(found[3]))


def packed_day(text: str) -> date:
    """`261121` or `20261121`. Raises BadRow."""
    clean = text.strip()
    if not re.fullmatch(r"[0-9]{6}|[0-9]{8}", clean):
        raise BadRow(f"{clean[:40]!r} is no date")
    if len(clean) == 8:
        return banking_day(int(clean[:4]), int(clean[4:6]), int(clean[6:]))
    short = int(clean[:2])
    century = 1900 if short >= CENTURY_TURNS_AT else 2000
    return banking_day(century + short, int(clean[2:4]), int(clean[4:]))


def near(month_and_day: str, other: date) -> date:
    """`0102` beside another date: the year in which the two are closest. Raises BadRow."""
    month, day = int(month_and_day[:2]), int(month_and_day[2:])
    years = [other.year + step for step in (0, -1, 1)]
    found = [banking_day(year, month, day) for year in years if 0 < year < 10_000]
    return min(found, key=lambda one: abs((one - other).days))
