"""Statements as rows: every booked entry is one row, whose columns the source's description finds by name.

A line's id is the bank's own reference where that is there once in the file, so that the same entry has the
same id in whatever file it comes; else it is the hash of the entry, as for any row without an id.
"""

from __future__ import annotations

from array import array
from collections.abc import Hashable, Iterator
from hashlib import blake2b
from itertools import pairwise
from pathlib import Path
from typing import Any, Final

import msgspec

from app.contracts.statement_files import COLUMNS
from app.domain.source_files import SourceFile
from app.formats.bank_encoding import encoding_of, is_guessed
from app.formats.errors import FileRefused
from app.formats.rows import Getter, RawRow
from app.formats.statements import BOOKED, Entry, Piece, Read, Statement, agreement, contradictions

MOST_STATEMENTS: Final = 1_000
"""More are read and not listed."""
MOST_WARNINGS: Final = 50
LONGEST_REFERENCE: Final = 150
HASHED: Final = (
    "account",
    "amount",
    "currency",
    "value_date",
    "booking_date",
    "remittance",
    "end_to_end_id",
    "reference",
    "own_reference",
    "code",
)
"""Columns that tell entries without a reference apart; a statement may be sent anew under another id."""

_ENCODER: Final = msgspec.json.Encoder(order="deterministic", decimal_format="string")


class StatementRows:
    """One opened file of a bank. The first pass over it learns which references are there twice."""

    def __init__(self, path: Path, file: SourceFile, read: Read) -> None:
        self.encoding = encoding_of(path, file)
        self._path, self._read = path, read
        self._file = msgspec.structs.replace(file, encoding=self.encoding)
        self._guessed = is_guessed(self.encoding, file)
        self._repeated: frozenset[int] | None = None
        self.asked: dict[str, Getter] = {}
        self.statements: list[Statement] = []
        self.more_statements = 0
        self.warnings: list[str] = []

    def survey(self) -> int:
        """Read everything once: the number of entries; `statements` and `warnings` are there then."""
        self.statements, self.warnings, self.more_statements = [], [], 0
        if self._guessed:
            self.warnings.append(f"it is no UTF-8: its texts are read as {self.encoding}")
        entries, references, seen = 0, array("Q"), set[Hashable]()
        for piece in self.pieces():
            if isinstance(piece, Statement):
                self._refuse_copy(piece, seen)
                self._ended(piece)
            else:
                entries += 1
                if piece.reference:
                    references.append(_number(piece))
        self._repeated = _twice(references)
        return entries

    def getter(self, name: str, *, optional: bool = False) -> Getter:
        if name not in COLUMNS and not optional:
            raise FileRefused(f"{self._path}: a bank statement has no {name!r}; it has {', '.join(COLUMNS)}")
        return lambda content: content.get(name)

    def identity(self, content: Any) -> bytes:
        return _ENCODER.encode({name: content.get(name) for name in HASHED})

    def document(self, path: str) -> Any:
        raise FileRefused(f"{self._path}: a bank statement has no {path} beside its entries")

    def __iter__(self) -> Iterator[RawRow]:
        if self._repeated is None:
            self.survey()
        number = 0
        for piece in self.pieces():
            if isinstance(piece, Entry):
                number += 1
                yield RawRow(number, piece.line, self._content(piece), piece.problem, piece.raw)

    def pieces(self) -> Iterator[Piece]:
        return self._read(self._path, self._file)

    def _content(self, entry: Entry) -> dict[str, Any]:
        line_id = self._line_id(entry)
        return {
            "account": entry.statement.account,
            "line_id": line_id,
            "amount": entry.amount,
            "currency": entry.currency,
            "value_date": entry.value_date.isoformat() if entry.value_date else None,
            "booking_date": entry.booking_date.isoformat() if entry.booking_date else None,
            "remittance": entry.remittance,
            "end_to_end_id": entry.end_to_end_id,
            "reference": entry.reference,
            "own_reference": entry.own_reference,
            "counterparty": entry.counterparty,
            "code": entry.code,
            "status": self._status(entry, known=bool(line_id)),
            "reversal": entry.reversal,
            "statement": entry.statement.id,
        }

    def _line_id(self, entry: Entry) -> str:
        usable = 0 < len(entry.reference) <= LONGEST_REFERENCE and self._repeated is not None
        return entry.reference if usable and _number(entry) not in (self._repeated or ()) else ""

    def _status(self, entry: Entry, *, known: bool) -> str:
        """What a report of the day calls booked counts only where the statement's line will have its id."""
        if entry.status == BOOKED and entry.statement.kind != "statement" and not known:
            return BOOKED if self._file.book_interim else "interim"
        return BOOKED if entry.status == "interim" and self._file.book_interim else entry.status

    def _refuse_copy(self, statement: Statement, seen: set[Hashable]) -> None:
        """The same statement twice in one file: its entries would be told apart, and booked twice."""
        opening, closing = statement.opening, statement.closing
        if opening is None or closing is None or opening.amount == closing.amount:
            return
        sums = tuple((code, one.credits, one.debits) for code, one in sorted(statement.booked.items()))
        key = (statement.kind, statement.account, statement.id, opening, closing, statement.entries, sums)
        if key in seen:
            where = f"{self._path}, line {statement.line}"
            raise FileRefused(f"{where}: {statement.name} is there twice: send it once")
        seen.add(key)

    def _ended(self, statement: Statement) -> None:
        if len(self.statements) >= MOST_STATEMENTS:
            self.more_statements += 1
        else:
            self.statements.append(statement)
        for sentence in _sentences(statement):
            if len(self.warnings) < MOST_WARNINGS:
                self.warnings.append(f"{statement.name}: {sentence}")
            elif len(self.warnings) == MOST_WARNINGS:
                self.warnings.append("there are more warnings, which are not shown")


def _sentences(statement: Statement) -> Iterator[str]:
    """What finance has to know about one statement."""
    found = agreement(statement)
    both = statement.opening is not None and statement.closing is not None
    if found.agrees is False or (found.agrees is None and both):
        yield found.why if found.agrees is None else f"its balances and entries disagree: {found.why}"
    yield from contradictions(statement)
    yield from statement.notes
    if statement.undated:
        day = f"got the statement's, {statement.day}" if statement.day else "are quarantined"
        yield f"{statement.undated} of its entries have no date and {day}"


def _number(entry: Entry) -> int:
    key = f"{entry.statement.account}\n{entry.reference}".encode("utf-8", "surrogatepass")
    return int.from_bytes(blake2b(key, digest_size=8).digest())


def _twice(numbers: array[int]) -> frozenset[int]:
    ordered = sorted(numbers)
    return frozenset(one for one, other in pairwise(ordered) if one == other)
