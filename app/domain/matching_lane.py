"""The matching lane, keyed `{psp}:{identity}`: pairs what we expect a PSP to settle with what it settled.

A record only changes the facts of its item; then the item is settled: routed, judged afresh, its books,
timers and mismatches brought to what the facts now say. Who is told what: `matching_records.py`. Where a line
belongs: `routing.py`. What is compared without an identity: `leftovers.py`, `open_set.py`. Whose a PSP's id
is: `directory.py`. Which mismatch it is: `judge.py`, how bad: `severity.py`.
"""

from collections.abc import Callable
from typing import Any, Final, get_args

from msgspec.structs import replace

from app.domain import open_set, workflow
from app.domain import platform as platforms
from app.domain.batch_records import BatchTrailer, TrailerRecorded
from app.domain.commands import ParkedExpire, PlatformConfigure
from app.domain.configuration import Platform
from app.domain.decision import Conflict, Draft, Duplicate, Ignored
from app.domain.directory import CAPTURE, ask_reference, report_chargeback, unreported
from app.domain.leftovers import leave
from app.domain.line_books import reverse
from app.domain.line_directory import keep_home, not_here, tell_directory
from app.domain.matching import (
    HeldLine,
    Item,
    candidate_of,
    expectation_identity,
    item_ref,
    line_identity,
    second_identity,
)
from app.domain.matching_guests import meet, seat, unseat
from app.domain.matching_prefetch import prefetch, record_key
from app.domain.matching_records import (
    ExpectationPointed,
    ExpectationUnpointed,
    LineAssigned,
    LineHomed,
    LineMet,
    LineMoved,
    LinePointed,
    LineUnassigned,
    LineUnpointed,
    MatchDecided,
    MatchingLaneRecord,
    OpenEntered,
    OpenLeft,
)
from app.domain.periods import PeriodClose, close_period
from app.domain.routing import assign, move_pointers, take_back, tell_visitor, unpoint
from app.domain.settlement import (
    ExpectationAnnounced,
    ExpectationWithdrawn,
    FactUnaddressed,
    IdentityClaimed,
    LineKind,
    LineRecorded,
    PaymentDue,
    SettlementDue,
)
from app.domain.settling import settle
from app.domain.state import PLATFORM
from app.domain.streams import BANKING_COMMANDS
from app.domain.timers import take_fired
from app.domain.verdicts import with_verdict
from app.domain.windows import (
    PAYMENT,
    SETTLEMENT,
    psp_of,
    restart_settlement,
    settles_to,
    timer_subject,
    wait_for_report,
)
from app.domain.workflow_matching import BOOKS
from app.domain.workflow_records import ACTIONS

__all__ = ["accepts_correction", "correct", "decide", "prefetch", "record_key"]

KINDS: Final[tuple[LineKind, ...]] = get_args(LineKind)


def decide(draft: Draft, command: MatchingLaneRecord) -> None:
    """What one record of `matching.commands` does; see `app/domain/decision.py` for how it ends."""
    RULES[type(command)](draft, command)


def accepts_correction(command: MatchingLaneRecord) -> bool:
    """A known id with other content: for a settlement line or trailer a correction, else a contradiction."""
    return isinstance(command, LineRecorded | TrailerRecorded)


def correct(draft: Draft, command: MatchingLaneRecord) -> None:
    """Decide a line whose id is known with other content, where even its kind may have changed.

    `decide` alone handles a correction that keeps the kind; looking under every kind would cost each line.
    """
    if isinstance(command, TrailerRecorded):
        _pass_on(draft, command)
        return
    if not isinstance(command, LineRecorded):
        raise Conflict("id_conflict", f"{command.id!r} came before with other content")
    for kind in KINDS:
        item: Item | None = draft.get(item_ref(command.psp, line_identity(command), kind))
        held = item.find(command.id) if item else None
        if item is not None and held is not None and kind != command.kind:
            _forget(draft, item, held)
            earlier = (*held.earlier, held.record)
            settle(draft, item.without_line(command.id), f"correction of {command.id}")
            _add_line(draft, HeldLine(record=command, earlier=earlier, reported=held.reported))
            return
    _record(draft, command)


def _pass_on(draft: Draft, command: TrailerRecorded) -> None:
    """To the account that its source settles to. Raises Ignored where there is none."""
    platform: Platform | None = draft.get(PLATFORM)
    account = settles_to(platform, command.source)
    if account is None:
        raise Ignored(f"{command.source} settles to no account: its batches are not compared")
    fields = {name: getattr(command, name) for name in command.__struct_fields__}
    draft.send(BANKING_COMMANDS, account, BatchTrailer(account=account, **fields))


