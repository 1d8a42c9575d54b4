"""The bank statement follows camt.053.001.08: names, order and what must be there, for every currency."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from xml.etree.ElementTree import Element, fromstring

import pytest

from app.sandbox.books import Books
from app.sandbox.objects import BankMove
from app.sandbox.statement import NAMESPACE, bank_statement

AT = datetime(2026, 11, 20, 18, tzinfo=UTC)

PATTERN = {
    "Document": "BkToCstmrStmt",
    "BkToCstmrStmt": "GrpHdr Stmt*",
    "GrpHdr": "MsgId CreDtTm",
    "Stmt": "Id ElctrncSeqNb? CreDtTm? Acct Bal* Ntry*",
    "Acct": "Id Ccy?",
    "Bal": "Tp Amt CdtDbtInd Dt",
    "Ntry": "NtryRef? Amt CdtDbtInd Sts BookgDt? ValDt? AcctSvcrRef? BkTxCd NtryDtls*",
    "Domn": "Cd Fmly",
    "Fmly": "Cd SubFmlyCd",
    "NtryDtls": "TxDtls*",
    "TxDtls": "Refs? RmtInf?",
}
"""Children in the order of the schema (ISO 20022 message set of 2019), as far as they are used here."""
LONGEST = {"MsgId": 35, "NtryRef": 35, "AcctSvcrRef": 35, "EndToEndId": 35, "Ustrd": 140}
DIGITS = {"EUR": r"\d+\.\d\d", "JPY": r"\d+", "KWD": r"\d+\.\d{3}"}


def move(number: int, amount: int, currency: str, text: str = "SETTLEMENT SB-1") -> BankMove:
    return BankMove(
        id=f"bk_{number}", at=AT, source=f"src_{number}" * 9, amount=amount, currency=currency, text=text
    )


def written(*moves: BankMove) -> Element:
    return fromstring(bank_statement(Books(), moves, 7, "main", AT))


def name(element: Element) -> str:
    assert element.tag.startswith(f"{{{NAMESPACE}}}")
    return element.tag.rpartition("}")[2]


def test_it_follows_the_pattern() -> None:
    document = written(move(1, 5, "EUR", "x" * 200), move(2, -1234567, "JPY"), move(3, 1, "KWD"))
    for element in document.iter():
        children = " ".join(name(child) for child in element)
        if name(element) in PATTERN:
            parts = (re.sub(r"\w+", r"(?:\g<0> )", part) for part in PATTERN[name(element)].split())
            assert re.fullmatch("".join(parts), f"{children} "), f"{name(element)}: {children}"
        assert len(element.text or "") <= LONGEST.get(name(element), 1_000)
    assert {name(child) for child in document.iter()} >= PATTERN.keys() - {"Document"}


@pytest.mark.parametrize("currency", DIGITS)
def test_amounts_have_their_currencys_digits_and_no_sign(currency: str) -> None:
    document = written(move(1, 5, currency), move(2, -1_234_567, currency))
    amounts = [each for each in document.iter() if name(each) == "Amt"]
    assert len(amounts) == 4
    assert all(re.fullmatch(DIGITS[currency], each.text or "") for each in amounts)
    assert {each.get("Ccy") for each in amounts} == {currency}


def test_which_way_it_goes() -> None:
    document = written(move(1, 5, "EUR"), move(2, -7, "EUR"))
    ways = [each.text for each in document.iter() if name(each) == "CdtDbtInd"]
    assert ways == ["CRDT", "DBIT", "CRDT", "DBIT"]  # opening 0, closing -2, then the entries
