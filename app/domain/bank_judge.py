"""Judges bank lines and batches: which mismatches their facts support (legs B and C on the bank's side).

Pure functions of the facts, of which windows have closed and of what a sweep said. What a name pairs is
compared field by field once the batch is whole: a trailer agrees, or nothing has come for a while.
"""

from collections.abc import Iterator, Sequence
from typing import Any, Final, NamedTuple

from app.domain.bank_documents import Batch, HeldBankLine, OpenVerdict
from app.domain.bank_groups import due, got
from app.domain.bank_windows import expected_on, source_of
from app.domain.configuration import Platform
from app.domain.findings import difference_of
from app.domain.mismatch import Category

RULE_VERSION: Final = 1
TRAILER_FIELDS: Final = ("count", "gross", "fee", "net")


class BankFinding(NamedTuple):
    """One mismatch that the facts support; amounts in minor units of `currency`."""

    category: Category
    currency: str
    expected_amount: int | None
    actual_amount: int | None
    differences: dict[str, Any]
    reasons: tuple[str, ...]

    @property
    def key(self) -> str:
        return f"{self.category}/{self.currency}"


def is_whole(batch: Batch, currency: str) -> bool:
    """Nothing more is to be expected of it: a trailer agrees, or nothing came for a while."""
    return batch.quiet or (currency in batch.trailers and not trailer_differences(batch, currency))


def trailer_differences(batch: Batch, currency: str) -> dict[str, Any]:
    trailer, totals = batch.trailers[currency], batch.sums.get(currency)
    pairs = {name: (getattr(trailer, name), getattr(totals, name, 0)) for name in TRAILER_FIELDS}
    return {name: difference_of(*pair, 0) for name, pair in pairs.items() if pair[0] != pair[1]}


def balances(platform: Platform | None, batch: Batch, currency: str) -> bool:
    """The bank brought what was due, within the source's tolerance."""
    allowed = source_of(platform, batch.source).bank_tolerance
    return abs(got(batch, currency) - due(batch, currency)) <= allowed


def judge_batch(
    platform: Platform | None, batch: Batch, lines: Sequence[HeldBankLine]
) -> Iterator[BankFinding]:
    """`lines`: those that belong to it, in their order."""
    for currency in sorted({*batch.sums, *batch.trailers}):
        yield from _trailer(batch, currency)
        yield from _residual(batch, currency)
        if is_whole(batch, currency):
            own = payers(batch, currency, lines)
            yield from _paid(platform, batch, currency, own) if own else _unpaid(batch, currency)
    yield from _other_currencies(batch, lines)


def _trailer(batch: Batch, currency: str) -> Iterator[BankFinding]:
    if not (batch.quiet and currency in batch.trailers):
        return
    differences = trailer_differences(batch, currency)
    if not differences:
        return
    trailer, totals = batch.trailers[currency], batch.sums.get(currency)
    reasons = tuple(
        f"the trailer says {name} {pair['expected']}, the lines come to {pair['actual']}"
        for name, pair in differences.items()
    )
    net = totals.net if totals is not None else 0
    yield BankFinding("BATCH_TRAILER_MISMATCH", currency, trailer.net, net, differences, reasons)


def _residual(batch: Batch, currency: str) -> Iterator[BankFinding]:
    """Roundings of conversions are a line that is shown; what goes beyond one unit each is open."""
    totals = batch.sums.get(currency)
    if totals is None or not batch.quiet or abs(totals.residual) <= totals.converted:
        return
    known = totals.net - totals.residual
    differences = {"net": difference_of(known, totals.net, totals.converted)}
    reason = f"{totals.residual} minor units of the net are explained by no known part"
    yield BankFinding("BATCH_RESIDUAL", currency, known, totals.net, differences, (reason,))


def payers(batch: Batch, currency: str, lines: Sequence[HeldBankLine]) -> list[HeldBankLine]:
    """Of a batch's lines those that may pay this currency's net: in no other one that it settles in."""
    return [
        line for line in lines if line.record.currency == currency or line.record.currency not in batch.sums
    ]


def _unpaid(batch: Batch, currency: str) -> Iterator[BankFinding]:
    verdict = batch.verdicts.get(currency)
    if not batch.closed or verdict is None or not due(batch, currency):
        return
    reason = "no bank line names it or could be it before its window closed"
    if verdict.candidates:
        reason = "no bank line names it before its window closed"
    yield BankFinding("MISSING_BANK", currency, due(batch, currency), None, {}, (reason, *proposal(verdict)))


