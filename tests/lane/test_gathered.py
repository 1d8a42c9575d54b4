"""What one transaction says of one batch is sent as one record, however many lines it decided."""

from __future__ import annotations

from typing import Any

from app.contracts.codec import decode, encode
from app.domain.batch_records import MOST_REFS, BatchLines
from app.domain.commands import PlatformConfigure
from app.domain.configuration import SourceConfiguration
from app.domain.streams import BANKING_COMMANDS, MATCHING_COMMANDS
from app.lane.catalogue import RULES
from app.lane.deciding import Deciding
from app.lane.intake import take_in
from app.store.api import LaneId
from tests.lane.test_corrections import Fetched
from tests.support.matching_world import expectation, line

LANE = LaneId(MATCHING_COMMANDS, 0)
TOPICS = (MATCHING_COMMANDS, BANKING_COMMANDS, "payments.commands", "ledger.transactions")
ACCOUNT = SourceConfiguration(psp="stripe", settles_to="acc-1")
PLATFORM = PlatformConfigure(id="cfg", sources={"acq": ACCOUNT})


def told(*records: Any) -> list[BatchLines]:
    """What one batch of these records sends to the banking lane."""
    keys = [b"stripe:pi_1"] * len(records)
    fetched = [Fetched(n, encode(one), key) for n, (one, key) in enumerate(zip(records, keys, strict=True))]
    partitions = dict.fromkeys((*TOPICS, "reconciliation.mismatches"), 1)
    entries = take_in(fetched, LANE, RULES[MATCHING_COMMANDS], 1)
    deciding = Deciding(LANE, RULES[MATCHING_COMMANDS], partitions, entries, {})
    while (ref := deciding.run()) is not None:
        deciding.overlay.know(ref, None)
    assert set(deciding.counts) == {"applied"}
    return [
        decode(BANKING_COMMANDS, sent.value or b"")
        for sent in deciding.outgoing
        if sent.topic == BANKING_COMMANDS
    ]


def test_lines_of_one_batch_are_one_record_with_their_sums() -> None:
    lines = [line(f"L{n}", 1_000 + n, booked_on="2026-11-20") for n in range(5)]
    (one,) = told(PLATFORM, *lines)
    (sums,) = one.sums
    assert (one.batch_id, sums.count, sums.net) == ("B1", 5, sum(record.net for record in lines))
    assert one.refs == ()


def test_each_batch_has_its_own() -> None:
    sent = told(PLATFORM, line("L1", 700, batch_id="B1"), line("L2", 300, batch_id="B2"))
    assert [(one.batch_id, one.sums[0].net) for one in sent] == [("B1", 700), ("B2", 300)]


def test_references_beyond_what_a_record_carries_go_in_a_further_one() -> None:
    count = MOST_REFS + 1
    lines = [line(f"L{n}", 10, booked_on="2026-11-20") for n in range(count)]
    sent = told(PLATFORM, expectation(10 * count), *lines)
    assert [len(one.refs) for one in sent] == [MOST_REFS, 1]
    assert sum(sums.count for one in sent for sums in one.sums) == count


def test_a_correction_in_the_same_transaction_leaves_its_difference() -> None:
    (one,) = told(PLATFORM, line("L1", 700), line("L1", 650))
    assert [(sums.count, sums.net) for sums in one.sums] == [(1, 650)]
