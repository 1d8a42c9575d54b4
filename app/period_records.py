"""The records that close a period: one `period.close` for every partition of every lane that posts."""

from __future__ import annotations

import re
from datetime import date, timedelta
from typing import Final

from app.contracts.codec import encode
from app.domain.periods import PeriodClose
from app.kafka.outgoing import Outgoing
from app.store.trial_balance import POSTING_LANES

MONTH: Final = re.compile(r"([0-9]{4})-(0[1-9]|1[0-2])")
KEY: Final = b"period"


def close_records(through: date, by: str, partitions: int) -> list[Outgoing]:
    """Sent again they do nothing: the record of a day has one id."""
    record = PeriodClose(id=f"close-{through.isoformat()}", through=through, by=by)
    value = encode(record)
    return [
        Outgoing(topic, partition, KEY, value) for topic in POSTING_LANES for partition in range(partitions)
    ]


def days_of_period(text: str) -> tuple[date, date]:
    """`2026-11` is a month, `2026-11-20` a day, `2026-11-01..2026-11-15` both and what lies between.

    Raises ValueError.
    """
    if month := MONTH.fullmatch(text):
        first = date(int(month[1]), int(month[2]), 1)
        return first, (first + timedelta(days=31)).replace(day=1) - timedelta(days=1)
    begin, dots, end = text.partition("..")
    first = date.fromisoformat(begin)
    last = date.fromisoformat(end) if dots else first
    if last < first:
        raise ValueError(f"{first} is after {last}")
    return first, last
