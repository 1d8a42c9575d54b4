"""FX_VARIANCE: what a converted line paid out against what its own rate says."""

from collections.abc import Iterator
from decimal import ROUND_HALF_UP, Decimal, InvalidOperation
from typing import Final

from app.domain.findings import Finding, difference_of
from app.domain.money import EXPONENTS, round_half_up
from app.domain.settlement import LineRecorded

BASIS_POINTS: Final = 10
"""Tolerance: max(1 minor unit, 10 bps of the converted amount)."""


def fx_variance(line: LineRecorded) -> Iterator[Finding]:
    """Nothing where the line is not converted, or states no rate that could be read."""
    converted = converted_gross(line)
    if converted is None:
        return
    actual = line.net + line.fee + line.tax + line.reserve
    tolerance = max(1, round_half_up(abs(converted) * BASIS_POINTS, 10_000))
    if abs(actual - converted) <= tolerance:
        return
    differences = {"converted": difference_of(converted, actual, tolerance)}
    reason = (
        f"{line.gross} {line.currency} at {line.rate} is {converted} {line.settle_currency}, not {actual}"
    )
    yield Finding(
        "FX_VARIANCE",
        line.id,
        line.settle_currency,
        converted,
        actual,
        line.batch_id,
        differences,
        (reason,),
    )


def converted_gross(line: LineRecorded) -> int | None:
    """gross x rate in minor units of the settle currency, rounded half-up once."""
    if line.currency == line.settle_currency or line.rate is None:
        return None
    try:
        rate = Decimal(line.rate)
    except InvalidOperation:
        return None
    if not rate.is_finite() or not -12 < rate.adjusted() < 12:
        return None
    shift = EXPONENTS[line.settle_currency] - EXPONENTS[line.currency]
    return int((line.gross * rate).scaleb(shift).quantize(Decimal(1), ROUND_HALF_UP))
