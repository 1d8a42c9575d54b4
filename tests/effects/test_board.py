"""The board: order per object, limits per target, nobody waits for a slow neighbour, nothing is forgotten."""

from __future__ import annotations

from collections import defaultdict
from datetime import UTC, datetime, timedelta

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.domain.effect_policy import DEFAULTS, Policy
from app.effects import board as boards
from app.effects import lot as lots
from app.effects.board import Board
from app.effects.breaker import Breaker
from app.effects.gate import Gate
from app.effects.lot import Row
from tests.support.properties import THOROUGH

LATER = datetime(2026, 12, 1, tzinfo=UTC)
POLICY = msgspec.structs.replace(DEFAULTS["webhook.delivery"], concurrency=3)


def board(policy: Policy = POLICY) -> Board:
    return Board(lambda kind, target: policy)


def row(number: int, target: str = "t", line: str = "", status: str = "ready", version: int = -1) -> Row:
    return Row(
        0,
        version if version >= 0 else number,
        target,
        f"{target}-{number}",
        "webhook.delivery",
        line,
        number,
        status,
        LATER,
    )


def after(earlier: Row, status: str, version: int) -> Row:
    return msgspec.structs.replace(earlier, status=status, version=version)


def narrow(monkeypatch: pytest.MonkeyPatch, window: int) -> None:
    for module in (boards, lots):
        monkeypatch.setattr(module, "WINDOW", window)


def names(rows: list[Row]) -> list[str]:
    return [each.id for each in rows]


def test_effects_of_one_object_go_one_after_the_other() -> None:
    one = board()
    one.note(row(2, line="o"))
    one.note(row(1, line="o"))
    (first,) = one.start(0.0, 10)
    assert first.id == "t-1"
    one.ended(first, True, 1.0)
    assert one.start(1.0, 10) == []
    one.note(after(first, "done", 10))
    assert names(one.start(1.0, 10)) == ["t-2"]


def test_one_that_waits_blocks_its_object_and_no_other() -> None:
    one = board()
    for number, line in ((1, "a"), (2, "a"), (3, "b")):
        one.note(row(number, line=line))
    (first,) = one.start(0.0, 10)
    one.ended(first, True, 0.0)
    one.note(after(first, "waiting", 10))
    assert names(one.start(0.0, 10)) == ["t-3"]
    one.note(after(first, "ready", 11))
    assert names(one.start(0.0, 10)) == ["t-1"]


def test_effects_without_an_object_wait_for_nobody() -> None:
    one = board()
    for number in (1, 2, 3):
        one.note(row(number))
    (first,) = one.start(0.0, 10)
    one.ended(first, True, 0.0)
    one.note(after(first, "waiting", 10))
    assert names(one.start(0.0, 10)) == ["t-2", "t-3"]


def test_a_target_earns_its_concurrency_and_loses_half_of_it_by_a_failure() -> None:
    gate = Gate(POLICY)
    assert gate.opens_at(0.0) == 0.0
    gate.start(0.0)
    assert gate.opens_at(0.0) is None
    gate.ended(True, 0.0)
    for allowed in (2, 3, 3):
        assert gate.allowed == allowed
        gate.start(0.0)
        gate.ended(True, 0.0)
    gate.start(0.0)
    gate.ended(False, 0.0)
    assert gate.allowed == 1


def test_a_rate_is_kept() -> None:
    gate = Gate(msgspec.structs.replace(POLICY, per_second=10.0, concurrency=1000))
    gate.allowed = 1000
    begun, now = [], 0.0
    while now < 3.0:
        opens = gate.opens_at(now)
        assert opens is not None
        if opens <= now:
            gate.start(now)
            begun.append(now)
        else:
            now = opens + 1e-9
    assert len(begun) in (30, 31, 32)


def test_the_breaker_opens_after_failures_in_a_row_and_one_probe_closes_it() -> None:
    breaker = Breaker(3, 5.0)
    for _ in range(2):
        breaker.failed(0.0)
    breaker.succeeded()
    for _ in range(3):
        assert breaker.may_start(0.0)
        breaker.failed(0.0)
    assert (breaker.state(4.9), breaker.state(5.0)) == ("open", "half_open")
    assert breaker.may_start(5.0)
    breaker.started()
    assert not breaker.may_start(5.0)
    breaker.failed(6.0)
    assert (breaker.until, breaker.opened) == (16.0, 2)
    breaker.started()
    breaker.succeeded()
    assert breaker.state(16.0) == "closed"


