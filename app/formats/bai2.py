"""BAI2, the cash management format of American banks: groups of accounts, balances by code, entries by type.

Amounts are in the currency's smallest unit; the type says which way an entry goes. The control totals of an
account are compared and a difference is said; a file without its end (record 99) was cut off and is refused.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Final

from app.domain.money import EXPONENTS
from app.domain.source_files import SourceFile
from app.formats.bai2_records import FieldReader, Record, more_values, records
from app.formats.bank_values import packed_day, signed_amount
from app.formats.errors import BadRow, FileRefused
from app.formats.statements import Balance, Entry, Kind, Piece, Statement, dated

DEFAULT_CURRENCY: Final = "USD"
OPENING, CLOSING = "010", "015"
CREDITS: Final = (range(100, 400), range(920, 960))
DEBITS: Final = (range(400, 700), range(960, 1000))
"""Types of entries; the last of each are the banks' own."""
NOT_TO_BE_READ: Final = {"2": "says that earlier data are void", "4": "is a test"}
"""Status of a group."""
INTERIM: Final = ("1", "3")
"""Modifiers of the group's date: interim data."""


def read(path: Path, file: SourceFile) -> Iterator[Piece]:
    """The entries and statements of a file. Raises FileRefused."""
    reader, last = _Reader(path), ""
    for record in records(path, file.encoding):
        if not last and record.code != "01":
            raise FileRefused(f"{path}, line {record.line}: a BAI2 file begins with a record 01")
        yield from reader.take(record)
        last = record.code
    if last != "99":
        raise FileRefused(f"{path} has no record 99 at its end: it was cut off, or it is no BAI2 file")
    if not reader.accounts:
        raise FileRefused(f"{path} has no account in it (record 03)")


class _Reader:
    def __init__(self, path: Path) -> None:
        self._path = path
        self.accounts = 0
        self._statement: Statement | None = None
        self._group: list[str] = []
        self._total = 0
        self._lines = 0

    def take(self, record: Record) -> Iterator[Piece]:
        self._lines += len(record.lines)
        if record.code == "02":
            self._begin_group(record)
        elif record.code == "03":
            self._begin_account(record)
        elif record.code == "16":
            yield self._entry(record)
        elif record.code == "49" and self._statement is not None:
            self._check(self._statement, record)
            yield self._statement
            self._statement = None
        elif self._statement is not None:
            raise FileRefused(
                f"{self._path}, line {record.line}: account {self._statement.account} has no end (record 49)"
            )

    def _begin_group(self, record: Record) -> None:
        """receiver, originator, status, date, time, currency, modifier"""
        self._group = [*record.values(), *[""] * 7][:7]
        if (what := NOT_TO_BE_READ.get(self._group[2])) is not None:
            raise FileRefused(
                f"{self._path}, line {record.line}: the group {what}: a person has to look at it"
            )

    def _begin_account(self, record: Record) -> None:
        if not self._group or self._statement is not None:
            raise FileRefused(f"{self._path}, line {record.line}: an account stands outside of any group")
        values = [*record.values(), "", ""]
        kind: Kind = "interim" if self._group[6] in INTERIM else "statement"
        statement = self._statement = Statement(kind, record.line)
        statement.account, self.accounts = values[0], self.accounts + 1
        statement.currency = values[1] or self._group[5] or DEFAULT_CURRENCY
        statement.day = _day_or_none(self._group[3])
        statement.id = f"{self._group[3]}/{self.accounts}"
        self._total, self._lines = 0, len(record.lines)
        self._summaries(statement, record, values[2:])

    def _summaries(self, statement: Statement, record: Record, values: list[str]) -> None:
        """Balances and totals by code: code, amount, count, kind of funds and what that brings."""
        while len(values) > 1:
            code, amount = values[0], values[1]
            try:
                if amount:
                    self._total += _smallest_units(amount)
                if code in (OPENING, CLOSING) and amount:
                    self._balance(statement, code, amount)
            except BadRow as error:
                statement.notes.append(f"its balance {code} in line {record.line} cannot be read: {error}")
            values = values[4 + more_values(values, 3) :]

    def _balance(self, statement: Statement, code: str, amount: str) -> None:
        balance = Balance(
            _major(_smallest_units(amount), statement.currency), statement.currency, statement.day
        )
        if code == OPENING:
            statement.opening = balance
        else:
            statement.closing = balance

    def _entry(self, record: Record) -> Entry:
        statement = self._statement
        if statement is None:
            raise FileRefused(f"{self._path}, line {record.line}: an entry stands outside of any account")
        reader = FieldReader()
        text = record.values_and_text(reader)
        entry = Entry(statement, record.line, currency=statement.currency, value_date=statement.day)
        try:
            units = _smallest_units(reader.values[1] if len(reader.values) > 1 else "")
            self._total += units
            entry = _read(entry, [*reader.values, *[""] * 5], units, text)
        except BadRow as error:
            entry = entry._replace(problem=str(error), raw=record.raw)
        statement.add(entry)
        return entry

    def _check(self, statement: Statement, record: Record) -> None:
        """The account's control total: of all its amounts, balances as well, and of its lines."""
        total, lines = [*record.values(), "", ""][:2]
        if total and total != str(self._total) and not statement.unread:
            try:
                said = _smallest_units(total)
            except BadRow:
                said = None
            if said != self._total:
                statement.notes.append(f"its control total says {total}, its amounts add up to {self._total}")
        if lines and (not lines.isdecimal() or int(lines) != self._lines):
            statement.notes.append(f"it says it has {lines} records, there are {self._lines}")


def _read(entry: Entry, values: list[str], units: int, text: str) -> Entry:
    code, more = values[0], more_values(values, 2)
    value = entry.value_date
    if values[2].upper() == "V" and values[3]:
        value = packed_day(values[3])
    booking = entry.statement.day
    if value is None:
        raise BadRow("neither it nor its group has a date")
    bank, own = values[3 + more], values[4 + more]
    return entry._replace(
        amount=_major(units, entry.currency) * _sign(code),
        value_date=value,
        booking_date=booking,
        reference=dated(bank, booking or value),
        own_reference=own,
        remittance=text,
        code=code,
    )


def _sign(code: str) -> int:
    number = int(code) if code.isdecimal() and len(code) == 3 else 0
    if any(number in codes for codes in CREDITS):
        return 1
    if any(number in codes for codes in DEBITS):
        return -1
    raise BadRow(f"type {code!r} is neither of credits nor of debits")


def _smallest_units(text: str) -> int:
    amount = signed_amount(text)
    if amount != amount.to_integral_value():
        raise BadRow(f"amount: {text!r} has a decimal sign")
    return int(amount)


def _major(units: int, currency: str) -> Decimal:
    if currency not in EXPONENTS:
        raise BadRow(f"currency {currency!r} is not an ISO 4217 currency with a minor unit")
    return Decimal(units).scaleb(-EXPONENTS[currency])


def _day_or_none(text: str) -> date | None:
    try:
        return packed_day(text)
    except BadRow:
        return None
