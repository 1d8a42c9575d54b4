"""What a call to a PSP carries: one idempotency key per operation, and our ids."""

from __future__ import annotations

from typing import Any

from app.domain.psp_calls import PspCall, idempotency_key, metadata


def call(**fields: Any) -> PspCall:
    stated: dict[str, Any] = {
        "psp": "stripe",
        "operation": "refund",
        "merchant_id": "m-1",
        "payment_id": "pay-1",
        "object_id": "re-1",
        "amount": 500,
        "currency": "EUR",
    }
    return PspCall(**stated | fields)


def test_a_key_names_one_operation() -> None:
    """Ids of full length differ in their last letter, and a slash in one makes no other of it."""
    long = "x" * 199
    calls = [
        call(),
        call(operation="capture"),
        call(merchant_id="m-2"),
        call(payment_id="pay-2"),
        call(object_id="re-2"),
        call(payment_id="a/b", object_id="c"),
        call(payment_id="a", object_id="b/c"),
        call(merchant_id=long, payment_id=long, object_id=f"{long}1"),
        call(merchant_id=long, payment_id=long, object_id=f"{long}2"),
    ]
    keys = {idempotency_key(each) for each in calls}
    assert len(keys) == len(calls)
    assert {len(key) for key in keys} == {64}


def test_a_key_is_the_same_for_every_attempt() -> None:
    assert idempotency_key(call()) == idempotency_key(call(amount=501, description="again"))


def test_metadata_name_the_object_by_its_operation() -> None:
    ours = {"merchant_id": "m-1", "payment_id": "pay-1"}
    assert metadata(call()) == {**ours, "refund_id": "re-1"}
    assert metadata(call(operation="capture", object_id="c-1", order_ref="o-1")) == {
        **ours,
        "capture_id": "c-1",
        "order_ref": "o-1",
    }
    assert metadata(call(operation="session")) == ours
    assert metadata(call(operation="payout", payment_id=None, object_id="po-1")) == {
        "merchant_id": "m-1",
        "payout_id": "po-1",
    }