def test_late_failures_of_what_began_earlier_do_not_prolong_an_open_breaker() -> None:
    breaker = Breaker(2, 5.0)
    for now in (0.0, 0.0, 4.0, 4.9):
        breaker.failed(now)
    assert breaker.until == 5.0


def test_a_probe_that_was_not_made_leaves_room_for_another() -> None:
    """The row had moved on, or its deadline was over: nothing of the target is learned, nothing is stuck."""
    one = board(msgspec.structs.replace(POLICY, breaker_failures=1, breaker_seconds=5.0))
    one.note(row(1))
    (first,) = one.start(0.0, 10)
    one.ended(first, False, 0.0)
    one.note(after(first, "ready", 10))
    (probe,) = one.start(5.0, 10)
    one.ended(probe, None, 5.0)
    one.note(after(probe, "ready", 11))
    assert names(one.start(5.0, 10)) == ["t-1"]


def test_targets_take_turns() -> None:
    one = board(msgspec.structs.replace(POLICY, concurrency=100))
    for number in range(50):
        one.note(row(number, target="busy"))
    one.note(row(60, target="small"))
    assert "small-60" in names(one.start(0.0, 2))


def test_targets_that_hang_take_one_place_each() -> None:
    one = board()
    for target in range(20):
        for number in range(100):
            one.note(row(number, target=f"t{target}"))
    assert len(one.start(0.0, 1000)) == 20


def test_the_window_is_bounded_and_refilled_in_order(monkeypatch: pytest.MonkeyPatch) -> None:
    narrow(monkeypatch, 10)
    one = board()
    rows = [row(number) for number in range(25)]
    for each in rows:
        one.note(each)
    assert len(one.lots()["t"].items) == 10
    begun: list[str] = []
    version = 100
    while started := one.start(0.0, 1):
        begun += names(started)
        version += 1
        one.ended(started[0], True, 0.0)
        one.note(after(started[0], "done", version))
        for target, horizon in one.to_refill():
            behind = [each for each in rows if each.offset > horizon][:10]
            one.refill(target, behind, is_all=len(behind) < 10)
    assert begun == [each.id for each in rows]


