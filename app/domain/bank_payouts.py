"""Leg C: a payout at the bank account that it leaves, and what of its bank lines our books have already.

`payout.paid` credits the account in the merchant lane, so the bank line must not do it again: what our books
have is taken off its posting, and leg C posts the difference alone (`docs/adr/0019-payouts-at-banks.md`).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Final, NamedTuple

import msgspec
from msgspec.structs import replace

from app.domain.bank_documents import OpenVerdict
from app.domain.bank_names import WEEKS_AFTER, WEEKS_BEFORE, week_of
from app.domain.banking import BankLineRecorded
from app.domain.decision import Draft
from app.domain.matching import Opened
from app.domain.payout_records import BankTold, PayoutAnnounced, payout_name
from app.domain.state import Ref

BANK_PAYOUT: Final = "bank_payout"
PAYOUT_PREFIX: Final = "payout:"
FEE_PREFIX: Final = "payout_fee:"


class BankPayout(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A payout as it announced itself last, and what was found of it; the same facts give the same row."""

    record: PayoutAnnounced
    named_by: tuple[str, ...] = ()
    """Bank lines whose text names it, sorted."""
    matched: str | None = None
    """The bank line that a sweep gave it."""
    forced: tuple[str, ...] = ()
    """Bank lines that people gave it."""
    closed_for: datetime | None = None
    """The moment whose window has closed; a later fact opens another."""
    due_ms: int | None = None
    entered: int | None = None
    """The span of the open set it lies in."""
    verdict: OpenVerdict | None = None
    told: BankTold | None = None
    """What the merchant lane was told last."""
    open: dict[str, Opened] = {}

    @property
    def name(self) -> str:
        return payout_name(self.record.merchant_id, self.record.payout_id)

    @property
    def subject(self) -> str:
        return payout_subject(self.name)

    @property
    def lines(self) -> tuple[str, ...]:
        """Its bank lines: by people, else by name, else by amount."""
        return self.forced or self.named_by or ((self.matched,) if self.matched else ())

    @property
    def closed(self) -> bool:
        return self.closed_for == last_moment(self.record)


class Booked(NamedTuple):
    """What the merchant lane has posted to the bank account: minor units, both positive."""

    debit: int
    credit: int


class Part(NamedTuple):
    """Of a bank line, signed as it is: what our books have already, and what the bank kept as its fee."""

    booked: int
    fee: int = 0


def payout_subject(name: str) -> str:
    return f"{PAYOUT_PREFIX}{name}"


def bank_payout_ref(account: str, name: str) -> Ref:
    """`name`: `{merchant_id}/{payout_id}`."""
    return Ref("document", (BANK_PAYOUT, account, name))


def last_moment(record: PayoutAnnounced) -> datetime:
    """When the latest of its facts happened that a bank line is due for."""
    moments = (record.started_at, record.paid_at, record.returned_at)
    return max(moment for moment in moments if moment is not None)


def booked(record: PayoutAnnounced) -> Booked:
    return Booked(
        debit=record.amount + record.bank_fee if "paid" in record.facts else 0,
        credit=record.amount if "returned" in record.facts else 0,
    )


def expected_amount(record: PayoutAnnounced) -> int:
    """What the bank line of it should say, negative; 0 where it never left."""
    has_left = "paid" in record.facts or "returned" in record.facts
    return 0 if "failed" in record.facts and not has_left else -record.amount - record.bank_fee


def parts(record: PayoutAnnounced, lines: Iterable[BankLineRecorded], tolerance: int) -> dict[str, Part]:
    """Line id -> its part. Together they are what our books have, once there is a line of that direction at

    all: so the bank's account shows what the bank says, and what differs lies in `unapplied` or is a fee.
    """
    own = sorted(
        [line for line in lines if line.currency == record.currency],
        key=lambda line: (line.value_date, line.line_id),
    )
    ours = booked(record)
    debits = _given([line for line in own if line.amount < 0], ours.debit, tolerance)
    return debits | _given([line for line in own if line.amount > 0], ours.credit, tolerance)


def _given(lines: Sequence[BankLineRecorded], ours: int, tolerance: int) -> dict[str, Part]:
    """Each line in its order what is left, the last one all that is left."""
    if not ours or not lines:
        return {}
    sign = 1 if lines[0].amount > 0 else -1
    found: dict[str, Part] = {}
    left = ours
    for line in lines:
        part = left if line is lines[-1] else min(left, abs(line.amount))
        left -= part
        found[line.line_id] = Part(sign * part)
    beyond = sum(line.amount for line in lines) - sign * ours
    if 0 < abs(beyond) <= tolerance:
        last = lines[-1].line_id
        found[last] = Part(found[last].booked, beyond)
    return found


def payout_shares(subject: str, part: Part) -> dict[str, int]:
    """How a line keeps its part: what our books have already, and the bank's fee."""
    shares = ((subject, part.booked), (FEE_PREFIX + subject, part.fee))
    return {to: amount for to, amount in shares if amount}


def weeks_of_payout(record: PayoutAnnounced) -> range:
    """In which weeks a bank line of it is looked for."""
    moments = [record.started_at, record.paid_at, record.returned_at]
    days = [moment.date() for moment in moments if moment is not None]
    return range(week_of(min(days)) - WEEKS_BEFORE, week_of(max(days)) + WEEKS_AFTER + 1)


def pair_payout(draft: Draft, account: str, subject: str, line_id: str, *, present: bool) -> None:
    """A sweep gave it this line, or took it away."""
    ref = bank_payout_ref(account, subject.removeprefix(PAYOUT_PREFIX))
    payout: BankPayout | None = draft.get(ref)
    if payout is not None and (present or payout.matched == line_id):
        draft.put(ref, replace(payout, matched=line_id if present else None))


def keep_verdict(draft: Draft, account: str, subject: str, verdict: OpenVerdict) -> None:
    """What a sweep says of it."""
    ref = bank_payout_ref(account, subject.removeprefix(PAYOUT_PREFIX))
    payout: BankPayout | None = draft.get(ref)
    if payout is not None:
        draft.put(ref, replace(payout, verdict=verdict))
