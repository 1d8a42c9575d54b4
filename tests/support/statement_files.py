"""Bank statements for the tests: read a file by nothing but the name of its format, and what came of it."""

from __future__ import annotations

from pathlib import Path
from typing import Any, NamedTuple

import msgspec

from app.contracts.source_file_checks import problems
from app.domain.banking import BankLine
from app.domain.configuration import SourceConfiguration
from app.formats.reading import Reading, Row
from app.formats.statements import Statement
from app.store.row_numbers import RowNumbers


class Found(NamedTuple):
    rows: list[Row]
    statements: list[Statement]
    warnings: list[str]

    @property
    def lines(self) -> list[BankLine]:
        return [row.record for row in self.rows if isinstance(row.record, BankLine)]

    @property
    def problems(self) -> list[str]:
        return [row.problem for row in self.rows if row.problem is not None]

    @property
    def ignored(self) -> list[str]:
        return [row.ignored for row in self.rows if row.ignored is not None]

    @property
    def only(self) -> Statement:
        (statement,) = self.statements
        return statement


def described(form: str, **file: Any) -> SourceConfiguration:
    """`holds` and `format` are enough."""
    found = msgspec.convert({"file": {"holds": "bank", "format": form, **file}}, SourceConfiguration)
    assert found.file is not None
    assert list(problems(found.file)) == []
    return found


def read_statements(path: Path, form: str, **file: Any) -> Found:
    """All passes, as `ingest` makes them. Raises FileRefused."""
    reading = Reading(path, "bank-x", described(form, **file))
    reading.scan(lambda size: None)
    reading.survey()
    assert reading.statements is not None
    statements, warnings = list(reading.statements.statements), list(reading.statements.warnings)
    with RowNumbers() as numbers:
        return Found(list(reading.read(numbers.next)), statements, warnings)


def read_bytes(folder: Path, form: str, written: bytes, **file: Any) -> Found:
    path = folder / f"statement.{form}"
    path.write_bytes(written)
    return read_statements(path, form, **file)
