"""Samples of what the matching lane's homes and places tell each other; see `samples.py`."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any, Final

import msgspec

from app.domain import matching_records as m
from app.domain import settlement as s
from app.domain.psp_facts import PspFact

AT: Final = datetime(2026, 11, 20, 9, 0, tzinfo=UTC)
PLACE: Final[dict[str, Any]] = {"id": "mc.1.5.0", "psp": "stripe", "identity": "o-1", "kind": "capture"}
CANDIDATE: Final = m.Candidate("m-1", "cap-1", "pay-1", "pi_1")
LINE: Final = s.LineRecorded(
    id="acquirer-a/L1",
    source="acquirer-a",
    psp="stripe",
    batch_id="B1",
    line_id="L1",
    kind="capture",
    merchant_ref="o-1",
    currency="EUR",
    gross=12345,
    settle_currency="EUR",
    net=12345,
    booked_on=date(2026, 11, 21),
)
ENTRY: Final = m.OpenEntry(
    side="line",
    subject="acquirer-a/L1",
    psp="stripe",
    home="o-1",
    kind="capture",
    currency="EUR",
    gross=12345,
    day=date(2026, 11, 21),
    has_ref=True,
    among=("m-1/cap-1", "m-1/cap-2"),
)
EXPECTED: Final = m.OpenEntry(
    side="expectation",
    subject="m-1/cap-1",
    psp="stripe",
    home="pi_1",
    kind="capture",
    currency="EUR",
    gross=12345,
    day=date(2026, 11, 20),
    until=date(2026, 11, 25),
    candidate=CANDIDATE,
    has_id=True,
)
VERDICT: Final = m.Verdict(
    rule="A3",
    candidates=(CANDIDATE,),
    lines=("acquirer-a/L1",),
    rejected=(m.Rejected("m-1/cap-9", 12340, date(2026, 11, 20), ("gross 12345 is not 12340",)),),
)
FACT: Final = PspFact(
    kind="dispute_opened",
    psp="stripe",
    psp_payment_id="pi_1",
    psp_object_id="dp_1",
    amount=12345,
    currency="EUR",
    occurred_at=AT,
    fee=1500,
    reason="fraudulent",
    method="card",
    merchant_id="m-1",
    payment_id="pay-1",
    object_id="dispute-1",
    order_ref="o-1",
    invoice_id="INV-1",
)

MATCHING_FULL: Final[tuple[msgspec.Struct, ...]] = (
    s.IdentityClaimed(id="pc.0.7.4", psp="stripe", identity="pi_1", merchant_id="m-1", payment_id="pay-1"),
    s.FactUnaddressed(id="stripe/evt_1", psp="stripe", identity="pi_1", fact=FACT),
    m.ExpectationPointed(**PLACE, candidate=CANDIDATE),
    m.ExpectationUnpointed(**PLACE, candidate=CANDIDATE),
    m.LinePointed(**PLACE, line="acquirer-a/L1", home="pi_1", again=True),
    m.LineUnpointed(**PLACE, line="acquirer-a/L1"),
    m.LineMet(**PLACE, line="acquirer-a/L1", candidates=(CANDIDATE,), place="o-1"),
    m.LineAssigned(**PLACE, line=LINE, home="o-1", rule="A2"),
    m.LineUnassigned(**PLACE, line="acquirer-a/L1"),
    m.OpenEntered(id="mc.1.6.0", entry=ENTRY),
    m.OpenLeft(id="mc.1.6.1", entry=EXPECTED),
    m.MatchDecided(**PLACE, side="line", subject="acquirer-a/L1", verdict=VERDICT, currency="EUR"),
)
MATCHING_MINIMAL: Final[tuple[msgspec.Struct, ...]] = (
    m.LineMet(**PLACE, line="acquirer-a/L1", candidates=(CANDIDATE,)),
    m.LinePointed(**PLACE, line="acquirer-a/L1", home="pi_1"),
    m.LineAssigned(**PLACE, line=LINE, home="o-1"),
    m.OpenEntered(
        id="mc.1.6.0",
        entry=m.OpenEntry(
            side="line",
            subject="acquirer-a/L1",
            psp="stripe",
            home="o-1",
            kind="capture",
            currency="EUR",
            gross=12345,
            day=date(2026, 11, 21),
        ),
    ),
    m.MatchDecided(**PLACE, side="line", subject="acquirer-a/L1", verdict=m.Verdict()),
)
MATCHING_EARLIER: Final[dict[str, msgspec.Struct]] = {
    "line.pointed.1": m.LinePointed(**PLACE, line="acquirer-a/L1", home="pi_1"),
    "match.decided.1": m.MatchDecided(**PLACE, side="line", subject="acquirer-a/L1", verdict=VERDICT),
    "line.met.1": m.LineMet(**PLACE, line="acquirer-a/L1", candidates=(CANDIDATE,)),
}
