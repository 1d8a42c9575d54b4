"""The matching lane, keyed `{psp}:{identity}`: pairs what we expect a PSP to settle with what it settled.

Thin so far: leg A by the PSP's object id alone. A record only changes the facts of its item; then the item
is settled: judged afresh, its books, timers and mismatches brought to what the facts now say.
"""

from collections.abc import Iterable
from typing import Final, assert_never, get_args

from msgspec.structs import replace

from app.domain import platform as platforms
from app.domain.commands import ParkedExpire, PlatformConfigure
from app.domain.decision import Conflict, Draft, Duplicate, Ignored
from app.domain.line_books import reverse
from app.domain.matching import HeldLine, Item, expectation_identity, home, item_ref, line_identity
from app.domain.mismatches import mismatch_ref
from app.domain.settlement import (
    ExpectationAnnounced,
    ExpectationWithdrawn,
    LineKind,
    LineRecorded,
    MatchingLaneRecord,
    PaymentDue,
    SettlementDue,
)
from app.domain.settling import missing_id, settle
from app.domain.state import PLATFORM, Ref, account_ref
from app.domain.timers import take_fired, timer_ref
from app.domain.windows import PAYMENT, SETTLEMENT, restart_settlement, timer_subject

KINDS: Final[tuple[LineKind, ...]] = get_args(LineKind)


def decide(draft: Draft, command: MatchingLaneRecord) -> None:
    """What one record of `matching.commands` does; see `app/domain/decision.py` for how it ends."""
    match command:
        case ExpectationAnnounced():
            _expect(draft, command)
        case ExpectationWithdrawn():
            _withdraw(draft, command)
        case LineRecorded():
            _record(draft, command)
        case SettlementDue() | PaymentDue():
            _close_window(draft, command)
        case PlatformConfigure():
            platforms.configure(draft, command)
        case ParkedExpire():
            raise Ignored("nothing is ever parked in this lane")
        case _:
            assert_never(command)


def record_key(command: MatchingLaneRecord) -> str | None:
    """The Kafka key a record must have; None: goes to every partition."""
    match command:
        case ExpectationAnnounced():
            return home(command.psp, expectation_identity(command))
        case LineRecorded():
            return home(command.psp, line_identity(command))
        case SettlementDue() | PaymentDue() | ExpectationWithdrawn():
            return home(command.psp, command.identity)
        case ParkedExpire():
            return command.key
        case PlatformConfigure():
            return None
        case _:
            assert_never(command)


def prefetch(command: MatchingLaneRecord) -> Iterable[Ref]:
    """Rows the decision will surely want."""
    match command:
        case ExpectationAnnounced():
            return (PLATFORM, item_ref(command.psp, expectation_identity(command), command.kind))
        case ExpectationWithdrawn():
            return (PLATFORM, item_ref(command.psp, command.identity, command.kind))
        case LineRecorded():
            return _line_rows(command)
        case SettlementDue() | PaymentDue():
            return _window_rows(command)
        case _:
            return (PLATFORM,)


def accepts_correction(command: MatchingLaneRecord) -> bool:
    """A known id with other content: for a settlement line that is a correction, else a contradiction."""
    return isinstance(command, LineRecorded)


def correct(draft: Draft, command: MatchingLaneRecord) -> None:
    """Decide a line whose id is known with other content, where even its kind may have changed.

    `decide` alone handles a correction that keeps the kind; looking under every kind would cost each line.
    """
    if not isinstance(command, LineRecorded):
        raise Conflict("id_conflict", f"{command.id!r} came before with other content")
    for kind in KINDS:
        item: Item | None = draft.get(item_ref(command.psp, line_identity(command), kind))
        held = item.find(command.id) if item else None
        if item is not None and held is not None and kind != command.kind:
            reversed_line = reverse(draft, held, item)
            settle(draft, item.without_line(command.id), f"correction of {command.id}")
            _add_line(draft, HeldLine(record=command, earlier=(*held.earlier, reversed_line.record)))
            return
    _record(draft, command)


