"""All URLs on one screen."""

from __future__ import annotations

from typing import Final

from web import (
    assets,
    checkout,
    effects,
    events,
    export,
    finder,
    health,
    ledger,
    merchants,
    metrics,
    mismatch_stream,
    mismatches,
    openapi,
    pages,
    payment_asking,
    payments,
    payouts,
    refunds,
    sign_in,
    status,
    webhooks,
)
from web.alert_routes import ALERT_ENDPOINTS, ALERT_RAW
from web.bank_routes import BANK_ENDPOINTS, BANK_PAGES
from web.body import NoBody
from web.call import Access, Endpoint, Raw
from web.event_schemas import Event, EventPage
from web.file_routes import FILE_ENDPOINTS, FILE_PAGES
from web.finding import OneQuery
from web.mismatch_routes import MISMATCH_ENDPOINTS, MISMATCH_PAGES
from web.mismatch_schemas import MismatchDetail, MismatchPage
from web.payment_bodies import NewCapture, NewPayment, NewPayout, NewRefund, Rejection
from web.payment_schemas import Payment, PaymentPage, Payout, PayoutPage, RefundDetail, RefundPage
from web.run_routes import RUN_ENDPOINTS, RUN_RAW
from web.schemas import (
    Health,
    LedgerPage,
    MerchantBalance,
    Readiness,
    Status,
)
from web.webhook_routes import WEBHOOK_ENDPOINTS

OPEN, PAGES, STAFF, EITHER = Access.OPEN, Access.PAGES, Access.STAFF, Access.STAFF_OR_MERCHANT
MERCHANTS, APPROVERS, OPERATORS = Access.MERCHANTS, Access.APPROVERS, Access.OPERATORS
MADE: Final = (201, 200, 202)
ONE: Final = ("not_found", "ambiguous", "not_yet")

# fmt: off
ENDPOINTS: Final = (
    Endpoint(path="/v1/status", handler=status.get_status, access=STAFF, answer=Status,
             summary="Lanes, workers, backlogs and the state of the books"),
    Endpoint(path="/v1/payments", method="POST", handler=payment_asking.create_payment, access=MERCHANTS,
             answer=Payment, body=NewPayment, makes=True, statuses=MADE, summary="Ask for money"),
    Endpoint(path="/v1/payments", handler=payments.list_payments, access=EITHER, answer=PaymentPage,
             query=payments.PaymentsQuery, problems=("not_yet",), summary="Payments, newest first"),
    Endpoint(path="/v1/payments/{id}", handler=payments.get_payment, access=EITHER, answer=Payment,
             query=OneQuery, problems=ONE, summary="One payment with its captures and refunds"),
    Endpoint(path="/v1/payments/{id}/capture", method="POST", handler=payment_asking.capture_payment,
             access=MERCHANTS, answer=Payment, body=NewCapture, makes=True, statuses=MADE,
             summary="Take part or all of what is authorised"),
    Endpoint(path="/v1/payments/{id}/void", method="POST", handler=payment_asking.void_payment,
             access=MERCHANTS, answer=Payment, body=NoBody, makes=True, statuses=MADE,
             summary="Give up an authorisation"),
    Endpoint(path="/v1/payments/{id}/refunds", method="POST", handler=refunds.create_refund,
             access=MERCHANTS, answer=RefundDetail, body=NewRefund, makes=True, statuses=MADE,
             summary="Give part or all of it back"),
    Endpoint(path="/v1/payments/{id}/refunds", handler=refunds.get_payments_refunds, access=EITHER,
             answer=RefundPage, query=OneQuery, problems=ONE, summary="What was given back of a payment"),
    Endpoint(path="/v1/refunds/{id}", handler=refunds.get_refund, access=EITHER, answer=RefundDetail,
             query=OneQuery, problems=("not_found", "not_yet"),
             summary="One refund; staff name its merchant"),
    Endpoint(path="/v1/refunds", handler=refunds.get_refunds, access=EITHER, answer=RefundPage,
             query=refunds.RefundsQuery, problems=("not_yet",), summary="Refunds, newest first"),
    Endpoint(path="/v1/payments/{id}/events", handler=events.get_payments_events, access=EITHER,
             answer=EventPage, query=events.PaymentEventsQuery, problems=ONE,
             summary="What happened to a payment, in its order"),
    Endpoint(path="/v1/events", handler=events.get_events, access=EITHER, answer=EventPage,
             query=events.EventsQuery, summary="What happened, newest first"),
    Endpoint(path="/v1/events/{id}", handler=events.get_event, access=EITHER, answer=Event,
             query=events.OneEventQuery, problems=("not_found",), summary="One event"),
    Endpoint(path="/v1/payouts", method="POST", handler=payouts.create_payout, access=MERCHANTS,
             answer=Payout, body=NewPayout, makes=True, statuses=MADE, summary="Pay out what is available"),
    Endpoint(path="/v1/payouts", handler=payouts.list_payouts, access=EITHER, answer=PayoutPage,
             query=payouts.PayoutsQuery, problems=("not_yet",), summary="Payouts, newest first"),
    Endpoint(path="/v1/payouts/{id}", handler=payouts.get_payout, access=EITHER, answer=Payout,
             query=OneQuery, problems=ONE, summary="One payout"),
    Endpoint(path="/v1/payouts/{id}/approve", method="POST", handler=payouts.approve_payout,
             access=APPROVERS, answer=Payout, body=NoBody, query=OneQuery, makes=True, statuses=MADE,
             problems=ONE, summary="Allow a payout that somebody else asked for"),
    Endpoint(path="/v1/payouts/{id}/reject", method="POST", handler=payouts.reject_payout,
             access=APPROVERS, answer=Payout, body=Rejection, query=OneQuery, makes=True, statuses=MADE,
             problems=ONE, summary="Refuse a payout; the money is available again"),
    Endpoint(path="/v1/effects/redrive", method="POST", handler=effects.redrive_effects, access=OPERATORS,
             answer=effects.Redriven, body=effects.RedriveBody, makes=True, statuses=(202,),
             summary="Attempt again what was given up"),
    Endpoint(path="/v1/merchants/{id}/balance", handler=merchants.get_balance, access=EITHER,
             answer=MerchantBalance, query=merchants.BalanceQuery, problems=("not_found", "not_yet"),
             summary="A merchant's money per currency"),
    Endpoint(path="/v1/ledger/transactions", handler=ledger.get_transactions, access=EITHER,
             answer=LedgerPage, query=ledger.LedgerQuery, problems=("not_yet",),
             summary="What was posted, newest first"),
    Endpoint(path="/v1/mismatches", handler=mismatches.get_mismatches, access=EITHER, answer=MismatchPage,
             query=mismatches.MismatchQuery, problems=("not_yet",),
             summary="Where two sides do not match"),
    Endpoint(path="/v1/mismatches/{id}", handler=mismatches.get_mismatch, access=EITHER,
             answer=MismatchDetail, query=mismatches.OneMismatchQuery, problems=("not_found", "not_yet"),
             summary="One mismatch; for staff with both sides, the differences and a time line"),
    *MISMATCH_ENDPOINTS,
    *FILE_ENDPOINTS,
    *ALERT_ENDPOINTS,
    *WEBHOOK_ENDPOINTS,
    *RUN_ENDPOINTS,
    *BANK_ENDPOINTS,
    Endpoint(path="/healthz", handler=health.get_health, access=OPEN, answer=Health,
             summary="Whether this process runs"),
    Endpoint(path="/readyz", handler=health.get_readiness, access=OPEN, answer=Readiness,
             problems=("not_ready",), summary="Whether the database is there and migrated"),
)

