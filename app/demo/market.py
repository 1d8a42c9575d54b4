"""The demo's world: merchants, PSPs, currencies, and what each of them charges.

It is written down a second time here, apart from the program's own rules, because the demo is also their
judge: an error shared by both would not be seen.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from random import Random
from typing import Final, NamedTuple


class Plan(NamedTuple):
    """A fee: basis points plus a fixed part per currency, in minor units."""

    bps: int
    fixed: dict[str, int]

    def fee(self, amount: int, currency: str) -> int:
        """Minor units, rounded half up once."""
        return (amount * self.bps + 5_000) // 10_000 + self.fixed.get(currency, 0)

    def document(self) -> dict[str, object]:
        return {"bps": self.bps, "fixed": dict(self.fixed)}


class CurrencyFacts(NamedTuple):
    """`typical`: median payment in minor units; one unit is `book_rate` x 10^-`scale` EUR."""

    typical: int
    minor_digits: int
    book_rate: int
    scale: int


class Psp(NamedTuple):
    """A payment service provider and the source that delivers its settlement lines."""

    name: str
    source: str
    plan: Plan
    payment_prefix: str
    refund_prefix: str
    dispute_prefix: str
    methods: tuple[str, ...]
    posts: bool = False
    """Whether it reports by webhook; else only our own systems speak of its payments."""
    window_seconds: int = 10
    """From a capture until it counts as missing: after all lines have come, or after any demo."""


class Merchant(NamedTuple):
    """`plan` None: the platform's default holds. `share` is its weight in the traffic."""

    id: str
    name: str
    currencies: tuple[str, ...]
    psps: tuple[str, ...]
    plan: Plan | None
    share: float


CURRENCIES: Final = {
    "EUR": CurrencyFacts(typical=3_890, minor_digits=2, book_rate=1, scale=0),
    "USD": CurrencyFacts(typical=4_250, minor_digits=2, book_rate=9217, scale=4),
    "GBP": CurrencyFacts(typical=3_400, minor_digits=2, book_rate=11494, scale=4),
    "JPY": CurrencyFacts(typical=4_800, minor_digits=0, book_rate=61, scale=4),
    "KWD": CurrencyFacts(typical=14_500, minor_digits=3, book_rate=29985, scale=4),
}
BOOK_CURRENCY: Final = "EUR"
DEFAULT_PLAN: Final = Plan(290, {"EUR": 30, "USD": 30, "GBP": 25, "JPY": 40, "KWD": 100})

PATIENT_SECONDS: Final = 30 * 86_400
"""A window that no demo sees the end of: what is settled in part stays a part."""
DISPUTE_FEES: Final = {"EUR": 1_500, "USD": 1_500, "GBP": 2_000, "JPY": 1_300, "KWD": 4_500}

PSPS: Final = {
    psp.name: psp
    for psp in (
        Psp(
            name="stripe",
            source="stripe-payouts",
            plan=Plan(150, {"EUR": 25, "USD": 30, "GBP": 20, "JPY": 35, "KWD": 90}),
            payment_prefix="pi_",
            refund_prefix="re_",
            dispute_prefix="du_",
            methods=("card", "link", "klarna"),
            posts=True,
        ),
        Psp(
            name="adyen",
            source="adyen-settlement",
            plan=Plan(125, {"EUR": 11, "USD": 13, "GBP": 10, "JPY": 18, "KWD": 40}),
            payment_prefix="8816",
            refund_prefix="8826",
            dispute_prefix="8836",
            methods=("card", "ideal", "sepa_debit"),
        ),
        Psp(
            name="mollie",
            source="mollie-settlements",
            plan=Plan(180, {"EUR": 25, "GBP": 20}),
            payment_prefix="tr_",
            refund_prefix="rfd_",
            dispute_prefix="chb_",
            methods=("card", "bancontact", "paypal"),
            window_seconds=PATIENT_SECONDS,
        ),
        Psp(
            name="sandbox",
            source="sandbox-reports",
            plan=Plan(140, {"EUR": 20, "USD": 22, "GBP": 18, "JPY": 30}),
            payment_prefix="sbx_",
            refund_prefix="sbr_",
            dispute_prefix="sbd_",
            methods=("card", "wallet"),
            posts=True,
        ),
    )
}

