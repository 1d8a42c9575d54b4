"""Sets of facts about a merchant's payments, as strategies; and the end state that any order must reach."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import msgspec
from hypothesis import strategies as st

from tests.support.domain import START, Books, record

MERCHANT = "m-1"
PAYMENTS = ("pay-1", "pay-2", "pay-3")
AMOUNTS = st.sampled_from((50, 100, 100, 250, 1_000))
CURRENCIES = st.sampled_from(("EUR", "EUR", "EUR", "USD"))
DISTINCT_IDS = 8


def configuration(negative_limit: int = 0) -> list[Any]:
    """Fees on both sides, so that amounts do not cancel out by chance."""
    plan = {"bps": 290, "fixed": {"EUR": 3}}
    psps = {"stripe": {"fee_plan": {"bps": 120}, "fee_payer": "merchant"}}
    return [
        record(type="platform.configure", id="p0", psps=psps),
        record(
            type="merchant.configure",
            id="c0",
            merchant_id=MERCHANT,
            settlement_currency="EUR",
            fee_plan=plan,
            negative_limit=negative_limit,
        ),
    ]


def capture_fact(
    payment_id: str, capture_id: str, amount: int, *, psps: bool = True, command_id: str, **more: Any
) -> Any:
    """A capture, reported by the PSP (with its object id) or only by us."""
    psp_id = {"psp_capture_id": f"ch-{payment_id}-{capture_id}"} if psps else {}
    fields: dict[str, Any] = {
        "occurred_at": START.isoformat(),
        "currency": "EUR",
        "order_ref": f"o-{payment_id}",
        **psp_id,
        **more,
    }
    return record(
        type="payment.record",
        id=command_id,
        merchant_id=MERCHANT,
        payment_id=payment_id,
        capture_id=capture_id,
        amount=amount,
        psp="stripe",
        **fields,
    )


def refund_fact(
    payment_id: str, refund_id: str, amount: int, *, psps: bool = True, command_id: str, **more: Any
) -> Any:
    psp_id = {"psp_refund_id": f"re-{payment_id}-{refund_id}"} if psps else {}
    fields: dict[str, Any] = {"occurred_at": START.isoformat(), "currency": "EUR", **psp_id, **more}
    return record(
        type="refund.record",
        id=command_id,
        merchant_id=MERCHANT,
        payment_id=payment_id,
        refund_id=refund_id,
        amount=amount,
        **fields,
    )


@st.composite
def fact_sets(draw: st.DrawFn) -> list[Any]:
    """Captures and refunds of up to three payments: ours and the PSP's records of them, agreeing or not,

    repeats under other command ids, several currencies, payments that look alike, orphans.
    """
    facts: list[Any] = []
    for payment_id in draw(st.lists(st.sampled_from(PAYMENTS), unique=True, min_size=1, max_size=3)):
        own_ids = (payment_id, f"c-2-{payment_id}", f"c-3-{payment_id}")
        captures = draw(st.lists(st.sampled_from(own_ids), unique=True, max_size=3))
        for capture_id in captures:
            facts += _records(draw, capture_fact, payment_id, capture_id, len(facts))
        for refund_id in draw(st.lists(st.sampled_from(("r-1", "r-2")), unique=True, max_size=2)):
            facts += _records(draw, refund_fact, payment_id, f"{refund_id}-{payment_id}", len(facts))
    return facts


def _records(draw: st.DrawFn, make: Any, payment_id: str, object_id: str, start: int) -> list[Any]:
    """Records of one fact: ours, the PSP's, or both, each up to twice under different command ids."""
    records: list[Any] = []
    for psps in draw(st.sampled_from(((True,), (False,), (True, False)))):
        amount, currency = draw(AMOUNTS), draw(CURRENCIES)
        hours = draw(st.integers(0, 20)) + (0 if psps else 3)
        for repeat in range(draw(st.sampled_from((1, 1, 2)))):
            command_id = f"c{start}-{len(records)}"
            occurred_at = (START + timedelta(hours=hours)).isoformat()
            more: dict[str, Any] = {"currency": currency, "occurred_at": occurred_at}
            if make is capture_fact and not repeat and draw(st.booleans()):
                more |= {"payer": {"tax_id": "DE1"}, "invoice_id": "INV-1"}
            if make is capture_fact:
                more["invoice_id"] = "INV-1"
            records.append(make(payment_id, object_id, amount, psps=psps, command_id=command_id, **more))
    return records


def end_state(books: Books) -> dict[str, Any]:
    """What must not depend on the order of arrival; ids of records and numbers of events do."""
    return {
        "balances": books.balances(),
        "payments": {ref.key: _payment(value) for ref, value in books.of_kind("payment")},
        "payouts": {ref.key: _payout(value) for ref, value in books.of_kind("payout")},
        "negative": {ref.key: value.negative for ref, value in books.of_kind("merchant")},
        "claims": {ref.key: value for ref, value in books.of_kind("claim") if _is_shared(ref.key[1])},
        "open": {m.id: _mismatch(m) for m in books.open_mismatches()},
        "parked": {ref.key: sorted(text for _, text in row.records) for ref, row in books.of_kind("parked")},
        "expected": {key: (e.gross, e.currency) for key, e in books.expectations().items()},
    }


def _is_shared(claim: str) -> bool:
    """Of a PSP's object or a look. Our own ids are claimed only by records that needed to, repeats do not."""
    return "@" in claim or claim.startswith("semantic/")


def _payment(payment: Any) -> Any:
    plain = msgspec.to_builtins(payment)
    plain.pop("seq")
    for fact in (*plain.get("captures", {}).values(), *plain.get("refunds", {}).values()):
        fact.pop("transaction_id")
        fact.pop("taken", None)  # which money it came from; its sum over accounts is compared
    return {**plain, "status": payment.status, "refunded": payment.refunded_amount}


def _payout(payout: Any) -> Any:
    plain = msgspec.to_builtins(payout)
    return {key: value for key, value in plain.items() if not key.endswith("transaction_id") and key != "seq"}


def _mismatch(mismatch: Any) -> Any:
    return (
        mismatch.category,
        mismatch.severity,
        mismatch.payment_id,
        mismatch.currency,
        mismatch.expected_amount,
        mismatch.actual_amount,
    )
