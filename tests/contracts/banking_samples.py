"""Samples of what matching tells the banking lane, and of that lane's own timers; see `samples.py`."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any, Final

import msgspec

from app.domain import batch_records as r
from app.domain import matching_records as m
from app.domain import payout_records as p

BATCH: Final[dict[str, Any]] = {"source": "acquirer-a", "psp": "stripe", "batch_id": "B1"}
TOTALS: Final[dict[str, Any]] = {
    "count": 2,
    "gross": 11345,
    "fee": 398,
    "net": 10935,
    "settle_currency": "EUR",
}
AT: Final = datetime(2026, 11, 20, 9, 0, tzinfo=UTC)
PAYOUT: Final[dict[str, Any]] = {"merchant_id": "m-1", "payout_id": "po-1"}
ACCOUNT: Final = "DE89370400440532013000"
SUMS: Final = r.BatchSums(
    currency="EUR",
    count=2,
    gross=11345,
    fee=398,
    tax=12,
    reserve=5,
    net=10930,
    converted=1,
    by_kind={"capture": 12345, "refund": -1000},
    days={"2026-11-21": 2},
)
REF: Final = r.BatchRef("acquirer-a/L1", "m-1", "pay-1", "cap-1", "capture", 12345, "EUR", 11957, "EUR")
REFUND: Final = r.BatchRef("acquirer-a/L2", "m-1", "pay-1", "re-1", "refund", -1000, "EUR", -1010, "EUR")

SETTLED: Final[dict[str, Any]] = {
    "id": "bc.1.9.0",
    "merchant_id": "m-1",
    "payment_id": "pay-1",
    "object_id": "cap-1",
    "kind": "capture",
    "source": "acquirer-a",
    "batch_id": "B1",
    "line": "acquirer-a/L1",
    "gross": 12345,
    "currency": "EUR",
    "net": 11957,
    "settle_currency": "EUR",
    "settled": True,
    "occurred_at": datetime(2026, 11, 22, 9, 0, tzinfo=UTC),
}

BANKING_FULL: Final[tuple[msgspec.Struct, ...]] = (
    r.BatchLines(id="mc.1.9.0", account=ACCOUNT, **BATCH, sums=(SUMS,), refs=(REF,), withdrawn=(REFUND,)),
    m.LineHomed(
        id="mc.1.9.1",
        psp="stripe",
        line="acquirer-a/L1",
        home="pi_1",
        kind="capture",
        arrived_ms=1_795_165_200_000,
    ),
    m.LineMoved(id="mc.1.9.2", psp="stripe", identity="pi_1", kind="capture", line="acquirer-a/L1"),
    r.TrailerRecorded(id="acquirer-a/B1/EUR", **BATCH, **TOTALS),
    r.BatchTrailer(id="acquirer-a/B1/EUR", account=ACCOUNT, **BATCH, **TOTALS),
    r.BatchDue(
        id="quiet/acquirer-a/B1/1795165200000",
        account=ACCOUNT,
        source="acquirer-a",
        batch_id="B1",
        window="quiet",
    ),
    r.BankLineDue(id="bank_line/L7/1795165200000", account=ACCOUNT, line_id="L7"),
    r.BankSweepDue(id="sweep/EUR/46241/1795165200000", account=ACCOUNT, currency="EUR", span=46241),
    r.PaymentSettled(**SETTLED, bank=(r.BankEvidence(ACCOUNT, "L7", date(2026, 11, 22)),)),
    r.BatchTell(id="bc.1.9.0", account=ACCOUNT, source="acquirer-a", batch_id="B1", page=3),
    p.PayoutAnnounced(
        id="pc.1.9.0",
        **PAYOUT,
        account=ACCOUNT,
        seq=3,
        amount=9000,
        currency="EUR",
        started_at=AT,
        psp_payout_id="tr_1",
        bank_fee=25,
        facts=("paid", "returned"),
        paid_at=AT,
        returned_at=AT,
    ),
    p.PayoutLineDue(id="payout_line/m-1/po-1/1795165200000", **PAYOUT, account=ACCOUNT),
    p.PayoutBanked(
        id="bc.1.9.0",
        **PAYOUT,
        confirmed=True,
        lines=(r.BankEvidence(ACCOUNT, "L7", date(2026, 11, 22)),),
        difference=-25,
        occurred_at=AT,
    ),
)
BANKING_MINIMAL: Final[tuple[msgspec.Struct, ...]] = (
    r.BatchLines(id="mc.1.9.0", account=ACCOUNT, **BATCH),
    r.PaymentSettled(**{**SETTLED, "settled": False}),
    p.PayoutAnnounced(
        id="pc.1.9.0", **PAYOUT, account=ACCOUNT, seq=1, amount=9000, currency="EUR", started_at=AT
    ),
    p.PayoutBanked(id="bc.1.9.0", **PAYOUT, confirmed=False, occurred_at=AT),
)