MERCHANTS: Final = (
    Merchant(
        "m-harbour-books", "Harbour Books", ("EUR", "USD"), ("stripe", "adyen"), Plan(240, {"EUR": 25}), 9.0
    ),
    Merchant("m-northwind-tea", "Northwind Tea", ("GBP", "EUR"), ("sandbox", "mollie"), None, 6.0),
    Merchant("m-velo-werk", "Velo Werk", ("EUR",), ("mollie", "sandbox"), Plan(210, {}), 5.0),
    Merchant("m-sakura-goods", "Sakura Goods", ("JPY",), ("stripe", "adyen"), Plan(320, {"JPY": 20}), 4.5),
    Merchant("m-gulf-supplies", "Gulf Supplies", ("KWD", "USD"), ("adyen",), Plan(260, {"KWD": 150}), 3.0),
    Merchant("m-lumen-audio", "Lumen Audio", ("USD",), ("stripe",), Plan(275, {"USD": 30}), 3.0),
    Merchant("m-alder-garden", "Alder Garden", ("EUR", "GBP"), ("mollie",), None, 2.5),
    Merchant(
        "m-pixel-press", "Pixel Press", ("USD", "EUR", "JPY"), ("stripe", "sandbox"), Plan(199, {}), 2.5
    ),
    Merchant(
        "m-brisk-travel", "Brisk Travel", ("EUR", "USD", "GBP"), ("adyen",), Plan(180, {"EUR": 10}), 2.0
    ),
    Merchant("m-corner-bakery", "Corner Bakery", ("EUR",), ("mollie",), Plan(150, {"EUR": 5}), 1.5),
    Merchant("m-delta-tickets", "Delta Tickets", ("GBP", "KWD"), ("stripe", "adyen"), None, 1.0),
    Merchant("m-ember-forge", "Ember Forge", ("USD", "JPY"), ("stripe",), Plan(350, {"USD": 45}), 1.0),
)


class Route(NamedTuple):
    """One way that a payment can take."""

    merchant: Merchant
    currency: str
    psp: Psp


def _routes(merchant: Merchant) -> Iterator[tuple[Route, float]]:
    """Each with its weight in the traffic: a merchant's first currency leads."""
    for place, currency in enumerate(merchant.currencies):
        psps = [PSPS[name] for name in merchant.psps if currency in PSPS[name].plan.fixed]
        for psp in psps:
            yield Route(merchant, currency, psp), merchant.share * 0.25**place / len(psps)


ROUTES: Final = tuple(route for merchant in MERCHANTS for route in _routes(merchant))

LARGEST_MEDIANS: Final = 400
"""No payment is above so many medians of its currency."""
SPREAD: Final = 0.95
"""Sigma of the logarithm of a payment's amount."""


def draw_amount(random: Random, currency: str) -> int:
    """Minor units, log-normal around the currency's median, many at round prices, all well above the fees."""
    facts = CURRENCIES[currency]
    drawn = facts.typical * math.exp(random.gauss(0.0, SPREAD))
    amount = int(min(max(drawn, facts.typical / 8), facts.typical * LARGEST_MEDIANS))
    whole = 10**facts.minor_digits
    if whole > 1 and random.random() < 0.4:
        amount = max(amount // whole, 1) * whole + whole - whole // 100
    return amount


def merchant_fee(merchant: Merchant, amount: int, currency: str) -> int:
    """What the platform charges the merchant for a capture."""
    return (merchant.plan or DEFAULT_PLAN).fee(amount, currency)


def draw_route(random: Random, fits: Callable[[Psp], bool]) -> Route:
    """By weight, among those whose PSP is fit."""
    routes = [(route, weight) for route, weight in ROUTES if fits(route.psp)]
    return random.choices([route for route, _ in routes], [weight for _, weight in routes])[0]