def _expect(draft: Draft, command: ExpectationAnnounced) -> None:
    """An object's latest announcement holds. Another object that claims the same identity contradicts it."""
    item = _item(draft, command.psp, expectation_identity(command), command.kind)
    claimed = item.expectation
    if claimed is None:
        settle(draft, replace(item, expectation=command), command.id)
    elif (claimed.merchant_id, claimed.object_id) != (command.merchant_id, command.object_id):
        raise Conflict(
            "identity_conflict",
            f"{command.kind} {item.identity!r} at {command.psp} is {claimed.merchant_id}/{claimed.object_id}"
            f", not {command.merchant_id}/{command.object_id}",
        )
    elif replace(claimed, id=command.id) == command:
        raise Duplicate
    else:
        settle(draft, replace(restart_settlement(draft, item), expectation=command), command.id)


def _withdraw(draft: Draft, command: ExpectationWithdrawn) -> None:
    item = _item(draft, command.psp, command.identity, command.kind)
    claimed = item.expectation
    if claimed is None or (claimed.merchant_id, claimed.object_id) != (
        command.merchant_id,
        command.object_id,
    ):
        raise Ignored("this object is not expected here")
    settle(draft, replace(item, expectation=None, settlement_closed=False), command.id)


def _record(draft: Draft, command: LineRecorded) -> None:
    """A new line, or a correction of one: reversal and new posting, judged again, the old content kept."""
    item = _item(draft, command.psp, line_identity(command), command.kind)
    held = item.find(command.id)
    if held is None:
        _add_line(draft, HeldLine(record=command))
    elif held.record == command:
        raise Duplicate
    else:
        reversed_line = reverse(draft, held, item)
        _add_line(draft, replace(reversed_line, record=command, earlier=(*held.earlier, held.record)))


def _add_line(draft: Draft, line: HeldLine) -> None:
    record = line.record
    item = _item(draft, record.psp, line_identity(record), record.kind)
    settle(draft, item.with_line(line), record.id)


def _close_window(draft: Draft, command: SettlementDue | PaymentDue) -> None:
    """A window has closed without the other side. A timer that was moved or cleared has no effect."""
    is_settlement = isinstance(command, SettlementDue)
    fired = take_fired(draft, command.id)
    expected = (SETTLEMENT if is_settlement else PAYMENT, timer_subject(command.psp, command.kind))
    if (fired.kind, fired.subject) != expected:
        raise Ignored("the timer's id names another window")
    item = _item(draft, command.psp, command.identity, command.kind)
    if is_settlement:
        closed = replace(item, settlement_closed=True, settlement_due_ms=None)
    else:
        closed = replace(item, payment_closed=True, payment_due_ms=None)
    settle(draft, closed, command.id)


def _item(draft: Draft, psp: str, identity: str, kind: LineKind) -> Item:
    item: Item | None = draft.get(item_ref(psp, identity, kind))
    return item if item is not None else Item(psp=psp, identity=identity, kind=kind)


def _line_rows(line: LineRecorded) -> Iterable[Ref]:
    yield PLATFORM
    yield item_ref(line.psp, line_identity(line), line.kind)
    yield account_ref(f"transit:{line.source}:{line.batch_id}", line.settle_currency)
    yield account_ref(f"psp_recv:{line.psp}", line.currency)
    yield account_ref("unapplied", line.currency)
    if line.fee:
        yield account_ref("psp_fee", line.settle_currency)
        yield account_ref("fee_variance", line.settle_currency)
    if line.tax:
        yield account_ref("psp_tax", line.settle_currency)
    if line.reserve:
        yield account_ref(f"reserve:{line.psp}", line.settle_currency)


def _window_rows(command: SettlementDue | PaymentDue) -> Iterable[Ref]:
    timer = SETTLEMENT if isinstance(command, SettlementDue) else PAYMENT
    key = home(command.psp, command.identity)
    yield PLATFORM
    yield item_ref(command.psp, command.identity, command.kind)
    yield timer_ref(key, timer, timer_subject(command.psp, command.kind))
    yield mismatch_ref(missing_id(command))
