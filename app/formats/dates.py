"""Dates and moments as files write them, in the source's time zone."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from functools import lru_cache
from typing import Final
from zoneinfo import ZoneInfo

from app.domain.source_files import SourceFile
from app.formats.errors import BadRow

EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
PACKED: Final = re.compile(r"%[A-Za-z]%[A-Za-z]")
"""Digits without anything between them: strptime would read `2026131`, so they must be written in full."""
EPOCH_NUMBER: Final = re.compile(r"-?[0-9]{1,15}(?:\.[0-9]{1,9})?")
MICROSECONDS: Final = {"epoch_seconds": 1_000_000, "epoch_milliseconds": 1_000}


class Dates:
    """`moment` gives a time with its offset, `day` the date that it falls on in the source's time zone.

    A time without an offset is local; where clocks go back, it is the earlier one of two. Both raise BadRow.
    """

    def __init__(self, file: SourceFile) -> None:
        self._zone, self._forms = ZoneInfo(file.time_zone), file.dates
        self.moment: Callable[[str], datetime] = lru_cache(maxsize=16_384)(self._moment)
        self.day: Callable[[str], date] = lru_cache(maxsize=16_384)(self._day)

    def _moment(self, text: str) -> datetime:
        found = self._read(text)
        return found.replace(tzinfo=self._zone).astimezone(UTC) if found.tzinfo is None else found

    def _day(self, text: str) -> date:
        found = self._read(text)
        return (found if found.tzinfo is None else found.astimezone(self._zone)).date()

    def _read(self, text: str) -> datetime:
        for form in self._forms:
            try:
                found = _read_as(text, form)
                found.replace(tzinfo=found.tzinfo or self._zone).astimezone(UTC)  # inside of the calendar
                return found
            except (ValueError, OverflowError):
                continue
        raise BadRow(f"{text!r} is no date as this source writes them ({', '.join(self._forms)})")


def _read_as(text: str, form: str) -> datetime:
    if form == "iso":
        return datetime.fromisoformat(text)
    if (per_unit := MICROSECONDS.get(form)) is not None:
        if not EPOCH_NUMBER.fullmatch(text):
            raise ValueError("not a number")
        return EPOCH + timedelta(microseconds=int(Decimal(text) * per_unit))
    found = datetime.strptime(text, form)  # noqa: DTZ007 - the caller gives it the source's zone
    if PACKED.search(form) and found.strftime(form) != text:
        raise ValueError("digits are missing")
    return found
