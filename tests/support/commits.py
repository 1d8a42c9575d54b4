"""Builds commits for tests of the store: small, balanced, and as a lane would make them."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
from msgspec.structs import replace

from app.domain.commands import FundsRelease
from app.domain.configuration import FeePlan, Platform
from app.domain.decision import Entry, Leg, Transaction
from app.domain.dispute import Dispute, DisputeStage, Posted, Report, Standing
from app.domain.effect import Effect
from app.domain.effects import EffectStatus, WebhookDelivery
from app.domain.matching import HeldLine, Item
from app.domain.merchant import Merchant
from app.domain.mismatch import Mismatch
from app.domain.parking import Parked
from app.domain.payment import Capture, Payment
from app.domain.payout import Payout
from app.domain.settlement import ExpectationAnnounced, LineRecorded
from app.domain.state import PLATFORM, Ref, account_ref
from app.domain.timers import Timer, epoch_ms
from app.store.api import Change, Commit, KeyRow, LaneId
from app.store.collections import COLLECTIONS
from tests.support.databases import OWN_COLLECTION


class Note(msgspec.Struct, frozen=True):
    """A document of the tests' own collection."""

    text: str


COLLECTIONS[OWN_COLLECTION] = Note

LANE = LaneId("payments.commands", 3)
OTHER_LANE = LaneId("payments.commands", 4)
MATCHING = LaneId("matching.commands", 3)
NOW = datetime(2026, 11, 20, 9, 0, 0, 123000, UTC)

MERCHANT = Ref("merchant", ("m-1",))
PAYMENT = Ref("payment", ("m-1", "pay-1"))
PAYOUT = Ref("payout", ("m-1", "po-1"))
CLAIM = Ref("claim", ("m-1", "stripe/pi_1"))
PARKED = Ref("parked", ("m-1", "payment/pay-9"))
TIMER = Ref("timer", ("m-1", "release", "pay-1/cap-1"))
ITEM = Ref("item", ("stripe", "pi_1", "capture"))
MISMATCH = Ref("mismatch", ("mm_1",))
DOCUMENT = Ref("document", (OWN_COLLECTION, "m-1", "n-1"))
EFFECT = Ref("effect", ("webhook:m-1/we_1", "pc.3.7.1"))
PENDING = account_ref("m_pend:m-1", "EUR")


def commit(first: int, records: int = 1, *, lane: LaneId = LANE, **fields: Any) -> Commit:
    """A batch of `records` applied records, each with its row in `record_keys`, and whatever is given."""
    fields.setdefault("counts", {"applied": records})
    fields.setdefault("keys", [key_row(offset) for offset in range(first, first + records)])
    return Commit(lane=lane, first=first, next=first + records, **fields)


def key_row(offset: int, record_id: str | None = None, key: str = "m-1") -> KeyRow:
    return KeyRow(offset, key, record_id or f"c-{offset}", b"hash-%d" % offset, "applied")


def change(value: Any, version: int, seen: int | None = None) -> Change:
    return Change(value, version, seen)


def capture_posting(
    transaction_id: str, *, amount: int = 100, fee: int = 5, merchant: str = "m-1"
) -> Transaction:
    """The first capture in its lane: balances are those of this posting alone."""
    entries = (
        Entry("psp_recv:stripe", "debit", amount, "EUR", amount),
        Entry(f"m_pend:{merchant}", "credit", amount - fee, "EUR", amount - fee),
        Entry("plat_fee", "credit", fee, "EUR", fee),
    )
    return Transaction(transaction_id, "capture", merchant, "pay-1", NOW, NOW, entries)


def balances(version: int, amounts: Mapping[str, int], seen: int | None = None) -> dict[Ref, Change]:
    return {account_ref(account, "EUR"): Change(value, version, seen) for account, value in amounts.items()}


def booked_capture(first: int = 0, *, lane: LaneId = LANE) -> Commit:
    """One capture with its posting and the three balances, as the lane's first record."""
    posting = capture_posting(f"pc.{lane.partition}.{first}.0")
    state = balances(first, {"psp_recv:stripe": 100, "m_pend:m-1": 95, "plat_fee": 5})
    return commit(first, lane=lane, transactions=[posting], state=state)


def merchant(name: str = "Acme") -> Merchant:
    return Merchant(
        merchant_id="m-1", name=name, settlement_currency="EUR", fee_plan=FeePlan(bps=290, fixed={"EUR": 30})
    )