RAW: Final = (
    Raw(path="/metrics", handler=metrics.get_metrics, access=STAFF, content_type="text/plain",
        documented=True, summary="Figures in Prometheus's text format (docs/metrics.md)"),
    Raw(path="/openapi.json", handler=openapi.get_openapi, access=OPEN, content_type="application/json",
        documented=True, summary="This document"),
    Raw(path="/v1/mismatches/stream", handler=mismatch_stream.get_stream, access=EITHER, documented=True,
        query=mismatch_stream.StreamQuery, content_type="text/event-stream",
        problems=("invalid_parameter", "too_many_streams"),
        summary="Mismatches as they open, change and resolve, as server-sent events"),
    Raw(path="/webhooks/{psp}", handler=webhooks.receive, access=OPEN, method="POST", documented=True,
        content_type="text/plain", problems=(
            "not_found", "signature_refused", "body_too_large", "unsupported_media_type",
            "webhooks_not_configured", "kafka_unavailable", "timeout"),
        summary="A PSP's webhook, signed in the PSP's own way; 200 once it is stored"),
    Raw(path="/checkout/{token}", handler=checkout.get_checkout, access=OPEN,
        summary="Leads a payer to the PSP's page"),
    Raw(path="/checkout/{token}/return", handler=checkout.get_return, access=OPEN,
        summary="Where a payer comes back to: the outcome, once it is verified"),
    Raw(path="/checkout/{token}/status", handler=checkout.get_checkout_status, access=OPEN,
        content_type="application/json", summary="What keeps these two current"),
    Raw(path="/login", handler=sign_in.get_login, access=OPEN, summary="Sign in"),
    Raw(path="/login/start", handler=sign_in.get_start, access=OPEN, summary="Off to the identity provider"),
    Raw(path="/login/callback", handler=sign_in.get_callback, access=OPEN, summary="Back from it"),
    Raw(path="/logout", handler=sign_in.post_logout, access=PAGES, method="POST", summary="Sign out"),
    Raw(path="/", handler=pages.get_home, access=PAGES, summary="The live overview"),
    Raw(path="/mismatches", handler=finder.get_finder, access=PAGES,
        summary="Mismatches, to find and compare"),
    Raw(path="/mismatches/live", handler=finder.get_rows, access=PAGES, content_type="text/event-stream",
        summary="What keeps the list of mismatches current"),
    Raw(path="/mismatches.csv", handler=export.get_export, access=PAGES, content_type="text/csv",
        summary="All that a filter finds"),
    *MISMATCH_PAGES,
    *FILE_PAGES,
    *RUN_RAW,
    *BANK_PAGES,
    *ALERT_RAW,
    Raw(path="/live", handler=pages.get_live, access=PAGES, summary="What keeps the overview current",
        content_type="text/event-stream"),
    Raw(path="/static/{name}", handler=assets.get_asset, access=OPEN, summary="Style sheet, script, icon"),
)
# fmt: on
