"""Each event of a merchant goes to its endpoints by the decision that made it: once each, as it was then."""

from __future__ import annotations

import msgspec
import pytest

from app.contracts.codec import encode
from app.domain.webhook_fanout import LARGEST_BODY_BYTES, matches
from tests.support.domain import Books, record
from tests.support.endpoints import create_endpoint, delivered_types, deliveries, endpoint_record
from tests.support.facts import MERCHANT, capture_fact, refund_fact, status_fact


def test_a_merchant_without_endpoints_has_no_deliveries() -> None:
    books = Books()
    books.send(capture_fact("pay-1", "pay-1", 1_000, command_id="a"))
    assert books.events("payment.captured")
    assert deliveries(books) == []


def test_every_event_goes_to_every_endpoint_that_wants_it() -> None:
    books = Books()
    create_endpoint(books, "we_all")
    create_endpoint(books, "we_refunds", events=["refund.*"])
    create_endpoint(books, "we_one", events=["payment.captured"])
    books.send(capture_fact("pay-1", "pay-1", 1_000, command_id="a"))
    books.send(refund_fact("pay-1", "r-1", 10, command_id="b"))
    assert delivered_types(books, "we_refunds") == ["refund.recorded"]
    assert delivered_types(books, "we_one") == ["payment.captured"]
    everything = [event.__struct_config__.tag for event in books.events()]
    assert delivered_types(books, "we_all") == everything


def test_what_is_sent_is_the_event_itself_with_its_number_and_subject() -> None:
    books = Books()
    create_endpoint(books, events=["payment.captured"])
    books.send(capture_fact("pay-1", "pay-1", 1_000, command_id="a"))
    event = books.events("payment.captured")[0]
    (effect,) = deliveries(books)
    assert effect.work.body.encode() == encode(event)  # type: ignore[union-attr]
    assert (effect.target, effect.object, effect.seq) == (
        f"webhook:{MERCHANT}/we_1",
        "payment/pay-1",
        event.seq,
    )
    assert effect.id == f"{event.id}/we_1"
    assert effect.work.event_id == event.id  # type: ignore[union-attr]


def test_a_body_stays_what_it_was_when_the_event_happened() -> None:
    books = Books()
    create_endpoint(books, events=["payment.captured"])
    books.send(capture_fact("pay-1", "pay-1", 1_000, command_id="a"))
    body = deliveries(books)[0].work.body  # type: ignore[union-attr]
    books.send(refund_fact("pay-1", "r-1", 1_000, command_id="b"))
    assert msgspec.json.decode(body)["status"] == "captured"
    assert len(deliveries(books)) == 1


def test_a_refused_request_is_told_as_a_subject_of_its_own() -> None:
    books = Books()
    create_endpoint(books, events=["request.refused"])
    payout = {"type": "payout.create", "id": "c9", "merchant_id": MERCHANT, "payout_id": "po-1"}
    outcome = books.send(record(**payout, amount=5, currency="EUR"))
    assert outcome.name == "refused"
    (effect,) = deliveries(books)
    assert (effect.object, effect.seq) == ("request/c9", 1)


def test_what_waited_is_told_once() -> None:
    books = Books()
    create_endpoint(books)
    books.send(refund_fact("pay-1", "r-1", 10, command_id="b"))
    books.send(capture_fact("pay-1", "pay-1", 1_000, command_id="a"))
    sent = [effect.work.event_id for effect in deliveries(books)]  # type: ignore[union-attr]
    assert "refund.recorded" in delivered_types(books)
    assert len(sent) == len(set(sent))
    assert sent == [event.id for event in books.events()]


def test_numbers_of_a_payment_reach_an_endpoint_without_a_gap() -> None:
    books = Books()
    create_endpoint(books)
    books.send(status_fact("authorized", "pay-1", 1_000, command_id="a"))
    books.send(capture_fact("pay-1", "pay-1", 1_000, command_id="b"))
    books.send(refund_fact("pay-1", "r-1", 10, command_id="c"))
    seqs = [effect.seq for effect in deliveries(books) if effect.object == "payment/pay-1"]
    assert seqs == list(range(1, len(seqs) + 1))
    assert len(seqs) >= 3


def test_a_disabled_endpoint_is_sent_nothing() -> None:
    books = Books()
    create_endpoint(books, events=["payment.*"])
    books.send(endpoint_record("disable"))
    books.send(capture_fact("pay-1", "pay-1", 1_000, command_id="a"))
    assert deliveries(books) == []


@pytest.mark.parametrize("piece", ["x", '"\\\n', "\x00", "é"], ids=["plain", "escaped", "control", "wide"])
def test_an_event_too_large_to_send_is_sent_shortened(piece: str) -> None:
    reason = piece * (900_000 // len(msgspec.json.encode(piece)))
    books = Books()
    create_endpoint(books, events=["payment.failed"])
    books.send(status_fact("failed", "pay-1", 1_000, command_id="a", reason=reason))
    (effect,) = deliveries(books)
    body = msgspec.json.decode(effect.work.body)  # type: ignore[union-attr]
    assert len(encode(effect)) < 2 * LARGEST_BODY_BYTES + 4_096
    assert body["shortened"] == ["reason"]
    assert reason.startswith(body["reason"])
    assert body["payment_id"] == "pay-1"


@pytest.mark.parametrize(
    ("pattern", "kind", "expected"),
    [
        ("*", "payment.captured", True),
        ("payment.*", "payment.captured", True),
        ("payment.*", "payments.captured", False),
        ("payment.*", "payment", False),
        ("payment.captured", "payment.captured", True),
        ("payment.captured", "payment.captured_twice", False),
        ("payment*", "payment.captured", False),
    ],
)
def test_patterns(pattern: str, kind: str, expected: bool) -> None:
    assert matches(pattern, kind) is expected
