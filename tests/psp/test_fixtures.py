"""Events that others published: each gives these facts, or is of a type that is listed as ignored."""

from __future__ import annotations

import pytest

from tests.psp.reports import report
from tests.support.fixtures import shared_fixture

SECRET_IDS = "000000000000000000000000"
PI, CH, RE = f"pi_{SECRET_IDS}", f"ch_{SECRET_IDS}", f"re_{SECRET_IDS}"
CH14, DP14 = "ch_00000000000000", "dp_00000000000000"
REF = "YOUR_PSP_REFERENCE"
IGNORED = ["ignored"]

STRIPE = {
    "balance.available": IGNORED,
    "charge.dispute.closed": [
        f"dispute_opened 1000 USD {CH14} {CH14}",
        f"dispute_won 1000 USD {CH14} {CH14}",
    ],
    "charge.dispute.funds_reinstated": [
        f"dispute_opened 25000 USD {CH14} {DP14}",
        f"dispute_won 25000 USD {CH14} {DP14}",
    ],
    "charge.dispute.updated": [f"dispute_opened 1000 USD {CH14} {CH14}"],
    "charge.refund.updated": [f"refunded 100 USD {CH} {RE}"],
    "charge.succeeded": [f"captured 2000 USD {PI}"],
    "checkout.session.completed": IGNORED,
    "checkout.session.completed.setup_mode": IGNORED,
    "invoice.payment_action_required": IGNORED,
    "invoice.payment_succeeded": IGNORED,
    "payment_intent.amount_capturable_updated": [f"authorized 2000 USD {PI}"],
    "payment_intent.created": IGNORED,
    "payment_intent.processing": IGNORED,
    "payment_intent.succeeded": [f"captured 2000 USD {PI}"],
    "payout.paid": IGNORED,
    "transfer.created": IGNORED,
    "transfer.paid": IGNORED,
}
ADYEN = {
    "adyen-java-api-library__authorisation-true-additional-attribute": ["authorized 10100 EUR 123456789"],
    "adyen-java-api-library__balancePlatform-transaction-created-bank-category": IGNORED,
    "adyen-java-api-library__cancellation-true": ["voided 500 EUR 8313547924770610"],
    "adyen-java-api-library__capture-true": ["captured 23623 USD ORIGINAL_PSP"],
    "adyen-java-api-library__display-notification": IGNORED,
    "adyen-java-api-library__event-notification-additional-attribute": IGNORED,
    "adyen-java-api-library__management-webhook-payment-method-created-unknown-enum": IGNORED,
    "adyen-java-api-library__offer-closed": IGNORED,
    "adyen-java-api-library__refund-true": ["refunded 1500 EUR ORIGINAL_PSP PSP_REFERENCE"],
    "adyen-java-api-library__tokenization-webhook-recurring-token-created": IGNORED,
    "adyen-java-api-library__tokenization-webhook-recurring-token-updated": IGNORED,
    "adyen-python-api-library__backslash_notification": ["authorized 1000 EUR T7FD4VM4D3RZNN82"],
    "adyen-python-api-library__forwardslash_notification": ["authorized 1000 EUR X3GWNS6KJ8NKGK82"],
    "smashpig__ipn_Authorisation": [f"authorized 1000 EUR {REF}"],
    "smashpig__ipn_Autorescue": IGNORED,
    "smashpig__ipn_CancelAutorescue": IGNORED,
    "smashpig__ipn_Capture": ["captured 200 EUR 9913140798220028"],
    "smashpig__ipn_Capture_Gravy": ["captured 3120 JPY DZNHPGSHZ5V5SQ69"],
    "smashpig__ipn_ChargebackReversed": [f"dispute_won 1000 EUR {REF} {REF}"],
    "smashpig__ipn_Chargeback_Gravy": [
        "dispute_opened 5000 EUR A6AA87A8AAA5A2A3 BB63BBBBBBBB4B24",
        "dispute_lost 5000 EUR A6AA87A8AAA5A2A3 BB63BBBBBBBB4B24",
    ],
    "smashpig__ipn_NotificationOfFraud": IGNORED,
    "smashpig__ipn_OrderClosed": IGNORED,
    "smashpig__ipn_PrearbitrationLost": [f"dispute_lost 1000 EUR {REF} {REF}"],
    "smashpig__ipn_RecurringContract": IGNORED,
    "smashpig__ipn_RefundedReversed": [f"refund_failed 1000 EUR 9913140798220028 {REF}"],
    "smashpig__ipn_RequestForInformation": IGNORED,
}
TABLES = {
    "stripe": {f"stripe-ruby-mock__{name}.json": lines for name, lines in STRIPE.items()},
    "adyen": {f"{name}.json": lines for name, lines in ADYEN.items()},
}


@pytest.mark.parametrize("psp", TABLES)
def test_every_published_event(psp: str) -> None:
    folder = shared_fixture("webhooks", psp)
    found = {path.name: report(psp, path.read_bytes()) for path in sorted(folder.glob("*.json"))}
    assert found == TABLES[psp]
