"""Which rows and which key a record of the matching lane goes by."""

from collections.abc import Callable, Iterable
from typing import Any, Final

from app.domain import workflow
from app.domain.batch_records import TrailerRecorded, batch_name
from app.domain.commands import ParkedExpire, PlatformConfigure
from app.domain.directory import CAPTURE
from app.domain.line_directory import directory_ref, place_of_line
from app.domain.matching import expectation_identity, home, item_ref, line_identity
from app.domain.matching_records import (
    LineAssigned,
    LineHomed,
    MatchDecided,
    MatchingLaneRecord,
    OpenEntered,
    OpenLeft,
    open_key,
)
from app.domain.mismatches import mismatch_ref
from app.domain.open_rows import facing_refs, own_ref
from app.domain.periods import PeriodClose
from app.domain.settlement import (
    ExpectationAnnounced,
    FactUnaddressed,
    IdentityClaimed,
    LineRecorded,
    PaymentDue,
    SettlementDue,
)
from app.domain.settling import missing_id
from app.domain.state import PLATFORM, Ref, account_ref
from app.domain.timers import timer_ref
from app.domain.windows import PAYMENT, SETTLEMENT, timer_subject
from app.domain.workflow_records import ACTIONS


def record_key(command: MatchingLaneRecord) -> str | None:
    """The Kafka key a record must have; None: goes to every partition."""
    return _KEYS.get(type(command), _placed)(command)


def prefetch(command: MatchingLaneRecord) -> Iterable[Ref]:
    """Rows the decision will surely want."""
    return _ROWS.get(type(command), _placed_rows)(command)


def _placed(command: Any) -> str:
    return home(command.psp, command.identity)


def _open(command: OpenEntered | OpenLeft) -> str:
    return open_key(command.entry.psp, command.entry.currency)


_KEYS: Final[dict[type, Callable[[Any], str | None]]] = {
    PlatformConfigure: lambda command: None,
    PeriodClose: lambda command: None,
    ParkedExpire: lambda command: str(command.key),
    **dict.fromkeys(ACTIONS, lambda command: str(command.owner_key)),
    ExpectationAnnounced: lambda command: home(command.psp, expectation_identity(command)),
    LineRecorded: lambda command: home(command.psp, line_identity(command)),
    OpenEntered: _open,
    OpenLeft: _open,
    LineHomed: lambda command: place_of_line(command.psp, command.line),
    TrailerRecorded: lambda command: home(command.psp, batch_name(command.source, command.batch_id)),
}


def _placed_rows(command: Any) -> Iterable[Ref]:
    return (PLATFORM, item_ref(command.psp, command.identity, command.kind))


def _directory_rows(command: IdentityClaimed | FactUnaddressed) -> Iterable[Ref]:
    return (PLATFORM, item_ref(command.psp, command.identity, CAPTURE))


def _expectation_rows(command: ExpectationAnnounced) -> Iterable[Ref]:
    return (PLATFORM, item_ref(command.psp, expectation_identity(command), command.kind))


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


def _assigned_rows(command: LineAssigned) -> Iterable[Ref]:
    line = command.line
    yield PLATFORM
    yield item_ref(command.psp, command.identity, command.kind)
    yield account_ref(f"psp_recv:{line.psp}", line.currency)
    yield account_ref("unapplied", line.currency)
    if line.fee:
        yield account_ref("psp_fee", line.settle_currency)
        yield account_ref("fee_variance", line.settle_currency)


def _window_rows(command: SettlementDue | PaymentDue) -> Iterable[Ref]:
    timer = SETTLEMENT if isinstance(command, SettlementDue) else PAYMENT
    key = home(command.psp, command.identity)
    yield PLATFORM
    yield item_ref(command.psp, command.identity, command.kind)
    yield timer_ref(key, timer, timer_subject(command.psp, command.kind))


def _decided_rows(command: MatchDecided) -> Iterable[Ref]:
    yield PLATFORM
    yield item_ref(command.psp, command.identity, command.kind)
    if command.verdict.rule != "A2":
        yield mismatch_ref(missing_id(command))


def _open_rows(command: OpenEntered | OpenLeft) -> Iterable[Ref]:
    key, entry = _open(command), command.entry
    return (PLATFORM, own_ref(key, entry), *facing_refs(key, entry, 0))


_ROWS: Final[dict[type, Callable[[Any], Iterable[Ref]]]] = {
    PlatformConfigure: lambda command: (PLATFORM,),
    PeriodClose: lambda command: (),
    ParkedExpire: lambda command: (PLATFORM,),
    **dict.fromkeys(ACTIONS, workflow.prefetch),
    TrailerRecorded: lambda command: (PLATFORM,),
    LineHomed: lambda command: (directory_ref(command.psp, command.line),),
    ExpectationAnnounced: _expectation_rows,
    IdentityClaimed: _directory_rows,
    FactUnaddressed: _directory_rows,
    LineRecorded: _line_rows,
    LineAssigned: _assigned_rows,
    SettlementDue: _window_rows,
    PaymentDue: _window_rows,
    MatchDecided: _decided_rows,
    OpenEntered: _open_rows,
    OpenLeft: _open_rows,
}
