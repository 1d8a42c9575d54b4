"""SWIFT MT940 (statements) and MT942 (reports of the day), with the liberties that banks take.

Own and small, because of money: in the library mt-940 (5.1.1) `RC`, the reversal of a credit, is a credit,
and one bank's statements end it. What an MT942 lists is not booked for certain: its entries are `interim`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from app.domain.money import EXPONENTS
from app.domain.source_files import SourceFile
from app.formats.bank_values import decimal_amount, near, packed_day
from app.formats.errors import BadRow, FileRefused
from app.formats.mt940_fields import Field, fields
from app.formats.mt940_texts import remittance
from app.formats.statements import Balance, Entry, Piece, Side, Statement, Status, Total, dated

BALANCE: Final = re.compile(r"([CD])([0-9]{6})([A-Z]{3})([0-9]+[.,]?[0-9]*)")
ENTRY: Final = re.compile(
    r"(?P<value>[0-9]{6})(?P<entry>[0-9]{4}|[ ]{4})?[ ]*(?P<mark>RC|RD|EC|ED|C|D)(?P<funds>[A-Z])?[ ]*"
    r"(?P<amount>[0-9]+(?:[.,][0-9]*(?=[A-Za-z\s]|$)|(?=[NSF][A-Z0-9]{3})))(?P<type>[A-Z][A-Z0-9 ]{3})?"
    r"(?P<own>[^\n]*?)(?://(?P<bank>[^\n]*))?(?:\n(?P<more>.*))?",
    re.DOTALL,
)
NEGATIVE: Final = frozenset({"D", "RC", "ED"})
"""A reversal of a credit takes money away, `RD` brings it back."""
EXPECTED: Final = frozenset({"EC", "ED"})
TOTAL: Final = re.compile(r"([0-9]{1,9})([A-Z]{3})([0-9]+[.,]?[0-9]*)")
TOTALS: Final[dict[str, Side]] = {"90C": "credits", "90D": "debits"}
INTERIM: Final = frozenset({"13", "13D", "34F", "90C", "90D"})
"""Fields of an MT942 alone."""
CURRENCY_AT_END: Final = re.compile(r"(.*?)[/ ]?([A-Z]{3})")


def read(path: Path, file: SourceFile) -> Iterator[Piece]:
    """The entries and statements of a file. Raises FileRefused."""
    statement: _Message | None = None
    found = 0
    for field in fields(path, file.encoding):
        if field.tag == "20" or field.tag is None:
            if statement is not None:
                yield from statement.end(path)
                found += statement.is_one
            statement = _Message(field) if field.tag == "20" else None
        elif statement is not None:
            yield from statement.take(field)
        elif field.tag == "61" and found:
            yield _stray(field)
    if not found:
        raise FileRefused(f"{path} has no statement in it: no message with :20:, :25: and :60F:, or :34F:")


def _stray(field: Field) -> Entry:
    entry = _entry(Statement("statement", field.line), field, [])
    reason = "it stands outside of any statement: of which account and currency is it?"
    return entry._replace(problem=reason, raw=field.raw)


class _Message:
    """One message, from its :20: on."""

    def __init__(self, first: Field) -> None:
        self._statement = Statement("statement", first.line)
        self._line, self._reference, self._number = first.line, first.text.strip(), ""
        self._tags: set[str] = set()
        self._open: tuple[Field, list[Field]] | None = None
        """The entry that is being read, with the fields that belong to it."""

    @property
    def is_one(self) -> bool:
        return "25" in self._tags and bool(self._tags & {"60F", "60M", "34F", "61"})

    def take(self, field: Field) -> Iterator[Entry]:
        tag = field.tag or ""
        if self._open is not None and self._belongs(tag):
            self._open[1].append(field)
            return
        yield from self._close()
        self._tags.add(tag)
        if tag == "61":
            self._open = (field, [])
        elif tag in ("25", "25P"):
            self._tags.add("25")
            self._statement.account = field.text.split("\n")[0].strip()
        elif tag in ("28", "28C"):
            self._number = field.text.strip()
        elif tag[:2] in ("60", "62"):
            self._balance(tag, field)
        elif tag in INTERIM:
            self._interim(tag, field)

    def _belongs(self, tag: str) -> bool:
        """Text of an entry, also under a tag that a message has once and this one has had already."""
        return tag in ("86", "NS") or (tag in ("25", "25P") and "25" in self._tags)

    def end(self, path: Path) -> Iterator[Piece]:
        """Raises FileRefused where the message was cut off."""
        yield from self._close()
        if not self.is_one:
            return
        if self._statement.kind == "statement" and not self._tags & {"62F", "62M"}:
            raise FileRefused(
                f"{path}, line {self._line}: the statement of {self._statement.account} has no closing "
                "balance (:62F:): it was cut off"
            )
        yield self._statement

    def _close(self) -> Iterator[Entry]:
        if self._open is not None:
            first, texts = self._open
            self._open = None
            entry = _entry(self._statement, first, texts)
            self._statement.add(entry)
            yield entry

    def _balance(self, tag: str, field: Field) -> None:
        statement = self._statement
        try:
            balance = _balance(field.text)
        except BadRow as error:
            statement.notes.append(f"its balance :{tag}: cannot be read: {error}")
            return
        if tag.startswith("60"):
            statement.opening = statement.opening or balance
        else:
            statement.closing = balance
            statement.day = balance.on
        self._in_currency(balance.currency)

    def _in_currency(self, currency: str) -> None:
        """Some banks write the currency behind the account; it is no part of it."""
        statement = self._statement
        statement.currency = statement.currency or currency
        found = CURRENCY_AT_END.fullmatch(statement.account)
        if found is not None and found[2] == currency and found[1]:
            statement.account = found[1]
        statement.id = self._number or self._reference

    def _interim(self, tag: str, field: Field) -> None:
        if not self._tags & {"60F", "60M"}:
            self._statement.kind = "interim"
        if tag == "34F" and field.text[:3] in EXPONENTS:
            self._in_currency(field.text[:3])
        found = TOTAL.fullmatch(field.text.strip()) if tag in TOTALS else None
        if found is not None:
            self._in_currency(found[2])
            self._statement.said[TOTALS[tag]] = Total(int(found[1]), decimal_amount(found[3]))


def _balance(text: str) -> Balance:
    found = BALANCE.fullmatch(text.strip())
    if found is None:
        raise BadRow(f"{text.strip()[:40]!r} is no balance")
    amount = decimal_amount(found[4])
    return Balance(-amount if found[1] == "D" else amount, found[3], packed_day(found[2]))


def _entry(statement: Statement, field: Field, texts: list[Field]) -> Entry:
    """One :61: with its :86:, with its problem where it cannot be read."""
    entry = Entry(statement, field.line, currency=statement.currency)
    try:
        found = _matched(field.text)
        entry = _with_money(entry, found)
        return _with_texts(entry, found, texts)
    except BadRow as error:
        raw = "\n".join(one.raw for one in (field, *texts))
        return entry._replace(problem=str(error), raw=raw)


def _matched(text: str) -> re.Match[str]:
    """Some banks break the line within the amount."""
    found = ENTRY.fullmatch(text) or ENTRY.fullmatch(text.replace("\n", "", 1))
    if found is None:
        raise BadRow(f"{text[:60]!r} is no statement line")
    return found


def _with_money(entry: Entry, found: re.Match[str]) -> Entry:
    """The amount and which way it goes."""
    amount = decimal_amount(found["amount"])
    status: Status = "booked"
    if entry.statement.kind == "interim":
        status = "pending" if found["mark"] in EXPECTED else "interim"
    return entry._replace(
        amount=-amount if found["mark"] in NEGATIVE else amount,
        status=status,
        reversal=found["mark"] in ("RC", "RD"),
        code=(found["type"] or "").strip(),
    )


def _with_texts(entry: Entry, found: re.Match[str], texts: list[Field]) -> Entry:
    value = packed_day(found["value"])
    booking = near(found["entry"], value) if (found["entry"] or "").strip() else None
    own = " ".join(found["own"].split())
    bank = found["bank"] or ""
    said = remittance(found["more"] or "", [one.text for one in texts])
    return entry._replace(
        value_date=value,
        booking_date=booking,
        reference=dated(bank, booking or value),
        own_reference="" if own.upper() == "NONREF" else own,
        end_to_end_id=said.end_to_end_id,
        counterparty=said.counterparty,
        remittance=said.text,
    )
