"""Facts depend on the body alone: not on what came before it, nor on when it came."""

from __future__ import annotations

from itertools import permutations
from typing import Any

import pytest

from app.domain.psp_facts import PspFact
from tests.psp.reports import facts_of
from tests.support.psp_payments import BEGAN, AdyenPayment, StripePayment, our_ids
from tests.support.webhooks import Delivery, adyen_delivery, stripe_delivery

OURS = our_ids("m-1", "pay-1")
STRIPE = [stripe_delivery(event, BEGAN + n) for n, event in enumerate(StripePayment(1, OURS).six())]
ADYEN = [adyen_delivery(item) for item in AdyenPayment(1, OURS).six()]


@pytest.mark.parametrize("six", [STRIPE, ADYEN], ids=["stripe", "adyen"])
def test_all_720_orders_of_six_webhooks_bring_the_same_facts(six: list[Delivery]) -> None:
    alone = {delivery.body: facts_of(delivery) for delivery in six}
    for order in permutations(six):
        for delivery in order:
            assert facts_of(delivery) == alone[delivery.body]


def kinds(six: list[Delivery]) -> list[str]:
    return [fact.kind for delivery in six for fact in facts_of(delivery)]


def test_what_the_six_say() -> None:
    assert kinds(STRIPE) == [
        "authorized", "captured", "captured", "refunded", "dispute_opened", "dispute_opened", "dispute_won",
    ]  # fmt: skip
    assert kinds(ADYEN) == [
        "authorized", "captured", "refunded", "dispute_opened", "dispute_won", "dispute_lost",
    ]  # fmt: skip


def identity(fact: PspFact) -> tuple[Any, ...]:
    return fact.kind, fact.psp, fact.psp_payment_id, fact.psp_object_id


@pytest.mark.parametrize("six", [STRIPE, ADYEN], ids=["stripe", "adyen"])
def test_two_events_about_one_fact_agree_on_it(six: list[Delivery]) -> None:
    """Amount, currency, fee and date; what only one of them can know (the method) may differ."""
    said: dict[tuple[Any, ...], set[tuple[Any, ...]]] = {}
    for delivery in six:
        for fact in facts_of(delivery):
            figures = (fact.amount, fact.currency, fact.fee, fact.occurred_at)
            said.setdefault(identity(fact), set()).add(figures)
    assert {len(each) for each in said.values()} == {1}
