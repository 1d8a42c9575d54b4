"""What people have proposed and decided about a mismatch, as its row keeps it."""

from datetime import datetime
from typing import Literal

import msgspec

from app.domain.decision import Leg
from app.domain.fields import Id, LongId

ProposalKind = Literal["force_match", "adjust", "write_off", "ignore", "accept_as_fee"]


class MatchTarget(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """The expectation that a line is said to settle: whose object, and under which identity it is kept.

    Of a bank line `home` is the batch, `{source}/{batch_id}`, and the rest is `-`.
    """

    merchant_id: Id
    payment_id: Id
    object_id: Id
    home: LongId


class Proposal(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """How to resolve it, with the posting it would make. `id`: of the request that proposed it.

    `evidence`: fingerprint of the facts that it was made on; `book_amount`: what is at stake, minor units of
    the platform's book currency, None where no rate into it is stored.
    """

    id: str
    kind: ProposalKind
    by: str
    role: str
    at: datetime
    reason_code: str
    note: str
    legs: tuple[Leg, ...] = ()
    target: MatchTarget | None = None
    evidence: str = ""
    book_amount: int | None = None
    book_currency: str = ""


class Resolution(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What was approved. `transaction_id` None: nothing had to be posted."""

    proposal: Proposal
    approver: str
    at: datetime
    transaction_id: str | None = None
