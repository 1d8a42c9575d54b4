"""A signed notification of Adyen's with two items, and where in it the signed parts stand."""

from tests.psp.sample import Sample, adyen_parts
from tests.support.psp_payments import BEGAN, AdyenPayment
from tests.support.webhooks import ADYEN_SECRET, adyen_delivery

_PAYMENT = AdyenPayment(1)
_SENT = adyen_delivery(*_PAYMENT.six()[1:3])
SAMPLE = Sample(
    name="a capture and a refund",
    delivery=_SENT,
    secret=ADYEN_SECRET,
    now=BEGAN,
    **adyen_parts(_SENT.body),
    timestamps=(),
    others_secret=ADYEN_SECRET[::-1],
)