def _forget(draft: Draft, item: Item, held: HeldLine) -> None:
    """Take a line out of everything it is in; what it posted is reversed."""
    reverse(draft, held, item)
    take_back(draft, item, held)
    unpoint(draft, item, held)
    leave(draft, held.entered)


def _expect(draft: Draft, command: ExpectationAnnounced) -> None:
    """An object's latest announcement holds. Another object that claims the same identity contradicts it."""
    item = _item(draft, command.psp, expectation_identity(command), command.kind)
    claimed = item.expectation
    if claimed is None:
        settle(draft, _point_out(draft, item, command), command.id)
    elif (claimed.merchant_id, claimed.object_id) != (command.merchant_id, command.object_id):
        raise Conflict(
            "identity_conflict",
            f"{command.kind} {item.identity!r} at {command.psp} is {claimed.merchant_id}/{claimed.object_id}"
            f", not {command.merchant_id}/{command.object_id}",
        )
    elif replace(claimed, id=command.id) == command:
        raise Duplicate
    else:
        settle(draft, _point_out(draft, restart_settlement(draft, item), command), command.id)


def _point_out(draft: Draft, item: Item, new: ExpectationAnnounced) -> Item:
    """Whoever has left pointers goes on to, whatever the configuration says by now, or some would stay."""
    platform: Platform | None = draft.get(PLATFORM)
    psp = psp_of(platform, new.psp)
    old = None if item.silent else item.expectation
    silent = old is None and psp is not None and not psp.references
    if not silent:
        move_pointers(draft, old, new, candidate_of(new))
    return replace(item, expectation=new, silent=silent)


def _withdraw(draft: Draft, command: ExpectationWithdrawn) -> None:
    item = _item(draft, command.psp, command.identity, command.kind)
    claimed = item.expectation
    if claimed is None or (claimed.merchant_id, claimed.object_id) != (
        command.merchant_id,
        command.object_id,
    ):
        raise Ignored("this object is not expected here")
    if not item.silent:
        move_pointers(draft, claimed, None, candidate_of(claimed))
    settle(draft, replace(item, expectation=None, silent=False, settlement_closed=False), command.id)


def _record(draft: Draft, command: LineRecorded) -> None:
    """A new line, or a correction of one: reversal and new posting, judged again, the old content kept."""
    item = _item(draft, command.psp, line_identity(command), command.kind)
    held = item.find(command.id)
    if held is None or held.guest_of is not None:
        tell_directory(draft, draft.get(PLATFORM), command)
        _add_line(draft, HeldLine(record=command))
    elif held.record == command:
        raise Duplicate
    else:
        _replace(draft, item, held, command)


def _move_away(draft: Draft, command: LineMoved) -> None:
    """Its correction lives elsewhere: what it posted here is reversed."""
    for kind in (command.kind, *[kind for kind in KINDS if kind != command.kind]):
        item: Item | None = draft.get(item_ref(command.psp, command.identity, kind))
        held = item.find(command.line) if item is not None else None
        if item is not None and held is not None and held.guest_of is None:
            _forget(draft, item, held)
            settle(draft, item.without_line(command.line), command.id)
            return
    raise not_here(command.line)


def _replace(draft: Draft, item: Item, held: HeldLine, command: LineRecorded) -> None:
    kept = reverse(draft, held, item)
    if second_identity(command) != held.pointed:
        kept = unpoint(draft, item, kept)
    kept = replace(kept, record=command, earlier=(*held.earlier, held.record))
    if kept.sent_to is None:
        settle(draft, item.with_line(kept), command.id)
    else:
        assign(draft, item, kept, kept.sent_to)
        settle(draft, item.with_away(kept), command.id)


def _add_line(draft: Draft, line: HeldLine) -> None:
    record = line.record
    item = _item(draft, record.psp, line_identity(record), record.kind)
    settle(draft, item.with_line(line), record.id)


def _pointed(draft: Draft, command: ExpectationPointed) -> None:
    item = _at(draft, command)
    claims = tuple(sorted({*item.claims, command.candidate}))
    settle(draft, replace(item, claims=claims), command.id)


def _unpointed(draft: Draft, command: ExpectationUnpointed) -> None:
    item = _at(draft, command)
    claims = tuple([claim for claim in item.claims if claim != command.candidate])
    settle(draft, replace(item, claims=claims), command.id)


def _visited(draft: Draft, command: LinePointed) -> None:
    item = _at(draft, command)
    if command.again and not item.candidates:
        tell_visitor(draft, item, command.line, command.home)
    settle(draft, replace(item, visitors={**item.visitors, command.line: command.home}), command.id)


