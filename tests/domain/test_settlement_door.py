"""The door of settlement lines."""

from __future__ import annotations

from datetime import date

import pytest
from msgspec import ValidationError, json

from app.domain import matching_lane, settlement_door
from app.domain.batch_records import TrailerRecorded
from app.domain.decision import Draft, Source
from app.domain.settlement import LineRecorded, SettlementLine, SettlementTrailer
from app.domain.streams import MATCHING_COMMANDS, SETTLEMENTS_LINES
from tests.support.matching_world import NOON, MatchingWorld

LINE = {
    "type": "settlement.line",
    "source": "acquirer-a",
    "psp": "stripe",
    "batch_id": "B1",
    "line_id": "L1",
    "kind": "capture",
    "psp_payment_id": "pi_1",
    "merchant_ref": "o-1",
    "currency": "EUR",
    "gross": 12345,
    "fee": 388,
    "tax": 0,
    "reserve": 0,
    "settle_currency": "EUR",
    "rate": None,
    "net": 11957,
    "booked_on": "2026-11-21",
}


def through_the_door(**changes: object) -> Draft:
    draft = Draft(MatchingWorld(), Source(SETTLEMENTS_LINES, 0, 7, "", NOON))
    settlement_door.decide(draft, json.decode(json.encode({**LINE, **changes}), type=SettlementLine))
    return draft


def test_a_line_goes_to_its_home() -> None:
    draft = through_the_door()
    (sent,) = draft.sends
    assert (sent.topic, sent.key) == (MATCHING_COMMANDS, "stripe:pi_1")
    record = sent.record
    assert isinstance(record, LineRecorded)
    assert record.id == "acquirer-a/L1"
    assert (record.gross, record.fee, record.net, record.booked_on) == (12345, 388, 11957, date(2026, 11, 21))
    assert matching_lane.record_key(record) == sent.key
    assert (draft.state, draft.transactions) == ({}, [])


def test_every_field_but_the_tag_arrives() -> None:
    (sent,) = through_the_door(tax=1, reserve=2, net=11954, rate="1.0").sends
    arrived = json.decode(json.encode(sent.record))
    expected = {**LINE, "tax": 1, "reserve": 2, "net": 11954, "rate": "1.0"}
    assert arrived == {**expected, "type": "line.recorded", "id": "acquirer-a/L1"}


def test_without_a_psp_id_the_merchants_reference_is_the_identity() -> None:
    (sent,) = through_the_door(psp_payment_id=None).sends
    assert sent.key == "stripe:o-1"


def test_a_trailer_goes_by_way_of_matching_which_knows_the_account() -> None:
    trailer = SettlementTrailer(
        source="a", psp="stripe", batch_id="B1", count=1, gross=1, fee=0, net=1, settle_currency="EUR"
    )
    draft = Draft(MatchingWorld(), Source(SETTLEMENTS_LINES, 0, 7, "", NOON))
    settlement_door.decide(draft, trailer)
    (sent,) = draft.sends
    assert (sent.topic, sent.key) == (MATCHING_COMMANDS, "stripe:a/B1")
    assert isinstance(sent.record, TrailerRecorded)
    assert (sent.record.id, sent.record.count, sent.record.net) == ("a/B1/EUR", 1, 1)
    assert matching_lane.record_key(sent.record) == sent.key


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"psp_payment_id": None, "merchant_ref": None}, "one of psp_payment_id, merchant_ref"),
        ({"net": 1}, "net 1 is not gross - fee - tax - reserve"),
        ({"currency": "XXX"}, "XXX"),
        ({"gross": 1.5}, "gross"),
        ({"line_id": ""}, "line_id"),
    ],
)
def test_a_wrong_line_is_refused_by_its_type_and_names_the_field(
    changes: dict[str, object], reason: str
) -> None:
    with pytest.raises(ValidationError, match=reason):
        through_the_door(**changes)


def test_a_door_reads_nothing_and_takes_any_key() -> None:
    line = json.decode(json.encode(LINE), type=SettlementLine)
    assert (list(settlement_door.prefetch(line)), settlement_door.record_key(line)) == ([], None)


def test_the_longest_line_of_the_longest_source_reaches_its_home() -> None:
    """Its id is made of both, so it must be allowed to be as long as both."""
    longest = "x" * 200
    (sent,) = through_the_door(source=longest, line_id=longest).sends
    assert json.decode(json.encode(sent.record), type=LineRecorded) == sent.record
