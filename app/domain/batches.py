"""A batch is heard of: its lines' sums and references, its trailer, its windows, what merchants are told."""

from collections.abc import Iterable

from msgspec.structs import replace

from app.domain.bank_documents import Batch, Totals, batch_ref
from app.domain.bank_names import weeks_of
from app.domain.bank_naming import find_lines
from app.domain.bank_settling import settle_bank
from app.domain.bank_windows import BANK, QUIET, went_quiet
from app.domain.batch_pages import keep_refs, pages_of, tell_page
from app.domain.batch_records import BatchDue, BatchLines, BatchSums, BatchTell, BatchTrailer, batch_name
from app.domain.batch_shares import added
from app.domain.configuration import Platform
from app.domain.decision import Draft, Duplicate, Ignored
from app.domain.state import PLATFORM
from app.domain.timers import epoch_ms, take_fired


def hear_lines(draft: Draft, command: BatchLines) -> None:
    """Add what one transaction of the matching lane changed."""
    batch = _batch(draft, command)
    weeks = weeks_of(batch.sums.values())
    batch = _heard(draft, replace(batch, sums=_with(batch.sums, command.sums)))
    batch = keep_refs(draft, batch, command)
    draft.put(batch_ref(batch.account, batch.name), batch)
    moved: tuple[str, ...] = ()
    if weeks_of(batch.sums.values()) != weeks:
        batch, moved = find_lines(draft, batch)
    settle_bank(draft, batch.account, command.id, moved, (batch.subject,))
    settled: Batch = draft.get(batch_ref(batch.account, batch.name))
    for page in pages_of(command):
        tell_page(draft, settled, page)


def hear_trailer(draft: Draft, command: BatchTrailer) -> None:
    """The latest one of a currency holds."""
    batch = _batch(draft, command)
    if batch.trailers.get(command.settle_currency) == command:
        raise Duplicate
    trailers = {**batch.trailers, command.settle_currency: command}
    batch = _heard(draft, replace(batch, trailers=dict(sorted(trailers.items()))))
    draft.put(batch_ref(batch.account, batch.name), batch)
    settle_bank(draft, batch.account, command.id, (), (batch.subject,))


def close_window(draft: Draft, command: BatchDue) -> None:
    """Nothing came of it for a while, or its bank line is due."""
    fired = take_fired(draft, command.id)
    ref = batch_ref(command.account, batch_name(command.source, command.batch_id))
    batch: Batch | None = draft.get(ref)
    if batch is None or not fired.is_of(QUIET if command.window == "quiet" else BANK, batch.name):
        raise Ignored("the timer's id names another batch")
    if command.window == "quiet":
        platform: Platform | None = draft.get(PLATFORM)
        batch = went_quiet(draft, platform, batch)
    else:
        batch = replace(batch, closed=True, due_ms=None)
    draft.put(ref, batch)
    settle_bank(draft, batch.account, command.id, (), (batch.subject,))


def tell(draft: Draft, command: BatchTell) -> None:
    """One page of a batch that was confirmed, or no longer is."""
    batch: Batch | None = draft.get(batch_ref(command.account, batch_name(command.source, command.batch_id)))
    if batch is None:
        raise Ignored("this batch is not known here")
    tell_page(draft, batch, command.page)


def _batch(draft: Draft, command: BatchLines | BatchTrailer) -> Batch:
    found: Batch | None = draft.get(batch_ref(command.account, batch_name(command.source, command.batch_id)))
    if found is not None:
        return found
    return Batch(account=command.account, source=command.source, psp=command.psp, batch_id=command.batch_id)


def _heard(draft: Draft, batch: Batch) -> Batch:
    """Something came, so it is not quiet; a running timer sees that by itself."""
    return replace(batch, heard_ms=max(batch.heard_ms, epoch_ms(draft.now)), quiet=False)


def _with(sums: dict[str, Totals], changes: Iterable[BatchSums]) -> dict[str, Totals]:
    result = dict(sums)
    for change in changes:
        result[change.currency] = _added(result.get(change.currency, Totals()), change)
    return dict(sorted(result.items()))


def _added(totals: Totals, change: BatchSums) -> Totals:
    return Totals(
        count=totals.count + change.count,
        gross=totals.gross + change.gross,
        fee=totals.fee + change.fee,
        tax=totals.tax + change.tax,
        reserve=totals.reserve + change.reserve,
        net=totals.net + change.net,
        converted=totals.converted + change.converted,
        by_kind=added(totals.by_kind, change.by_kind),
        days=added(totals.days, change.days),
    )