def payment(refunded: bool = False) -> Payment:
    capture = Capture(
        amount=100,
        currency="EUR",
        psp="stripe",
        platform_fee=5,
        pending=95,
        psp_capture_id="pi_1",
        transaction_id="pc.3.0.0",
        occurred_at=NOW,
        platform_version=0,
        merchant_version=0,
    )
    flags = ("refund_exceeds_capture",) if refunded else ()
    return Payment(
        merchant_id="m-1",
        id="pay-1",
        currency="EUR",
        psp="stripe",
        principal="pay-1",
        captures={"pay-1": capture},
        flags=flags,
    )


def timer(due_at: datetime = NOW) -> Timer:
    due_at_ms = epoch_ms(due_at)
    record = FundsRelease(
        id=f"release/pay-1/cap-1/{due_at_ms}", merchant_id="m-1", payment_id="pay-1", capture_id="cap-1"
    )
    return Timer(due_at_ms, record)


def mismatch(status: str = "open", **fields: Any) -> Mismatch:
    values: dict[str, Any] = {
        "id": "mm_1",
        "leg": "A",
        "category": "AMOUNT_UNDER",
        "severity": "LOW",
        "status": status,
        "merchant_id": "m-1",
        "psp": "stripe",
        "payment_id": "pay-1",
        "currency": "EUR",
        "expected_amount": 100,
        "actual_amount": 80,
        "detected_at": NOW,
        "due_at": NOW + timedelta(hours=168),
        "owner_topic": "matching.commands",
        "owner_key": "stripe:pi_1",
        "explanation": {"rule": "A1", "differences": {"gross": [100, 80]}, "quote": 'ü"\\'},
    }
    return Mismatch(**{**values, **fields})


def item() -> Item:
    expectation = ExpectationAnnounced(
        id="e-1",
        psp="stripe",
        kind="capture",
        merchant_id="m-1",
        payment_id="pay-1",
        object_id="pay-1",
        identities=("pi_1", "o-1"),
        gross=100,
        currency="EUR",
        occurred_at=NOW,
    )
    line = LineRecorded(
        id="acq/L1",
        source="acq",
        psp="stripe",
        batch_id="B1",
        line_id="L1",
        kind="capture",
        psp_payment_id="pi_1",
        currency="EUR",
        gross=100,
        fee=3,
        settle_currency="EUR",
        net=97,
        booked_on=NOW.date(),
    )
    return Item(
        psp="stripe", identity="pi_1", kind="capture", expectation=expectation, lines=(HeldLine(record=line),)
    )


def platform() -> Platform:
    return Platform(
        version=0,
        default_plan=FeePlan(bps=290),
        default_release_delay_days=2,
        release_delay_seconds=None,
        psps={},
        sources={},
    )


def payout() -> Payout:
    return Payout(
        merchant_id="m-1",
        id="po-1",
        amount=90,
        currency="EUR",
        bank_account="main",
        transaction_id="pc.3.0.1",
    )


def effect(status: EffectStatus = "ready", **fields: Any) -> Effect:
    work = WebhookDelivery(
        merchant_id="m-1",
        endpoint_id="we_1",
        url="https://shop.example/hooks",
        event_id="pc.3.7.0",
        event_type="payment.captured",
        body='{"type":"payment.captured"}',
    )
    values: dict[str, Any] = {
        "target": "webhook:m-1/we_1",
        "id": "pc.3.7.1",
        "work": work,
        "object": "m-1/pay-1",
        "seq": 3,
        "offset": 5,
        "created_at": NOW,
        "deadline_at": NOW + timedelta(days=4),
    }
    return Effect(status=status, **{**values, **fields})


def one_of_each() -> dict[Ref, Any]:
    """A value for a row of every kind."""
    return {
        PLATFORM: platform(),
        MERCHANT: merchant(),
        PAYMENT: payment(),
        PAYOUT: payout(),
        PENDING: 95,
        CLAIM: "m-1/pay-1",
        PARKED: Parked(((7, '{"type":"refund.record"}'),)),
        TIMER: timer(),
        ITEM: item(),
        MISMATCH: mismatch(),
        EFFECT: effect(),
        DOCUMENT: Note("seen"),
    }


def disputed_payment(amount: int, stage: DisputeStage = "open") -> Payment:
    """With one dispute, of the merchant's held money while it is open."""
    standing = Standing("dp_1", amount, "EUR", 0, 0, stage, NOW, None if stage == "open" else NOW)
    report = Report("opened", "dp_1", "dp_1", amount, "EUR", 0, NOW)
    opening = Posted("pc.3.1.0", (Leg("disp_recv:stripe", "debit", amount, "EUR"),))
    dispute = Dispute(psp="stripe", standing=standing, reports=(report,), opening=opening)
    return replace(payment(), disputes={"dp_1": dispute})
