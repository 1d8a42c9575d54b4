"""What a line's homes tell the banking lane of its batch: its sums from where it lives, from the home of its

expectation what it settles. Told is the difference between an item before a decision and after it, so that
corrections, withdrawals and moves take back exactly what was told.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import Final, NamedTuple

from msgspec.structs import replace

from app.domain.batch_records import MOST_REFS, BatchLines, BatchRef, BatchSums
from app.domain.configuration import Platform
from app.domain.decision import Draft
from app.domain.judge_fx import converted_gross
from app.domain.matching import HeldLine, Item
from app.domain.settlement import ExpectationAnnounced, LineRecorded
from app.domain.streams import BANKING_COMMANDS
from app.domain.windows import settles_to

_NOBODY: Final[frozenset[str]] = frozenset()


class Place(NamedTuple):
    """The batch of a line, at its account."""

    account: str
    source: str
    psp: str
    batch_id: str


class Change(NamedTuple):
    """Lines that count from now on (+1) or no longer (-1); likewise references."""

    lines: list[tuple[LineRecorded, int]]
    refs: list[tuple[BatchRef, int]]


def tell_batches(
    draft: Draft, platform: Platform | None, before: Item | None, item: Item, parts: tuple[LineRecorded, ...]
) -> Item:
    """Bring what the banking lane was told of the item's lines up to date. `parts`: those that settle."""
    known = _all_lines(before)
    if not (item.lines or item.away or known):
        return item
    settling = {part.id for part in parts} if item.expectation is not None else _NOBODY
    item = _with_accounts(item, platform, settling)
    changes: dict[Place, Change] = defaultdict(lambda: Change([], []))
    now = _all_lines(item)
    for line_id, held in known.items():
        _count(changes, held, before, now.get(line_id), item, -1)
    for line_id, held in now.items():
        _count(changes, held, item, known.get(line_id), before, +1)
    for place in sorted(changes):
        for record in _records(draft, place, changes[place]):
            draft.send(BANKING_COMMANDS, place.account, record)
    return item


def _all_lines(item: Item | None) -> Mapping[str, HeldLine]:
    return {} if item is None else {held.record.id: held for held in (*item.lines, *item.away)}


def _with_accounts(item: Item, platform: Platform | None, settling: Collection[str]) -> Item:
    lines = [_with_account(held, platform, settling) for held in item.lines]
    away = [_with_account(held, platform, ()) for held in item.away]
    return replace(item, lines=tuple(lines), away=tuple(away))


def _with_account(held: HeldLine, platform: Platform | None, settling: Collection[str]) -> HeldLine:
    """The account that was told stays it, whatever the configuration says later."""
    account = held.counted or held.refers or settles_to(platform, held.record.source)
    counted = account if held.guest_of is None else None
    refers = account if held.record.id in settling else None
    if (counted, refers) == (held.counted, held.refers):
        return held
    return replace(held, counted=counted, refers=refers)


def _count(
    changes: dict[Place, Change],
    held: HeldLine,
    item: Item | None,
    other: HeldLine | None,
    other_item: Item | None,
    sign: int,
) -> None:
    """What one state of a line has that the other one has not."""
    line = held.record
    if held.counted and not (other and other.counted == held.counted and other.record == line):
        changes[_place(held.counted, line)].lines.append((line, sign))
    if held.refers is None:
        return
    ref = _ref(item, line)
    same_batch = other and other.refers == held.refers and other.record.batch_id == line.batch_id
    if other and same_batch and ref == _ref(other_item, other.record):
        return
    changes[_place(held.refers, line)].refs.append((ref, sign))


def _place(account: str, line: LineRecorded) -> Place:
    return Place(account, line.source, line.psp, line.batch_id)


def _ref(item: Item | None, line: LineRecorded) -> BatchRef:
    assert item is not None
    assert item.expectation is not None
    expected: ExpectationAnnounced = item.expectation
    return BatchRef(
        line.id,
        expected.merchant_id,
        expected.payment_id,
        expected.object_id,
        expected.kind,
        line.gross,
        line.currency,
        line.net,
        line.settle_currency,
    )


def _records(draft: Draft, place: Place, change: Change) -> Iterator[BatchLines]:
    """One record; more where it would carry too many references."""
    sums = _sums(change.lines)
    refs = sorted(change.refs)
    if not refs and not any(one.count or one.days or one.net or one.gross or one.fee for one in sums):
        return
    for start in range(0, max(len(refs), 1), MOST_REFS):
        piece = refs[start : start + MOST_REFS]
        yield BatchLines(
            id=draft.next_id(),
            account=place.account,
            source=place.source,
            psp=place.psp,
            batch_id=place.batch_id,
            sums=sums if start == 0 else (),
            refs=tuple([ref for ref, sign in piece if sign > 0]),
            withdrawn=tuple([ref for ref, sign in piece if sign < 0]),
        )


def gathered(one: BatchLines, other: BatchLines) -> BatchLines | None:
    """What two decisions of one transaction say of a batch, as one record; None where it would be long."""
    if len(one.refs) + len(one.withdrawn) + len(other.refs) + len(other.withdrawn) > MOST_REFS:
        return None
    sums = {sums.currency: sums for sums in one.sums}
    for more in other.sums:
        known = sums.get(more.currency)
        sums[more.currency] = more if known is None else add_sums(known, more)
    return replace(
        one,
        sums=tuple([sums[currency] for currency in sorted(sums)]),
        refs=one.refs + other.refs,
        withdrawn=one.withdrawn + other.withdrawn,
    )


def _sums(lines: Iterable[tuple[LineRecorded, int]]) -> tuple[BatchSums, ...]:
    by_currency: dict[str, BatchSums] = {}
    for line, sign in lines:
        sums = sums_of(line, sign)
        known = by_currency.get(sums.currency)
        by_currency[sums.currency] = sums if known is None else add_sums(known, sums)
    return tuple([by_currency[currency] for currency in sorted(by_currency)])


def sums_of(line: LineRecorded, sign: int = 1) -> BatchSums:
    """One line's part of its batch, in the settle currency."""
    gross = line.gross
    converted = line.currency != line.settle_currency
    if converted:
        stated = line.net + line.fee + line.tax + line.reserve
        by_rate = converted_gross(line)
        gross = stated if by_rate is None else by_rate
    return BatchSums(
        currency=line.settle_currency,
        count=sign,
        gross=sign * gross,
        fee=sign * line.fee,
        tax=sign * line.tax,
        reserve=sign * line.reserve,
        net=sign * line.net,
        converted=sign * converted,
        by_kind={line.kind: sign * gross},
        days={line.booked_on.isoformat(): sign},
    )


def add_sums(one: BatchSums, other: BatchSums) -> BatchSums:
    """Both together; what comes to nothing is left out."""
    return BatchSums(
        currency=one.currency,
        count=one.count + other.count,
        gross=one.gross + other.gross,
        fee=one.fee + other.fee,
        tax=one.tax + other.tax,
        reserve=one.reserve + other.reserve,
        net=one.net + other.net,
        converted=one.converted + other.converted,
        by_kind=added(one.by_kind, other.by_kind),
        days=added(one.days, other.days),
    )


def added(one: Mapping[str, int], other: Mapping[str, int]) -> dict[str, int]:
    """Sums per name in the order of the names, without zeros."""
    sums = {name: one.get(name, 0) + other.get(name, 0) for name in sorted({*one, *other})}
    return {name: amount for name, amount in sums.items() if amount}
