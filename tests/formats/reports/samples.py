"""A small file of our own making for every report, and the lines that it must become.

Line: (kind, line id, batch, identity, currency, gross, settle currency, fee, net). The identity is the PSP's id of
the payment, else our reference.
"""

# ruff: noqa: E501 - tables are read across
from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Final

from tests.formats.reports.sample_parts import (
    ADYEN_ACCOUNTING,
    ADYEN_DETAIL,
    DLOCAL,
    GRAVY,
    PAYPAL_CH,
    PAYPAL_ROWS,
    PAYPAL_STL,
    STRIPE_ACTIVITY,
    STRIPE_LINES,
    Sample,
    balance_transaction,
    braintree,
    braintree_dispute,
    eur,
    listed,
    mollie,
    mollie_movement,
    paypal_lines,
    razorpay,
    table,
    trustly_item,
)

SAMPLES: Final[Mapping[str, Sample]] = {
    "adyen.settlement-detail": Sample(
        table(ADYEN_DETAIL),
        (
            ("capture", "Settled-M1", "Shop-7", "P1", "EUR", 10000, "EUR", 150, 9850),
            ("capture", "Settled-M2", "Shop-7", "P2", "USD", 11000, "EUR", 100, 9800),
            ("refund", "Refunded-M3", "Shop-7", "P1", "EUR", -3000, "EUR", 10, -3010),
            ("chargeback", "Chargeback-M4", "Shop-7", "P2", "USD", -11000, "EUR", 0, -9900),
            ("chargeback_reversal", "ChargebackReversed-M5", "Shop-7", "P2", "USD", 11000, "EUR", 0, 9900),
            ("adjustment", "Shop-7-Fee-2026-11-20 14:00:00", "Shop-7", "Transaction Fees", "EUR", 0, "EUR", 200, -200),
            ("adjustment", "Shop-7-Fee-2026-11-20 14:00:00-2", "Shop-7", "Transaction Fees", "EUR", 0, "EUR", 300, -300),
            ("adjustment", "Shop-7-Balancetransfer-2026-11-20 15:00:00", "Shop-7", "from batch 6", "EUR", 500, "EUR", 0, 500),
        ),
        ignored=1,
    ),
    "adyen.payments-accounting": Sample(
        table(ADYEN_ACCOUNTING),
        (
            ("capture", "Settled-M1", "Shop 2026-11-21", "P1", "EUR", 1000, "EUR", 30, 970),
            ("refund", "Refunded-M2", "Shop 2026-11-22", "P1", "EUR", -1000, "EUR", 0, -1000),
        ),
        ignored=1,
    ),
    "stripe.payments-activity": Sample(table(STRIPE_ACTIVITY), STRIPE_LINES, ignored=1),
    "stripe.settlement": Sample(table(STRIPE_ACTIVITY), STRIPE_LINES, ignored=1),
    "stripe.balance-transactions": Sample(
        listed(
            "data",
            balance_transaction("txn_1", "charge", 1000, 59),
            balance_transaction("txn_2", "refund", -400, 0),
            balance_transaction("txn_3", "fee", -25, 0),
            balance_transaction("txn_4", "payout", -516, 0),
        ),
        (
            ("capture", "txn_1", "po_9", "src_txn_1", "EUR", 1000, "EUR", 59, 941),
            ("refund", "txn_2", "po_9", "src_txn_2", "EUR", -400, "EUR", 0, -400),
            ("adjustment", "txn_3", "po_9", "src_txn_3", "EUR", 0, "EUR", 25, -25),
        ),
        ignored=1,
        own={"fields": {"batch_id": {"const": "po_9"}}},
    ),
    "stripe.payouts": Sample(
        json.dumps({"id": "po_1", "amount": 516, "currency": "eur", "arrival_date": 1795168800}), ignored=1
    ),
    "braintree.transactions": Sample(
        listed("", braintree("t1", "10.00"), braintree("t2", "3.00", date=None),
               braintree("r1", "-4.00", refundedTransaction={"id": "t1"})),
        (
            ("capture", "t1", "shop-2026-11-20", "t1", "USD", 1000, "USD", 0, 1000),
            ("refund", "r1", "shop-2026-11-20", "t1", "USD", -400, "USD", 0, -400),
        ),
        ignored=1,
    ),
    "braintree.disputes": Sample(
        listed("", braintree_dispute("d1", "LOST", None, "2026-11-20"), braintree_dispute("d2", "WON", None),
               braintree_dispute("d3", "OPEN", None)),
        (("chargeback", "dispute-d1", "2026-11-20", "T1", "USD", -500, "USD", 0, -500),),
        ignored=2,
    ),
    "braintree.settlement-batch": Sample(
        listed(
            "",
            {"type": "donation", "gateway_txn_id": "t1", "invoice_id": "o-1", "currency": "EUR", "gross": "7.00",
             "date": "2026-11-20T01:00:00.000000Z"},
            {"type": "refund", "gateway_refund_id": "r1", "gateway_parent_id": "t1", "currency": "EUR",
             "gross": "2.50", "date": "2026-11-20T02:00:00.000000Z"},
        ),
        (
            ("capture", "donation-t1", "2026-11-20", "t1", "EUR", 700, "EUR", 0, 700),
            ("refund", "r1", "2026-11-20", "t1", "EUR", -250, "EUR", 0, -250),
        ),
    ),
    "chariot.deposits": Sample(
        table("""
type|gateway_txn_id|backend_processor_txn_id|settlement_batch_reference|original_total_amount|original_currency|settled_total_amount|settled_fee_amount|settled_net_amount|settled_currency|settled_date|exchange_rate
donation|d1|b1|B1|10.00|USD|10.00|0.30|9.70|USD|2026-11-20T08:12:16.150190Z|1
donation|d2|b2|B1|5.00|USD|5.00|0|5.00|USD|2026-11-20T08:12:16.150190Z|1
payout|p1||B1||||0|14.70|USD|2026-11-20T08:12:16.150190Z|1
"""),
        (
            ("capture", "d1", "B1", "d1", "USD", 1000, "USD", 30, 970),
            ("capture", "d2", "B1", "d2", "USD", 500, "USD", 0, 500),
        ),
        ignored=1,
    ),
    "checkoutcom.payouts": Sample(
        table("""
Holding Currency|Payout ID|Payout Date|Payout Amount|Merchant Payout Fees|Payments|Refunds|Chargebacks|Pay To Cards|Adjustments|Tax|Transfers In|Transfers Out
EUR|PO1|2026-11-20T02:00:00.000|70.00|-2|100|-20|-5|0|0|-1|0|0
"""),
        (("adjustment", "PO1", "PO1", "PO1", "EUR", 7500, "EUR", 400, 7000),),
    ),
    "dlocal.settlement": Sample(
        table(DLOCAL),
        (
            ("capture", "PAYMENT-T-1", "77", "T-1", "BRL", 10000, "USD", 5, 1995),
            ("refund", "REFUND-R-1", "77", "R-1", "BRL", -1500, "USD", 5, -306),
            ("adjustment", "SETTLEMENT_FEE-77", "77", "77", "USD", 0, "USD", 500, -500),
        ),
    ),
    "dlocal.transactions": Sample(
        table("""
Type|Creation date|Settlement date|Reference|Invoice|Transaction Reference|Transaction Invoice|Net Amount (local)|Amount (USD)|currency|Status|Fee|IOF
Payment|2026-11-19 10:00:00|2026-11-20 12:00:00|R1|o-1|||50.00|10.00|BRL|Cleared|0.30|0.02
Refund|2026-11-19 10:00:00|2026-11-20 12:00:00|R2|o-2|R1|o-1|50.00|10.00|BRL|Cleared|0|0
Payment|2026-11-19 10:00:00|2026-11-20 12:00:00|R3|o-3|||50.00|10.00|BRL|Pending|0|0
""", ";"),
        (
            ("capture", "Payment-R1", "2026-11-20", "R1", "BRL", 5000, "USD", 30, 968),
            ("refund", "Refund-R2", "2026-11-20", "R1", "BRL", -5000, "USD", 0, -1000),
        ),
        ignored=1,
    ),
    "gravy.transactions": Sample(table(GRAVY), ignored=1),
    "gravy.refunds": Sample(table(GRAVY), ignored=1),
    "mollie.balance-transactions": Sample(
        listed("_embedded.balance_transactions",
               mollie_movement("baltr_1", "payment", "10.00", "9.71", "-0.29"),
               mollie_movement("baltr_2", "refund", "-4.00", "-4.25", "-0.25"),
               mollie_movement("baltr_3", "chargeback", "-6.00", "-6.00", None),
               mollie_movement("baltr_4", "outgoing-transfer", "-9.00", "-9.00", None)),
        (
            ("capture", "baltr_1", "balance", "tr_1", "EUR", 1000, "EUR", 29, 971),
            ("refund", "baltr_2", "balance", "tr_1", "EUR", -400, "EUR", 25, -425),
            ("chargeback", "baltr_3", "balance", "tr_1", "EUR", -600, "EUR", 0, -600),
        ),
        ignored=1,
    ),
    "mollie.captures": Sample(
        listed("_embedded.captures", mollie("cpt_1", "11.00", "10.00"), mollie("cpt_2", "11.00", None)),
        (("capture", "cpt_1", "stl_1", "tr_1", "USD", 1100, "EUR", 0, 1000),),
        ignored=1,
    ),
    "mollie.refunds": Sample(
        listed("_embedded.refunds", mollie("re_1", "11.00", "-10.00", status="refunded"),
               mollie("re_2", "11.00", None, status="pending")),
        (("refund", "re_1", "stl_1", "tr_1", "USD", -1100, "EUR", 0, -1000),),
        ignored=1,
    ),
    "mollie.chargebacks": Sample(
        listed("_embedded.chargebacks", mollie("chb_1", "11.00", "-10.00", reversedAt=None),
               mollie("chb_2", "11.00", "-10.00", reversedAt="2026-11-21T10:00:00+00:00")),
        (("chargeback", "chb_1", "stl_1", "tr_1", "USD", -1100, "EUR", 0, -1000),),
        ignored=1,
    ),
    "mollie.settlements": Sample(
        listed("_embedded.settlements",
               {"id": "stl_1", "amount": eur("39.75"), "settledAt": "2026-11-20T09:41:44+00:00"}),
        ignored=1,
    ),
    "gocardless.payouts": Sample(
        listed("payouts", {"id": "PO1", "amount": 980, "deducted_fees": 20, "currency": "GBP",
                           "arrival_date": "2026-11-20", "status": "paid"}),
        ignored=1,
    ),
    "gocardless.payments": Sample(
        listed("payments",
               {"id": "PM1", "amount": 1000, "app_fee": 100, "currency": "GBP", "charge_date": "2026-11-20",
                "status": "paid_out", "reference": "INV-1", "links": {"payout": "PO1"}, "metadata": {}},
               {"id": "PM2", "amount": 500, "currency": "GBP", "charge_date": "2026-11-20",
                "status": "submitted", "links": {}}),
        (("capture", "PM1", "PO1", "PM1", "GBP", 1000, "GBP", 100, 900),),
        ignored=1,
    ),
    "razorpay.entities": Sample(
        listed("items",
               razorpay("payment", "pay_1", 50000, status="captured", fee=1180, tax=180),
               razorpay("payment", "pay_2", 50000, status="failed"),
               razorpay("refund", "rfnd_1", 20000, payment_id="pay_1", status="processed"),
               razorpay("dispute", "disp_1", 50000, payment_id="pay_1", amount_deducted=30000),
               razorpay("dispute", "disp_2", 50000, payment_id="pay_1", amount_deducted=0),
               razorpay("transfer", "trf_1", 1000),
               razorpay("settlement", "setl_1", 9000)),
        (
            ("capture", "pay_1", "no-settlement", "pay_1", "INR", 50000, "INR", 1000, 48820),
            ("refund", "rfnd_1", "no-settlement", "pay_1", "INR", -20000, "INR", 0, -20000),
            ("chargeback", "disp_1", "no-settlement", "pay_1", "INR", -30000, "INR", 0, -30000),
            ("adjustment", "trf_1", "no-settlement", "trf_1", "INR", -1000, "INR", 0, -1000),
        ),
        ignored=3,
    ),
    "trustly.funding": Sample(
        table("\n".join((
            "H|P11KFUN|1.0.0|2026-11-19T12:00:00.000Z|2026-11-20T12:00:00.000Z|3618|0001of0001",
            trustly_item(1, "10.00", "", "-0.30"), trustly_item(2, "5.00", "Sale", ""),
            trustly_item(3, "-4.00", "Return", "0.00"),
            "F|Shop||F1|USD|10.70|21|2026-11-20T10:00:00.000Z", "L|3|11.00|1|10.70",
        ))),
        (
            ("capture", "1", "F1", "1", "USD", 1000, "USD", 30, 970),
            ("capture", "2", "F1", "2", "USD", 500, "USD", 0, 500),
            ("chargeback", "3", "F1", "3", "USD", -400, "USD", 0, -400),
        ),
        ignored=2,
    ),
    "trustly.reconciliation": Sample(
        table("""
H|P11KREC|1.0.0|2026-11-19T12:00:00.000Z|2026-11-20T12:00:00.000Z|3618|0001of0001
T|8|2026-11-20T05:00:00.000Z|1|3618|Deferred|1|1|9|h|Capture|Processed|2026-11-20T05:00:00.000Z|USD|5.00|||||USD||No|ptx-8
L|1|5.00|0.00
"""),
        (("capture", "8", "2026-11-20", "8", "USD", 500, "USD", 0, 500),),
        ignored=1,
    ),
    "paypal.stl": Sample(table(PAYPAL_STL), paypal_lines("ACC1-2026/11/20"), ignored=2),
    "paypal.trr": Sample(
        table(f"{PAYPAL_CH}\n{PAYPAL_ROWS.strip()}\nSB|T8|||T0006|2026/11/20 10:00:00 -0800|CR|1|EUR|||||P"),
        paypal_lines("2026/11/20"),
        ignored=3,
    ),
    "paypal.sar": Sample(
        table("""
CH|Subscription ID|Subscription Action Type|Subscription Currency|Subscription Creation Date|Period 3 Amount
SB|S-1|S0200|EUR|2026/11/20 01:00:00 -0700|300
"""),
        ignored=1,
    ),
}  # fmt: skip
