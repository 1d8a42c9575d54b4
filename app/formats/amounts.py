"""Amounts as files write them -> exact decimals -> minor units. Never a float, nothing guessed.

What could mean two things is refused: a thousands separator that the source does not name, groups of the
wrong length (`1.23` where the point separates thousands), two signs at once, an exponent in text.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from decimal import ROUND_HALF_UP, Decimal
from functools import lru_cache
from typing import Any, Final

from app.domain.money import EXPONENTS, MoneyError, check_currency, minor_units
from app.domain.source_files import Numbers
from app.formats.errors import BadRow

MOST_DIGITS: Final = 25
"""Far more than money has, and few enough for exact arithmetic."""
SPACES: Final = dict.fromkeys(map(ord, "\u00a0\u202f\u2009\u2007"), " ")
APOSTROPHES: Final = {ord("\u2019"): "'"}
MINUS_SIGNS: Final = dict.fromkeys(map(ord, "\u2212\u2013\ufe63\uff0d"), "-")

Parse = Callable[[Any, str], Decimal | None]


def parser(numbers: Numbers) -> Parse:
    """A function of (value, column) that gives the amount, None for an empty cell. It raises BadRow."""
    read_text = lru_cache(maxsize=16_384)(_Text(numbers).read)

    def parse(value: Any, column: str) -> Decimal | None:
        if value is None or value == "":
            return None
        if isinstance(value, str):
            found = read_text(value)
            if isinstance(found, str):
                raise BadRow(f"{column}: {found}")
            return found
        if isinstance(value, int | Decimal) and not isinstance(value, bool):
            return _bounded(Decimal(value), column)
        raise BadRow(f"{column} holds {type(value).__name__}, not an amount")

    return parse


def to_minor(amount: Decimal, currency: str, numbers: Numbers, column: str) -> int:
    """Exact minor units. Raises BadRow for more digits than the currency has, and for unknown currencies."""
    try:
        if numbers.unit == "minor":
            check_currency(currency)
            amount = amount.scaleb(-numbers.exponents.get(currency, EXPONENTS[currency]))
        if numbers.rounded:
            check_currency(currency)
            amount = amount.quantize(Decimal(1).scaleb(-EXPONENTS[currency]), ROUND_HALF_UP)
        return minor_units(amount, currency)
    except MoneyError as error:
        raise BadRow(f"{column}: {error}") from None


class _Text:
    """Reads one way of writing amounts; gives a sentence instead of an amount where it is none."""

    def __init__(self, numbers: Numbers) -> None:
        self._decimal, self._group = numbers.decimal, numbers.group
        point, group = re.escape(numbers.decimal), re.escape(numbers.group)
        whole = rf"[0-9]+|[0-9]{{1,3}}(?:{group}[0-9]{{2,3}})*{group}[0-9]{{3}}" if group else "[0-9]+"
        self._number = re.compile(rf"(?:{whole})(?:{point}[0-9]*)?|{point}[0-9]+")
        self._plain = re.compile(r"-?[0-9]{1,20}(?:\.[0-9]{1,5})?") if numbers.decimal == "." else None
        self._negative = tuple(sorted(numbers.negative_marks, key=len, reverse=True))
        self._dropped = tuple(sorted((*numbers.symbols, *numbers.positive_marks), key=len, reverse=True))

    def read(self, text: str) -> Decimal | str | None:
        if self._plain is not None and self._plain.fullmatch(text):
            return Decimal(text)
        rest, signs = self._unsigned(text.translate(SPACES | MINUS_SIGNS | APOSTROPHES).strip())
        if not text.strip():
            return None
        if signs > 1:
            return f"{text!r} is negative twice"
        if not self._number.fullmatch(rest):
            return f"{text!r} is no amount as this source writes them"
        if sum(sign.isdecimal() for sign in rest) > MOST_DIGITS:
            return f"{text!r} has too many digits"
        if self._group:
            rest = rest.replace(self._group, "")
        amount = Decimal(rest.replace(self._decimal, "."))
        return -amount if signs else amount

    def _unsigned(self, text: str) -> tuple[str, int]:
        """What is left when symbols and signs are taken off both ends, and how many signs meant minus."""
        signs = 0
        while True:
            before = text
            if text.startswith("(") and text.endswith(")"):
                text, signs = text[1:-1], signs + 1
            for mark in ("-", *self._negative):
                taken = _without(text, mark)
                signs += taken != text
                text = taken
            for mark in ("+", *self._dropped):
                text = _without(text, mark)
            text = text.strip()
            if text == before:
                return text, signs


def _without(text: str, mark: str) -> str:
    """Once, at one end."""
    if text.startswith(mark):
        return text[len(mark) :].lstrip()
    return text[: -len(mark)].rstrip() if text.endswith(mark) else text


def _bounded(number: Decimal, column: str) -> Decimal:
    if not number.is_finite() or not -MOST_DIGITS < number.adjusted() < MOST_DIGITS:
        raise BadRow(f"{column}: {number} is out of any range")
    if len(number.as_tuple().digits) > MOST_DIGITS:
        raise BadRow(f"{column}: {number} has too many digits")
    return number
