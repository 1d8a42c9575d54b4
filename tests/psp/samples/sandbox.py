"""A signed request of the sandbox PSP (Standard Webhooks), and where in it the signed parts stand."""

import base64

from tests.psp.sample import Sample
from tests.support.psp_payments import BEGAN
from tests.support.webhooks import SANDBOX_SECRET, sandbox_delivery

EVENT = {
    "type": "payment.captured",
    "timestamp": "2026-11-20T09:00:00Z",
    "data": {
        "psp_payment_id": "sp_1",
        "amount": 12345,
        "currency": "EUR",
        "merchant_id": "m-1",
        "payment_id": "pay-1",
    },
}
_SENT = sandbox_delivery(EVENT, BEGAN)
SAMPLE = Sample(
    name="a capture",
    delivery=_SENT,
    secret=SANDBOX_SECRET,
    now=BEGAN,
    signed=(_SENT.body, _SENT.headers["webhook-id"].encode()),
    signatures=(_SENT.headers["webhook-signature"].removeprefix("v1,"),),
    timestamps=(str(BEGAN),),
    others_secret="whsec_" + base64.b64encode(b"another endpoint's key").decode(),
)
