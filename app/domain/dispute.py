"""A dispute as its payment keeps it: what was reported of it, what follows from that, and what it posted."""

from datetime import datetime
from typing import Literal, NamedTuple

import msgspec

from app.domain.decision import Leg

DisputeFactName = Literal["opened", "won", "lost"]
DisputeStage = Literal["open", "won", "lost"]


class Report(NamedTuple):
    """One door's word on a dispute, minor units of `currency`.

    `fee`: of `opened` the dispute fee, of `won` what came back of it; 0 says nothing.
    """

    fact: DisputeFactName
    psp_dispute_id: str | None
    dispute_id: str
    amount: int
    currency: str
    fee: int
    occurred_at: datetime

    @property
    def identity(self) -> tuple[bool, str]:
        """What makes two reports speak of one dispute for certain: the PSP's id, else our own."""
        psps = self.psp_dispute_id is not None
        return (psps, self.psp_dispute_id or self.dispute_id)


class Standing(NamedTuple):
    """What the reports of one dispute say together; a function of their set."""

    psp_dispute_id: str | None
    amount: int
    currency: str
    fee: int
    fee_returned: int
    stage: DisputeStage
    opened_at: datetime
    decided_at: datetime | None


class Posted(NamedTuple):
    """A transaction that is in force, with the legs by which it would be reversed."""

    transaction_id: str
    legs: tuple[Leg, ...]


class Dispute(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """`taken`: (capture, amount) that came out of captures' pending money, the rest out of the available."""

    psp: str
    standing: Standing
    reports: tuple[Report, ...]
    taken: tuple[tuple[str, int], ...] = ()
    opening: Posted
    fee: Posted | None = None
    outcome: Posted | None = None

    @property
    def amount(self) -> int:
        return self.standing.amount

    @property
    def currency(self) -> str:
        return self.standing.currency

    @property
    def stage(self) -> DisputeStage:
        return self.standing.stage
