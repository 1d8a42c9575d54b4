"""What stories are made of: a webhook to post, and a payment as it is told."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Any, NamedTuple


class Event(NamedTuple):
    """A webhook to be signed and posted under its message id."""

    id: str
    document: dict[str, Any]


class Told(NamedTuple):
    """`payment` is upstream's and the PSP's id of it; `reference` our order."""

    merchant: str
    payment: str
    psp_id: str
    reference: str
    amount: int
    currency: str
    at: datetime

    @property
    def booked_on(self) -> date:
        """The first business day on which it may be settled."""
        day = self.at.date()
        return day + timedelta(days=7 - day.weekday() if day.weekday() >= 5 else 0)
