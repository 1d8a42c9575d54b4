"""What the samples of reports are made of: rows as each PSP writes them, and how a file is written here."""

# ruff: noqa: E501 - tables are read across
from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Final, NamedTuple

Line = tuple[str, str, str, str, str, int, str, int, int]


class Sample(NamedTuple):
    """`ignored`: rows that are left out. `own`: what the source says besides the report."""

    text: str
    lines: tuple[Line, ...] = ()
    ignored: int = 0
    own: Mapping[str, Any] = {}


def table(text: str, delimiter: str = ",") -> str:
    """A CSV file, written with | between its cells so that it can be read here."""
    rows = [[cell.strip() for cell in line.split("|")] for line in text.strip().splitlines()]
    return "".join(delimiter.join(row) + "\r\n" for row in rows)


def listed(path: str, *rows: Any) -> str:
    """A JSON document with a list at `path`."""
    document: Any = list(rows)
    for part in reversed(path.split(".") if path else []):
        document = {part: document}
    return json.dumps(document)


def eur(value: str) -> dict[str, str]:
    return {"value": value, "currency": "EUR"}


def usd(value: str) -> dict[str, str]:
    return {"value": value, "currencyCode": "USD"}


ADYEN_DETAIL: Final = """
Merchant Account|Psp Reference|Merchant Reference|Creation Date|Type|Modification Reference|Gross Currency|Gross Debit (GC)|Gross Credit (GC)|Exchange Rate|Net Currency|Net Debit (NC)|Net Credit (NC)|Commission (NC)|Markup (NC)|Scheme Fees (NC)|Interchange (NC)|Batch Number
Shop|P1|o-1|2026-11-20 10:00:00|Settled|M1|EUR||100.00|1|EUR||98.50|0.50|0.20|0.10|0.70|7
Shop|P2|o-2|2026-11-20 10:00:00|Settled|M2|USD||110.00|0.9|EUR||98.00|1.00||||7
Shop|P1|o-1|2026-11-20 11:00:00|Refunded|M3|EUR|30.00||1|EUR|30.10||0.10||||7
Shop|P2|o-2|2026-11-20 12:00:00|Chargeback|M4|USD|110.00||0.9|EUR|99.00||||||7
Shop|P2|o-2|2026-11-20 13:00:00|ChargebackReversed|M5|USD||110.00|0.9|EUR||99.00|||||7
Shop|||2026-11-20 14:00:00|Fee|Transaction Fees|||||EUR|2.00||||||7
Shop|||2026-11-20 14:00:00|Fee|Transaction Fees|||||EUR|3.00||||||7
Shop|||2026-11-20 15:00:00|Balancetransfer|from batch 6|||||EUR||5.00|||||7
Shop|||2026-11-20 16:00:00|MerchantPayout|TX1 batch 7|||||EUR|166.40||||||7
"""
ADYEN_ACCOUNTING: Final = """
Merchant Account|Psp Reference|Merchant Reference|Booking Date|Record Type|Modification Psp Reference|Payment Currency|Captured (PC)|Exchange Rate|Settlement Currency|Payable (SC)|Commission (SC)|Markup (SC)|Scheme Fees (SC)|Interchange (SC)|Original Amount
Shop|P1|o-1|2026-11-20 10:00:00|SentForSettle|M1|EUR|10.00|1|EUR|9.70|0.30||||10.00
Shop|P1|o-1|2026-11-21 10:00:00|Settled|M1|EUR|-10.00|1|EUR|9.70|0.30||||10.00
Shop|P1|o-1|2026-11-22 10:00:00|Refunded|M2|EUR||1|EUR|-10.00|||||10.00
"""
STRIPE_ACTIVITY: Final = """
automatic_payout_id|available_on|balance_transaction_id|charge_id|currency|fee|gross|net|payment_intent_id|payment_metadata[payment_id]|reporting_category|source_id|customer_facing_amount|customer_facing_currency
po_1|2026-11-20 00:00:00|txn_1|ch_1|eur|1.20|30.00|28.80|pi_1|p-1|charge|ch_1|33.00|usd
po_1|2026-11-20 00:00:00|txn_2|ch_1|eur|0.00|-10.00|-10.00|pi_1|p-1|refund|re_1||
po_1|2026-11-20 00:00:00|txn_3|ch_2|eur|15.00|-30.00|-45.00|pi_2|p-2|dispute|dp_1||
po_1|2026-11-20 00:00:00|txn_4|ch_2|eur|-15.00|30.00|45.00|pi_2|p-2|dispute_reversal|dp_1||
po_1|2026-11-20 00:00:00|txn_5||eur|0.00|-0.40|-0.40|||fee|txn_5||
po_1|2026-11-20 00:00:00|txn_6||eur|0.00|-18.40|-18.40|||payout|po_1||
"""
STRIPE_LINES: Final[tuple[Line, ...]] = (
    ("capture", "txn_1", "po_1", "pi_1", "USD", 3300, "EUR", 120, 2880),
    ("refund", "txn_2", "po_1", "pi_1", "EUR", -1000, "EUR", 0, -1000),
    ("chargeback", "txn_3", "po_1", "pi_2", "EUR", -3000, "EUR", 1500, -4500),
    ("chargeback_reversal", "txn_4", "po_1", "pi_2", "EUR", 3000, "EUR", -1500, 4500),
    ("adjustment", "txn_5", "po_1", "txn_5", "EUR", 0, "EUR", 40, -40),
)
PAYPAL_CH: Final = (
    "CH|Transaction ID|Invoice ID|PayPal Reference ID|Transaction Event Code|Transaction Completion Date"
    "|Transaction Debit or Credit|Gross Transaction Amount|Gross Transaction Currency|Fee Debit or Credit"
    "|Fee Amount|Fee Currency|Custom Field|Transactional Status"
)
PAYPAL_ROWS: Final = """
SB|T1|o-1||T0006|2026/11/20 10:00:00 -0800|CR|10000|EUR|DR|300|EUR||S
SB|T2|o-1|T1|T1107|2026/11/20 11:00:00 -0800|DR|4000|EUR|CR|120|EUR||S
SB|T3|o-2|T9|T1201|2026/11/20 12:00:00 -0800|DR|5000|JPY||||c-2|S
SB|T4|o-2|T9|T1202|2026/11/20 12:30:00 -0800|CR|5000|JPY||||c-2|S
SB|T5||T9|T0106|2026/11/20 13:00:00 -0800|DR|2000|EUR|||||S
SB|T6|||T0400|2026/11/20 14:00:00 -0800|DR|100|EUR|||||S
SB|T7|||T1503|2026/11/20 14:00:00 -0800|CR|100|GBP|||||S
"""
PAYPAL_STL: Final = f"""
RH|2026/11/21 00:00:00 -0800|A|ACC1|9
FH|01
SH|2026/11/20 00:00:00 -0800|2026/11/20 23:59:59 -0800|ACC1|
{PAYPAL_CH}
{PAYPAL_ROWS.strip()}
SF|EUR|10000|6000|300|120|CR|0|CR|3720
SF|JPY|5000|5000|0|0|CR|0|CR|0
SC|7
RF|EUR|10000|6100|300|120
RC|7
FF|01
"""