def test_what_is_committed_while_the_window_is_refilled_is_not_forgotten(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    narrow(monkeypatch, 2)
    one = board()
    for number in range(4):
        one.note(row(number))
    done = one.start(0.0, 1)[0]
    one.ended(done, True, 0.0)
    one.note(after(done, "done", 50))
    assert one.to_refill() == [("t", 1)]
    one.note(row(9))
    one.refill("t", [row(2)], is_all=True)
    assert one.lots()["t"].overflow


def test_what_was_reported_and_not_heard_of_is_put_right() -> None:
    one = board()
    one.note(row(1))
    (first,) = one.start(0.0, 1)
    one.ended(first, True, 1.0)
    assert one.stale(0.5) == []
    (item,) = one.stale(2.0)
    one.correct(first)
    assert one.start(2.0, 1) == []
    item.upto = 7
    one.correct(first)
    assert names(one.start(2.0, 1)) == ["t-1"]


def test_deadlines_pass_also_where_nothing_may_begin() -> None:
    one = board()
    one.note(row(1))
    assert one.expire(LATER - timedelta(seconds=1)) == []
    assert names(one.expire(LATER + timedelta(seconds=1))) == ["t-1"]
    assert one.start(0.0, 1) == []


def test_what_is_redriven_waits_for_a_later_one_of_its_object_that_runs() -> None:
    one = board()
    one.note(row(2, line="o"))
    (later,) = one.start(0.0, 10)
    one.note(row(1, line="o", version=10))
    assert one.start(0.0, 10) == []
    one.ended(later, True, 0.0)
    assert one.start(0.0, 10) == []
    one.note(after(later, "done", 11))
    assert names(one.start(0.0, 10)) == ["t-1"]


def test_nothing_of_a_partition_begins_before_all_of_it_was_read() -> None:
    """What was committed just now would overtake an earlier one of its object that waits for its retry."""
    one = board()
    one.hold([0])
    one.note(row(2, line="o"))
    assert one.start(0.0, 10) == []
    one.note(row(1, line="o", status="waiting"))
    one.release([0])
    assert one.start(0.0, 10) == []
    one.note(row(1, line="o", version=9))
    assert names(one.start(0.0, 10)) == ["t-1"]


def test_a_kind_leaves_places_to_the_others() -> None:
    """A thousand endpoints that hang do not hold up what a PSP is asked."""
    one = Board(lambda kind, target: POLICY, most_of_kind=8)
    for number in range(20):
        one.note(row(number, target=f"hangs-{number}"))
    assert len(one.start(0.0, 10)) == 8
    one.note(msgspec.structs.replace(row(30, target="psp"), kind="psp.call"))
    assert names(one.start(0.0, 2)) == ["psp-30"]
    assert one.start(0.0, 1) == []


def test_what_waits_for_hours_leaves_room_for_the_rest(monkeypatch: pytest.MonkeyPatch) -> None:
    """An endpoint that fails for one type of event gets the others all the same."""
    narrow(monkeypatch, 20)
    one = board()
    for number in range(100):
        one.note(row(number, status="waiting"))
    one.note(row(100))
    assert names(one.start(0.0, 1)) == ["t-100"]


def test_only_so_many_are_said_to_be_late_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(boards, "LATE_AT_ONCE", 2)
    one = board()
    for number in range(5):
        one.note(row(number))
    later = LATER + timedelta(seconds=1)
    assert [len(one.expire(later)) for _ in range(4)] == [2, 2, 1, 0]


def test_what_is_not_owned_any_more_is_dropped() -> None:
    one = board()
    one.note(row(1))
    (first,) = one.start(0.0, 1)
    one.drop([1])
    one.ended(first, True, 0.0)
    assert (dict(one.lots()), one.running) == ({}, 0)


class World:
    """What the lane and the outside would do to a board, by drawn choices; checks every start."""

    def __init__(self) -> None:
        self.board = board()
        self.rows: dict[str, Row] = {}
        self.running: list[Row] = []
        self.reported: list[Row] = []
        self.now = 0.0
        self.version = 1000

    def ask(self, target: int, line: int) -> None:
        new = row(len(self.rows), f"t{target}", f"o{line}" if line else "")
        self.rows[new.id] = new
        self.board.note(new)

    def begin(self) -> None:
        for begun in self.board.start(self.now, 4):
            current = self.rows[begun.id]
            assert current.status == "ready"
            for other in self.rows.values():
                if current.object and (other.target, other.object) == (current.target, current.object):
                    assert other.offset >= current.offset or other.status in ("done", "dead")
            for other in (*self.running, *self.reported):
                assert not current.object or (other.target, other.object) != (begun.target, begun.object)
            self.running.append(begun)
        busy: dict[str, int] = defaultdict(int)
        for each in self.running:
            busy[each.target] += 1
        assert all(count <= POLICY.concurrency for count in busy.values())
        assert self.board.running == len(self.running)

    def end(self, healthy: bool | None) -> None:
        if self.running:
            ended = self.running.pop(0)
            self.board.ended(ended, healthy, self.now)
            self.reported.append(ended)

    def decide(self, status: str) -> None:
        if self.reported:
            self._change(self.reported.pop(0), status)

    def redrive(self) -> None:
        for each in list(self.rows.values()):
            if each.status == "dead":
                self._change(each, "ready")
                return

    def come_due(self) -> None:
        for each in list(self.rows.values()):
            if each.status == "waiting":
                self._change(each, "ready")

    def _change(self, each: Row, status: str) -> None:
        self.version += 1
        self.rows[each.id] = after(each, status, self.version)
        self.board.note(self.rows[each.id])

    def finish(self) -> None:
        """With a healthy outside everything ends, in bounded time."""
        for _ in range(10 * len(self.rows) + 50):
            self.now += 100.0
            self.come_due()
            self.begin()
            while self.running:
                self.end(True)
            while self.reported:
                self.decide("done")
        assert {each.status for each in self.rows.values()} <= {"done", "dead"}
        assert all(not lot.items for lot in self.board.lots().values())


STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("ask"), st.integers(0, 3), st.integers(0, 2)),
        st.just(("begin",)),
        st.tuples(st.just("end"), st.sampled_from([True, False, None])),
        st.just(("redrive",)),
        st.tuples(st.just("decide"), st.sampled_from(["done", "waiting", "dead"])),
        st.just(("come_due",)),
        st.tuples(st.just("pass"), st.floats(0.1, 60.0)),
    ),
    max_size=120,
)


@THOROUGH
@given(STEPS)
def test_order_and_limits_hold_and_everything_ends(steps: list[tuple[object, ...]]) -> None:
    world = World()
    for name, *arguments in steps:
        if name == "pass":
            world.now += float(str(arguments[0]))
        else:
            getattr(world, str(name))(*arguments)
    world.finish()
