"""Samples of what matching tells the banking lane, and of that lane's own timers; see `samples.py`."""

from __future__ import annotations

from typing import Any, Final

import msgspec

from app.domain import batch_records as r

BATCH: Final[dict[str, Any]] = {"source": "acquirer-a", "psp": "stripe", "batch_id": "B1"}
TOTALS: Final[dict[str, Any]] = {
    "count": 2,
    "gross": 11345,
    "fee": 398,
    "net": 10935,
    "settle_currency": "EUR",
}
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

BANKING_FULL: Final[tuple[msgspec.Struct, ...]] = (
    r.BatchLines(id="mc.1.9.0", account=ACCOUNT, **BATCH, sums=(SUMS,), refs=(REF,), withdrawn=(REFUND,)),
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
    r.BatchTell(id="bc.1.9.0", account=ACCOUNT, source="acquirer-a", batch_id="B1", page=3),
)
BANKING_MINIMAL: Final[tuple[msgspec.Struct, ...]] = (r.BatchLines(id="mc.1.9.0", account=ACCOUNT, **BATCH),)
