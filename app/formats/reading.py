"""Reads the files of a source: each row becomes a record, is ignored for a reason, or is quarantined.

Three passes: `scan` (is it text), `survey` (is it whole, do its control totals hold), so that a file that is
wrong as a whole is refused before anything is sent; then `read` gives the records.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from hashlib import blake2b
from pathlib import Path
from typing import Final, NamedTuple

import msgspec

from app.contracts.statement_files import completed, is_statement
from app.domain.configuration import SourceConfiguration
from app.domain.source_files import SourceFile
from app.errors import ConfigurationError
from app.formats import bai2, camt, mt940, ofx
from app.formats.control import Control
from app.formats.csv_rows import CsvRows
from app.formats.dlocal_rows import DlocalRows
from app.formats.errors import BadRow, FileRefused
from app.formats.files import Scan, scan
from app.formats.json_rows import JsonLines, JsonRows, raw_text
from app.formats.paypal_rows import PaypalRows
from app.formats.records import Built, Figures, Ignored, Mapper, to_record
from app.formats.rows import RawRow, Rows
from app.formats.statement_rows import StatementRows
from app.formats.statements import Read

FORMATS: Final[Mapping[str, Callable[[Path, SourceFile], Rows]]] = {
    "csv": CsvRows,
    "json": JsonRows,
    "jsonl": JsonLines,
}
LAYOUTS: Final[Mapping[str, Callable[[Path, SourceFile], Rows]]] = {
    "paypal": PaypalRows,
    "dlocal": DlocalRows,
}
STATEMENTS: Final[Mapping[str, Read]] = {
    "camt": camt.read,
    "mt940": mt940.read,
    "bai2": bai2.read,
    "ofx": ofx.read,
}
HASH_BYTES: Final = 16
MUST_FIT_AMONG: Final = 1_000
"""When none of so many rows at the beginning can be read, the description is wrong, not the rows."""
RAW_CHARACTERS: Final = 200_000

NumberOf = Callable[[bytes], int]
"""Hash of a row without a line id -> how many rows with it there have been, this one included."""


class Row(NamedTuple):
    """What became of a row: exactly one of `record`, `problem` and `ignored` is there."""

    number: int
    line: int | None
    record: msgspec.Struct | None
    problem: str | None = None
    ignored: str | None = None
    figures: Figures | None = None
    """Also of ignored rows, where their amounts can be read."""
    raw: str = ""
    """As it came; only where there is a problem."""


class Reading:
    """One file, opened by its source's description. Raises FileRefused, ConfigurationError."""

    def __init__(self, path: Path, name: str, source: SourceConfiguration) -> None:
        if source.file is None:
            raise ConfigurationError(
                f"source {name!r} does not say how its files are written: it has no `file`"
            )
        self.path, self.name, self.source, self.file = path, name, source, completed(source.file)
        self._kept: StatementRows | None = None

    @property
    def statements(self) -> StatementRows | None:
        """Of a bank's file, once it was surveyed: its statements."""
        return self._kept

    def scan(self, advance: Callable[[int], None]) -> Scan:
        """Its bytes: the hash, and that it is text in the source's encoding. Raises FileRefused."""
        rows = self._statement_rows()
        encoding = self.file.encoding if rows is None else rows.encoding
        return scan(self.path, encoding, self.file.delimiter, advance)

    def survey(self) -> tuple[int, list[str]]:
        """Read everything: the number of rows, and warnings. Raises FileRefused, TrailerMismatch."""
        rows, mapper, controls = self._open()
        if isinstance(rows, StatementRows):
            return rows.survey(), rows.warnings
        if controls:
            count = sum(1 for _ in self._controlled(rows, mapper, controls))
            return count, [*_notes(rows), *(note for control in controls for note in control.notes)]
        count, warnings = _look_through(rows)
        return count, [*_notes(rows), *warnings]

    def read(self, number_of: NumberOf) -> Iterator[Row]:
        """Every row but trailers. Raises FileRefused, also where not one of the first rows can be read."""
        rows, mapper, controls = self._open()
        nothing_fits = True
        for row, built in self._controlled(rows, mapper, controls):
            result = self._finish(row, built, rows, mapper, number_of)
            nothing_fits = nothing_fits and result.problem is not None
            if nothing_fits and row.number >= MUST_FIT_AMONG:
                raise FileRefused(
                    f"{self.path}: none of its first {row.number} rows can be read, "
                    f"row {row.number} because: {result.problem}"
                )
            yield result

    def _open(self) -> tuple[Rows, Mapper, list[Control]]:
        file = self.file
        rows = self._statement_rows() or (LAYOUTS.get(file.layout) or FORMATS[file.format])(self.path, file)
        mapper = Mapper(self.name, self.source, file, rows)
        trailers = ((file.trailer,) if file.trailer is not None else ()) + file.more_trailers
        return rows, mapper, [Control(trailer, file, rows, mapper.parse) for trailer in trailers]

    def _statement_rows(self) -> StatementRows | None:
        """The same for every pass: the first one learns what the others need."""
        if self._kept is None and is_statement(self.file):
            self._kept = StatementRows(self.path, self.file, STATEMENTS[self.file.format])
        return self._kept

    def _controlled(
        self, rows: Rows, mapper: Mapper, controls: Sequence[Control]
    ) -> Iterator[tuple[RawRow, Built | Ignored | str]]:
        """Rows with what they say, or why they say nothing; the control totals are checked on the way."""
        for row in rows:
            if speaking := [control for control in controls if control.is_trailer(row)]:
                for control in speaking:
                    control.check(row.content, f"the trailer in row {row.number}")
                if (reason := mapper.ignores(row.content)) is not None:
                    yield row, Ignored(reason)
                continue
            built = _build(mapper, row)
            if controls:
                figures = built.figures if isinstance(built, Built) else mapper.figures(row.content)
                for control in controls:
                    control.add(row.content, figures, ignored=isinstance(built, Ignored))
            yield row, built
        for control in controls:
            control.at_the_end()

    def _finish(
        self, row: RawRow, built: Built | Ignored | str, rows: Rows, mapper: Mapper, number_of: NumberOf
    ) -> Row:
        if isinstance(built, Ignored):
            figures = mapper.figures(row.content) if row.problem is None else None
            return Row(row.number, row.line, None, ignored=built.reason, figures=figures)
        if isinstance(built, Built):
            try:
                record = to_record(built, self.file.holds, self._ids(built, row, rows, number_of))
                return Row(row.number, row.line, record, figures=built.figures)
            except BadRow as error:
                built = str(error)
        raw = row.raw or raw_text(row.content)
        return Row(row.number, row.line, None, problem=built, raw=raw[:RAW_CHARACTERS])

    def _ids(self, built: Built, row: RawRow, rows: Rows, number_of: NumberOf) -> dict[str, str]:
        """The same for the same row of the same file, however often it is read."""
        line_id = built.line_id
        if not line_id:
            digest = blake2b(rows.identity(row.content), digest_size=HASH_BYTES)
            line_id = f"{digest.hexdigest()}-{number_of(digest.digest())}"
        elif self.file.numbered:
            number = number_of(blake2b(line_id.encode(), digest_size=HASH_BYTES).digest())
            line_id = line_id if number == 1 else f"{line_id}-{number}"
        return {"id": f"{self.name}/{line_id}"} if self.file.holds == "payments" else {"line_id": line_id}


def _notes(rows: Rows) -> list[str]:
    """What a layout has to say about its own totals."""
    return list(getattr(rows, "notes", ()))


def _build(mapper: Mapper, row: RawRow) -> Built | Ignored | str:
    """A row that a rule ignores may have any shape."""
    if row.problem is not None:
        reason = mapper.ignores(row.content)
        return Ignored(reason) if reason is not None else row.problem
    try:
        return mapper.build(row.content)
    except BadRow as error:
        return str(error)


def _look_through(rows: Rows) -> tuple[int, list[str]]:
    """Number of rows, and a warning for every name that none of them has."""
    count, unseen = 0, dict(rows.asked)
    for row in rows:
        count += 1
        if unseen:
            unseen = {name: get for name, get in unseen.items() if get(row.content) is None}
    return count, [f"no row has {name!r}" for name in unseen] if count else []
