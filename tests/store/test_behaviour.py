"""What the lanes rely on, for every store: PostgreSQL's and the simulator's."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
import pytest_asyncio

from app.domain.decision import Entry, Transaction
from app.domain.state import PLATFORM, Ref, account_ref
from app.errors import BadData, FailStop, Moved, Stale
from app.store.api import BLIND, DeadLetterRow, Position, Store, Versioned
from app.store.shapes import KINDS
from tests.support.commits import (
    CLAIM,
    ITEM,
    LANE,
    MATCHING,
    MISMATCH,
    NOW,
    OTHER_LANE,
    PARKED,
    PAYMENT,
    PENDING,
    TIMER,
    booked_capture,
    capture_posting,
    change,
    commit,
    key_row,
    mismatch,
    one_of_each,
    payment,
    timer,
)

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(autouse=True, loop_scope="module")
async def _lanes_are_known(store: Store) -> None:
    await store.positions([LANE, OTHER_LANE, MATCHING])


async def test_a_lane_begins_at_offset_zero(store: Store) -> None:
    assert await store.position(LANE) == Position(0, None)
    assert await store.positions([LANE, MATCHING]) == {LANE: Position(0, None), MATCHING: Position(0, None)}


async def test_a_commit_moves_the_position_of_its_lane_only(store: Store) -> None:
    await store.commit(commit(0, 3))
    assert (await store.position(LANE)).next_offset == 3
    assert (await store.position(OTHER_LANE)).next_offset == 0


@pytest.mark.parametrize("first", [0, 2, 4])
async def test_a_commit_that_does_not_begin_at_the_position_is_moved(store: Store, first: int) -> None:
    await store.commit(commit(0, 3))
    with pytest.raises(Moved):
        await store.commit(commit(first, 2, keys=[key_row(90), key_row(91)]))
    assert (await store.position(LANE)).next_offset == 3
    assert await store.known_ids(LANE, [("m-1", "c-90")]) == {}


async def test_of_two_commits_of_one_range_one_counts(store: Store) -> None:
    await store.commit(booked_capture())
    with pytest.raises(Moved):
        await store.commit(booked_capture())


async def test_every_kind_comes_back_as_it_was_written(store: Store) -> None:
    values = one_of_each()
    assert {ref.kind for ref in values} == set(KINDS)
    await store.commit(commit(0, state={ref: change(value, 0) for ref, value in values.items()}))
    assert await store.load(LANE, values) == {ref: Versioned(value, 0) for ref, value in values.items()}


async def test_rows_that_are_not_there_are_left_out(store: Store) -> None:
    await store.commit(commit(0, state={PENDING: change(95, 0)}))
    assert await store.load(LANE, []) == {}
    assert await store.load(LANE, [PAYMENT, PENDING, CLAIM, TIMER]) == {PENDING: Versioned(95, 0)}


async def test_whose_a_row_is_depends_on_its_kind(store: Store) -> None:
    values = one_of_each()
    await store.commit(commit(0, state={ref: change(value, 0) for ref, value in values.items()}))
    assert set(values) - set(await store.load(OTHER_LANE, values)) == {PENDING, PLATFORM}
    assert set(values) - set(await store.load(MATCHING, values)) == {PENDING, PLATFORM, CLAIM, PARKED, TIMER}


async def test_a_row_changes_when_it_is_as_seen(store: Store) -> None:
    values = one_of_each()
    await store.commit(commit(0, state={ref: change(value, 0) for ref, value in values.items()}))
    later = {**values, PENDING: 80, PAYMENT: payment(refunded=True), MISMATCH: mismatch("assigned")}
    await store.commit(commit(1, state={ref: change(value, 1, 0) for ref, value in later.items()}))
    assert await store.load(LANE, later) == {ref: Versioned(value, 1) for ref, value in later.items()}


@pytest.mark.parametrize("ref", one_of_each(), ids=lambda ref: str(ref.kind))
@pytest.mark.parametrize("seen", [None, 0, 7], ids=["unseen", "older", "other"])
async def test_a_row_that_is_not_as_seen_makes_all_stale(store: Store, ref: Ref, seen: int | None) -> None:
    value = one_of_each()[ref]
    await store.commit(commit(0, 6, state={ref: change(value, 5)}))
    other = account_ref("m_pend:m-2", "EUR")
    with pytest.raises(Stale) as raised:
        await store.commit(commit(6, state={other: change(1, 6), ref: change(value, 6, seen)}))
    assert raised.value.refs == (ref,)
    assert await store.load(LANE, [ref, other]) == {ref: Versioned(value, 5)}
    assert (await store.position(LANE)).next_offset == 6
    assert await store.known_ids(LANE, [("m-1", "c-6")]) == {}


@pytest.mark.parametrize("ref", one_of_each(), ids=lambda ref: str(ref.kind))
async def test_a_row_that_is_gone_makes_stale(store: Store, ref: Ref) -> None:
    with pytest.raises(Stale) as raised:
        await store.commit(commit(0, state={ref: change(one_of_each()[ref], 0, 0)}))
    assert raised.value.refs == (ref,)


@pytest.mark.parametrize("ref", [CLAIM, PARKED, TIMER, ITEM], ids=lambda ref: str(ref.kind))
async def test_rows_are_deleted_as_seen(store: Store, ref: Ref) -> None:
    await store.commit(commit(0, state={ref: change(one_of_each()[ref], 0)}))
    with pytest.raises(Stale) as raised:
        await store.commit(commit(1, state={ref: change(None, 1, 9)}))
    assert raised.value.refs == (ref,)
    await store.commit(commit(1, state={ref: change(None, 1, 0)}))
    assert await store.load(LANE, [ref]) == {}


async def test_deleting_what_never_was_asks_that_it_still_is_not(store: Store) -> None:
    await store.commit(commit(0, state={CLAIM: change(None, 0)}))
    await store.commit(commit(1, state={CLAIM: change("x", 1)}))
    with pytest.raises(Stale):
        await store.commit(commit(2, state={CLAIM: change(None, 2)}))


async def test_timers_are_written_and_deleted_unseen(store: Store) -> None:
    await store.commit(commit(0, state={TIMER: change(timer(), 0, BLIND)}))
    moved = timer(NOW + timedelta(days=1))
    await store.commit(commit(1, state={TIMER: change(moved, 1, BLIND)}))
    assert await store.load(LANE, [TIMER]) == {TIMER: Versioned(moved, 1)}
    await store.commit(commit(2, state={TIMER: change(None, 2, BLIND)}))
    await store.commit(commit(3, state={TIMER: change(None, 3, BLIND)}))
    assert await store.load(LANE, [TIMER]) == {}


@pytest.mark.parametrize("seen", [None, BLIND, 0])
async def test_money_is_neither_deleted_nor_written_unseen(store: Store, seen: int | None) -> None:
    with pytest.raises(FailStop):
        await store.commit(commit(0, state={PENDING: change(None, 0, seen)}))
    with pytest.raises(FailStop):
        await store.commit(commit(0, state={PENDING: change(1, 0, BLIND)}))


READS = [(PENDING, 95), (CLAIM, "m-1/pay-1"), (PAYMENT, payment()), (TIMER, timer()), (PLATFORM, None)]


@pytest.mark.parametrize(("ref", "value"), READS[:-1], ids=lambda part: getattr(part, "kind", ""))
async def test_what_was_read_from_a_table_is_compared(store: Store, ref: Ref, value: Any) -> None:
    await store.commit(commit(0, 2, state={ref: change(value, 1)}))
    await store.commit(commit(2, reads={ref: Versioned(value, 1)}))
    other = 96 if ref == PENDING else one_of_each()[ref] if value != one_of_each()[ref] else "other"
    forged = [Versioned(value, 0), Versioned(other, 1), None]
    for read in forged[:: 2 if other == "other" and ref != CLAIM else 1]:
        with pytest.raises(Stale) as raised:
            await store.commit(commit(3, reads={ref: read}))
        assert raised.value.refs == (ref,)


async def test_a_read_of_what_is_not_there_is_compared(store: Store) -> None:
    await store.commit(commit(0, reads=dict.fromkeys(one_of_each())))
    with pytest.raises(Stale):
        await store.commit(commit(1, reads={PENDING: Versioned(0, 0)}))


async def test_known_ids_are_those_of_the_topic(store: Store) -> None:
    await store.commit(commit(0, 2))
    asked = [("m-1", "c-0"), ("m-1", "c-1"), ("m-2", "c-0"), ("m-1", "c-2")]
    expected = {("m-1", "c-0"): b"hash-0", ("m-1", "c-1"): b"hash-1"}
    assert await store.known_ids(LANE, asked) == expected
    assert await store.known_ids(OTHER_LANE, asked) == expected
    assert await store.known_ids(MATCHING, asked) == {}
    assert await store.known_ids(LANE, []) == {}


async def test_an_id_counted_twice_is_a_broken_invariant(store: Store) -> None:
    await store.commit(commit(0))
    with pytest.raises(FailStop, match="record_keys"):
        await store.commit(commit(1, keys=[key_row(1, "c-0")]))
    with pytest.raises(FailStop, match="record_keys"):
        await store.commit(commit(1, 2, keys=[key_row(1, "c-7"), key_row(2, "c-7")]))
    assert (await store.position(LANE)).next_offset == 1
    await store.commit(commit(0, lane=MATCHING))


async def test_counts_beyond_the_range_are_a_broken_invariant(store: Store) -> None:
    with pytest.raises(FailStop):
        await store.commit(commit(0, 1, counts={"applied": 2}))
    with pytest.raises(FailStop):
        await store.commit(commit(0, 0))
    with pytest.raises(FailStop, match="vanished"):
        await store.commit(commit(0, 1, counts={"vanished": 1}))
    await store.commit(
        commit(0, 5, counts={"applied": 1, "dead_letter": 2})
    )  # the others: transaction markers


async def test_a_posting_comes_once(store: Store) -> None:
    await store.commit(booked_capture())
    with pytest.raises(FailStop):
        await store.commit(commit(1, transactions=[capture_posting("pc.3.0.0")]))


@pytest.mark.parametrize(
    "entries",
    [
        (Entry("bank:a", "debit", 100, "EUR", 100), Entry("unapplied", "credit", 99, "EUR", 99)),
        (Entry("bank:a", "debit", 100, "EUR", 100), Entry("unapplied", "credit", 100, "USD", 100)),
        (Entry("bank:a", "debit", 0, "EUR", 100), Entry("unapplied", "credit", 0, "EUR", 100)),
        (Entry("bank:a", "debit", -5, "EUR", 100), Entry("unapplied", "credit", -5, "EUR", 100)),
    ],
    ids=["sum", "currency", "zero", "negative"],
)
async def test_an_unbalanced_posting_stops_everything(store: Store, entries: tuple[Entry, ...]) -> None:
    posting = Transaction("pc.3.1.0", "odd", None, None, NOW, NOW, entries)
    with pytest.raises(FailStop):
        await store.commit(commit(0, 2, transactions=[capture_posting("pc.3.0.0"), posting]))
    assert (await store.position(LANE)).next_offset == 0


async def test_a_posting_of_no_lane_is_refused(store: Store) -> None:
    with pytest.raises(FailStop, match="tx-1"):
        await store.commit(commit(0, transactions=[capture_posting("tx-1")]))


NUL = "m\x00"
LONE = "m\ud800"


@pytest.mark.parametrize("text", [NUL, LONE], ids=["nul", "surrogate"])
async def test_a_text_that_cannot_be_kept_is_bad_data(store: Store, text: str) -> None:
    refused: list[dict[str, Any]] = [
        {"keys": [key_row(0, key=text)]},
        {"keys": [key_row(0, record_id=text)]},
        {"state": {Ref("claim", (text, "c")): change("x", 0)}},
        {"state": {account_ref(f"m_pend:{text}", "EUR"): change(1, 0)}},
        {"transactions": [capture_posting("pc.3.0.0", merchant=text)]},
    ]
    for fields in refused:
        with pytest.raises(BadData):
            await store.commit(commit(0, **fields))
    await store.commit(commit(0))


async def test_a_number_beyond_bigint_is_bad_data(store: Store) -> None:
    for balance in (2**63, -(2**63) - 1):
        with pytest.raises(BadData):
            await store.commit(commit(0, state={PENDING: change(balance, 0)}))
    await store.commit(commit(0, state={PENDING: change(2**63 - 1, 0)}))
    assert await store.load(LANE, [PENDING]) == {PENDING: Versioned(2**63 - 1, 0)}


async def test_any_bytes_and_any_reason_can_be_buried(store: Store) -> None:
    worst = DeadLetterRow(0, f"{NUL}{LONE}", b"\x00\xff", key=None)
    await store.commit(commit(0, 1, counts={"dead_letter": 1}, keys=[], dead_letters=[worst]))
    again = commit(1, 1, counts={"dead_letter": 1}, keys=[], dead_letters=[worst])
    with pytest.raises(FailStop):
        await store.commit(again)


async def test_the_outbox_keeps_a_batch_until_it_is_published(store: Store) -> None:
    payload = bytes(range(256)) * 8192
    await store.commit(commit(0, 2, outbox=payload))
    await store.commit(commit(2, outbox=b"second"))
    await store.commit(commit(3))
    await store.commit(commit(0, lane=MATCHING, outbox=b"elsewhere"))
    rows = await store.outbox([LANE])
    assert [(row.lane, row.first_offset, row.payload) for row in rows] == [
        (LANE, 0, payload),
        (LANE, 2, b"second"),
    ]
    ages = await store.outbox_ages([LANE, OTHER_LANE, MATCHING])
    assert set(ages) == {LANE, MATCHING}
    assert all(0 <= age < 60 for age in ages.values())
    await store.outbox_done(LANE, [0])
    await store.outbox_done(LANE, [])
    assert [row.first_offset for row in await store.outbox([LANE, MATCHING])] == [0, 2]


async def test_a_due_timer_is_taken_and_taken_again_after_a_while(store: Store) -> None:
    early, late = timer(NOW - timedelta(seconds=2)), timer(NOW)
    second = Ref("timer", ("m-1", "release", "pay-2/cap-1"))
    future = Ref("timer", ("m-1", "release", "pay-3/cap-1"))
    state = {TIMER: change(late, 0), second: change(early, 0), future: change(timer(NOW + timedelta(1)), 0)}
    await store.commit(commit(0, state=state))
    assert await store.take_due_timers([OTHER_LANE], NOW, 10, 30) == []
    first = await store.take_due_timers([LANE, MATCHING], NOW, 1, 30)
    assert [(due.lane, due.subject, due.due_at_ms) for due in first] == [
        (LANE, "pay-2/cap-1", early.due_at_ms)
    ]
    rest = await store.take_due_timers([LANE], NOW, 10, 30)
    assert [(due.key, due.kind, due.subject) for due in rest] == [("m-1", "release", "pay-1/cap-1")]
    assert b'"funds.release"' in rest[0].record
    assert await store.take_due_timers([LANE], NOW + timedelta(seconds=29), 10, 30) == []
    again = await store.take_due_timers([LANE], NOW + timedelta(seconds=30), 10, 30)
    assert {due.subject for due in again} == {"pay-1/cap-1", "pay-2/cap-1"}


async def test_a_moved_timer_is_due_anew_and_a_deleted_one_never(store: Store) -> None:
    await store.commit(commit(0, state={TIMER: change(timer(), 0, BLIND)}))
    await store.take_due_timers([LANE], NOW, 10, 30)
    await store.commit(commit(1, state={TIMER: change(timer(NOW + timedelta(seconds=1)), 1, BLIND)}))
    assert len(await store.take_due_timers([LANE], NOW + timedelta(seconds=1), 10, 30)) == 1
    await store.commit(commit(2, state={TIMER: change(None, 2, BLIND)}))
    assert await store.take_due_timers([LANE], NOW + timedelta(days=1), 10, 30) == []


async def test_the_third_strike_at_one_offset_halts_the_partition(store: Store) -> None:
    await store.commit(commit(0))
    assert [await store.strike(LANE, 1, "broken"), await store.strike(LANE, 1, "broken")] == [1, 2]
    assert await store.strike(LANE, 2, "another") == 1
    assert await store.position(LANE) == Position(1, None)
    assert await store.strike(LANE, 1, NUL + LONE) == 3
    position = await store.position(LANE)
    assert position.next_offset == 1
    assert position.halted is not None
    assert "offset 1" in position.halted
    with pytest.raises(Moved):
        await store.commit(commit(1))
    await store.commit(commit(0, lane=MATCHING))


async def test_the_first_reason_of_a_halt_stands(store: Store) -> None:
    await store.halt(LANE, "the log begins after the position")
    await store.halt(LANE, "another")
    assert await store.position(LANE) == Position(0, "the log begins after the position")


async def test_a_lease_has_one_holder(store: Store) -> None:
    assert await store.adopt(LANE, "w-1", 60)
    assert not await store.adopt(LANE, "w-2", 60)
    assert await store.adopt(LANE, "w-1", -1)
    assert await store.adopt(LANE, "w-2", 60)
    assert not await store.adopt(LANE, "w-1", 60)
    assert await store.adopt(OTHER_LANE, "w-1", 60)
