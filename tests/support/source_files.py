"""Sources and files for the tests of `ingest`: the same rows written in every format, and read back."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec

from app.contracts.source_file_checks import problems
from app.domain.configuration import SourceConfiguration
from app.formats.reading import Reading, Row
from app.store.row_numbers import RowNumbers

SETTLEMENT_FIELDS = {
    "batch_id": "batch",
    "line_id": "id",
    "psp_payment_id": "payment",
    "currency": "currency",
    "gross": "gross",
    "fee": "fee",
    "booked_on": "day",
}
BANK_FIELDS = {
    "account": {"const": "DE89"},
    "line_id": "id",
    "amount": "amount",
    "currency": "currency",
    "value_date": "day",
}


def source(holds: str = "settlement", form: str = "csv", **file: Any) -> SourceConfiguration:
    """A source whose description does not contradict itself."""
    fields = SETTLEMENT_FIELDS if holds == "settlement" else BANK_FIELDS
    document = {"psp": "stripe", "file": {"holds": holds, "format": form, "fields": fields, **file}}
    found = msgspec.convert(document, SourceConfiguration)
    assert found.file is not None
    assert list(problems(found.file)) == []
    return found


def reading(path: Path, described: SourceConfiguration) -> Reading:
    return Reading(path, "acquirer-a", described)


def read(path: Path, described: SourceConfiguration) -> list[Row]:
    """All rows, after the passes that come before. Raises what they raise."""
    opened = reading(path, described)
    opened.scan(lambda size: None)
    opened.survey()
    with RowNumbers() as numbers:
        return list(opened.read(numbers.next))


def read_text(folder: Path, text: str | bytes, described: SourceConfiguration) -> list[Row]:
    return read(write(folder, text), described)


def write(folder: Path, text: str | bytes) -> Path:
    path = folder / "file"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def records(rows: Sequence[Row]) -> list[Any]:
    """What the rows became; none of them may have gone wrong."""
    assert [row.problem for row in rows if row.problem] == []
    return [row.record for row in rows if row.record is not None]


def written_as(form: str, rows: Sequence[Mapping[str, Any]]) -> bytes:
    """The same rows as `csv`, `json` or `jsonl`."""
    if form == "json":
        return json.dumps(list(rows), indent=1).encode()
    if form == "jsonl":
        return "".join(f"{json.dumps(row)}\n" for row in rows).encode()
    out = io.StringIO()
    names = list(rows[0])
    table = csv.DictWriter(out, names)
    table.writeheader()
    table.writerows(rows)
    return out.getvalue().encode()


def line(number: int = 1, **changes: Any) -> dict[str, Any]:
    """One row of a settlement file, as `SETTLEMENT_FIELDS` reads it."""
    row = {
        "batch": "B1",
        "id": f"L{number}",
        "payment": f"pi_{number}",
        "currency": "EUR",
        "gross": "100.00",
        "fee": "1.50",
        "day": "2026-11-21",
    }
    return row | changes
