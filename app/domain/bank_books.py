"""The books of a bank line: what it must have posted, and the difference to what it has.

The whole amount lies between the bank and `unapplied` until it is somebody's; what is a batch's lies between
the bank and that batch's transit. What our books have of a payout already is not posted again: it lies
between the bank and the bank. Reversals take back each posting by its name.
"""

from collections.abc import Mapping
from datetime import datetime

from msgspec.structs import replace

from app.domain.bank_documents import Batch, HeldBankLine
from app.domain.bank_payouts import FEE_PREFIX, PAYOUT_PREFIX
from app.domain.calendar import start_of_day
from app.domain.decision import Draft
from app.domain.line_books import difference, legs
from app.domain.matching import Amount, Posting
from app.domain.settlement_postings import UNAPPLIED, Amounts, add


def targets(line: HeldBankLine, batches: Mapping[str, Batch]) -> Amounts:
    """What its postings have to sum to."""
    record = line.record
    amounts: Amounts = {}
    left = record.amount
    add(amounts, f"bank:{record.account}", record.currency, record.amount)
    for subject, amount in line.shares.items():
        add(amounts, _clearing(record.account, subject, batches), record.currency, -amount)
        left -= amount
    add(amounts, UNAPPLIED, record.currency, -left)
    return amounts


def _clearing(account: str, subject: str, batches: Mapping[str, Batch]) -> str:
    if subject.startswith(FEE_PREFIX):
        return "payout_fee"
    return f"bank:{account}" if subject.startswith(PAYOUT_PREFIX) else transit(batches[subject])


def transit(batch: Batch) -> str:
    return f"transit:{batch.source}:{batch.batch_id}"


def keep_books(draft: Draft, line: HeldBankLine, batches: Mapping[str, Batch]) -> HeldBankLine:
    """Post what still lacks. `batches`: those of its group, by subject."""
    present: Amounts = {}
    for posting in line.postings:
        for amount in posting.amounts:
            add(present, amount.account, amount.currency, amount.debit)
    change = difference(targets(line, batches), present)
    if not change:
        return line
    kind = "bank.reclassified" if line.postings else "bank.line"
    transaction_id = draft.post(kind, legs(change), occurred_at(line))
    return replace(line, postings=(*line.postings, Posting(transaction_id, change)))


def reverse_line(draft: Draft, line: HeldBankLine) -> HeldBankLine:
    """Take back everything it has posted."""
    for posting in line.postings:
        back = legs(Amount(a.account, a.currency, -a.debit) for a in posting.amounts)
        draft.post("bank.reversed", back, occurred_at(line), reverses=posting.transaction_id)
    return replace(line, postings=())


def occurred_at(line: HeldBankLine) -> datetime:
    """The start of its booking day."""
    return start_of_day(line.record.booking_date or line.record.value_date)
