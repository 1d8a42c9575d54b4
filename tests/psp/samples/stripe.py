"""A signed request of Stripe's, and where in it the signed parts stand."""

from tests.psp.sample import Sample
from tests.support.psp_payments import BEGAN, StripePayment
from tests.support.webhooks import STRIPE_SECRET, stripe_delivery

_SENT = stripe_delivery(StripePayment(1).refund_created(), BEGAN)
SAMPLE = Sample(
    name="a refund",
    delivery=_SENT,
    secret=STRIPE_SECRET,
    now=BEGAN,
    signed=(_SENT.body,),
    signatures=(_SENT.headers["stripe-signature"].partition("v1=")[2],),
    timestamps=(str(BEGAN),),
    others_secret="whsec_of_another_endpoint",
)
