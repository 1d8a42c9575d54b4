"""ISO 20022 camt.052, .053 and .054 in every version, with any namespace or none.

An entry becomes one line, a batch too: its details give only text and references. A reversal's indicator says
why it was booked, `CdtDbtInd` which way it went, so the sign comes from there alone.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Final

from app.domain.source_files import SourceFile
from app.formats.bank_values import decimal_amount, iso_day
from app.formats.camt_details import Details
from app.formats.camt_xml import Element, children, drop, elements, find, name, raw, text
from app.formats.errors import BadRow, FileRefused
from app.formats.statements import (
    BOOKED,
    Balance,
    Entry,
    Kind,
    Piece,
    Side,
    Statement,
    Status,
    Total,
    dated,
)

KINDS: Final[dict[str, Kind]] = {"Stmt": "statement", "Rpt": "interim", "Ntfctn": "notification"}
STATUSES: Final[dict[str, Status]] = {
    "BOOK": "booked",
    "PDNG": "pending",
    "FUTR": "pending",
    "INFO": "information",
}
OPENING: Final = ("OPBD", "PRCD")
"""Codes of opening balances, the better one first: a previous closing stands in where there is no other."""
SIDES: Final[tuple[tuple[str, Side], ...]] = (
    ("TtlNtries", "entries"),
    ("TtlCdtNtries", "credits"),
    ("TtlDbtNtries", "debits"),
)
RAW_CHARACTERS: Final = 20_000


def read(path: Path, file: SourceFile) -> Iterator[Piece]:
    """The entries and statements of a file. Raises FileRefused."""
    parents: list[str] = []
    root, found, current, level = "", None, None, 0
    details = Details()
    for event, element, depth in elements(path):
        tag = name(element)
        if event == "start":
            parents[depth - 1 :] = [tag]
            root = root or tag
            if tag in KINDS and depth > 1 and parents[-2].startswith("BkToCstmr"):
                current, level = Statement(KINDS[tag], element.sourceline), depth
        elif current is not None and depth > level:
            if tag == "TxDtls":
                details.add(element)
                drop(element)
            elif depth == level + 1:
                if tag == "Ntry":
                    yield _entry(current, element, details)
                    details = Details()
                else:
                    _header(current, tag, element)
                if tag in ("Ntry", "Bal"):
                    drop(element)
        elif current is not None and depth == level:
            drop(element)
            yield current
            found, current = current, None
    if found is None:
        raise FileRefused(f"{path} has no statement in it (Stmt, Rpt or Ntfctn); it is a {root}")


def _header(statement: Statement, tag: str, element: Element) -> None:
    """One part of a statement that is no entry."""
    if tag == "Id":
        statement.id = (element.text or "").strip()
    elif tag == "Acct":
        statement.account = _account(element)
        statement.currency = text(element, "Ccy")
    elif tag == "Bal":
        _balance(statement, element)
    elif tag == "CreDtTm":
        statement.day = _day_or_none(element.text or "")
    elif tag == "FrToDt":
        statement.day = _day_or_none(text(element, "ToDtTm", "ToDt")) or statement.day
    elif tag == "TxsSummry":
        statement.said.update(_totals(element))


def _account(element: Element) -> str:
    return text(element, "Id/IBAN", "Id/Othr/Id", "Id/PrtryAcct/Id", "Id/BBAN", "Id/UPIC")


def _balance(statement: Statement, element: Element) -> None:
    code = text(element, "Tp/CdOrPrtry/Cd", "Tp/Cd")
    if code != "CLBD" and code not in OPENING:
        return
    if code == "PRCD" and statement.opening is not None:
        return
    try:
        balance = _read_balance(element)
    except BadRow as error:
        statement.notes.append(f"its balance {code} cannot be read: {error}")
        return
    if code == "CLBD":
        statement.closing = balance
        statement.day = balance.on or statement.day
    else:
        statement.opening = balance
    statement.currency = statement.currency or balance.currency


def _read_balance(element: Element) -> Balance:
    amount, currency = _amount(element, "")
    side = text(element, "CdtDbtInd")
    on = _day_or_none(text(element, "Dt/Dt", "Dt/DtTm"))
    return Balance(-amount if side == "DBIT" else amount, currency, on, signed=side in ("CRDT", "DBIT"))


def _amount(element: Element, otherwise: str) -> tuple[Decimal, str]:
    """The unsigned amount with its currency, `otherwise` where it has none."""
    found = find(element, "Amt")
    if found is None or not (found.text or "").strip():
        raise BadRow("it has no amount")
    return decimal_amount(found.text), found.get("Ccy") or otherwise


def _entry(statement: Statement, element: Element, details: Details) -> Entry:
    """One entry, with its problem where it cannot be read."""
    line = element.sourceline
    entry = Entry(statement, line, currency=statement.currency)
    try:
        amount, currency = _amount(element, statement.currency)
        entry = entry._replace(amount=_signed(amount, text(element, "CdtDbtInd")), currency=currency)
        entry = _with_texts(entry, element, details)
    except BadRow as error:
        entry = entry._replace(problem=str(error), raw=raw(element, RAW_CHARACTERS))
    statement.add(entry)
    return entry


def _signed(amount: Decimal, side: str) -> Decimal:
    if side not in ("CRDT", "DBIT"):
        raise BadRow(f"CdtDbtInd says {side!r}, neither CRDT nor DBIT")
    return -amount if side == "DBIT" else amount


def _with_texts(entry: Entry, element: Element, details: Details) -> Entry:
    booking = _day(text(element, "BookgDt/Dt", "BookgDt/DtTm"))
    value = _day(text(element, "ValDt/Dt", "ValDt/DtTm")) or booking
    if value is None:
        value, entry.statement.undated = entry.statement.day, entry.statement.undated + 1
    reference = text(element, "AcctSvcrRef") or details.only_reference
    return entry._replace(
        status=_status(entry.statement.kind, text(element, "Sts", "Sts/Cd", "Sts/Prtry")),
        value_date=value,
        booking_date=booking,
        reference=dated(reference, booking or value),
        own_reference=text(element, "NtryRef"),
        end_to_end_id=details.end_to_end_id,
        remittance=details.remittance(element),
        counterparty=details.counterparty(debit=(entry.amount or 0) < 0),
        code=_code(element),
        reversal=text(element, "RvslInd") in ("true", "1"),
    )


def _status(kind: Kind, said: str) -> Status:
    """A statement has what was booked; elsewhere an entry without status may be anything."""
    if not said:
        return BOOKED if kind == "statement" else "interim"
    if said not in STATUSES:
        raise BadRow(f"its status {said[:20]!r} is none of {', '.join(STATUSES)}")
    return STATUSES[said]


def _code(element: Element) -> str:
    domain = find(element, "BkTxCd/Domn")
    parts = (text(domain, "Cd"), text(domain, "Fmly/Cd"), text(domain, "Fmly/SubFmlyCd"))
    return "/".join(part for part in parts if part) or text(element, "BkTxCd/Prtry/Cd", "BkTxCd/Cd")


def _day(written: str) -> date | None:
    return iso_day(written) if written else None


def _day_or_none(written: str) -> date | None:
    try:
        return _day(written)
    except BadRow:
        return None


def _totals(element: Element) -> Iterator[tuple[Side, Total]]:
    """What the statement says its entries come to."""
    for tag, side in SIDES:
        for total in children(element, tag):
            count, amount = text(total, "NbOfNtries"), text(total, "Sum")
            try:
                yield (
                    side,
                    Total(
                        int(count) if count.isdecimal() else None, decimal_amount(amount) if amount else None
                    ),
                )
            except BadRow:
                continue
