"""What the files of PSPs beside the checkout must become, worked out by hand from their rows.

`sums`: minor units, zeros left out. A file that is no report of money that moved is refused.
"""

# ruff: noqa: E501 - tables are read across
from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, NamedTuple

Sums = Mapping[str, Mapping[str, int]]

PAYOUT: Final = "the payout itself"


class Expected(NamedTuple):
    """`own`: what the source says besides the report. `refused`: words of the reason; then nothing else counts."""

    file: str
    report: str
    records: Mapping[str, int] = {}
    sums: Sums = {}
    ignored: Mapping[str, int] = {}
    own: Mapping[str, Any] = {}
    refused: str = ""


def usd(**sums: int) -> Sums:
    return {"USD": sums}


def paypal(kind: str, name: str, *rest: Any) -> Expected:
    return Expected(f"paypal/smashpig__{kind}_{name}.csv".replace("_.csv", ".csv"), f"paypal.{kind}", *rest)


ADYEN: Final = "adyen/smashpig__settlement_detail_report_"
YEN: Final = {"JPY": {"gross": 150, "fee": 43, "net": 107}}
STEP: Final = "not settled yet: a step on the way"

EXPECTED: Final = (
    Expected("adyen/smashpig__payments_accounting_report_chargeback.csv", "adyen.payments-accounting",
             {"chargeback": 1}, {"JPY": {"gross": -2000}, "USD": {"fee": 1086, "net": -2387}}),
    Expected("adyen/smashpig__payments_accounting_report_nyce.csv", "adyen.payments-accounting",
             {"capture": 1}, usd(gross=1040, fee=38, net=1002), {STEP: 3}),
    Expected(f"{ADYEN}chargeback_reversed.csv", "adyen.settlement-detail",
             {"chargeback_reversal": 1}, usd(gross=5200, fee=11, net=5189)),
    Expected(f"{ADYEN}donation-ach.csv", "adyen.settlement-detail",
             {"capture": 1}, usd(gross=100, fee=22, net=78), {PAYOUT: 1}),
    Expected(f"{ADYEN}donation.csv", "adyen.settlement-detail",
             {"capture": 1}, usd(gross=100, fee=24, net=76), {PAYOUT: 1}),
    Expected(f"{ADYEN}emptynetcredit.csv", "adyen.settlement-detail",
             {"capture": 1}, {"INR": {"gross": 1000}, "USD": {"fee": 14, "net": -3}}),
    Expected(f"{ADYEN}invoice_deduction.csv", "adyen.settlement-detail",
             {"adjustment": 2}, usd(fee=3, net=-3)),
    Expected("braintree/smashpig__raw_batch_report_dispute.json", "braintree.disputes",
             {"chargeback": 2}, usd(gross=-5535, net=-5535),
             {"no money has moved yet": 4, "won: nothing was taken": 1}),
    Expected("braintree/smashpig__raw_batch_report_gravy_refund.json", "braintree.transactions",
             {"refund": 1}, usd(gross=-103, net=-103)),
    Expected("braintree/smashpig__raw_settlement_batch_report.json", "braintree.transactions",
             {"capture": 3}, usd(gross=920, net=920)),
    Expected("braintree/smashpig__settlement_batch_report_dispute_2022-06-27.json",
             "braintree.settlement-batch", {"chargeback": 2}, usd(gross=-833, net=-833)),
    Expected("braintree/smashpig__settlement_batch_report_refund_2022-06-27.json",
             "braintree.settlement-batch", {"refund": 2}, usd(gross=-1500, net=-1500)),
    Expected("chariot/smashpig__20260502081216-Groundswell-1000.00-deposit_01kqkvxnj5mc751be13egn6j6p.csv",
             "chariot.deposits", {"capture": 2}, usd(gross=1000, net=1000), {PAYOUT: 1}),
    Expected("checkoutcom/smashpig__payouts_ent_testcheckoutfixture_20260701_20260702_1(1)-1.csv",
             "checkoutcom.payouts", {"adjustment": 1}, usd(gross=8500, fee=549, net=7951)),
    Expected("dlocal/smashpig__Wikimedia_Settlement_Reports_20260110.csv", "dlocal.settlement",
             {"capture": 4, "adjustment": 3},
             {"BRL": {"gross": 19875}, "MXN": {"gross": 7000}, "USD": {"gross": -237, "fee": 8023, "net": 17949}}),
    Expected("dlocal/smashpig__donation.csv", "dlocal.transactions",
             {"capture": 1}, {"BRL": {"gross": 500}, "USD": {"fee": 3, "tax": 2, "net": 145}}),
    Expected("gocardless/gocardless-pro-python__balances.json", "gocardless.payouts", refused="fits"),
    Expected("gocardless/gocardless-pro-python__idempotent_creation_conflict_error.json",
             "gocardless.payments", refused="fits"),
    Expected("gocardless/gocardless-pro-python__payments.json", "gocardless.payments",
             ignored={"not paid out": 2}, own={"path": "list.body.payments"}),
    Expected("gocardless/gocardless-pro-python__payouts.json", "gocardless.payouts",
             ignored={PAYOUT: 2}, own={"path": "list.body.payouts"}),
    Expected("gravy/smashpig__all_transactions_report.csv", "gravy.transactions", {"payment.record": 2},
             {"USD": {"payment.record": 1000}, "JPY": {"payment.record": 5000}}, {"nothing was captured": 2},
             own={"fields": {"merchant_id": {"const": "m-1"}}}),
    Expected("gravy/smashpig__all_transactions_report_refund.csv", "gravy.refunds", {"refund.record": 1},
             {"USD": {"refund.record": 1000}}, {"nothing was refunded": 2},
             own={"fields": {"merchant_id": {"const": "m-1"}}}),
    Expected("mollie/mollie-api-python__balance_report_single.json", "mollie.balance-transactions",
             refused="fits"),
    Expected("mollie/mollie-api-python__balance_transactions_list.json", "mollie.balance-transactions",
             {"refund": 1}, {"EUR": {"gross": -1000, "fee": 25, "net": -1025}}),
    Expected("mollie/mollie-api-python__captures_list.json", "mollie.captures",
             {"capture": 1}, {"EUR": {"gross": 102799, "fee": 62899, "net": 39900}}),
    Expected("mollie/mollie-api-python__chargebacks_list_more.json", "mollie.chargebacks",
             {"chargeback": 1}, {"USD": {"gross": -4338}, "EUR": {"net": -3507}}),
    Expected("mollie/mollie-api-python__payment_single_no_links.json", "mollie.captures", refused="fits"),
    Expected("mollie/mollie-api-python__refund_single.json", "mollie.refunds",
             {"refund": 1}, {"EUR": {"gross": -595, "fee": 405, "net": -1000}}),
    Expected("mollie/mollie-api-python__refunds_list.json", "mollie.refunds", ignored={"not settled yet": 1}),
    Expected("mollie/mollie-api-python__settlement_chargebacks_list_more.json", "mollie.chargebacks",
             {"chargeback": 1}, {"USD": {"gross": -4338}, "EUR": {"net": -3507}}),
    Expected("mollie/mollie-api-python__settlements_list.json", "mollie.settlements", ignored={PAYOUT: 1}),
    paypal("sar", "classic_subscr_cancel", {}, {}, {"a subscription: no money moves": 1}),
    paypal("stl", "", {"capture": 3, "refund": 1},
           {"AUD": {"gross": 5735, "fee": 300, "net": 5435}, "GBP": {"gross": 700, "fee": 40, "net": 660}},
           {PAYOUT: 1}),
    paypal("stl", "chargeback_reversal", {"chargeback_reversal": 1, "adjustment": 1},
           usd(gross=2600, fee=-2000, net=4600)),
    paypal("stl", "currency_convert", {"capture": 1}, {"BRL": {"gross": 2200}, "USD": {"fee": 64, "net": 327}},
           {"the conversion of a payment: part of its line": 2}),
    paypal("stl", "payout_currency_convert", {"capture": 1, "adjustment": 2},
           {"AUD": {"gross": 10000, "net": 10000}, "USD": {"gross": 12000, "net": 12000}}),
    paypal("trr", "express_checkout_donation", {"capture": 1}, YEN),
    paypal("trr", "express_checkout_recurring_donation", {"capture": 1}, YEN),
    paypal("trr", "express_checkout_refund", {"refund": 1}, {"JPY": {"gross": -150, "fee": -43, "net": -107}}),
    paypal("trr", "give_lively", {"capture": 1}, YEN),
    paypal("trr", "grant", {"capture": 1}, usd(gross=50000, net=50000)),
    paypal("trr", "void", {}, {}, {"pending, denied or void: no money has moved": 1,
                                   "an authorisation, a hold or a note: no money moves": 1}),
    Expected("razorpay/razorpay-python__dispute.json", "razorpay.entities", ignored={"nothing was deducted": 1}),
    Expected("razorpay/razorpay-python__dispute_collection.json", "razorpay.entities",
             ignored={"nothing was deducted": 2}),
    Expected("razorpay/razorpay-python__fake_refund.json", "razorpay.entities",
             {"refund": 1}, {"INR": {"gross": -300100, "net": -300100}}),
    Expected("razorpay/razorpay-python__init_settlement.json", "razorpay.entities", ignored={PAYOUT: 1}),
    Expected("razorpay/razorpay-python__payment_collection_with_one_payment.json", "razorpay.entities",
             ignored={"not captured": 1}),
    Expected("razorpay/razorpay-python__reversal_collection.json", "razorpay.entities",
             {"adjustment": 1}, {"INR": {"gross": 1000, "net": 1000}}),
    Expected("razorpay/razorpay-python__settlement_collection_with_one_settlement.json", "razorpay.entities",
             ignored={PAYOUT: 1}),
    Expected("razorpay/razorpay-python__transfers_collection_with_payment_id.json", "razorpay.entities",
             {"adjustment": 1}, {"INR": {"gross": -100, "net": -100}}),
    Expected("stripe/dj-stripe__charge_ch_fakefakefakefakefake0001.json", "stripe.balance-transactions",
             refused="fits"),
    Expected("stripe/dj-stripe__dispute_dp_fakefakefakefake01.json", "stripe.balance-transactions",
             {"chargeback": 1}, usd(gross=-1000, fee=1500, net=-2500), own={"path": "balance_transactions"}),
    Expected("stripe/dj-stripe__dispute_dp_funds_reinstated_full.json", "stripe.balance-transactions",
             {"chargeback": 1, "chargeback_reversal": 1}, usd(), own={"path": "balance_transactions"}),
    Expected("stripe/dj-stripe__dispute_pm_fakefakefakefake01.json", "stripe.balance-transactions",
             refused="fits"),
    Expected("stripe/dj-stripe__payment_intent_pi_destination_charge.json", "stripe.balance-transactions",
             refused="fits"),
    Expected("stripe/dj-stripe__payout_custom_bank_account.json", "stripe.payouts", ignored={PAYOUT: 1},
             own={"numbers": {"unit": "major"}}),
    Expected("stripe/openapi__fixtures3.json", "stripe.balance-transactions", refused="fits"),
    Expected("stripe/smashpig__payments_activity.csv", "stripe.payments-activity",
             {"capture": 1, "chargeback": 1}, usd(fee=1620, net=-1620)),
    Expected("stripe/smashpig__settlement_report_giving_basket.csv", "stripe.settlement",
             {"capture": 2}, usd(gross=180511, fee=95, net=180416)),
    Expected("trustly/smashpig__P11KFUN-3618-20260201120000-20260202120000-0001of0001.csv", "trustly.funding",
             {"capture": 2}, usd(gross=86284, fee=163, net=86121), {PAYOUT: 1, "the header": 1}),
    Expected("trustly/smashpig__P11KFUN-3618-recurring-series-collision.csv", "trustly.funding",
             {"capture": 1, "chargeback": 1}, usd(), {PAYOUT: 2, "the header": 1}),
    Expected("trustly/smashpig__P11KREC-3618-20260201120000-20260202120000-0001of0001.csv",
             "trustly.reconciliation", {"capture": 2}, usd(gross=775, net=775), {"the header": 1}),
)  # fmt: skip
