"""Which mismatches the demo's events contain, by an independent reading: category -> names."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from datetime import date
from decimal import Decimal

from app.demo.market import CURRENCIES, PSPS
from tests.demo.reading import Document, Known, Reading

FEW_DAYS = 5
"""A settlement booked later than this is late by any calendar of the demo, an earlier one by none."""


def mismatches(reading: Reading) -> dict[str, set[str]]:
    found: dict[str, set[str]] = defaultdict(set)
    for known in reading.payments.values():
        for category in of_payment(known):
            found[category].add(known.name)
        if known.captured and known.kinds & {"voided", "expired"}:
            found["STATUS_MISMATCH"].add(f"{known.merchant_id}/{known.id}")
    for name in repeats(reading):
        found["DUPLICATE_PAYMENT"].add(name)
    for name in reading.strays:
        found["MISSING_PAYMENT"].add(name)
    for line in reading.stray_lines:
        category = "DISPUTE_UNMATCHED" if line["kind"] == "chargeback" else "MISSING_PAYMENT"
        found[category].add(f"{line['psp']}:{line.get('psp_payment_id') or line['merchant_ref']}")
    for order in reading.ambiguous:
        found["AMBIGUOUS"].add(order)
    return dict(found)


def repeats(reading: Reading) -> Iterator[str]:
    """All but the smallest id of those that look the same."""
    groups: dict[tuple[object, ...], list[Known]] = defaultdict(list)
    for known in reading.payments.values():
        if known.look is not None:
            groups[known.merchant_id, known.captured, known.currency, *known.look].append(known)
    for group in groups.values():
        for known in sorted(group, key=lambda each: each.id)[1:]:
            yield f"{known.merchant_id}/{known.id}"


def of_payment(known: Known) -> Iterator[str]:
    """What the capture's lines say against it."""
    lines = [line for line in known.lines if line["kind"] == "capture"]
    if not known.captured:
        assert not lines
        return
    if not lines:
        yield "MISSING_SETTLEMENT"
        return
    same = [line for line in lines if line["currency"] == known.currency and line["gross"] > 0]
    yield from _of_lines(known, lines)
    if len(same) > 1 and len({line["gross"] for line in same}) == 1 and same[0]["gross"] == known.captured:
        yield "DUPLICATE_SETTLEMENT"
    elif same:
        yield from _of_sum(known, sum(line["gross"] for line in same))


def _of_lines(known: Known, lines: list[Document]) -> Iterator[str]:
    for line in lines:
        if line["currency"] != known.currency:
            yield "CURRENCY_MISMATCH"
        elif line["gross"] < 0:
            yield "DIRECTION_MISMATCH"
        elif line["settle_currency"] != line["currency"]:
            yield from _of_rate(line)
        elif line["gross"] == known.captured:
            yield from _of_fee(line)
        booked, captured = date.fromisoformat(line["booked_on"]), date.fromisoformat(known.occurred_on)
        if (booked - captured).days > FEW_DAYS:
            yield "LATE"


def _of_sum(known: Known, total: int) -> Iterator[str]:
    if total > known.captured:
        yield "AMOUNT_OVER"
    elif total < known.captured:
        patient = PSPS[known.psp].window_seconds > 86_400
        yield "PARTIAL_SETTLEMENT" if patient else "AMOUNT_UNDER"


def _of_rate(line: Document) -> Iterator[str]:
    digits = [CURRENCIES[line[name]].minor_digits for name in ("settle_currency", "currency")]
    exact = (line["gross"] * Decimal(line["rate"])).scaleb(digits[0] - digits[1])
    if abs(line["net"] + line["fee"] - exact) > 2 + abs(exact) / 200:
        yield "FX_VARIANCE"


def _of_fee(line: Document) -> Iterator[str]:
    plan = PSPS[line["psp"]].plan
    exact = line["gross"] * plan.bps / 10_000 + plan.fixed[line["currency"]]
    if line["fee"] - exact > max(1.5, 0.005 * exact + 0.5):
        yield "FEE_VARIANCE"