def _left_alone(draft: Draft, command: LineUnpointed) -> None:
    item = _at(draft, command)
    visitors = {line: place for line, place in item.visitors.items() if line != command.line}
    settle(draft, replace(item, visitors=visitors), command.id)


def _met(draft: Draft, command: LineMet) -> None:
    settle(draft, meet(_at(draft, command), command), command.id)


def _assigned(draft: Draft, command: LineAssigned) -> None:
    settle(draft, seat(draft, _at(draft, command), command), command.id)


def _unassigned(draft: Draft, command: LineUnassigned) -> None:
    settle(draft, unseat(draft, _at(draft, command), command), command.id)


def _decided(draft: Draft, command: MatchDecided) -> None:
    settle(draft, with_verdict(_at(draft, command), command), command.id)


def _compare(draft: Draft, command: OpenEntered | OpenLeft) -> None:
    platform: Platform | None = draft.get(PLATFORM)
    psp = psp_of(platform, command.entry.psp)
    open_set.decide(draft, command, psp.gross_tolerance if psp is not None else 0)


def _claim(draft: Draft, command: IdentityClaimed) -> None:
    item = _item(draft, command.psp, command.identity, CAPTURE)
    owner = (command.merchant_id, command.payment_id)
    if item.owner is not None and item.owner != owner:
        raise Conflict(
            "identity_conflict", f"{command.identity!r} at {command.psp} is {'/'.join(item.owner)}"
        )
    if item.owner == owner:
        raise Duplicate
    settle(draft, replace(item, owner=owner), command.id)


def _hear(draft: Draft, command: FactUnaddressed) -> None:
    item = _item(draft, command.psp, command.identity, CAPTURE)
    ask_reference(draft, item, command)
    settle(draft, replace(item, facts=(*item.facts, command)), command.id)


def _close_window(draft: Draft, command: SettlementDue | PaymentDue) -> None:
    """A window has closed without the other side. A timer that was moved or cleared has no effect."""
    is_settlement = isinstance(command, SettlementDue)
    fired = take_fired(draft, command.id)
    kind = SETTLEMENT if is_settlement else PAYMENT
    if not fired.is_of(kind, timer_subject(command.psp, command.kind)):
        raise Ignored("the timer's id names another window")
    item = _item(draft, command.psp, command.identity, command.kind)
    if is_settlement:
        settle(draft, replace(item, settlement_closed=True, settlement_due_ms=None), command.id)
    else:
        settle(draft, _close_payment(draft, replace(item, payment_due_ms=None)), command.id)


def _close_payment(draft: Draft, item: Item) -> Item:
    """Before a chargeback counts as unmatched, whoever knows its payment is told of it."""
    to_report = unreported(item)
    if not to_report:
        return replace(item, payment_closed=True)
    for held in to_report:
        report_chargeback(draft, held.record)
        item = item.with_line(replace(held, reported=True))
    return wait_for_report(draft, item)


def _ignore(draft: Draft, command: ParkedExpire) -> None:
    raise Ignored("nothing is ever parked in this lane")


def _at(
    draft: Draft,
    command: ExpectationPointed
    | ExpectationUnpointed
    | LinePointed
    | LineUnpointed
    | LineMet
    | LineAssigned
    | LineUnassigned
    | MatchDecided,
) -> Item:
    return _item(draft, command.psp, command.identity, command.kind)


def _item(draft: Draft, psp: str, identity: str, kind: LineKind) -> Item:
    item: Item | None = draft.get(item_ref(psp, identity, kind))
    return item if item is not None else Item(psp=psp, identity=identity, kind=kind)


RULES: Final[dict[type, Callable[[Draft, Any], None]]] = {
    PlatformConfigure: platforms.configure,
    PeriodClose: close_period,
    ExpectationAnnounced: _expect,
    ExpectationWithdrawn: _withdraw,
    IdentityClaimed: _claim,
    FactUnaddressed: _hear,
    LineRecorded: _record,
    TrailerRecorded: _pass_on,
    ExpectationPointed: _pointed,
    ExpectationUnpointed: _unpointed,
    LinePointed: _visited,
    LineUnpointed: _left_alone,
    LineMet: _met,
    LineAssigned: _assigned,
    LineUnassigned: _unassigned,
    LineHomed: keep_home,
    LineMoved: _move_away,
    OpenEntered: _compare,
    OpenLeft: _compare,
    MatchDecided: _decided,
    SettlementDue: _close_window,
    PaymentDue: _close_window,
    ParkedExpire: _ignore,
    **dict.fromkeys(ACTIONS, lambda draft, command: workflow.act(draft, command, BOOKS)),
}
