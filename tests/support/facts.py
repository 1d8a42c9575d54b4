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


def status_fact(name: str, payment_id: str, amount: int, *, psps: bool = True, **fields: Any) -> Any:
    """`payment.authorized` and its like: a fact short of a capture."""
    psp_id = {"psp_payment_id": f"pi-{payment_id}"} if psps else {}
    more = {"occurred_at": START.isoformat(), "currency": "EUR", **psp_id, **fields}
    return record(
        type=f"payment.{name}",
        merchant_id=MERCHANT,
        payment_id=payment_id,
        amount=amount,
        psp="stripe",
        id=more.pop("command_id"),
        **more,
    )


def dispute_fact(
    name: str, payment_id: str, dispute_id: str, amount: int, *, psps: bool = True, **fields: Any
) -> Any:
    """`dispute.opened`, `dispute.won` or `dispute.lost`."""
    psp_id = {"psp_dispute_id": f"dp-{payment_id}-{dispute_id}"} if psps else {}
    more = {"occurred_at": START.isoformat(), "currency": "EUR", **psp_id, **fields}
    return record(
        type=f"dispute.{name}",
        merchant_id=MERCHANT,
        payment_id=payment_id,
        dispute_id=dispute_id,
        amount=amount,
        id=more.pop("command_id"),
        **more,
    )


def refund_failed_fact(
    payment_id: str, refund_id: str, amount: int, *, psps: bool = True, **fields: Any
) -> Any:
    psp_id = {"psp_refund_id": f"re-{payment_id}-{refund_id}"} if psps else {}
    more = {"occurred_at": START.isoformat(), "currency": "EUR", **psp_id, **fields}
    return record(
        type="refund.failed",
        merchant_id=MERCHANT,
        payment_id=payment_id,
        refund_id=refund_id,
        amount=amount,
        id=more.pop("command_id"),
        **more,
    )


SIDES: st.SearchStrategy[tuple[bool, ...]] = st.sampled_from(((), (), (True,), (False,), (True, False)))
"""Who tells of it: the PSP (True), we, both, or nobody."""
STATUS_FACTS = ("authorized", "action_required", "failed", "voided", "expired")


@st.composite
def fact_sets(draw: st.DrawFn) -> list[Any]:
    """Facts of up to three payments: captures and refunds, ours and the PSP's records, agreeing or not;

    what happened before a capture, refunds that failed, disputes; repeats under other command ids, several
    currencies, payments that look alike, orphans.
    """
    facts: list[Any] = []
    for payment_id in draw(st.lists(st.sampled_from(PAYMENTS), unique=True, min_size=1, max_size=3)):
        own_ids = (payment_id, f"c-2-{payment_id}", f"c-3-{payment_id}")
        captures = draw(st.lists(st.sampled_from(own_ids), unique=True, max_size=3))
        for capture_id in captures:
            facts += _records(draw, capture_fact, payment_id, capture_id, len(facts))
        for refund_id in draw(st.lists(st.sampled_from(("r-1", "r-2")), unique=True, max_size=2)):
            facts += _refund(draw, payment_id, f"{refund_id}-{payment_id}", len(facts))
        facts += _status_facts(draw, payment_id, len(facts))
        facts += _disputes(draw, payment_id, len(facts))
    return facts


def _refund(draw: st.DrawFn, payment_id: str, refund_id: str, start: int) -> list[Any]:
    """A refund's records, its failure beside or instead of them."""
    failures = [
        refund_failed_fact(payment_id, refund_id, draw(AMOUNTS), psps=psps, command_id=f"rf{start}-{psps}")
        for psps in draw(SIDES)
    ]
    without_record = draw(st.booleans())
    if failures and without_record:
        return failures
    return [*_records(draw, refund_fact, payment_id, refund_id, start), *failures]


def _status_facts(draw: st.DrawFn, payment_id: str, start: int) -> list[Any]:
    facts: list[Any] = []
    for name in draw(st.lists(st.sampled_from(STATUS_FACTS), max_size=4)):
        psps = draw(st.booleans())
        facts.append(
            status_fact(
                name,
                payment_id,
                draw(AMOUNTS) if psps else 100,
                psps=psps,
                command_id=f"s{start}-{len(facts)}",
                order_ref=draw(st.sampled_from((None, f"o-{payment_id}", "o-other"))),
                occurred_at=at_hour(draw(st.integers(0, 20))),
            )
        )
    return facts


def _disputes(draw: st.DrawFn, payment_id: str, start: int) -> list[Any]:
    """Up to three reports' worth: the PSP's, upstream's own and a settlement line's, of one or of several."""
    facts: list[Any] = []
    names = (("d-1", True), ("d-2", True), ("d-1", False), ("d-9", False), ("line:acq/L1", False))
    for dispute_id, psps in draw(st.lists(st.sampled_from(names), unique=True, max_size=3)):
        amount = draw(AMOUNTS)
        for name in draw(st.lists(st.sampled_from(("opened", "won", "lost")), max_size=4)):
            fields: dict[str, Any] = {"occurred_at": at_hour(draw(st.integers(0, 20)))}
            if name == "opened":
                fields["fee"] = draw(st.sampled_from((0, 15)))
            if name == "won":
                fields["fee_returned"] = draw(st.sampled_from((0, 10)))
            command_id = f"d{start}-{len(facts)}"
            own = f"{dispute_id}-{payment_id}"
            facts.append(
                dispute_fact(name, payment_id, own, amount, psps=psps, command_id=command_id, **fields)
            )
    return facts


def at_hour(hours: int) -> str:
    return (START + timedelta(hours=hours)).isoformat()


def _records(draw: st.DrawFn, make: Any, payment_id: str, object_id: str, start: int) -> list[Any]:
    """Records of one fact: ours, the PSP's, or both, each up to twice under different command ids."""
    records: list[Any] = []
    for psps in draw(st.sampled_from(((True,), (False,), (True, False)))):
        amount, currency = draw(AMOUNTS), draw(CURRENCIES)
        for repeat in range(draw(st.sampled_from((1, 1, 2)))):
            hours = draw(st.integers(0, 20)) + (0 if psps else 3)
            command_id = f"c{start}-{len(records)}"
            more: dict[str, Any] = {"currency": currency, "occurred_at": at_hour(hours)}
            if make is capture_fact and not repeat and draw(st.booleans()):
                more |= {"payer": {"tax_id": "DE1"}, "invoice_id": "INV-1"}
            if make is capture_fact:
                more["invoice_id"] = draw(st.sampled_from((None, "INV-1", "INV-1", "INV-2")))
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
        "expected": {
            key: msgspec.structs.replace(announced, id="") for key, announced in books.expectations().items()
        },
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
    for asked in plain.get("asked", {}).values():
        asked.pop("effect_id")
    for dispute in plain.get("disputes", {}).values():
        for name in ("taken", "opening", "fee", "outcome"):
            dispute.pop(name, None)
    return {
        **plain,
        "status": payment.status,
        "amount": payment.amount,
        "refunded": payment.refunded_amount,
        "disputed": (payment.dispute_status, payment.disputed_amount),
    }


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
