"""Dates and moments as real exports write them, in the source's time zone."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

import msgspec
import pytest

from app.domain.source_files import SourceFile
from app.formats.dates import Dates
from app.formats.errors import BadRow


def dates(*forms: str, zone: str = "UTC") -> Dates:
    document: dict[str, Any] = {
        "holds": "bank",
        "format": "csv",
        "dates": forms or ("iso",),
        "time_zone": zone,
    }
    return Dates(msgspec.convert(document, SourceFile))


@pytest.mark.parametrize(
    ("text", "form", "day"),
    [
        ("2026-01-31", "iso", date(2026, 1, 31)),
        ("20260131", "iso", date(2026, 1, 31)),
        ("2026-01-31T23:30:00Z", "iso", date(2026, 1, 31)),
        ("31/01/2026", "%d/%m/%Y", date(2026, 1, 31)),
        ("1/2/2026", "%d/%m/%Y", date(2026, 2, 1)),
        ("01/31/2026", "%m/%d/%Y", date(2026, 1, 31)),
        ("31.01.26", "%d.%m.%y", date(2026, 1, 31)),
        ("20260131", "%Y%m%d", date(2026, 1, 31)),
        ("31-Jan-2026 23:30", "%d-%b-%Y %H:%M", date(2026, 1, 31)),
        ("1769859000", "epoch_seconds", date(2026, 1, 31)),
        ("1769859000123", "epoch_milliseconds", date(2026, 1, 31)),
    ],
)
def test_days(text: str, form: str, day: date) -> None:
    assert dates(form).day(text) == day


@pytest.mark.parametrize(
    ("text", "form"),
    [
        ("2026-02-29", "iso"),
        ("31/01/2026", "iso"),
        ("31/13/2026", "%d/%m/%Y"),
        ("2026131", "%Y%m%d"),
        ("", "iso"),
        ("9999-12-31T23:00:00-05:00", "iso"),
        ("12e3", "epoch_seconds"),
        ("999999999999999", "epoch_seconds"),
        ("yesterday", "%d/%m/%Y"),
    ],
)
def test_what_is_no_date(text: str, form: str) -> None:
    with pytest.raises(BadRow, match="is no date as this source writes them"):
        dates(form).day(text)


def test_forms_are_tried_in_order() -> None:
    both = dates("%d/%m/%Y", "iso")
    assert both.day("02/01/2026") == both.day("2026-01-02") == date(2026, 1, 2)


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2026-01-31T12:00:00", datetime(2026, 1, 31, 11, tzinfo=UTC)),
        ("2026-07-31T12:00:00", datetime(2026, 7, 31, 10, tzinfo=UTC)),
        ("2026-01-31", datetime(2026, 1, 30, 23, tzinfo=UTC)),
        ("2026-01-31T12:00:00-03:00", datetime(2026, 1, 31, 15, tzinfo=UTC)),
        ("2026-10-25T02:30:00", datetime(2026, 10, 25, 0, 30, tzinfo=UTC)),
    ],
)
def test_a_time_without_an_offset_is_local(text: str, moment: datetime) -> None:
    """On the last, clocks go back and the hour comes twice: the earlier one is meant."""
    assert dates(zone="Europe/Berlin").moment(text) == moment


def test_the_day_of_a_moment_is_the_sources() -> None:
    """23:30 in London is the next day in Berlin, and the day before in São Paulo it is still evening."""
    text = "2026-01-31T23:30:00Z"
    assert dates(zone="Europe/Berlin").day(text) == date(2026, 2, 1)
    assert dates(zone="America/Sao_Paulo").day(text) == date(2026, 1, 31)


def test_fractions_of_a_second_are_exact() -> None:
    assert dates("epoch_seconds").moment("1769859000.123456").microsecond == 123456
    assert dates("epoch_milliseconds").moment("1769859000001").microsecond == 1000
