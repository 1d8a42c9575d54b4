"""A known id with other content on a lane that takes corrections: decided, kept under an id of its own."""

from __future__ import annotations

from typing import Any, NamedTuple

from app.contracts.codec import encode
from app.domain.matching import item_ref
from app.domain.streams import MATCHING_COMMANDS
from app.lane.catalogue import RULES
from app.lane.deciding import Deciding
from app.lane.intake import take_in
from app.store.api import LaneId
from tests.support.matching_world import line

LANE = LaneId(MATCHING_COMMANDS, 0)


class Fetched(NamedTuple):
    offset: int
    value: bytes
    key: bytes = b"stripe:pi_1"
    timestamp: int = 1_763_640_000_000
    headers: tuple[tuple[str, bytes], ...] = ()


def decided(*lines: Any) -> Deciding:
    records = [Fetched(offset, encode(record)) for offset, record in enumerate(lines)]
    partitions = dict.fromkeys((MATCHING_COMMANDS, "ledger.transactions", "reconciliation.mismatches"), 1)
    entries = take_in(records, LANE, RULES[MATCHING_COMMANDS], 1)
    deciding = Deciding(LANE, RULES[MATCHING_COMMANDS], partitions, entries, {})
    while (ref := deciding.run()) is not None:
        deciding.overlay.know(ref, None)
    return deciding


def test_a_correction_is_applied_once_and_its_repeat_is_a_duplicate() -> None:
    deciding = decided(line(gross=9_000), line(gross=10_000), line(gross=10_000), line(gross=9_000))
    assert deciding.counts == {"applied": 2, "duplicate": 2}
    first, second = deciding.keys
    assert first.id == "acq/L1"
    assert second.id.startswith("acq/L1#")
    assert [transaction.kind for transaction in deciding.transactions] == [
        "settlement.line",
        "settlement.reversed",
        "settlement.line",
    ]


def test_a_correction_of_the_kind_takes_the_line_out_of_its_old_place() -> None:
    deciding = decided(line(gross=-500), line(gross=-500, kind="refund"))
    assert deciding.counts == {"applied": 2}
    assert deciding.overlay.get(item_ref("stripe", "pi_1", "capture")).lines == ()
    assert len(deciding.overlay.get(item_ref("stripe", "pi_1", "refund")).lines) == 1
    assert [transaction.reverses for transaction in deciding.transactions].count(None) == 2
