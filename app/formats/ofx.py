"""OFX and QFX: bank, credit card and investment accounts, versions 1 (SGML) and 2 (XML).

An OFX file has a closing balance and no opening one, so nothing can prove that its entries are all. `FITID`
is the bank's reference, unique within the account by the standard.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Final

from app.domain.source_files import SourceFile
from app.formats.bank_values import packed_day, signed_amount
from app.formats.errors import BadRow, FileRefused
from app.formats.ofx_tags import Tag, tags
from app.formats.statements import NO_REFERENCE, Balance, Entry, Piece, Statement

STATEMENTS: Final = frozenset({"STMTRS", "CCSTMTRS", "INVSTMTRS"})
ACCOUNTS: Final = frozenset({"BANKACCTFROM", "CCACCTFROM", "INVACCTFROM"})
ENTRIES: Final = {"STMTTRN": "booked", "STMTTRNP": "pending"}
DAY: Final = re.compile(r"([0-9]{8})(?:[0-9]{2,6}(?:\.[0-9]{1,6})?)?(?:\[[^\]]*\])?")
END: Final = "OFX"
MOST_FIELDS: Final = 100


def read(path: Path, file: SourceFile) -> Iterator[Piece]:
    """The entries and statements of a file. Raises FileRefused."""
    reader, begun, ended, found = _Reader(), False, False, 0
    for tag in tags(path, file.encoding):
        begun, ended = begun or tag.name == END, tag.name == f"/{END}"
        for piece in reader.take(tag):
            found += isinstance(piece, Statement)
            yield piece
    if not begun:
        raise FileRefused(f"{path} is no OFX file: it has no <OFX>")
    if not ended or reader.statement is not None:
        raise FileRefused(f"{path} has no </OFX> at its end: it was cut off")
    if not found:
        said = f"; the bank says {reader.said}" if reader.said else ""
        raise FileRefused(f"{path} has no statement of an account in it{said}")


class _Reader:
    def __init__(self) -> None:
        self.statement: Statement | None = None
        self.said = ""
        """The bank's own answer, where that is no success."""
        self._inside: list[str] = []
        self._entry: dict[str, str] | None = None
        self._begin: Tag | None = None
        self._balance: dict[str, str] = {}
        self._status: dict[str, str] = {}

    def take(self, tag: Tag) -> Iterator[Piece]:
        name = tag.name
        if name in STATEMENTS:
            self.statement = Statement("statement", tag.line)
        elif name.startswith("/") and name[1:] in STATEMENTS and self.statement is not None:
            yield from self._end_entry()
            yield self.statement
            self.statement = None
        elif name in ENTRIES:
            yield from self._end_entry()
            self._entry, self._begin = {}, tag
        elif name.startswith("/") and name[1:] in ENTRIES:
            yield from self._end_entry()
        elif self._entry is not None:
            self._add(self._entry, tag)
        else:
            self._header(tag)

    def _add(self, entry: dict[str, str], tag: Tag) -> None:
        if tag.name in ("CURRENCY", "ORIGCURRENCY"):
            entry["#CURRENCY"] = tag.name
        elif tag.text and len(entry) < MOST_FIELDS:
            entry.setdefault(tag.name, tag.text)

    def _header(self, tag: Tag) -> None:
        if tag.name == "STATUS":
            self._status = {}
        elif tag.name in ("CODE", "SEVERITY", "MESSAGE"):
            self._status[tag.name] = tag.text
            if self._status.get("SEVERITY") == "ERROR":
                self.said = " ".join(self._status.values())[:200]
        statement = self.statement
        if statement is None:
            return
        if tag.name in (*ACCOUNTS, "LEDGERBAL", "AVAILBAL"):
            self._inside, self._balance = [tag.name], {}
        elif tag.name.startswith("/") and [tag.name[1:]] == self._inside:
            if tag.name == "/LEDGERBAL":
                self._end_balance(statement)
            self._inside = []
        elif tag.name == "CURDEF":
            statement.currency = tag.text
        elif tag.name == "ACCTID" and self._inside and self._inside[0] in ACCOUNTS:
            statement.account = statement.account or tag.text
        elif self._inside == ["LEDGERBAL"]:
            self._balance[tag.name] = tag.text
        elif tag.name == "DTEND":
            statement.id = tag.text

    def _end_balance(self, statement: Statement) -> None:
        amount = self._balance.get("BALAMT", "")
        try:
            on = _day(self._balance.get("DTASOF", ""))
            if amount:
                statement.closing = Balance(signed_amount(amount), statement.currency, on)
        except BadRow as error:
            statement.notes.append(f"its balance cannot be read: {error}")

    def _end_entry(self) -> Iterator[Entry]:
        if self._entry is None or self._begin is None or self.statement is None:
            self._entry = None
            return
        found, begin, self._entry = self._entry, self._begin, None
        entry = Entry(self.statement, begin.line, currency=self.statement.currency)
        try:
            entry = _with_money(entry, found)
            entry = _with_texts(entry, found, pending=begin.name == "STMTTRNP")
        except BadRow as error:
            raw = "".join(f"<{name}>{text}\n" for name, text in found.items())
            entry = entry._replace(problem=str(error), raw=raw)
        self.statement.add(entry)
        yield entry


def _with_money(entry: Entry, found: dict[str, str]) -> Entry:
    """`CURRENCY`: the amount is in another currency than the account; `ORIGCURRENCY`: it was converted."""
    if "TRNAMT" not in found:
        raise BadRow("it has no amount")
    currency = found.get("CURSYM", "") if found.get("#CURRENCY") == "CURRENCY" else ""
    return entry._replace(amount=signed_amount(found["TRNAMT"]), currency=currency or entry.currency)


def _with_texts(entry: Entry, found: dict[str, str], *, pending: bool) -> Entry:
    booked = _day(found.get("DTPOSTED", "") or found.get("DTTRAN", ""))
    if booked is None:
        raise BadRow("it has no date")
    reference = found.get("FITID", "")
    texts = (found.get("NAME", ""), found.get("MEMO", ""), found.get("CHECKNUM", ""))
    return entry._replace(
        status="pending" if pending else "booked",
        booking_date=booked,
        value_date=_day(found.get("DTAVAIL", "")) or booked,
        reference="" if reference.upper() in NO_REFERENCE else reference,
        own_reference=found.get("REFNUM", ""),
        counterparty=found.get("NAME", ""),
        remittance="\n".join(dict.fromkeys(text for text in texts if text)),
        code=found.get("TRNTYPE", ""),
    )


def _day(text: str) -> date | None:
    """The day in the bank's own time, as it wrote it."""
    if not text:
        return None
    found = DAY.fullmatch(text.strip())
    if found is None:
        raise BadRow(f"{text[:40]!r} is no date")
    return packed_day(found[1])