def paypal_lines(batch: str) -> tuple[Line, ...]:
    """T5 is a fee without a payment's amount; the yen of PayPal have two decimals."""
    return (
        ("capture", "T0006-T1", batch, "T1", "EUR", 10000, "EUR", 300, 9700),
        ("refund", "T1107-T2", batch, "T1", "EUR", -4000, "EUR", -120, -3880),
        ("chargeback", "T1201-T3", batch, "T9", "JPY", -50, "JPY", 0, -50),
        ("chargeback_reversal", "T1202-T4", batch, "T9", "JPY", 50, "JPY", 0, 50),
        ("adjustment", "T0106-T5", batch, "T9", "EUR", 0, "EUR", 2000, -2000),
    )


DLOCAL: Final = """
ROW_TYPE|SETTLEMENT_CURRENCY|NUMBER_OF_ITEMS|GROSS_TOTAL_AMOUNT|FEE_TOTAL_AMOUNT|NET_TOTAL_AMOUNT|TRANSFER_DATE|TRANSFER_ID|||||
HEADER|USD|3|16.99|-5.10|11.89|2026-11-20|77|||||
ROW_TYPE|CREATION_DATE|TRANSACTION_ID|DLOCAL_TRANSACTION_ID|LOCAL_AMOUNT|LOCAL_CURRENCY|FX_RATE|GROSS_AMOUNT|FEE_AMOUNT|NET_AMOUNT|DESCRIPTION||
PAYMENT|2026-11-19 10:00:00|o-1|T-1|100|BRL|5.0|19.994|-0.046|19.948|||
REFUND|2026-11-19 11:00:00|o-2|R-1|15|BRL|5.0|-3.004|-0.054|-3.058|||
SETTLEMENT_FEE|||77|0||0|0|-5|-5|||
"""
TRUSTLY_ITEM: Final = "I|{id}|2026-11-19T10:00:00Z|1|3618|Deferred|1|1|9|h|Capture|Processed|{at}|{at}|USD|{amount}|{batch}|A|9|{what}|{ref}|ptx|{fee}"


