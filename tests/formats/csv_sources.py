"""The bank statements of INDEX.md that are CSV: a description for each, and what they must give."""

from __future__ import annotations

from pathlib import Path
from typing import Any, NamedTuple

import msgspec

from app.contracts.source_file_checks import problems
from app.domain.configuration import SourceConfiguration
from app.formats.reading import Reading, Row
from app.store.row_numbers import RowNumbers


class Wanted(NamedTuple):
    """The file's description, the lines' amounts in minor units, and how many rows are quarantined."""

    file: dict[str, Any]
    amounts: list[int]
    bad: int = 0


CSV: dict[str, Wanted] = {
    "bankstatementparser__csv_european_decimals.csv": Wanted(
        {
            "delimiter": ";",
            "numbers": {"decimal": ",", "group": "."},
            "fields": {
                "account": "IBAN",
                "line_id": "Ref",
                "amount": "Betrag",
                "currency": "CCY",
                "value_date": "Buchungstag",
                "remittance": "Verwendungszweck",
            },
        },
        [-123456, 350000, -450],
    ),
    "bankstatementparser__csv_garbled_amount.csv": Wanted(
        {
            "fields": {
                "account": {"const": "main"},
                "amount": "Amount",
                "currency": "Currency",
                "value_date": "Date",
                "remittance": "Description",
            }
        },
        [10000],
        bad=1,
    ),
    "bankstatementparser__sample_split_amounts.csv": Wanted(
        {
            "delimiter": ";",
            "numbers": {"decimal": ","},
            "fields": {
                "account": "IBAN",
                "line_id": "Ref",
                "amount": {"debit": "Debit", "credit": "Credit"},
                "currency": "CCY",
                "value_date": "Booking Date",
                "remittance": "Details",
            },
        },
        [125050, -20025],
    ),
    "camt-csv__viseca.csv": Wanted(
        {
            "fields": {
                "account": {"const": "card"},
                "line_id": "TransactionId",
                "amount": {"column": "Amount", "flip": True},  # what the card owes
                "currency": "Currency",
                "value_date": "ValutaDate",
                "booking_date": "Date",
                "remittance": "Details",
            }
        },
        [-2900, -1000, -1290, -5845, 8000, 10570, -1000, -300, -11155],
    ),
}


def rows(path: Path) -> list[Row]:
    """Raises FileRefused."""
    file = {"holds": "bank", "format": "csv", **CSV[path.name].file}
    source = msgspec.convert({"file": file}, SourceConfiguration)
    assert source.file is not None
    assert list(problems(source.file)) == []
    reading = Reading(path, "bank-csv", source)
    reading.scan(lambda size: None)
    reading.survey()
    with RowNumbers() as numbers:
        return list(reading.read(numbers.next))


def read(path: Path) -> tuple[bool, str]:
    """Whether a file gives what it must, and what it gives."""
    found = rows(path)
    amounts: list[int] = [row.record.amount for row in found if row.record is not None]  # type: ignore[attr-defined]
    bad = sum(row.problem is not None for row in found)
    wanted = CSV[path.name]
    words = f"{len(found)} rows: {len(amounts)} lines, {bad} quarantined; sum {sum(amounts) / 100:.2f}"
    return (amounts, bad) == (wanted.amounts, wanted.bad), words
