"""Request, answers and webhooks of one payment, in every order that causality allows, end the same.

An answer follows its request, a request follows what allows it, a webhook follows the call; nothing else is
given. Each may come twice.
"""

from __future__ import annotations

from collections.abc import Iterator
from random import Random
from typing import Any, NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.domain.effects import WebhookDelivery
from tests.support.asking import answer, asking_books, create, effects, psp_fact, request, webhook
from tests.support.domain import Books, record
from tests.support.facts import end_state
from tests.support.properties import QUICK


class Step(NamedTuple):
    """One record; `after`: the steps without which it cannot be."""

    name: str
    after: tuple[str, ...]
    record: Any


def story(*, refund_fails: bool = False, void: bool = False) -> tuple[Step, ...]:
    """Created by hand, authorised, captured in part, and refunded or not; or voided."""
    authorized = psp_fact("authorized", amount=1_000, hour=1)
    steps = [
        Step("create", (), create(capture_method="manual")),
        Step("authorize answered", ("create",), answer("authorize", "pay-1", facts=[authorized])),
        Step("authorize unknown", ("create",), answer("authorize", "pay-1", outcome="unknown")),
        Step("authorized", ("create",), webhook(authorized)),
    ]
    if void:
        voided = psp_fact("voided", amount=1_000, hour=2)
        steps += [
            Step("void", ("authorized",), request("payment.void", id="v")),
            Step("void answered", ("void",), answer("void", "pay-1", facts=[voided])),
            Step("voided", ("void",), webhook(voided)),
        ]
        return tuple(steps)
    taken = psp_fact("captured", amount=700, hour=2, psp_object_id="ch_1", object_id="cap-1")
    steps += [
        Step("capture", ("authorized",), request("payment.capture", id="c", capture_id="cap-1", amount=700)),
        Step("capture answered", ("capture",), answer("capture", "cap-1", facts=[taken])),
        Step("captured", ("capture",), webhook(taken)),
    ]
    kind, outcome = ("refund_failed", "declined") if refund_fails else ("refunded", "done")
    back = psp_fact(kind, amount=200, hour=3, psp_object_id="re_1", object_id="re-1")
    steps += [
        Step("refund", ("captured",), request("refund.create", id="r", refund_id="re-1", amount=200)),
        Step("refund answered", ("refund",), answer("refund", "re-1", outcome=outcome, facts=[back])),
    ]
    return tuple(steps)


STORIES = {
    "captured and refunded": story(),
    "refund declined": story(refund_fails=True),
    "voided": story(void=True),
}
ENDS = {
    "captured and refunded": ("captured", 700, 200),
    "refund declined": ("captured", 700, 0),
    "voided": ("voided", 0, 0),
}


def every_order(books: Books, steps: tuple[Step, ...], done: frozenset[str]) -> Iterator[Books]:
    ready = [step for step in steps if step.name not in done and done.issuperset(step.after)]
    if not ready:
        yield books
    for step in ready:
        yield from every_order(told(books.fork(), step), steps, done | {step.name})


def told(books: Books, step: Step) -> Books:
    outcome = books.send(step.record(books) if callable(step.record) else step.record)
    assert outcome.name in ("applied", "duplicate"), (step.name, str(outcome))
    return books


def at_rest(books: Books) -> Books:
    books.fire_timers()
    books.check_all()
    return books


@pytest.mark.parametrize("case", STORIES)
def test_every_order_that_causality_allows_ends_the_same(case: str) -> None:
    count, first = 0, None
    for books in every_order(asking_books(), STORIES[case], frozenset()):
        count += 1
        state = end_state(at_rest(books))
        first = first or state
        assert state == first
    assert count > 20
    payment = books.payment("pay-1")
    assert (payment.status, payment.captured_amount, payment.refunded_amount) == ENDS[case]
    assert books.open_categories() == []


@QUICK
@given(st.sampled_from(sorted(STORIES)), st.integers(0, 2**32))
def test_repeats_anywhere_change_nothing(case: str, seed: int) -> None:
    """Each record again, at any later moment, as Kafka, executor and PSP repeat them."""
    chance = Random(seed)
    plain, doubled = asking_books(), asking_books()
    done: list[Step] = []
    steps = list(STORIES[case])
    while len(done) < len(steps):
        names = {step.name for step in done}
        step = chance.choice([s for s in steps if s.name not in names and names.issuperset(s.after)])
        told(plain, step)
        told(doubled, step)
        done.append(step)
        again = chance.choice(done)
        repeat = again.record(doubled) if callable(again.record) else again.record
        assert doubled.send(repeat).name == "duplicate"
    assert end_state(at_rest(doubled)) == end_state(at_rest(plain))


def test_what_an_answer_brings_goes_once_to_each_endpoint() -> None:
    books = asking_books()
    endpoint = {"id": "e1", "merchant_id": "m-1", "endpoint_id": "we-1", "url": "https://shop.example/hook"}
    assert books.send(record(type="webhook_endpoint.create", **endpoint)).name == "applied"
    books.send(create())
    books.send(answer("authorize", "pay-1", facts=[psp_fact("captured", amount=1_000)])(books))
    sent = [effect.work.event_type for effect in effects(books) if isinstance(effect.work, WebhookDelivery)]
    assert sorted(sent) == ["payment.captured", "payment.created", "webhook_endpoint.created"]