def trustly_item(number: int, amount: str, what: str, fee: str) -> str:
    at = "2026-11-20T05:00:00.000Z"
    return TRUSTLY_ITEM.format(
        id=number, at=at, amount=amount, batch="F1", what=what, ref=f"o-{number}", fee=fee
    )


def braintree(number: str, value: str, date: str | None = "2026-11-20", **more: Any) -> dict[str, Any]:
    details = {"date": date, "amount": usd(value) if date else None, "exchangeRate": "1"}
    return {
        "id": number, "orderId": f"o-{number}", "merchantAccountId": "shop", "amount": usd(value.lstrip("-")),
        "disbursementDetails": details, **more,
    }  # fmt: skip


def braintree_dispute(number: str, status: str, *dates: str | None) -> dict[str, Any]:
    return {
        "id": f"G{number}", "legacyId": number, "type": "CHARGEBACK", "status": status,
        "transaction": {"id": "T1", "orderId": "o-1"}, "amountDisputed": usd("5.00"),
        "statusHistory": [{"disbursementDate": date} for date in dates],
    }  # fmt: skip


def mollie(number: str, value: str, settled: str | None, **more: Any) -> dict[str, Any]:
    amount = {"settlementAmount": eur(settled)} if settled else {}
    return {
        "id": number, "paymentId": "tr_1", "settlementId": "stl_1", "amount": {"value": value, "currency": "USD"},
        "createdAt": "2026-11-20T10:00:00+00:00", **amount, **more,
    }  # fmt: skip


def mollie_movement(number: str, kind: str, value: str, result: str, deducted: str | None) -> dict[str, Any]:
    return {
        "id": number, "type": kind, "initialAmount": eur(value), "resultAmount": eur(result),
        "createdAt": "2026-11-20T10:00:00+00:00", "context": {"paymentId": "tr_1"},
        **({"deductions": eur(deducted)} if deducted else {}),
    }  # fmt: skip


def razorpay(entity: str, number: str, amount: int, **more: Any) -> dict[str, Any]:
    return {
        "entity": entity,
        "id": number,
        "amount": amount,
        "currency": "INR",
        "created_at": 1795168800,
        **more,
    }


def balance_transaction(number: str, category: str, amount: int, fee: int) -> dict[str, Any]:
    return {
        "id": number, "reporting_category": category, "amount": amount, "fee": fee, "net": amount - fee,
        "currency": "eur", "available_on": 1795168800, "source": f"src_{number}",
    }  # fmt: skip


GRAVY: Final = """
id|external_identifier|merchant_account_id|updated_at|captured_at|currency|captured_amount|refunded_amount|method|payment_service_transaction_id
g1|o-1|m-1|2026-11-20T11:00:00+01:00|2026-11-20T10:00:00+01:00|EUR|1000|400|card|X1
g2|o-2|m-1|2026-11-20T11:00:00+01:00||EUR|0|0|card|
"""
