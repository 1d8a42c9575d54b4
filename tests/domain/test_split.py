"""Several sellers: what lanes tell each other may arrive late and in any order between them; it ends at zero.

Records of one lane to another stay in their order, as on a Kafka partition; nothing else is given.
"""

from __future__ import annotations

from collections import defaultdict, deque
from random import Random
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from app.domain.split import Parent, derived_id, transit
from app.domain.streams import PAYMENTS_COMMANDS
from tests.support.asking import answer, asking_books, psp_fact
from tests.support.domain import Books, record
from tests.support.properties import QUICK

MALL = Parent("mall", "pay-1")
SELLERS = ("m-A", "m-B", "m-C")


def order_of(number: int) -> str:
    return derived_id(MALL, str(number))


def seller_refund(number: int, refund_id: str, amount: int) -> Any:
    return record(
        type="refund.create",
        id=f"ask-{refund_id}",
        merchant_id=SELLERS[number],
        payment_id=order_of(number),
        refund_id=refund_id,
        amount=amount,
        currency="EUR",
    )


def mall_refund(refund_id: str, amount: int) -> Any:
    return record(
        type="refund.create",
        id=f"ask-{refund_id}",
        merchant_id="mall",
        payment_id="pay-1",
        refund_id=refund_id,
        amount=amount,
        currency="EUR",
    )


def mall_books(weights: tuple[int, ...]) -> Books:
    """A mall's payment, captured in full; nothing of it has reached the sellers yet."""
    books = asking_books()
    for merchant_id in ("mall", *SELLERS):
        configure = {"merchant_id": merchant_id, "settlement_currency": "EUR", "fee_plan": {"bps": 500}}
        books.send(record(type="merchant.configure", id=f"c-{merchant_id}", **configure))
    items = [{"merchant_id": seller, "amount": one} for seller, one in zip(SELLERS, weights, strict=False)]
    create = {"merchant_id": "mall", "payment_id": "pay-1", "amount": sum(weights), "currency": "EUR"}
    books.send(record(type="payment.create", id="create", payment_method="tok_1", line_items=items, **create))
    books.send(answer("authorize", "pay-1", facts=[psp_fact("captured", amount=sum(weights))])(books))
    return books


def the_mall(books: Books) -> Any:
    return dict(books.of_kind("payment"))[("payment", ("mall", "pay-1"))]  # type: ignore[index]


def clearing(books: Books) -> int:
    return books.balance(transit(MALL), "EUR")


def test_a_sellers_refund_goes_through_the_parent_to_the_psp_and_its_failure_comes_back() -> None:
    books = mall_books((6_000, 4_000))
    books.deliver()
    assert books.send(seller_refund(0, "re-1", 1_000)).name == "applied"
    assert clearing(books) == 1_000
    books.deliver()
    assert clearing(books) == 0
    ((key, refund),) = the_mall(books).refunds.items()
    assert (refund.amount, refund.confirmed, refund.shares) == (1_000, False, ((order_of(0), 1_000),))
    books.send(answer("refund", key, outcome="declined")(books))
    books.deliver()
    books.check_all()
    assert clearing(books) == 0
    assert books.balance("m_pend:m-A", "EUR") == 5_700
    assert books.send(seller_refund(0, "re-2", 6_001)).detail == "refund_exceeds_captured"


def test_a_sellers_refund_is_confirmed_when_the_psp_has_made_it() -> None:
    books = mall_books((6_000, 4_000))
    books.deliver()
    books.send(seller_refund(1, "re-1", 500))
    books.deliver()
    (key,) = the_mall(books).refunds
    back = psp_fact("refunded", amount=500, psp_object_id="re_1", object_id=key)
    books.send(answer("refund", key, facts=[back])(books))
    books.deliver()
    order = dict(books.of_kind("payment"))[("payment", ("m-B", order_of(1)))]  # type: ignore[index]
    assert order.refunds["re-1"].confirmed
    assert the_mall(books).refunds[key].psp_refund_id == "re_1"


def test_one_seller_may_have_several_items() -> None:
    books = asking_books()
    items = [{"merchant_id": "m-A", "amount": 60}, {"merchant_id": "m-A", "amount": 40}]
    create = {"merchant_id": "mall", "payment_id": "pay-1", "amount": 100, "currency": "EUR"}
    books.send(record(type="merchant.configure", id="m", merchant_id="mall", settlement_currency="EUR"))
    books.send(record(type="payment.create", id="create", payment_method="tok_1", line_items=items, **create))
    books.send(answer("authorize", "pay-1", facts=[psp_fact("captured", amount=100)])(books))
    books.deliver()
    assert clearing(books) == 0
    assert sorted(part.posted for part in the_mall(books).parts) == [40, 60]


class Wires:
    """What lanes send each other, kept back per receiver, in order."""

    def __init__(self, books: Books) -> None:
        self.books = books
        self.waiting: dict[str, deque[Any]] = defaultdict(deque)
        self.collect()

    def collect(self) -> None:
        sends = self.books.sends
        while self.books.delivered < len(sends):
            send = sends[self.books.delivered]
            self.books.delivered += 1
            if send.topic == PAYMENTS_COMMANDS:
                self.waiting[send.key].append(send.record)

    @property
    def busy(self) -> list[str]:
        return sorted(key for key, waiting in self.waiting.items() if waiting)

    def deliver_one(self, chance: Random) -> None:
        arrived = self.waiting[chance.choice(self.busy)].popleft()
        assert self.books.send(arrived).name in ("applied", "duplicate", "parked")
        if chance.random() < 0.2:
            assert self.books.send(arrived).name == "duplicate"
        self.collect()


@QUICK
@given(
    st.lists(st.integers(1, 500), min_size=1, max_size=3),
    st.lists(st.tuples(st.integers(-1, 2), st.integers(1, 400)), max_size=6),
    st.integers(0, 2**32),
)
def test_any_order_between_lanes_ends_at_zero(
    weights: list[int], refunds: list[tuple[int, int]], seed: int
) -> None:
    """Refunds of the whole (-1) and of sellers' orders, answered or not, while shares are on their way."""
    chance = Random(seed)
    books = mall_books(tuple(weights))
    wires = Wires(books)
    asked: list[Any] = [
        mall_refund(f"re-{n}", amount) if who < 0 else seller_refund(who, f"re-{n}", amount)
        for n, (who, amount) in enumerate(refunds)
        if who < len(weights)
    ]
    while asked or wires.busy:
        if asked and (not wires.busy or chance.random() < 0.4):
            books.send(asked.pop())
            wires.collect()
        else:
            wires.deliver_one(chance)
        _answer_some(books, wires, chance)
    books.check_all()
    mall = the_mall(books)
    assert clearing(books) == 0
    assert sum(part.posted for part in mall.parts) == mall.captured_amount - mall.refunded_amount
    books.fire_timers()
    assert "SPLIT_MISMATCH" not in books.open_categories()


def _answer_some(books: Books, wires: Wires, chance: Random) -> None:
    waiting = [
        key for key, refund in the_mall(books).refunds.items() if not (refund.confirmed or refund.failed)
    ]
    if waiting and chance.random() < 0.3:
        outcome = chance.choice(("declined", "unknown", "done"))
        key = chance.choice(waiting)
        amount = the_mall(books).refunds[key].amount
        back = psp_fact("refunded", amount=amount, psp_object_id=f"psp-{key}", object_id=key)
        books.send(answer("refund", key, outcome=outcome, facts=[back] if outcome == "done" else [])(books))
        wires.collect()