def _paid(
    platform: Platform | None, batch: Batch, currency: str, lines: Sequence[HeldBankLine]
) -> Iterator[BankFinding]:
    lines = [line for line in lines if line.record.currency == currency]
    if not lines:
        return
    needed, brought = due(batch, currency), got(batch, currency)
    if any(line.record.amount * needed < 0 and len(line.links) == 1 for line in lines):
        against = [line.record.line_id for line in lines if line.record.amount * needed < 0]
        reason = f"bank line {', '.join(against)} moves the money the other way"
        differences = {"net": difference_of(needed, brought, 0)}
        yield BankFinding("DIRECTION_MISMATCH", currency, needed, brought, differences, (reason,))
    elif not balances(platform, batch, currency):
        yield _amount(platform, batch, currency, lines)
    yield from _late(platform, batch, currency, lines)


def _amount(
    platform: Platform | None, batch: Batch, currency: str, lines: Sequence[HeldBankLine]
) -> BankFinding:
    needed, brought = due(batch, currency), got(batch, currency)
    allowed = source_of(platform, batch.source).bank_tolerance
    excess = (brought - needed) * (-1 if needed < 0 else 1)
    category: Category = "AMOUNT_OVER" if excess > 0 else "AMOUNT_UNDER"
    word = "more" if excess > 0 else "less"
    reasons = [f"the bank brought {abs(excess)} minor units {word} than the batch's net, tolerance {allowed}"]
    if excess < 0 and not batch.closed:
        category = "PARTIAL_SETTLEMENT"
        reasons.append("the batch's window is still open")
    if any(len(line.links) > 1 for line in lines):
        reasons.append("its bank line pays several batches; the difference is shown at the last of them")
    differences = {"net": difference_of(needed, brought, allowed)}
    return BankFinding(category, currency, needed, brought, differences, tuple(reasons))


def _late(
    platform: Platform | None, batch: Batch, currency: str, lines: Sequence[HeldBankLine]
) -> Iterator[BankFinding]:
    """By value dates alone; arrival times do not enter."""
    by = expected_on(platform, batch, currency)
    late = [line.record for line in lines if by is not None and line.record.value_date > by]
    if not late or by is None:
        return
    last = late[-1]
    differences = {"value_date": {"expected": by.isoformat(), "actual": last.value_date.isoformat()}}
    reason = f"bank line {last.line_id} has the value date {last.value_date}, expected by {by}"
    total = sum(batch.received.get(currency, {}).get(line.line_id, 0) for line in late)
    yield BankFinding("LATE", currency, total, total, differences, (reason,))


def _other_currencies(batch: Batch, lines: Sequence[HeldBankLine]) -> Iterator[BankFinding]:
    """Lines that name it in a currency it does not settle in; amounts of two currencies are not compared."""
    known = [currency for currency in batch.sums if batch.sums[currency].count]
    strange = [line.record for line in lines if line.record.currency not in batch.sums]
    if not strange or not known or not all(is_whole(batch, currency) for currency in known):
        return
    currency, first = min(known), strange[0]
    differences = {
        "currency": {"expected": currency, "actual": first.currency},
        "net": {"expected": due(batch, currency), "actual": first.amount},
    }
    reason = f"bank line {first.line_id} is in {first.currency}, the batch in {', '.join(sorted(known))}"
    yield BankFinding("CURRENCY_MISMATCH", currency, due(batch, currency), None, differences, (reason,))


def judge_line(line: HeldBankLine) -> Iterator[BankFinding]:
    """A bank line that is nobody's."""
    verdict = line.verdict
    if line.links or line.ignored or not line.closed or verdict is None or not line.record.amount:
        return
    record = line.record
    if verdict.rule == "ambiguous":
        category: Category = "AMBIGUOUS"
        reason = "several could be it: nothing is guessed, a person decides"
    else:
        category = "UNEXPECTED_BANK"
        reason = "it names no batch or payout, and none that is open could be it"
        if verdict.rule == "3":
            reason = "it names no batch or payout"
    yield BankFinding(category, record.currency, None, record.amount, {}, (reason, *proposal(verdict)))


def proposal(verdict: OpenVerdict) -> tuple[str, ...]:
    """What a sweep found, in words."""
    if not verdict.candidates:
        return verdict.reasons
    names = ", ".join(verdict.candidates)
    said = {"3": f"{names} together would be it: proposed", "ambiguous": f"{names} may be it"}
    return (said.get(verdict.rule, f"{names} is it by amount and date"), *verdict.reasons)
