"""Money: integers of minor units beside an ISO 4217 code. No float, no decimal string inside the system."""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Final

ZERO_DECIMALS: Final = "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF".split()
THREE_DECIMALS: Final = "BHD IQD JOD KWD LYD OMR TND".split()
FOUR_DECIMALS: Final = "CLF UYW".split()
TWO_DECIMALS: Final = (
    "AED AFN ALL AMD AOA ARS AUD AWG AZN BAM BBD BDT BMD BND BOB BOV BRL BSD BTN BWP BYN BZD CAD CDF "
    "CHE CHF CHW CNY COP COU CRC CUP CVE CZK DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP GEL GHS GIP GMD "
    "GTQ GYD HKD HNL HTG HUF IDR ILS INR IRR JMD KES KGS KHR KPW KYD KZT LAK LBP LKR LRD LSL MAD MDL "
    "MGA MKD MMK MNT MOP MRU MUR MVR MWK MXN MXV MYR MZN NAD NGN NIO NOK NPR NZD PAB PEN PGK PHP PKR "
    "PLN QAR RON RSD RUB SAR SBD SCR SDG SEK SGD SHP SLE SOS SRD SSP STN SVC SYP SZL THB TJS TMT TOP "
    "TRY TTD TWD TZS UAH USD USN UYU UZS VED VES WST XCD XCG YER ZAR ZMW ZWG"
).split()

LATELY_WITHDRAWN: Final = "ANG BGN CUC".split()
"""Replaced since 2024 (by XCG, EUR, CUP); refunds and chargebacks of older payments still come in them."""

EXPONENTS: Final[Mapping[str, int]] = {
    **dict.fromkeys(ZERO_DECIMALS, 0),
    **dict.fromkeys([*TWO_DECIMALS, *LATELY_WITHDRAWN], 2),
    **dict.fromkeys(THREE_DECIMALS, 3),
    **dict.fromkeys(FOUR_DECIMALS, 4),
}
"""ISO 4217 code -> digits of its minor unit (list one of 2024 and its amendments)."""


class MoneyError(ValueError):
    """An amount or currency that cannot be represented exactly; the message says which and why."""


def check_currency(code: str, field: str = "currency") -> str:
    if code not in EXPONENTS:
        raise MoneyError(f"{field} {code!r} is not an ISO 4217 currency with a minor unit")
    return code


def minor_units(amount: Decimal, currency: str) -> int:
    """Exact conversion of a decimal amount; refuses more digits than the currency has."""
    scaled = amount.scaleb(EXPONENTS[check_currency(currency)])
    if not amount.is_finite() or scaled != scaled.to_integral_value():
        raise MoneyError(f"{amount} has more digits than {currency} allows")
    return int(scaled)


def round_half_up(numerator: int, denominator: int) -> int:
    """numerator / denominator rounded half away from zero; denominator > 0."""
    quotient, rest = divmod(abs(numerator), denominator)
    rounded = quotient + (2 * rest >= denominator)
    return rounded if numerator >= 0 else -rounded


def percentage(amount: int, basis_points: int) -> int:
    """`basis_points` of `amount`, rounded half-up once."""
    return round_half_up(amount * basis_points, 10_000)


def split(total: int, weights: Sequence[int]) -> list[int]:
    """Split `total` >= 0 by largest remainder; the parts always sum to it. Ties go to the earlier part."""
    whole = sum(weights)
    if whole <= 0 or total < 0 or min(weights) < 0:
        raise MoneyError("split needs a non-negative total and weights with a positive sum")
    parts = [total * weight // whole for weight in weights]
    by_remainder = sorted(range(len(weights)), key=lambda i: (-(total * weights[i] % whole), i))
    for index in by_remainder[: total - sum(parts)]:
        parts[index] += 1
    return parts
