"""How bad a mismatch is: rules as data, first match wins, with the reasons.

Amounts are compared in the platform's book currency at its stored rate; age never changes a severity.
"""

from datetime import timedelta
from typing import Final, NamedTuple

from app.domain.configuration import BookRates
from app.domain.mismatch import Category, Severity
from app.domain.money import EXPONENTS, round_half_up


class Rule(NamedTuple):
    """Matches when the category is named (or none is) and the amount reaches `at_least` major units."""

    name: str
    severity: Severity
    categories: frozenset[Category] = frozenset()
    at_least: int = 0


RULES: Final = (
    Rule("amount >= 100,000.00", "CRITICAL", at_least=100_000),
    Rule("always critical", "CRITICAL", frozenset({"DUPLICATE_PAYMENT"})),
    Rule("invoice of high value", "CRITICAL", frozenset({"INVOICE_UNPAID"}), at_least=10_000),
    Rule("amount >= 10,000.00", "HIGH", at_least=10_000),
    Rule("always high", "HIGH", frozenset({"REFUND_EXCEEDS_CAPTURE", "UNEXPECTED_BANK", "NEGATIVE_BALANCE"})),
    Rule("amount >= 1,000.00", "MEDIUM", at_least=1_000),
    Rule("everything else", "LOW"),
)

DUE_AFTER: Final[dict[Severity, timedelta]] = {
    "CRITICAL": timedelta(hours=24),
    "HIGH": timedelta(hours=72),
    "MEDIUM": timedelta(hours=120),
    "LOW": timedelta(hours=168),
}
"""From opening to the time by which someone has to have looked; fixed when the mismatch opens."""


class Judgement(NamedTuple):
    severity: Severity
    reasons: tuple[str, ...]


class BookAmount(NamedTuple):
    """Minor units of the book currency, and how they were come by."""

    amount: int
    currency: str
    basis: str


def in_book_currency(amount: int, currency: str | None, rates: BookRates) -> BookAmount:
    """`amount` minor units of `currency` as minor units of the book currency, rounded half-up once.

    Where no rate is stored the nominal amount counts as the book currency's, and the basis says so.
    """
    book = rates.currency
    if currency is None or currency == book:
        return BookAmount(amount, book, "book currency")
    shift = EXPONENTS[book] - EXPONENTS[currency]
    rate = rates.rates.get(currency)
    if rate is None:
        value, scale, basis = 1, 0, f"no rate for {currency}: taken at par"
    else:
        value, scale, basis = rate.value, rate.scale, f"quote {rate.quote_id}"
    numerator = amount * value * 10 ** max(shift, 0)
    return BookAmount(round_half_up(numerator, 10 ** (scale + max(-shift, 0))), book, basis)


def judge(category: Category, amount: int, currency: str | None, rates: BookRates) -> Judgement:
    """Severity of a mismatch over `amount` (minor units, any sign) of `currency`, and why."""
    book = in_book_currency(abs(amount), currency, rates)
    unit = 10 ** EXPONENTS[book.currency]
    for rule in RULES:
        if (not rule.categories or category in rule.categories) and book.amount >= rule.at_least * unit:
            figure = f"{book.amount} minor units of {book.currency} ({book.basis})"
            return Judgement(rule.severity, (rule.name, figure))
    raise AssertionError("the last rule matches everything")
