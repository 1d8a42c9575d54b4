"""Which objects of payments a batch settles, in pages, and what their merchants were told of it.

References stand with how often they were told less how often taken back: what two homes say of one line may
overtake each other, the sum does not. A page tells only what has changed since it told last.
"""

from collections.abc import Iterable
from typing import Final
from zlib import crc32

from msgspec.structs import replace

from app.domain.bank_documents import Batch, BatchPage, PageLine, page_ref
from app.domain.batch_records import BatchLines, BatchRef, BatchTell, PaymentSettled
from app.domain.decision import Draft
from app.domain.streams import BANKING_COMMANDS, PAYMENTS_COMMANDS

PAGES: Final = 32


def page_of(line: str) -> int:
    """Follows from the settlement line's id, so that all that is said of it meets in one page."""
    return crc32(line.encode()) % PAGES


def pages_of(command: BatchLines) -> list[int]:
    return sorted({page_of(ref.line) for ref in (*command.refs, *command.withdrawn)})


def keep_refs(draft: Draft, batch: Batch, command: BatchLines) -> Batch:
    """Add what is known from now on, take off what no longer is. Nobody is told here."""
    pages = pages_of(command)
    for page in pages:
        _change(draft, batch, page, command)
    return replace(batch, pages=tuple(sorted({*batch.pages, *pages}))) if pages else batch


def _change(draft: Draft, batch: Batch, page: int, command: BatchLines) -> None:
    ref = page_ref(batch.account, batch.name, page)
    found: BatchPage | None = draft.get(ref)
    lines = dict(found.lines) if found is not None else {}
    for refs, sign in ((command.refs, 1), (command.withdrawn, -1)):
        for one in refs:
            if page_of(one.line) == page:
                lines[one.line] = _counted(lines.get(one.line, PageLine()), one, sign)
    draft.put(ref, BatchPage(lines=lines))


def _counted(line: PageLine, ref: BatchRef, sign: int) -> PageLine:
    counts = dict(line.counts)
    counts[ref] = counts.get(ref, 0) + sign
    return replace(line, counts=tuple(sorted((ref, count) for ref, count in counts.items() if count)))


def tell_pages(draft: Draft, batch: Batch, pages: Iterable[int]) -> None:
    """Later, one record per page: a batch may settle more than one decision should send."""
    for page in pages:
        record = BatchTell(
            id=draft.next_id(), account=batch.account, source=batch.source, batch_id=batch.batch_id, page=page
        )
        draft.send(BANKING_COMMANDS, batch.account, record)


def tell_page(draft: Draft, batch: Batch, page: int) -> None:
    """Bring what merchants were told up to date with whether the bank has paid the batch."""
    ref = page_ref(batch.account, batch.name, page)
    found: BatchPage | None = draft.get(ref)
    if found is None:
        return
    told = {name: _told(draft, batch, line) for name, line in found.lines.items()}
    lines = {name: line for name, line in told.items() if line.counts or line.told}
    if lines != found.lines:
        draft.put(ref, BatchPage(lines=lines))


def _told(draft: Draft, batch: Batch, line: PageLine) -> PageLine:
    bank = batch.confirmed or ()
    wanted = line.refs if batch.confirmed is not None else ()
    for ref in line.told:
        if ref not in wanted:
            _send(draft, batch, ref, settled=False)
    for ref in wanted:
        if ref not in line.told or bank != line.bank:
            _send(draft, batch, ref, settled=True)
    return line if (wanted, bank) == (line.told, line.bank) else replace(line, told=wanted, bank=bank)


def _send(draft: Draft, batch: Batch, ref: BatchRef, *, settled: bool) -> None:
    record = PaymentSettled(
        id=draft.next_id(),
        merchant_id=ref.merchant_id,
        payment_id=ref.payment_id,
        object_id=ref.object_id,
        kind=ref.kind,
        source=batch.source,
        batch_id=batch.batch_id,
        line=ref.line,
        gross=ref.gross,
        currency=ref.currency,
        net=ref.net,
        settle_currency=ref.settle_currency,
        bank=(batch.confirmed or ()) if settled else (),
        settled=settled,
        occurred_at=draft.now,
    )
    draft.send(PAYMENTS_COMMANDS, ref.merchant_id, record)
