"""The bank statement: ISO 20022 camt.053.001.08, one statement per currency, one entry per bank movement."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from typing import Final
from xml.etree.ElementTree import Element, SubElement, indent, tostring

from app.sandbox.books import Books
from app.sandbox.money import decimal_text
from app.sandbox.objects import BankMove

NAMESPACE: Final = "urn:iso:std:iso:20022:tech:xsd:camt.053.001.08"
RECEIVED, ISSUED = "RCDT", "ICDT"
LONGEST_TEXT: Final = 140
LONGEST_REFERENCE: Final = 35


def bank_statement(books: Books, moves: Sequence[BankMove], number: int, account: str, at: datetime) -> bytes:
    """`moves`: everything since the last one, whose sum the closing balance is ahead of the opening one.

    `books` do not contain `moves` that are not applied yet: the opening balance is told apart by id.
    """
    document = Element("Document", xmlns=NAMESPACE)
    message = SubElement(document, "BkToCstmrStmt")
    header = SubElement(message, "GrpHdr")
    _text(header, "MsgId", f"SANDBOX-{at:%Y%m%d}-{number:04d}")
    _text(header, "CreDtTm", at.isoformat(timespec="seconds"))
    printed = {move.id for move in books.unprinted}
    for currency in sorted({move.currency for move in moves}):
        own = [move for move in moves if move.currency == currency]
        before = sum(move.amount for move in own if move.id in printed)
        opening = books.bank_balances[currency] - before
        _statement(message, own, f"{number:04d}", account, currency, opening, at)
    indent(document)
    xml: str = tostring(document, encoding="unicode")
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{xml}\n'.encode()


def _statement(
    message: Element,
    moves: Sequence[BankMove],
    number: str,
    account: str,
    currency: str,
    opening: int,
    at: datetime,
) -> None:
    statement = SubElement(message, "Stmt")
    _text(statement, "Id", f"{number}-{currency}")
    _text(statement, "ElctrncSeqNb", str(int(number)))
    _text(statement, "CreDtTm", at.isoformat(timespec="seconds"))
    owned = SubElement(statement, "Acct")
    _text(SubElement(SubElement(owned, "Id"), "Othr"), "Id", account)
    _text(owned, "Ccy", currency)
    closing = opening + sum(move.amount for move in moves)
    for code, amount in (("OPBD", opening), ("CLBD", closing)):
        _balance(statement, code, amount, currency, at.date())
    for move in moves:
        _entry(statement, move, at.date())


def _balance(statement: Element, code: str, amount: int, currency: str, on: date) -> None:
    balance = SubElement(statement, "Bal")
    _text(SubElement(SubElement(balance, "Tp"), "CdOrPrtry"), "Cd", code)
    _amount(balance, amount, currency)
    _day(balance, "Dt", on)


def _entry(statement: Element, move: BankMove, on: date) -> None:
    entry = SubElement(statement, "Ntry")
    _text(entry, "NtryRef", move.id)
    _amount(entry, move.amount, move.currency)
    _text(SubElement(entry, "Sts"), "Cd", "BOOK")
    _day(entry, "BookgDt", on)
    _day(entry, "ValDt", on)
    _text(entry, "AcctSvcrRef", move.id)
    domain = SubElement(SubElement(entry, "BkTxCd"), "Domn")
    _text(domain, "Cd", "PMNT")
    family = SubElement(domain, "Fmly")
    _text(family, "Cd", RECEIVED if move.amount > 0 else ISSUED)
    _text(family, "SubFmlyCd", "ESCT")
    details = SubElement(SubElement(entry, "NtryDtls"), "TxDtls")
    _text(SubElement(details, "Refs"), "EndToEndId", move.source[:LONGEST_REFERENCE])
    _text(SubElement(details, "RmtInf"), "Ustrd", move.text[:LONGEST_TEXT])


def _amount(parent: Element, amount: int, currency: str) -> None:
    """The sum without its sign, and beside it which way it goes."""
    SubElement(parent, "Amt", Ccy=currency).text = decimal_text(abs(amount), currency)
    _text(parent, "CdtDbtInd", "DBIT" if amount < 0 else "CRDT")


def _day(parent: Element, name: str, on: date) -> None:
    _text(SubElement(parent, name), "Dt", on.isoformat())


def _text(parent: Element, name: str, text: str) -> None:
    SubElement(parent, name).text = text
