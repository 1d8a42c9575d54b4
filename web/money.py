"""Minor units for people: exact integer arithmetic, ISO 4217 digits, the sign that finance expects."""

from __future__ import annotations

from typing import Final

from app.domain.money import EXPONENTS

MINUS: Final = "−"
"""U+2212 is as wide as a digit in tabular figures; a hyphen is not."""
GROUP: Final = "\u202f"
"""Narrow no-break space (SI, ISO 80000): neither a decimal point nor a comma in any locale."""


def format_minor(amount: int | None, currency: str | None) -> str:
    """12345, EUR -> `123.45`; None -> a dash. A currency we do not know is shown in minor units, unscaled."""
    if amount is None:
        return "–"
    digits = EXPONENTS.get(currency or "", 0)
    whole, rest = divmod(abs(amount), 10**digits)
    text = f"{whole:,}".replace(",", GROUP)
    if digits:
        text = f"{text}.{rest:0{digits}d}"
    return f"{MINUS}{text}" if amount < 0 else text


def plain_amount(amount: int | None, currency: str | None) -> str:
    """12345, EUR -> `123.45`: a number for programs, without grouping; None -> nothing."""
    if amount is None:
        return ""
    digits = EXPONENTS.get(currency or "", 0)
    whole, rest = divmod(abs(amount), 10**digits)
    return ("-" if amount < 0 else "") + (f"{whole}.{rest:0{digits}d}" if digits else str(whole))


def format_count(count: int | None) -> str:
    """1234567 -> `1 234 567` with narrow spaces; None -> a dash."""
    return "–" if count is None else f"{count:,}".replace(",", GROUP).replace("-", MINUS)
