"""The same bookings written as every bank format, small and by the book, to be read back by the tests."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date
from decimal import Decimal
from html import escape
from typing import NamedTuple

from app.domain.money import EXPONENTS

ACCOUNT = "DE89370400440532013000"
DAY = date(2026, 11, 20)


class Booking(NamedTuple):
    """Minor units; credits positive."""

    amount: int
    text: str = "PAYOUT B7"
    reference: str = ""
    on: date = DAY


def major(amount: int, currency: str) -> str:
    return f"{Decimal(abs(amount)).scaleb(-EXPONENTS[currency]):f}"


def camt(
    bookings: Sequence[Booking],
    currency: str = "EUR",
    opening: int = 0,
    closing: int | None = None,
    version: str = "camt.053.001.08",
) -> bytes:
    kind = {"052": ("BkToCstmrAcctRpt", "Rpt"), "053": ("BkToCstmrStmt", "Stmt")}.get(
        version[5:8], ("BkToCstmrDbtCdtNtfctn", "Ntfctn")
    )
    end = opening + sum(one.amount for one in bookings) if closing is None else closing
    balances = "".join(
        _camt_balance(code, what, currency) for code, what in (("OPBD", opening), ("CLBD", end))
    )
    entries = "".join(_camt_entry(one, currency) for one in bookings)
    return (
        f'<?xml version="1.0" encoding="UTF-8"?><Document xmlns="urn:iso:std:iso:20022:tech:xsd:{version}">'
        f"<{kind[0]}><GrpHdr><MsgId>M1</MsgId></GrpHdr><{kind[1]}><Id>S1</Id><Acct><Id><IBAN>{ACCOUNT}</IBAN>"
        f"</Id><Ccy>{currency}</Ccy></Acct>{balances}{entries}</{kind[1]}></{kind[0]}></Document>"
    ).encode()


def _camt_balance(code: str, amount: int, currency: str) -> str:
    return (
        f"<Bal><Tp><CdOrPrtry><Cd>{code}</Cd></CdOrPrtry></Tp>{_camt_amount(amount, currency)}"
        f"<Dt><Dt>{DAY}</Dt></Dt></Bal>"
    )


def _camt_amount(amount: int, currency: str) -> str:
    side = "DBIT" if amount < 0 else "CRDT"
    return f'<Amt Ccy="{currency}">{major(amount, currency)}</Amt><CdtDbtInd>{side}</CdtDbtInd>'


def _camt_entry(one: Booking, currency: str) -> str:
    reference = f"<AcctSvcrRef>{escape(one.reference)}</AcctSvcrRef>" if one.reference else ""
    return (
        f"<Ntry>{_camt_amount(one.amount, currency)}<Sts><Cd>BOOK</Cd></Sts>"
        f"<BookgDt><Dt>{one.on}</Dt></BookgDt>"
        f"<ValDt><Dt>{one.on}</Dt></ValDt>{reference}<NtryDtls><TxDtls><RmtInf>"
        f"<Ustrd>{escape(one.text)}</Ustrd></RmtInf></TxDtls></NtryDtls></Ntry>"
    )


def mt940(
    bookings: Sequence[Booking], currency: str = "EUR", opening: int = 0, closing: int | None = None
) -> bytes:
    end = opening + sum(one.amount for one in bookings) if closing is None else closing
    lines = [":20:STARTUMS", f":25:{ACCOUNT}", ":28C:1/1", f":60F:{_swift_balance(opening, currency)}"]
    for one in bookings:
        side = "D" if one.amount < 0 else "C"
        bank = f"//{one.reference}" if one.reference else ""
        amount = _comma(one.amount, currency)
        lines += [f":61:{one.on:%y%m%d}{one.on:%m%d}{side}{amount}NTRFNONREF{bank}", f":86:{one.text}"]
    return ("\r\n".join([*lines, f":62F:{_swift_balance(end, currency)}", "-"]) + "\r\n").encode()


def _swift_balance(amount: int, currency: str) -> str:
    return f"{'D' if amount < 0 else 'C'}{DAY:%y%m%d}{currency}{_comma(amount, currency)}"


def _comma(amount: int, currency: str) -> str:
    written = major(amount, currency).replace(".", ",")
    return written if "," in written else f"{written},"


def bai2(
    bookings: Sequence[Booking], currency: str = "EUR", opening: int = 0, closing: int | None = None
) -> bytes:
    end = opening + sum(one.amount for one in bookings) if closing is None else closing
    entries = [
        f"16,{'475' if one.amount < 0 else '165'},{abs(one.amount)},Z,{one.reference},,{one.text}"
        for one in bookings
    ]
    total = opening + end + sum(abs(one.amount) for one in bookings)
    account = [
        f"03,{ACCOUNT},{currency},010,{opening},,,015,{end},,/",
        *entries,
        f"49,{total},{len(entries) + 2}/",
    ]
    lines = [
        "01,BANK,US,261120,0600,1,,,2/",
        f"02,US,BANK,1,{DAY:%y%m%d},2400,,2/",
        *account,
        f"98,{total},1,{len(account) + 2}/",
        f"99,{total},1,{len(account) + 4}/",
    ]
    return ("\n".join(lines) + "\n").encode()


def ofx(
    bookings: Sequence[Booking], currency: str = "EUR", opening: int = 0, closing: int | None = None
) -> bytes:
    end = opening + sum(one.amount for one in bookings) if closing is None else closing
    entries = "".join(_ofx_entry(one, currency) for one in bookings)
    sign = "-" if end < 0 else ""
    return (
        "OFXHEADER:100\nDATA:OFXSGML\nVERSION:102\nENCODING:UTF-8\nCHARSET:NONE\n\n<OFX><BANKMSGSRSV1><STMTTRNRS>"
        f"<STMTRS><CURDEF>{currency}<BANKACCTFROM><BANKID>1<ACCTID>{ACCOUNT}<ACCTTYPE>CHECKING</BANKACCTFROM>"
        f"<BANKTRANLIST>{entries}</BANKTRANLIST><LEDGERBAL><BALAMT>{sign}{major(end, currency)}"
        f"<DTASOF>{DAY:%Y%m%d}</LEDGERBAL></STMTRS></STMTTRNRS></BANKMSGSRSV1></OFX>\n"
    ).encode()


def _ofx_entry(one: Booking, currency: str) -> str:
    sign = "-" if one.amount < 0 else ""
    reference = f"<FITID>{escape(one.reference)}" if one.reference else ""
    return (
        f"<STMTTRN><TRNTYPE>OTHER<DTPOSTED>{one.on:%Y%m%d}120000<TRNAMT>{sign}{major(one.amount, currency)}"
        f"{reference}<MEMO>{escape(one.text)}</STMTTRN>\n"
    )


WRITERS: dict[str, Callable[..., bytes]] = {"camt": camt, "mt940": mt940, "bai2": bai2, "ofx": ofx}
